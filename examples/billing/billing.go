package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/reprise-dst/reprise/durable"
)

// Subscription is what a customer begins, for a year.
type Subscription struct {
	Customer, Plan string
	Begins         time.Time // the first day of a month
}

// Change is what a customer asks for: another plan from the next month on, or, when that is empty, none.
type Change struct {
	Plan string
	At   time.Time // when it was asked for
}

// Changes is the topic by which subscriptions get changes.
var Changes = durable.NewTopic[Change]("change")

// Invoice is for one month of a subscription.
type Invoice struct {
	Customer, Month, Plan string
	Amount                int
}

// Prices are those of a month, by plan.
var Prices = map[string]int{"basic": 10, "team": 50}

// Services are the outside world.
type Services interface {
	Charge(context.Context, Invoice) (receipt string, err error)
	Mail(ctx context.Context, receipt string) (string, error)
}

// Billing is what a process registers.
type Billing struct {
	Subscription *durable.Workflow[Subscription, []Invoice]
	// Closing sums up what was invoiced since the last closing. Timetable says when.
	Closing *durable.Workflow[string, int]
}

// Timetable is when the books are closed: at six on the first of each month. A closing that is late by more
// than a day is left out; the next one has its invoices.
var Timetable = durable.Schedule{Cron: "0 6 1 * *", CatchUp: 24 * time.Hour}

// Open opens the engine, with its schedule.
func (b Billing) Open(cfg durable.Config) (*durable.Engine, error) {
	engine, err := durable.Open(cfg)
	if err == nil {
		err = b.Closing.Schedule(context.Background(), engine, "closing", Timetable, "")
	}
	return engine, err
}

// NewBilling bills each month at its beginning, by the plan that then holds, and mails receipts to those who
// began after receipts were introduced.
func NewBilling(s Services) Billing { return newBilling(s, nextMonth, withReceipts) }

// NewBillingBefore is the code before receipts were introduced. Journals of it are continued by NewBilling.
func NewBillingBefore(s Services) Billing { return newBilling(s, nextMonth, withoutReceipts) }

// NewDrifter has a planted bug: it takes the next month from the clock, when the last one is paid. That is
// right, unless paying took until the month was over, because the bank did not answer, or because no process
// ran. Then months are left out.
func NewDrifter(s Services) Billing {
	afterNow := func(ctx durable.Context, _ time.Time) time.Time {
		now := ctx.Now()
		return time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	}
	return newBilling(s, afterNow, withReceipts)
}

func nextMonth(_ durable.Context, begun time.Time) time.Time { return begun.AddDate(0, 1, 0) }

func withReceipts(ctx durable.Context) bool    { return durable.Version(ctx, "receipts", 0, 1) >= 1 }
func withoutReceipts(ctx durable.Context) bool { return false }

// patience is for a bank that may not answer for a while.
var patience = durable.StepOptions{
	Retry: durable.Retry{Attempts: 100, Interval: time.Minute, MaxInterval: 12 * time.Hour},
}

func newBilling(
	s Services, next func(durable.Context, time.Time) time.Time, receipts func(durable.Context) bool,
) (b Billing) {
	b.Subscription = durable.Define("subscription",
		func(ctx durable.Context, sub Subscription) (paid []Invoice, err error) {
			var asked []Change
			plan, ends := sub.Plan, sub.Begins.AddDate(1, 0, 0)
			for month := sub.Begins; month.Before(ends); month = next(ctx, month) {
				if asked, err = changes(ctx, month, asked); err != nil {
					return paid, err
				}
				for ; len(asked) > 0 && asked[0].At.Before(month); asked = asked[1:] {
					if plan = asked[0].Plan; plan == "" {
						return paid, nil
					}
				}
				invoice := Invoice{sub.Customer, month.Format("2006-01"), plan, Prices[plan]}
				receipt, err := durable.StepWith(ctx, patience, "charge", s.Charge, invoice)
				if err != nil {
					return paid, err
				}
				if _, err := durable.Transact(ctx, "book", book, entry{ctx.RunID(), invoice}); err != nil {
					return paid, err
				}
				paid = append(paid, invoice)
				if receipts(ctx) {
					if _, err := durable.StepWith(ctx, patience, "mail", s.Mail, receipt); err != nil {
						return paid, err
					}
				}
			}
			return paid, nil
		})
	b.Closing = durable.Define("closing", func(ctx durable.Context, _ string) (int, error) {
		return durable.Transact(ctx, "close", closeBooks, ctx.ScheduledFor().Format("2006-01"))
	})
	return b
}

// changes adds what is asked for until the month begins. A message that was accepted by then is received,
// even when the run comes late; what was asked for later waits in the list.
func changes(ctx durable.Context, month time.Time, asked []Change) ([]Change, error) {
	for {
		c, err := Changes.ReceiveTimeout(ctx, month.Sub(ctx.Now()))
		switch {
		case errors.Is(err, durable.ErrTimeout):
			return asked, nil
		case err != nil:
			return asked, err
		}
		asked = append(asked, c)
	}
}

// entry is a line of the books, which are in the engine's own store.
type entry struct {
	Run string
	Invoice
}

func book(tx *durable.Tx, e entry) (string, error) {
	line, err := json.Marshal(e)
	key := fmt.Sprintf("open/%s/%s", e.Month, e.Run)
	tx.Set(key, line)
	return key, err
}

// closeBooks moves what is open to a sum.
func closeBooks(tx *durable.Tx, month string) (sum int, err error) {
	for key, line := range tx.Scan("open/", "open0") {
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return 0, err
		}
		sum += e.Amount
		tx.Delete(key)
	}
	tx.Set("closed/"+month, []byte(strconv.Itoa(sum)))
	return sum, nil
}

// Closed are the sums of the closings, by month.
func Closed(tx *durable.Tx) (map[string]int, error) {
	sums := map[string]int{}
	for key, sum := range tx.Scan("closed/", "closed0") {
		n, err := strconv.Atoi(string(sum))
		if err != nil {
			return nil, err
		}
		sums[key[len("closed/"):]] = n
	}
	return sums, nil
}
