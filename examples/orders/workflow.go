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

// Shipment is what the depot wants to see.
type Shipment struct{ Item, Payment, Label string }

// Receipt is what the customer gets.
type Receipt struct{ Payment, Tracking string }

// Why an order may fail.
var (
	ErrDeclined = errors.New("the bank declines")
	ErrRefused  = errors.New("the depot refuses")
)

func init() { durable.RegisterError(ErrDeclined, ErrRefused) }

// Services are the outside world of an order. To undo what was not done does no harm.
type Services interface {
	Reserve(context.Context, Order) (goods string, err error)
	Release(context.Context, Order) (goods string, err error)
	Charge(context.Context, Order) (payment string, err error)
	Refund(context.Context, Order) (payment string, err error)
	Label(context.Context, Order) (label string, err error)
	Ship(context.Context, Shipment) (tracking string, err error)
	Notify(ctx context.Context, tracking string) (string, error)
}

// NewOrder is the workflow of an order: reserve the goods, charge the customer and print the label at the
// same time, ship, tell the customer. It is a saga: when a step fails, what was done before is undone, the
// last step first.
func NewOrder(s Services) *durable.Workflow[Order, Receipt] {
	return durable.Define("order", func(ctx durable.Context, o Order) (Receipt, error) {
		durable.OnFailure(ctx, "release", s.Release, o)
		if _, err := durable.Step(ctx, "reserve", s.Reserve, o); err != nil {
			return Receipt{}, err
		}
		durable.OnFailure(ctx, "refund", s.Refund, o)
		charge := durable.Async(ctx, "charge", s.Charge, o)
		label := durable.Async(ctx, "label", s.Label, o)
		done, err := durable.Gather(ctx, charge, label)
		if err != nil {
			return Receipt{}, err
		}
		tracking, err := durable.Step(ctx, "ship", s.Ship, Shipment{o.Item, done[0], done[1]})
		if err != nil {
			return Receipt{}, err
		}
		_, _ = durable.Step(ctx, "notify", s.Notify, tracking) // who can't be told has the parcel all the same
		return Receipt{done[0], tracking}, nil
	})
}
