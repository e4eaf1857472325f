// Command orders takes orders. Stop it at any moment, with Ctrl-C or even with kill -9, and start it again:
// it goes on where it was.
//
//	go run ./examples/orders
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

var (
	keep   = flag.String("dir", "", "a folder for the store, which is kept")
	orders = flag.Int("orders", 5, "how many orders to take")
	every  = flag.Duration("every", 500*time.Millisecond, "how often a customer orders")
	goods  = []Order{{"book", 20_00}, {"lamp", 60_00}, {"yacht", 70_000_00}, {"desk", 300_00}, {"piano", 800_00}}
)

func main() {
	flag.Parse()
	dir := cmp.Or(*keep, filepath.Join(os.TempDir(), "reprise-orders"))
	err := run(context.Background(), dir)
	if err == nil && *keep == "" {
		err = os.RemoveAll(dir) // the next time begins anew
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string) error {
	st, err := store.OpenPebble(dir, store.PebbleOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	order := NewOrder(Shop(slowly))
	engine, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{order}})
	if err != nil {
		return err
	}
	defer engine.Close(ctx)
	fmt.Println("Stop me at any moment, with Ctrl-C or kill -9, and start me again.")
	var ends sync.WaitGroup
	for i := range *orders {
		id, o := fmt.Sprintf("%03d-%s", i+1, goods[i%len(goods)].Item), goods[i%len(goods)]
		if _, err := engine.Status(id); err != nil { // it was not started in an earlier life
			time.Sleep(*every)
		}
		run, err := order.Start(ctx, engine, id, o)
		if err != nil {
			return err
		}
		ends.Go(func() {
			if receipt, err := run.Result(ctx); err != nil {
				fmt.Printf("%-10s FAILED     %v\n", id, err)
			} else {
				fmt.Printf("%-10s COMPLETED  tracking %s\n", id, receipt.Tracking)
			}
		})
	}
	ends.Wait()
	return nil
}

// slowly does a thing, and proves it by the idempotency key: the shop does only once what is asked for twice.
func slowly(ctx context.Context, what string) (string, error) {
	time.Sleep(100 * time.Millisecond)
	step, _ := durable.Info(ctx)
	fmt.Printf("%-10s %-9s  key %s\n", step.Run, what, step.IdempotencyKey())
	return step.IdempotencyKey(), nil
}
