// Command billing bills three customers for a year, in virtual time. It runs the engine and Pebble as they
// are, in a simulated world without faults, in which a year takes a moment.
//
//	go run ./examples/billing
package main

import (
	"context"
	"fmt"
	"log"
	"slices"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
)

func main() {
	began := time.Now()
	r, err := sim.Sweep(sim.Config{Name: "billing", Runs: 1, NoFaults: true, SelfCheck: -1}, year)
	switch {
	case err != nil:
		log.Fatal(err)
	case r.Failure != nil:
		log.Fatal(r.Report)
	}
	fmt.Printf("That took %v.\n", time.Since(began).Round(time.Millisecond))
}

func year(w *sim.World) {
	o := &office{w: w, receipts: func(durable.Context) bool { return false }}
	o.node = w.Node("office", func(n *sim.Node) {
		o.billing = NewBilling(o, o.receipts)
		workflows := []durable.Definition{o.billing.Subscription, o.billing.Closing}
		engine, err := o.billing.Open(durable.Config{Store: n.Store(), Host: n, Workflows: workflows})
		o.must(err)
		o.engine = engine
	})
	o.on("2026-01-01", "ada subscribes to basic").subscribe("ada", "basic", time.January)
	o.on("2026-01-01", "bob subscribes to team").subscribe("bob", "team", time.January)
	o.on("2026-04-20", "ada wants plan team").change("ada", "team")
	o.on("2026-06-10", "new code: who subscribes from now on gets receipts").receipts = Receipts
	o.node.Restart()
	o.on("2026-06-10", "cy subscribes to basic").subscribe("cy", "basic", time.July)
	o.on("2026-09-12", "bob cancels").change("bob", "")
	o.on("2026-10-20", "the machine breaks").node.Stop()
	o.on("2026-11-05", "the machine is mended, and makes up for what it missed").node.Restart()
	o.on("2026-12-31", "the year is over")
}

// office is the one process, in its current life, and the bank and the post beside it, which print.
type office struct {
	w        *sim.World
	node     *sim.Node
	receipts func(durable.Context) bool // the version of the code
	billing  Billing
	engine   *durable.Engine
	sum      int      // charged since the last closing
	news     []string // since then
}

// on waits for a day and says what happens then.
func (o *office) on(date, what string) *office {
	day, _ := time.Parse(time.DateOnly, date)
	o.must(o.w.Sleep(o.w.Context(), day.Sub(o.w.Now())))
	fmt.Println(date, "", what)
	return o
}

func (o *office) must(err error) { o.w.Always("the office works", err == nil, fmt.Sprint(err)) }

func (o *office) subscribe(customer, plan string, begins time.Month) {
	sub := Subscription{customer, plan, time.Date(2026, begins, 1, 0, 0, 0, 0, time.UTC)}
	o.must(o.node.Call(o.w.Context(), "subscribe", func(ctx context.Context) error {
		_, err := o.billing.Subscription.Start(ctx, o.engine, customer, sub)
		return err
	}))
}

func (o *office) change(customer, plan string) {
	o.must(o.node.Call(o.w.Context(), "change", func(ctx context.Context) error {
		return Changes.Post(ctx, o.engine, customer, plan)
	}))
}

func (o *office) Charge(_ context.Context, i Invoice) (string, error) {
	o.sum += prices[i.Plan]
	o.news = append(o.news, fmt.Sprint(i.Customer, " ", prices[i.Plan]))
	return "receipt to " + i.Customer, nil
}

func (o *office) Mail(_ context.Context, receipt string) (string, error) {
	o.news = append(o.news, receipt)
	return receipt, nil
}

func (o *office) Close(_ context.Context, month string) (string, error) {
	slices.Sort(o.news)
	fmt.Printf("%s    closing %4d  (%s)\n", o.w.Now().Format(time.DateOnly), o.sum, strings.Join(o.news, ", "))
	o.sum, o.news = 0, nil
	return month, nil
}
