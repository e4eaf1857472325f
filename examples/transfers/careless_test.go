package main

import (
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/plantedtest"
	"github.com/reprise-dst/reprise/properties"
)

// NewCarelessTransfer has a planted bug: its author reads the balances in one transaction, decides, and
// writes them in another. Each of them is atomic; what lies between is not.
func NewCarelessTransfer() *durable.Workflow[Transfer, Receipt] {
	type balances struct{ From, To int }
	read := func(tx *durable.Tx, t Transfer) (balances, error) {
		return balances{Balance(tx, t.From), Balance(tx, t.To)}, nil
	}
	return durable.Define("transfer", func(ctx durable.Context, t Transfer) (Receipt, error) {
		was, err := durable.Transact(ctx, "read", read, t)
		if err == nil && was.From < t.Amount {
			err = ErrFunds
		}
		if err != nil || t.From == t.To {
			return Receipt{was.From, Opening * len(Accounts)}, err
		}
		left := was.From - t.Amount
		write := func(tx *durable.Tx, t Transfer) (int, error) {
			set(tx, t.From, left)
			set(tx, t.To, was.To+t.Amount)
			return left, nil
		}
		if _, err := durable.Transact(ctx, "write", write, t); err != nil {
			return Receipt{}, err
		}
		total, err := durable.Transact(ctx, "audit", audit, t)
		return Receipt{left, total}, err
	})
}

// TestCarelessTransfer finds it: two transfers that meet between reading and writing make or lose money.
func TestCarelessTransfer(t *testing.T) {
	plantedtest.Found(t, properties.Body(bank(NewCarelessTransfer)))
}
