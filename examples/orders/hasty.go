package main

import (
	"context"
	"errors"
	"sync"

	"github.com/reprise-dst/reprise/durable"
)

// NewHastyOrder is NewOrder with a planted bug, to show what a report looks like. Its author noticed that
// the label is often printed before the payment is through, and saves a wait then: the label step leaves
// the parcel in the process's memory, where the ship step finds it. That is right, unless the process
// crashes after the label came first and before the parcel is shipped: the label step does not run again,
// and the memory of the new process is empty. It takes both, an unusual completion order and a crash at the
// right moment.
func NewHastyOrder(s Services) *durable.Workflow[Order, Receipt] {
	var printed sync.Map // of the process, by payment's order
	label := func(ctx context.Context, o Order) (Parcel, error) {
		parcel, err := s.Label(ctx, o)
		printed.Store(o, parcel)
		return parcel, err
	}
	return durable.Define("order", func(ctx durable.Context, o Order) (Receipt, error) {
		goods, err := durable.Step(ctx, "reserve", s.Reserve, o)
		if err != nil {
			return Receipt{}, err
		}
		paidYet, labelFirst := false, false
		pay := durable.Go(ctx, "pay", func(ctx durable.Context) (Payment, error) {
			paid, err := durable.Step(ctx, "charge", s.Charge, o)
			paidYet = true
			return paid, err
		})
		pack := durable.Go(ctx, "pack", func(ctx durable.Context) (Parcel, error) {
			parcel, err := durable.Step(ctx, "label", label, o)
			labelFirst = !paidYet
			return parcel, err
		})
		paid, err := pay.Await(ctx)
		if errors.Is(err, ErrDeclined) {
			_, err = durable.Step(ctx, "release", s.Release, goods)
			return Receipt{}, err
		}
		if err != nil {
			return Receipt{}, err
		}
		var parcel Parcel
		if !labelFirst {
			if parcel, err = pack.Await(ctx); err != nil {
				return Receipt{}, err
			}
		}
		ship := func(ctx context.Context, shipment Shipment) (string, error) {
			if at, ok := printed.Load(o); ok && shipment.Label == "" {
				shipment.Label = at.(Parcel).Label
			}
			return s.Ship(ctx, shipment)
		}
		tracking, err := durable.Step(ctx, "ship", ship, Shipment{paid.ID, parcel.Label})
		if err == nil {
			_, err = durable.Step(ctx, "notify", s.Notify, tracking)
		}
		return Receipt{Shipped: err == nil, Payment: paid.ID, Tracking: tracking}, err
	})
}
