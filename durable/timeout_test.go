package durable_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/stretchr/testify/require"
)

// near says that a virtual time is what it should be, but for some milliseconds in which the store is
// overtaken.
func near(w *sim.World, want time.Duration) {
	require.InDelta(w, want, w.Now().Sub(sim.Epoch), float64(100*time.Millisecond))
}

func TestAnAttemptEndsAtItsTimeout(t *testing.T) {
	calm(t, func(w *sim.World) {
		wf := asks(func(ctx context.Context, _ string) (string, error) {
			at, ok := ctx.Deadline()
			require.True(w, ok)
			require.Equal(w, w.Now().Add(5*time.Second), at)
			err := w.Sleep(ctx, time.Hour)
			require.ErrorIs(w, err, durable.ErrTimeout)
			return "", err
		}, durable.StepOptions{Timeout: 5 * time.Second})
		p := newPlant(w, wf)
		_, err := outcome(w, p, wf)
		near(w, 5*time.Second)
		var late *durable.TimeoutError
		require.ErrorAs(w, err, &late)
		require.Equal(w, durable.TimeoutError{
			Step: "ask", ID: "1", Limit: durable.LimitAttempt, After: 5 * time.Second,
		}, *late)
		require.ErrorIs(w, err, durable.ErrTimeout)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.NotErrorIs(w, err, durable.ErrCancelled)
		require.ErrorContains(w, err, `step "ask" (id 1) did not end within its Timeout of 5s`)
		p.settled(named(wf))
	})
}

func TestAnAttemptThatFailsAtItsTimeoutSaysBoth(t *testing.T) {
	calm(t, func(w *sim.World) {
		wf := asks(func(ctx context.Context, _ string) (string, error) {
			_ = w.Sleep(ctx, time.Hour)
			return "", errBusy
		}, durable.StepOptions{Timeout: 5 * time.Second})
		p := newPlant(w, wf)
		_, err := outcome(w, p, wf)
		require.ErrorIs(w, err, durable.ErrTimeout)
		require.ErrorIs(w, err, errBusy)
		var late *durable.TimeoutError
		require.ErrorAs(w, err, &late)
		require.Equal(w, errBusy, late.Err)
	})
}

func TestWhatAnAttemptReturnsSoonAfterItsTimeoutCounts(t *testing.T) {
	calm(t, func(w *sim.World) {
		wf := asks(func(ctx context.Context, _ string) (string, error) {
			_ = w.Sleep(ctx, time.Hour)
			_ = w.Sleep(context.WithoutCancel(ctx), 900*time.Millisecond)
			return "just done", nil
		}, durable.StepOptions{Timeout: 5 * time.Second})
		p := newPlant(w, wf)
		got, err := outcome(w, p, wf)
		require.NoError(w, err)
		require.Equal(w, "just done", got)
		p.settled(named(wf))
	})
}

// TestAStepThatIgnoresItsContextIsReportedAndDropped: its attempt fails a second later, another one may
// begin, and what it returns in the end reaches nothing.
func TestAStepThatIgnoresItsContextIsReportedAndDropped(t *testing.T) {
	calm(t, func(w *sim.World) {
		var returned []int
		wf := asks(func(ctx context.Context, _ string) (string, error) {
			info, _ := durable.Info(ctx)
			d := time.Hour
			if info.Attempt == 3 {
				d = time.Second
			}
			_ = w.Sleep(context.WithoutCancel(ctx), d)
			returned = append(returned, info.Attempt)
			return fmt.Sprint("attempt ", info.Attempt), nil
		}, durable.StepOptions{Timeout: 5 * time.Second, Retry: durable.Retry{Attempts: 3, Interval: time.Minute}})
		p := &plant{w: w}
		var overdue []durable.StepInfo
		cold := w.Pick("cold", 2) == 1
		p.node = w.Node("worker", func(n *sim.Node) {
			e, err := durable.Open(durable.Config{
				Store: n.Store(), Host: n, Workflows: []durable.Definition{wf}, Cold: cold,
				Interceptors: []durable.Interceptor{{
					StepOverdue: func(s durable.StepInfo) { overdue = append(overdue, s) },
				}},
			})
			require.NoError(w, err)
			p.engine = e
		})
		got, err := outcome(w, p, wf)
		require.NoError(w, err)
		require.Equal(w, "attempt 3", got)
		near(w, 6*time.Second+time.Minute+6*time.Second+2*time.Minute+time.Second)
		require.Len(w, overdue, 2)
		require.Equal(w, 2, overdue[1].Attempt)
		require.Equal(w, `step "ask" (id 1) of run "r"`, overdue[1].String())
		before := journalOf(w, p, "r")
		_ = w.Sleep(w.Context(), 2*time.Hour)
		require.Equal(w, []int{3, 1, 2}, returned)
		require.Equal(w, before, journalOf(w, p, "r"))
		p.settled(named(wf))
	})
}

