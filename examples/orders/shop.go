package main

import (
	"context"
	"errors"
)

// Shop implements Services: stock, bank, printer and depot. It is what does the things that they have decided
// to do, and returns a proof.
type Shop func(ctx context.Context, what string) (string, error)

const limit = 900_00 // of the bank, in cents

func (do Shop) Reserve(ctx context.Context, _ Order) (string, error) { return do(ctx, "reserved") }

func (do Shop) Release(ctx context.Context, _ Order) (string, error) { return do(ctx, "released") }

func (do Shop) Charge(ctx context.Context, o Order) (string, error) {
	if o.Amount > limit {
		return "", ErrDeclined
	}
	return do(ctx, "charged")
}

func (do Shop) Refund(ctx context.Context, o Order) (string, error) {
	if o.Amount > limit { // nothing was charged
		return "", nil
	}
	return do(ctx, "refunded")
}

func (do Shop) Label(ctx context.Context, _ Order) (string, error) { return do(ctx, "labelled") }

func (do Shop) Ship(ctx context.Context, s Shipment) (string, error) {
	switch {
	case s.Item == "piano":
		return "", ErrRefused
	case s.Label == "":
		return "", errors.New("a parcel without a label can't be shipped")
	}
	return do(ctx, "shipped")
}

func (do Shop) Notify(ctx context.Context, _ string) (string, error) { return do(ctx, "notified") }
