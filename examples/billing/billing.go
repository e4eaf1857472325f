package main

import (
	"context"
	"errors"
	"time"

	"github.com/reprise-dst/reprise/durable"
)

// Subscription is what a customer begins, for a year.
type Subscription struct {
	Customer, Plan string
	Begins         time.Time // the first day of a month
}

// Invoice is for one month of a subscription.
type Invoice struct{ Customer, Month, Plan string }

// Services are the outside world, which may not answer for a while.
type Services interface {
	Charge(context.Context, Invoice) (receipt string, err error)
	Mail(ctx context.Context, receipt string) (string, error)
	Close(ctx context.Context, month string) (string, error) // sums up what was charged since the last time
}

var (
	// Changes is the topic by which a subscription gets another plan, which holds from the next bill on. The
	// empty plan ends it.
	Changes  = durable.NewTopic[string]("change")
	prices   = map[string]int{"basic": 10, "team": 50} // of a month, by plan
	patience = durable.StepOptions{Retry: durable.Retry{Attempts: 100, MaxInterval: 12 * time.Hour}}
)

// Billing is what a process registers.
type Billing struct {
	Subscription *durable.Workflow[Subscription, []Invoice]
	Closing      *durable.Workflow[string, string]
}

// Receipts says whether a subscription gets receipts, which the code of today mails and that of the first
// half of the year did not. Those that are under way go on without.
func Receipts(ctx durable.Context) bool { return durable.Version(ctx, "receipts", 0, 1) >= 1 }

// NewBilling bills each month at its beginning, by the plan that then holds, and closes the books.
func NewBilling(s Services, receipts func(durable.Context) bool) Billing {
	subscription := func(ctx durable.Context, sub Subscription) (paid []Invoice, err error) {
		plan := sub.Plan
		for n := range 12 {
			month := sub.Begins.AddDate(0, n, 0)
			if plan, err = planFor(ctx, month, plan); err != nil || plan == "" {
				return paid, err
			}
			invoice := Invoice{sub.Customer, month.Format("2006-01"), plan}
			receipt, err := durable.StepWith(ctx, patience, "charge", s.Charge, invoice)
			if err == nil && receipts(ctx) {
				_, err = durable.StepWith(ctx, patience, "mail", s.Mail, receipt)
			}
			if err != nil {
				return paid, err
			}
			paid = append(paid, invoice)
		}
		return paid, nil
	}
	closing := func(ctx durable.Context, _ string) (string, error) {
		return durable.StepWith(ctx, patience, "close", s.Close, ctx.ScheduledFor().Format("2006-01"))
	}
	return Billing{durable.Define("subscription", subscription), durable.Define("closing", closing)}
}

// planFor waits until the month begins, and returns the plan that then holds. Changes that have come by then
// are received, even when the run is late.
func planFor(ctx durable.Context, month time.Time, plan string) (string, error) {
	for {
		change, err := Changes.ReceiveTimeout(ctx, month.Sub(ctx.Now()))
		if errors.Is(err, durable.ErrTimeout) {
			return plan, nil
		}
		if err != nil {
			return "", err
		}
		plan = change
	}
}

// Open opens the engine, and has the books closed at six on the first of each month, or as soon as it is up.
func (b Billing) Open(cfg durable.Config) (*durable.Engine, error) {
	engine, err := durable.Open(cfg)
	if err == nil {
		monthly := durable.Schedule{Cron: "0 6 1 * *", CatchUp: 31 * 24 * time.Hour}
		err = b.Closing.Schedule(context.Background(), engine, "closing", monthly, "")
	}
	return engine, err
}
