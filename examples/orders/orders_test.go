package main

import (
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

// shop checks an order workflow in a world whose services outlive every crash, and whose books must balance
// when all orders have ended.
func shop(newOrder func(Services) *durable.Workflow[Order, Receipt]) properties.Config[Order, Receipt] {
	return properties.Config[Order, Receipt]{
		Inputs: rapid.Custom(func(t *rapid.T) Order {
			return Order{
				Item:   rapid.SampledFrom([]string{"book", "lamp", "desk"}).Draw(t, "item"),
				Amount: rapid.IntRange(1, 1000_00).Draw(t, "amount"),
			}
		}),
		World: func(w *sim.World) properties.World[Order, Receipt] {
			ledger := NewLedger(nil)
			return properties.World[Order, Receipt]{
				Boot: func() *durable.Workflow[Order, Receipt] { return newOrder(ledger) },
				Holds: func(outcomes []properties.Outcome[Order, Receipt]) {
					for _, o := range outcomes {
						err := o.Err
						if err == nil {
							err = ledger.Balanced(o.ID, o.Result)
						}
						if err != nil {
							w.Fail("every order is shipped or compensated", "order/"+o.ID, err.Error())
						}
					}
				},
			}
		},
	}
}
