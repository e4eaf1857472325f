package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/reprise-dst/reprise/durable"
)

// Bank is a simulated bank, and the post: it implements Services. As real ones do, it does a thing once per
// idempotency key.
type Bank struct {
	Now func() time.Time
	Do  func(ctx context.Context, what string, work func() error) error // how it answers

	mu    sync.Mutex
	done  map[string]bool
	paid  []Payment
	mails int
}

// Payment is what the bank has done for a run.
type Payment struct {
	Invoice
	Run string
	At  time.Time
}

// Charge implements Services.
func (b *Bank) Charge(ctx context.Context, i Invoice) (receipt string, err error) {
	return i.Customer + " paid " + i.Month, b.once(ctx, "charge", func(run string) {
		b.paid = append(b.paid, Payment{i, run, b.Now()})
	})
}

// Mail implements Services.
func (b *Bank) Mail(ctx context.Context, receipt string) (string, error) {
	return receipt, b.once(ctx, "mail", func(string) { b.mails++ })
}

// Payments are all payments, in the order in which they were made, and how many receipts were mailed.
func (b *Bank) Payments() (paid []Payment, mails int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.paid, b.mails
}

func (b *Bank) once(ctx context.Context, what string, work func(run string)) error {
	step, ok := durable.Info(ctx)
	if !ok {
		return errors.New("billing: the bank is asked outside of a step")
	}
	return b.Do(ctx, what, func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if key := step.IdempotencyKey(); !b.done[key] {
			if b.done == nil {
				b.done = map[string]bool{}
			}
			b.done[key] = true
			work(step.Run)
		}
		return nil
	})
}
