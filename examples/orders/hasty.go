package main

import (
	"context"
	"errors"

	"github.com/reprise-dst/reprise/durable"
)

// NewHastyOrder is NewOrder with a planted bug, to show what a report looks like. Its author noticed that
// the label is sometimes there before the payment, and saves a wait then: the label step leaves what it
// printed in the process's memory, and the workflow takes it from there. That is right unless the process
// crashes after the label came first: the step is not run again, and the memory of the new process is
// empty. It takes both, an unusual completion order and a crash at the right moment, to see it.
func NewHastyOrder(s Services) *durable.Workflow[Order, Receipt] {
	printed := map[Order]Parcel{} // lives and dies with the process
	return durable.Define("order", func(ctx durable.Context, o Order) (Receipt, error) {
		goods, err := durable.Step(ctx, "reserve", s.Reserve, o)
		if err != nil {
			return Receipt{}, err
		}
		labelFirst, paidYet := false, false
		charge := durable.Go(ctx, "pay", func(ctx durable.Context) (Payment, error) {
			paid, err := durable.Step(ctx, "charge", s.Charge, o)
			paidYet = true
			return paid, err
		})
		label := durable.Go(ctx, "pack", func(ctx durable.Context) (Parcel, error) {
			parcel, err := durable.Step(ctx, "label", func(ctx context.Context, o Order) (Parcel, error) {
				parcel, err := s.Label(ctx, o)
				printed[o] = parcel
				return parcel, err
			}, o)
			labelFirst = !paidYet
			return parcel, err
		})
		paid, err := charge.Await(ctx)
		if errors.Is(err, ErrDeclined) {
			_, err = durable.Step(ctx, "release", s.Release, goods)
			return Receipt{}, err
		}
		if err != nil {
			return Receipt{}, err
		}
		parcel := printed[o]
		if !labelFirst {
			if parcel, err = label.Await(ctx); err != nil {
				return Receipt{}, err
			}
		}
		tracking, err := durable.Step(ctx, "ship", s.Ship, Shipment{paid.ID, parcel.Label})
		return Receipt{Shipped: err == nil, Payment: paid.ID, Tracking: tracking}, err
	})
}
