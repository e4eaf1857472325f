package main

import (
	"context"
	"errors"

	"github.com/reprise-dst/reprise/durable"
)

// Order is what a customer asks for.
type Order struct {
	Item   string
	Amount int // in cents
}

// Receipt is how an order ended.
type Receipt struct {
	Shipped  bool
	Payment  string
	Tracking string
}

// Reservation, Payment, Parcel and Shipment are what the services hand out.
type (
	Reservation struct{ ID string }
	Payment     struct{ ID string }
	Parcel      struct{ Label string }
	Shipment    struct{ Payment, Label string }
)

// ErrDeclined is the bank's answer to a charge that it does not accept.
var ErrDeclined = errors.New("orders: the charge was declined")

func init() { durable.RegisterError(ErrDeclined) }

// Services are the outside world of an order.
type Services interface {
	Reserve(context.Context, Order) (Reservation, error)
	Release(context.Context, Reservation) (Reservation, error)
	Charge(context.Context, Order) (Payment, error)
	Label(context.Context, Order) (Parcel, error)
	Ship(context.Context, Shipment) (string, error)
	Notify(ctx context.Context, tracking string) (string, error)
}

// NewOrder is the workflow of an order: reserve the goods, charge the customer and print the label at the
// same time, ship, tell the customer. When the charge is declined the goods go back.
func NewOrder(s Services) *durable.Workflow[Order, Receipt] {
	return durable.Define("order", func(ctx durable.Context, o Order) (Receipt, error) {
		goods, err := durable.Step(ctx, "reserve", s.Reserve, o)
		if err != nil {
			return Receipt{}, err
		}
		charge := durable.Async(ctx, "charge", s.Charge, o)
		label := durable.Async(ctx, "label", s.Label, o)
		paid, err := charge.Await(ctx)
		if errors.Is(err, ErrDeclined) {
			_, err = durable.Step(ctx, "release", s.Release, goods)
			return Receipt{}, err
		}
		if err != nil {
			return Receipt{}, err
		}
		parcel, err := label.Await(ctx)
		if err != nil {
			return Receipt{}, err
		}
		tracking, err := durable.Step(ctx, "ship", s.Ship, Shipment{paid.ID, parcel.Label})
		if err == nil {
			_, err = durable.Step(ctx, "notify", s.Notify, tracking)
		}
		return Receipt{Shipped: err == nil, Payment: paid.ID, Tracking: tracking}, err
	})
}
