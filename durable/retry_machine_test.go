package durable

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The programs of the transcripts about steps that are tried again.

func init() {
	retried := func(name string, options StepOptions) {
		programs[name] = Define(name, func(ctx Context, in string) (string, error) {
			before := ctx.Now()
			out, err := StepWith(ctx, options, "try", say, in)
			return fmt.Sprintf("%s after %v", out, ctx.Now().Sub(before)), err
		})
	}
	retried("three-attempts", StepOptions{Retry: Retry{Attempts: 3}})
	retried("one-attempt", StepOptions{Timeout: time.Minute})
	retried("steady", StepOptions{Retry: Retry{Attempts: math.MaxInt, Interval: time.Minute, Factor: 1}})
	retried("capped", StepOptions{Retry: Retry{
		Attempts: 9, Interval: 3 * time.Second, Factor: 10, MaxInterval: time.Minute,
	}})
	retried("jittered", StepOptions{Retry: Retry{Attempts: 9, Interval: time.Minute, Factor: 1, Jitter: 1}})
	retried("bounded", StepOptions{
		Retry: Retry{Attempts: 9, Interval: time.Minute}, TotalTimeout: 4 * time.Minute,
	})
	programs["two-retried"] = Define("two-retried", func(ctx Context, in string) (string, error) {
		options := StepOptions{Retry: Retry{Attempts: 3, Interval: time.Minute}}
		a := AsyncWith(ctx, options, "a", say, in)
		b := AsyncWith(ctx, options, "b", say, in)
		_, first, err := Race(ctx, a, b)
		return first, err
	})
	programs["retry-cut-short"] = Define("retry-cut-short", func(ctx Context, in string) (string, error) {
		short, _ := ctx.WithTimeout(time.Hour)
		return StepWith(short, StepOptions{Retry: Retry{Attempts: 99, Interval: 40 * time.Minute}}, "try", say, in)
	})
	const less = "no-retries-any-more"
	programs[less] = Define(less, func(ctx Context, in string) (string, error) {
		before := ctx.Now()
		out, err := Step(ctx, "try", say, in)
		return fmt.Sprintf("%s after %v", out, ctx.Now().Sub(before)), err
	})
}

// TestASecondRingOfARetryIsStale: the store may show a timer for which the run has been woken already.
func TestASecondRingOfARetryIsStale(t *testing.T) {
	m := newMachine("r", programs["three-attempts"].define(), JSON())
	defer m.close()
	apply := func(ev Event) time.Time {
		require.True(t, ev.Kind == EventStarted || m.awaits(ev.Kind, ev.Op) && !m.stale(&ev))
		ev.Time = time.Unix(0, 0)
		m.judge(&ev)
		_, err := m.apply(&ev)
		require.NoError(t, err)
		return ev.Retry
	}
	failed := Event{Kind: EventStepEnded, Op: "1", Failure: &Failure{Text: "no"}}
	apply(Event{Kind: EventStarted, Start: &Start{Input: []byte(`"in"`), Behaviour: behaviour}})
	first := apply(failed)
	ring := Event{Kind: EventTimerFired, Op: "1", due: first}
	apply(ring)
	require.False(t, m.awaits(ring.Kind, ring.Op))
	second := apply(failed)
	require.True(t, m.awaits(ring.Kind, ring.Op))
	require.True(t, m.stale(&ring))
	ring.due = second
	apply(ring)
}

func init() {
	programs["transaction"] = Define("transaction", func(ctx Context, in string) (string, error) {
		short, cancel := ctx.WithTimeout(time.Minute)
		defer cancel()
		return Transact(short, "move", func(_ *Tx, in string) (string, error) { return in, nil }, in)
	})
	programs["a-step-instead"] = Define("a-step-instead", func(ctx Context, in string) (string, error) {
		short, cancel := ctx.WithTimeout(time.Minute)
		defer cancel()
		return Step(short, "move", say, in)
	})
}
