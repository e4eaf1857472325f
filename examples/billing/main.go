// Command billing bills three customers for a year, in virtual time. It runs the engine and Pebble as they
// are, in a simulated world without faults, in which a year takes a moment.
//
//	go run ./examples/billing
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
)

func main() {
	began := time.Now()
	r, err := sim.Sweep(sim.Config{Name: "billing", Runs: 1, NoFaults: true, SelfCheck: -1}, year)
	if err == nil && r.Failure != nil {
		err = r.Failure
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "billing:", err)
		os.Exit(1)
	}
	fmt.Printf("a year took %v\n", time.Since(began).Round(time.Millisecond))
}

// office is the one process, in its current life.
type office struct {
	w       *sim.World
	bank    *Bank
	version func(Services) Billing
	billing Billing
	engine  *durable.Engine
	node    *sim.Node
}

func year(w *sim.World) {
	o := &office{w: w, version: NewBillingBefore, bank: &Bank{Now: w.Now}}
	o.bank.Do = func(_ context.Context, _ string, work func() error) error { return work() }
	o.node = w.Node("office", o.boot)
	o.subscribe("ada", "basic")
	o.subscribe("bob", "team")
	o.wait(time.April, 20)
	o.say("ada wants plan team")
	o.change("ada", "team")
	o.wait(time.June, 10)
	o.say("a new version of the code, with receipts for those who begin from now on")
	o.version = NewBilling
	o.node.Restart()
	o.subscribe("cy", "basic")
	o.wait(time.September, 12)
	o.say("bob cancels")
	o.change("bob", "")
	o.wait(time.October, 20)
	o.say("the machine is broken")
	o.node.Stop()
	o.wait(time.November, 5)
	o.node.Restart()
	o.say("the machine is mended; what was missed is made up for")
	o.wait(time.December, 31)
	o.print()
}

func (o *office) boot(n *sim.Node) {
	o.billing = o.version(o.bank)
	engine, err := o.billing.Open(durable.Config{
		Store: n.Store(), Host: n, Workflows: []durable.Definition{o.billing.Subscription, o.billing.Closing},
	})
	if err != nil {
		o.w.Fail("the engine opens", "", err.Error())
	}
	o.engine = engine
}

// wait waits for a day of the year.
func (o *office) wait(m time.Month, day int) {
	at := time.Date(o.w.Now().Year(), m, day, 12, 0, 0, 0, time.UTC)
	_ = o.w.Sleep(o.w.Context(), at.Sub(o.w.Now()))
}

func (o *office) say(what string) { fmt.Println(o.w.Now().Format("2006-01-02"), what) }

func (o *office) call(what string, fn func(ctx context.Context) error) {
	if err := o.node.Call(o.w.Context(), what, fn); err != nil {
		o.w.Fail("the office answers", what, err.Error())
	}
}

// subscribe begins a subscription with the next month, or with the one that begins now.
func (o *office) subscribe(customer, plan string) {
	begins := o.w.Now()
	if begins.Day() > 1 {
		begins = time.Date(begins.Year(), begins.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	}
	o.say(customer + " subscribes to " + plan)
	o.call("subscribe", func(ctx context.Context) error {
		_, err := o.billing.Subscription.Start(ctx, o.engine, customer, Subscription{customer, plan, begins})
		return err
	})
}

func (o *office) change(customer, plan string) {
	change := Change{plan, o.w.Now()}
	o.call("change", func(ctx context.Context) error { return Changes.Post(ctx, o.engine, customer, change) })
}

// print prints what the bank and the books say.
func (o *office) print() {
	var closed map[string]int
	o.call("look", func(ctx context.Context) error {
		return o.engine.View(ctx, func(tx *durable.Tx) (err error) {
			closed, err = Closed(tx)
			return err
		})
	})
	paid, mails := o.bank.Payments()
	fmt.Printf("\n%-8s%6s%6s%6s%9s\n", "month", "ada", "bob", "cy", "closing")
	for m := time.January; m <= time.December; m++ {
		month := time.Date(2026, m, 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
		cell, late := map[string]string{}, ""
		for _, p := range paid {
			if p.Month != month {
				continue
			}
			cell[p.Customer] = fmt.Sprint(p.Amount)
			if p.At.Day() > 1 {
				late = "  billed on " + p.At.Format("2006-01-02")
			}
		}
		sum := ""
		if n, ok := closed[month]; ok {
			sum = fmt.Sprint(n)
		}
		fmt.Printf("%-8s%6s%6s%6s%9s%s\n", month, cell["ada"], cell["bob"], cell["cy"], sum, late)
	}
	fmt.Printf("%d payments, %d receipts mailed\n", len(paid), mails)
}
