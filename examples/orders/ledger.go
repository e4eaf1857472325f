package main

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/reprise-dst/reprise/durable"
)

// Ledger is an outside world that keeps a book: it implements Services, and as real services do, it does
// a thing once per idempotency key and answers a repeated request like the first.
type Ledger struct {
	mu    sync.Mutex
	done  map[string]string // by idempotency key: what was done
	order []string          // the keys of done, in the order of the first requests
	log   io.Writer         // gets a line for every request, repeated ones included; nil for none
}

// NewLedger makes an empty book. log may be nil.
func NewLedger(log io.Writer) *Ledger { return &Ledger{done: map[string]string{}, log: log} }

// Limit is the highest amount that the bank accepts, in cents.
const Limit = 900_00

// Reserve takes goods from the stock.
func (l *Ledger) Reserve(ctx context.Context, o Order) (Reservation, error) {
	return Reservation{l.do(ctx, "reserved")}, nil
}

// Release puts goods back.
func (l *Ledger) Release(ctx context.Context, r Reservation) (Reservation, error) {
	l.do(ctx, "released")
	return r, nil
}

// Charge takes the money, or declines with ErrDeclined.
func (l *Ledger) Charge(ctx context.Context, o Order) (Payment, error) {
	if o.Amount > Limit {
		l.do(ctx, "declined")
		return Payment{}, fmt.Errorf("charging %d cents: %w", o.Amount, ErrDeclined)
	}
	return Payment{l.do(ctx, "charged")}, nil
}

// Label prints the parcel's label.
func (l *Ledger) Label(ctx context.Context, o Order) (Parcel, error) {
	return Parcel{l.do(ctx, "labelled")}, nil
}

// Ship hands the parcel over. It takes none without a label.
func (l *Ledger) Ship(ctx context.Context, s Shipment) (string, error) {
	if s.Label == "" {
		return "", fmt.Errorf("orders: a parcel without a label can't be shipped (payment %s)", s.Payment)
	}
	return l.do(ctx, "shipped"), nil
}

// Notify tells the customer.
func (l *Ledger) Notify(ctx context.Context, tracking string) (string, error) {
	l.do(ctx, "notified")
	return tracking, nil
}

// do books one thing under the step's idempotency key, once, and returns the key.
func (l *Ledger) do(ctx context.Context, what string) string {
	info, _ := durable.Info(ctx)
	key := info.IdempotencyKey()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.book(key, info.Run+" "+what)
	if l.log != nil {
		fmt.Fprintf(l.log, "%s %s %s\n", key, info.Run, what)
	}
	return key
}

// book enters what was done under a key, once.
func (l *Ledger) book(key, what string) {
	if _, again := l.done[key]; !again {
		l.done[key] = what
		l.order = append(l.order, key)
	}
}

// Count returns how often the thing was done for the run.
func (l *Ledger) Count(run, what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, key := range l.order {
		if l.done[key] == run+" "+what {
			n++
		}
	}
	return n
}

// Balanced says what is wrong with the books of a run that ended with the receipt; nil when they are right.
func (l *Ledger) Balanced(run string, r Receipt) error {
	for _, c := range []struct {
		what string
		want int
	}{
		{"reserved", 1},
		{"charged", count(r.Shipped)},
		{"declined", count(!r.Shipped)},
		{"shipped", count(r.Shipped)},
		{"notified", count(r.Shipped)},
		{"released", count(!r.Shipped)},
	} {
		if n := l.Count(run, c.what); n != c.want {
			return fmt.Errorf("order %s (shipped: %t) was %s %d times, want %d", run, r.Shipped, c.what, n, c.want)
		}
	}
	return nil
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
