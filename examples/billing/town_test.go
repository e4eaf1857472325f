package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/stretchr/testify/require"
)

// town is what outlives the process: bank, post (both do a thing once for each idempotency key), customers.
type town struct {
	w      *sim.World
	net    *sim.Dependency
	node   *sim.Node
	engine *durable.Engine
	asked  map[string][]*request // by run
	done   map[string]bool       // by idempotency key, and the months that are closed
	paid   map[string][]payment  // by run
	mails  int
}

// request is a change that a customer asked for; accepted is zero as long as there was no answer.
type request struct {
	plan           string
	sent, accepted time.Time
}

type payment struct {
	Invoice
	at time.Time
}

func (t *town) Charge(ctx context.Context, i Invoice) (string, error) {
	return i.Month, t.once(ctx, "charge", func(run string) {
		t.paid[run] = append(t.paid[run], payment{i, t.w.Now()})
	})
}

func (t *town) Mail(ctx context.Context, receipt string) (string, error) {
	return receipt, t.once(ctx, "mail", func(string) { t.mails++ })
}

func (t *town) Close(ctx context.Context, month string) (string, error) {
	return month, t.once(ctx, "close", func(string) {
		t.w.Always("a month is closed once", !t.done[month], month)
		t.done[month] = true
	})
}

func (t *town) once(ctx context.Context, what string, do func(run string)) error {
	step, _ := durable.Info(ctx)
	return t.net.Do(ctx, what, func() error {
		if key := step.IdempotencyKey(); !t.done[key] {
			t.done[key] = true
			do(step.Run)
		}
		return nil
	})
}

// customer asks for changes, at any time, and insists.
func (t *town) customer(ctx context.Context, run string) {
	for n := range t.w.Pick("changes", 4) {
		if t.w.Sleep(ctx, time.Duration(1+t.w.Pick("days until a change", 150))*24*time.Hour) != nil {
			return
		}
		r := &request{plan: []string{"team", "basic", ""}[t.w.Pick("plan", 3)], sent: t.w.Now()}
		t.asked[run] = append(t.asked[run], r)
		var answer error
		for err := sim.ErrCrashed; errors.Is(err, sim.ErrCrashed); {
			err = t.node.Call(ctx, "change "+run, func(ctx context.Context) error {
				answer = Changes.PostOnce(ctx, t.engine, run, fmt.Sprint(n), r.plan)
				return nil
			})
		}
		if answer != nil || ctx.Err() != nil { // it has not begun, or it is over
			return
		}
		r.accepted = t.w.Now()
	}
}

func (t *town) holds(outcomes []outcome) {
	for _, o := range outcomes {
		require.NoError(t.w, o.Err)
		bills := t.paid[o.ID]
		for n, p := range bills {
			month := o.Input.Begins.AddDate(0, n, 0)
			t.w.Always("each month is billed once", p.Month == month.Format("2006-01"), fmt.Sprint(bills))
			t.w.Always("no month is billed before it begins", !p.at.Before(month), fmt.Sprint(p))
			byPlan := p.Plan != "" && t.mayBe(o, p.Plan, month, p.at)
			t.w.Always("a month is billed by its plan", byPlan, fmt.Sprint(p))
		}
		next := o.Input.Begins.AddDate(0, len(bills), 0)
		over := len(bills) == 12 || t.mayBe(o, "", next, t.w.Now())
		t.w.Always("who did not cancel is billed", over, fmt.Sprint(bills))
		t.w.Always("the run knows what was paid", len(o.Result) == len(bills), fmt.Sprint(bills))
		t.w.Sometimes("somebody cancels", len(bills) < 12)
	}
	t.w.Sometimes("receipts are mailed", t.mails > 0)
}

// mayBe reports whether this may be the plan of a month that was billed at this time: the last one that was
// accepted before it began, or one that was asked for since.
func (t *town) mayBe(o outcome, plan string, month, billed time.Time) bool {
	last := o.Input.Plan
	for _, r := range t.asked[o.ID] {
		if !r.accepted.IsZero() && r.accepted.Before(month) {
			last = r.plan
		} else if r.plan == plan && !r.sent.After(billed) {
			return true
		}
	}
	return last == plan
}
