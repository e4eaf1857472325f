package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"pgregory.net/rapid"
)

// TestOrder tries crashes and completion orders against the order workflow.
func TestOrder(t *testing.T) {
	properties.Check(t, shop(NewOrder))
}

// ledger is what a shop has done, by run and thing. Like real services it does a thing once for each
// idempotency key, and it outlives every crash.
type ledger struct {
	keys map[string]bool
	done map[string]int
}

func newLedger() *ledger { return &ledger{map[string]bool{}, map[string]int{}} }

func (l *ledger) do(ctx context.Context, what string) (string, error) {
	step, _ := durable.Info(ctx)
	key := step.IdempotencyKey()
	if !l.keys[key] {
		l.keys[key] = true
		l.done[step.Run+" "+what]++
	}
	return key, nil
}

// balanced says what is wrong with what was done for an order that has ended so.
func (l *ledger) balanced(run string, err error) error {
	if err != nil && !errors.Is(err, ErrDeclined) && !errors.Is(err, ErrRefused) {
		return err
	}
	shipped, n := 0, func(what string) int { return l.done[run+" "+what] }
	if err == nil {
		shipped = 1
	}
	if n("shipped") != shipped || n("notified") != shipped || n("charged")-n("refunded") != shipped ||
		n("reserved")-n("released") != shipped {
		return fmt.Errorf("order %s ended with error %v; this was done: %v", run, err, l.done)
	}
	return nil
}

// shop checks an order workflow in a world with a ledger that must balance when all orders have ended.
func shop(newOrder func(Services) *durable.Workflow[Order, Receipt]) properties.Config[Order, Receipt] {
	return properties.Config[Order, Receipt]{
		Undo: map[string]string{"reserve": "release", "charge": "refund"}, FaultFree: true,
		Inputs: rapid.Custom(func(t *rapid.T) Order {
			return Order{
				Item:   rapid.SampledFrom([]string{"book", "lamp", "piano"}).Draw(t, "item"),
				Amount: rapid.IntRange(1, 1000_00).Draw(t, "amount"),
			}
		}),
		World: func(w *sim.World) properties.World[Order, Receipt] {
			l := newLedger()
			return properties.World[Order, Receipt]{
				Boot: func() *durable.Workflow[Order, Receipt] { return newOrder(Shop(l.do)) },
				Holds: func(outcomes []properties.Outcome[Order, Receipt]) {
					for _, o := range outcomes {
						if err := l.balanced(o.ID, o.Err); err != nil {
							w.Fail("every order is shipped or compensated", "order/"+o.ID, err.Error())
						}
					}
				},
			}
		},
	}
}
