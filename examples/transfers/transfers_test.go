package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"pgregory.net/rapid"
)

// TestTransfers runs a few transfers at the same time, while the process crashes.
func TestTransfers(t *testing.T) {
	properties.Check(t, bank(NewTransfer))
}

// bank checks that money is neither made nor lost, and that somebody was there to contend with.
func bank(transfer func() *durable.Workflow[Transfer, Receipt]) properties.Config[Transfer, Receipt] {
	return properties.Config[Transfer, Receipt]{
		FaultFree: true,
		Inputs: rapid.Custom(func(t *rapid.T) Transfer {
			return Transfer{
				From:   rapid.SampledFrom(Accounts).Draw(t, "from"),
				To:     rapid.SampledFrom(Accounts).Draw(t, "to"),
				Amount: rapid.IntRange(1, 120).Draw(t, "amount"),
			}
		}),
		World: func(w *sim.World) properties.World[Transfer, Receipt] {
			return properties.World[Transfer, Receipt]{
				Boot: transfer,
				Holds: func(outcomes []properties.Outcome[Transfer, Receipt]) {
					payers := map[string]int{}
					for _, o := range outcomes {
						w.Sometimes("a transfer is refused", errors.Is(o.Err, ErrFunds))
						if o.Err == nil {
							payers[o.Input.From]++
							w.Always("no money is made or lost", o.Result.Total == Opening*len(Accounts),
								fmt.Sprintf("%d in all accounts after %+v", o.Result.Total, o.Input))
							w.Always("no account is overdrawn", o.Result.Left >= 0)
							w.Sometimes("two transfers contend for an account", payers[o.Input.From] > 1)
						}
					}
				},
			}
		},
	}
}
