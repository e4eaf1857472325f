package kernels

import (
	"context"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
)

// races: who came first is decided once.
func races() []Kernel {
	const family = "races decided again"
	return []Kernel{{
		Name: "payment or timeout", Family: family,
		About: "An order waits for its payment, at most five seconds, and then ships or gives the goods back, " +
			"which takes an hour. Both the payment and the timeout are written down when they happen, also " +
			"the one that lost; which of them counts is asked again after a crash, and there the payment is " +
			"looked for first. Engines that decide on replay, by the order of the code, who won a race " +
			"against a timer have shipped and cancelled the same order.",
		Needs: "a payment that is slow, then a crash", Property: "goods are shipped or given back, not both",
		build: onNodes(paymentOrTimeout),
	}, {
		Name: "wake-up forgotten", Family: family,
		About: "A loop handles results as they complete: it waits for a signal, takes one, saves it, and then " +
			"makes the signal for the next wait. A result that arrives while the one before is being saved " +
			"fires the old signal, and the loop sleeps beside its value. As-completed loops and select loops " +
			"have lost values that were ready together.",
		Needs: "one slow commit", Property: noDeadlock,
		build: onNodes(wakeUpForgotten),
	}, {
		Name: "decided by the machine's clock", Family: family,
		About: "A workflow sends a parcel by express when packing it took over a minute. It reads the clock of " +
			"the machine, not the time of the run, so that a replay an hour later decides otherwise than the " +
			"run did. This is the first thing that every guide to durable workflows forbids, and still the " +
			"commonest report of broken determinism.",
		Needs: "one slow answer", Property: properties.ReplayIdentical,
		build: onDurable(decidedByClock),
	}}
}

func paymentOrTimeout(w *sim.World, fixed bool) {
	shipped, givenBack := false, false // as the customer sees it
	s := serve(w, "shop", nil)
	s.insist("order", func(ctx context.Context) {
		first := s.NewSignal()
		note := func(what string) {
			if !fixed || s.number("paid")+s.number("late") == 0 {
				s.put(what, 1)
			}
			first.Fire()
		}
		if s.number("paid")+s.number("late") == 0 {
			s.ask("payment", 0, func() { note("paid") })
			s.AfterFunc(5*time.Second, func() { note("late") })
			_ = first.Wait(ctx)
		}
		if s.number("paid") != 0 {
			shipped = true
		} else {
			givenBack = true
		}
		w.Always("goods are shipped or given back, not both", !shipped || !givenBack)
		s.workFor("carry the goods", time.Hour)
	})
}

func wakeUpForgotten(w *sim.World, fixed bool) {
	s := serve(w, "collector", nil)
	s.call("collect", func(ctx context.Context) {
		var ready []string
		wake := s.NewSignal()
		arrives := func(value string) func() {
			return func() {
				ready = append(ready, value)
				wake.Fire()
			}
		}
		s.ask("quick", 0, arrives("quick"))
		s.ask("thorough", 50*time.Millisecond, arrives("thorough"))
		for saved := 0; saved < 2; saved++ {
			if !fixed || len(ready) == 0 {
				_ = wake.Wait(ctx)
			}
			value := ready[0]
			ready = ready[1:]
			s.put(value, 1)
			wake = s.NewSignal()
		}
	})
}

func decidedByClock(w *sim.World, fixed bool) world {
	return world{Boot: func() *durable.Workflow[int, string] {
		return durable.Define("parcel", func(ctx durable.Context, weight int) (string, error) {
			began := ctx.Now()
			if _, err := durable.Step(ctx, "pack", nothing, weight); err != nil {
				return "", err
			}
			now := w.Now()
			if fixed {
				now = ctx.Now()
			}
			by := "post"
			if now.Sub(began) > time.Minute {
				by = "express"
			}
			_, err := durable.Step(ctx, by, nothing, weight)
			return by, err
		})
	}}
}
