package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

// The child process writes what it does to two files, a line at a time, so that whoever reads them after a
// kill sees everything that had happened: books holds what the services were asked for, witness what the
// engine did.
const (
	storeDir    = "store"
	booksFile   = "books.log"
	witnessFile = "witness.log"
)

// runOrders is the child process: it takes all orders and returns when every one has ended.
func runOrders(dir string, orders int) error {
	books, err := openAppend(filepath.Join(dir, booksFile))
	if err != nil {
		return err
	}
	defer books.Close()
	witness, err := openAppend(filepath.Join(dir, witnessFile))
	if err != nil {
		return err
	}
	defer witness.Close()
	st, err := store.OpenPebble(filepath.Join(dir, storeDir), store.PebbleOptions{})
	if err != nil {
		return err
	}
	defer st.Close()
	ledger, err := reopenLedger(filepath.Join(dir, booksFile), books)
	if err != nil {
		return err
	}
	order := NewOrder(slowly{ledger})
	engine, err := durable.Open(durable.Config{
		Store: st, Workflows: []durable.Definition{order}, Interceptors: []durable.Interceptor{witnessing(witness)},
	})
	if err != nil {
		return err
	}
	if err := takeOrders(engine, order, orders); err != nil {
		return err
	}
	return engine.Close(context.Background())
}

// takeOrders starts the orders, those of an earlier life included, and waits for all of them.
func takeOrders(engine *durable.Engine, order *durable.Workflow[Order, Receipt], orders int) error {
	failed := make(chan error, orders)
	slots := make(chan struct{}, 32)
	for i := range orders {
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			run, err := order.Start(context.Background(), engine, orderID(i), orderNumber(i))
			if err == nil {
				_, err = run.Result(context.Background())
			}
			failed <- err
		}()
	}
	for i := range orders {
		if err := <-failed; err != nil {
			return err
		}
		fmt.Println(i + 1) // the parent's progress
	}
	return nil
}

// orderID and orderNumber make up the orders; every seventh is more than the bank accepts.
func orderID(i int) string { return fmt.Sprintf("o-%d", i) }

func orderNumber(i int) Order {
	o := Order{Item: fmt.Sprintf("item-%d", i%10), Amount: 10_00 + i}
	if i%7 == 6 {
		o.Amount += Limit
	}
	return o
}

func openAppend(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// reopenLedger makes the ledger that its book describes: the outside world does not crash with us.
func reopenLedger(path string, log io.Writer) (*Ledger, error) {
	l := NewLedger(log)
	err := eachLine(path, func(line string) {
		if key, what, ok := strings.Cut(line, " "); ok {
			l.book(key, what)
		}
	})
	return l, err
}

func eachLine(path string, visit func(line string)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		visit(lines.Text())
	}
	return lines.Err()
}

// witnessing writes down when a step starts, when its result is durable, and how many were replayed.
func witnessing(w io.Writer) durable.Interceptor {
	var mu sync.Mutex
	line := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(w, format+"\n", args...)
	}
	return durable.Interceptor{
		Step: func(ctx context.Context, s durable.StepInfo, next func(context.Context) error) error {
			line("start %s", s.IdempotencyKey())
			return next(ctx)
		},
		Replayed: func(run durable.RunInfo, what durable.Replayed) { line("replay %s %d", run.Run, what.Steps) },
		Committed: func(run durable.RunInfo, entries []durable.Entry) {
			for i := range entries {
				if ev := &entries[i].Event; ev.Kind == durable.EventStepEnded {
					line("checkpoint %s/%s %s", run.Run, ev.Op, resultMark(ev))
				}
			}
		},
	}
}

// resultMark identifies a recorded result or error in the witness file.
func resultMark(ev *durable.Event) string {
	if ev.Failure != nil {
		return "error"
	}
	return fmt.Sprintf("%016x", xxhash.Sum64(ev.Result))
}

// slowly makes every service take a few milliseconds, so that kills meet steps under way.
type slowly struct{ Services }

func (s slowly) Reserve(ctx context.Context, o Order) (Reservation, error) {
	time.Sleep(serviceTime)
	return s.Services.Reserve(ctx, o)
}

func (s slowly) Charge(ctx context.Context, o Order) (Payment, error) {
	time.Sleep(2 * serviceTime)
	return s.Services.Charge(ctx, o)
}

func (s slowly) Label(ctx context.Context, o Order) (Parcel, error) {
	time.Sleep(serviceTime)
	return s.Services.Label(ctx, o)
}

const serviceTime = 40 * time.Millisecond