func TestTheTotalTimeIsThatOfAllAttempts(t *testing.T) {
	calm(t, func(w *sim.World) {
		s := &service{w: w}
		wf := asks(func(ctx context.Context, q string) (string, error) {
			_, _ = s.ask(ctx, q)
			if err := w.Sleep(ctx, 40*time.Second); err != nil {
				return "", fmt.Errorf("asking: %w", err)
			}
			return "", errBusy
		}, durable.StepOptions{
			Retry:        durable.Retry{Attempts: 99, Interval: 10 * time.Second, Factor: 1},
			TotalTimeout: 2 * time.Minute,
		})
		p := newPlant(w, wf)
		_, err := outcome(w, p, wf)
		require.Len(w, s.times, 3, "at 0s, 50s and 1m40s")
		near(w, 2*time.Minute)
		var late *durable.TimeoutError
		require.ErrorAs(w, err, &late)
		require.Equal(w, durable.LimitTotal, late.Limit)
		p.settled(named(wf))
	})
}

func TestTheTotalTimePassesWhileTheProcessIsDown(t *testing.T) {
	for _, waiting := range []bool{false, true} {
		t.Run(fmt.Sprintf("between attempts %t", waiting), func(t *testing.T) {
			calm(t, func(w *sim.World) {
				s := &service{w: w, fail: 1}
				wf := asks(func(ctx context.Context, q string) (string, error) {
					_, err := s.ask(ctx, q)
					if !waiting {
						_ = w.Sleep(ctx, time.Hour)
					}
					return "", err
				}, durable.StepOptions{
					Retry: durable.Retry{Attempts: 99, Interval: time.Minute}, TotalTimeout: 3 * time.Minute,
				})
				p := newPlant(w, wf)
				startOn(w.Context(), p, wf, "r", "q")
				_ = w.Sleep(w.Context(), 30*time.Second)
				p.node.Stop()
				_ = w.Sleep(w.Context(), 10*time.Minute)
				p.node.Restart()
				_, err := resultOn(w.Context(), p, wf, "r")
				require.ErrorIs(w, err, durable.ErrTimeout)
				require.ErrorContains(w, err, "did not end within its TotalTimeout of 3m0s")
				require.Equal(w, waiting, errors.Is(err, errBusy), "the error of the last attempt is known: %v", err)
				require.Len(w, s.attempts, 1, "an attempt began after the total time")
				p.settled(named(wf))
			})
		})
	}
}

func TestAStepWithoutAHeartbeatEnds(t *testing.T) {
	calm(t, func(w *sim.World) {
		wf := asks(func(ctx context.Context, _ string) (string, error) {
			for i := range 10 {
				require.NoError(w, durable.Heartbeat(ctx, i))
				_ = w.Sleep(ctx, 3*time.Second)
			}
			err := w.Sleep(ctx, time.Hour)
			require.Equal(w, err, durable.Heartbeat(ctx, 11), "it tells a step that goes on")
			return "", err
		}, durable.StepOptions{HeartbeatTimeout: 10 * time.Second})
		p := newPlant(w, wf)
		_, err := outcome(w, p, wf)
		near(w, 37*time.Second)
		require.ErrorContains(w, err, `step "ask" (id 1) called no Heartbeat within its HeartbeatTimeout of 10s`)
		p.settled(named(wf))
	})
}

// TestTimeoutsThroughCrashes: whatever happens, a step with limits ends, as often as it may and no more.
func TestTimeoutsThroughCrashes(t *testing.T) {
	sweepPlant(t, 3000, func(w *sim.World) {
		deaf := w.Pick("deaf", 2) == 1
		wf := asks(func(ctx context.Context, _ string) (string, error) {
			if deaf {
				ctx = context.WithoutCancel(ctx)
			}
			if w.Pick("hangs", 4) == 1 {
				_ = w.Sleep(ctx, 10*time.Hour)
				return "", ctx.Err()
			}
			return "done", nil
		}, durable.StepOptions{
			Retry:   durable.Retry{Attempts: 3, Interval: time.Minute},
			Timeout: time.Minute, TotalTimeout: 4 * time.Hour,
		})
		p := newPlant(w, wf)
		got, err := outcome(w, p, wf)
		w.Sometimes("it ends in time", err == nil)
		w.Sometimes("it does not", err != nil)
		if err == nil {
			require.Equal(w, "done", got)
		} else {
			require.ErrorIs(w, err, durable.ErrTimeout)
		}
		j := journalOf(w, p, "r")
		require.LessOrEqual(w, count(j, durable.EventAttemptFailed), 2)
		p.settled(named(wf))
	})
}
