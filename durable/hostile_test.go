package durable_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// What a hostile world does to an engine: commits whose answer is lost, completions that come twice or late,
// a second process on the same store, a shutdown at any moment. Clocks that step back are in
// TestNoTimerFiresBeforeItsTime.

// shift is a process whose engine is replaced by another on the same store, now and then.
type shift struct {
	*plant
	workflow *durable.Workflow[string, string]
	store    func(store.Store) store.Store
	host     func(n *sim.Node) durable.Host
	options  durable.StepOptions
	late     time.Duration // how late attempts may return
	engines  int
	opening  bool
}

// newShift is a process with a workflow of two steps. The steps of its newest engine fail the world when they
// run again after their checkpoint.
func newShift(w *sim.World, s *shift) *shift {
	s.plant = &plant{w: w}
	work := func(ctx context.Context, in string) (string, error) {
		if s.late > 0 && w.Pick("late", 2) == 1 {
			w.Reachable("an attempt ignores its limit")
			_ = w.Sleep(context.WithoutCancel(ctx), s.late)
			return "late", nil
		}
		if err := w.Sleep(ctx, 2*time.Millisecond); err != nil {
			return "", err
		}
		return "<" + in + ">", nil
	}
	s.workflow = durable.Define("two", func(ctx durable.Context, in string) (string, error) {
		first, err := durable.StepWith(ctx, s.options, "first", work, in)
		if err != nil {
			return "", err
		}
		if err := ctx.Sleep(time.Millisecond); err != nil {
			return "", err
		}
		return durable.StepWith(ctx, s.options, "second", work, first)
	})
	s.node = w.Node("worker", s.open)
	w.Go("end of faults", func(ctx context.Context) {
		if w.Sleep(ctx, time.Hour) == nil {
			w.StopFaults()
		}
	})
	return s
}

// open opens an engine beside the one that there may be.
func (s *shift) open(n *sim.Node) {
	s.engines++
	s.opening = true
	mine := s.engines
	cfg := durable.Config{Store: n.Store(), Host: n, Workflows: []durable.Definition{s.workflow}}
	if s.store != nil {
		cfg.Store = s.store(cfg.Store)
	}
	if s.host != nil {
		cfg.Host = s.host(n)
	}
	cfg.Cold = s.w.Pick("cold", 2) == 1
	cfg.Interceptors = []durable.Interceptor{{
		Step: func(ctx context.Context, i durable.StepInfo, next func(context.Context) error) error {
			if mine == s.engines {
				j, err := durable.ReadJournal(n.Store(), i.Run)
				require.NoError(s.w, err)
				for k := range j.Entries {
					ev := &j.Entries[k].Event
					require.False(s.w, ev.Kind == durable.EventStepEnded && ev.Op == i.ID, "run again: %v", i)
				}
			}
			return next(ctx)
		},
	}}
	e, err := durable.Open(cfg)
	s.opening = false
	if s.engine = e; err != nil {
		s.engine = nil
	}
}

// try runs two runs to their end, whatever becomes of the engine meanwhile, with a disturbance beside them.
func (s *shift) try(disturb func(ctx context.Context)) {
	names := func(i int) string { return fmt.Sprint("client ", i) }
	s.w.Concurrently(names, 3, func(ctx context.Context, i int) {
		if i == 2 {
			_ = s.w.Sleep(ctx, time.Duration(s.w.Pick("patience", 6))*time.Millisecond)
			disturb(ctx)
			return
		}
		id, got := fmt.Sprint("r", i), ""
		s.stubborn(ctx, func(ctx context.Context) error {
			run, err := s.workflow.Start(ctx, s.engine, id, id)
			if err == nil {
				got, err = run.Result(ctx)
			}
			return err
		})
		require.Equal(s.w, "<<"+id+">>", got)
	})
	s.settled(named(s.workflow))
}

// stubborn repeats a call, on a new engine when the one that there was can't go on, until it succeeds.
func (s *shift) stubborn(ctx context.Context, call func(ctx context.Context) error) {
	for {
		var asked *durable.Engine
		err := s.insist(ctx, "call", func(ctx context.Context) error {
			if asked = s.engine; asked == nil {
				return durable.ErrFailed
			}
			// An idle engine does not learn that it is fenced off.
			ctx, cancel := s.w.WithTimeout(ctx, time.Hour)
			defer cancel()
			return call(ctx)
		})
		gone := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, durable.ErrFailed) ||
			errors.Is(err, durable.ErrFenced) || errors.Is(err, durable.ErrClosed)
		if !gone {
			require.NoError(s.w, err)
			return
		}
		_ = s.node.Call(ctx, "open", func(context.Context) error {
			if s.engine == asked && !s.opening {
				s.open(s.node)
			}
			return nil
		})
		_ = s.w.Sleep(ctx, time.Millisecond)
	}
}

func sweepShift(t *testing.T, body func(w *sim.World)) {
	t.Helper()
	r, err := sim.Sweep(sim.Config{Name: t.Name(), Runs: 300, Disk: store.NewMemoryDisk}, body)
	require.NoError(t, err)
	require.Nil(t, r.Failure, r.Report)
	require.Positive(t, r.Crashes)
}

// unsure is a store that now and then has applied a commit and says that it has failed.
type unsure struct {
	store.Store
	w *sim.World
}

var errAnswerLost = errors.New("hostile_test: the answer was lost")

func (u unsure) Commit(b *store.Batch) error {
	if err := u.Store.Commit(b); err != nil {
		return err
	}
	if u.w.Pick("answer lost", 10) == 1 {
		u.w.Reachable("a commit is applied, and an error comes back")
		return errAnswerLost
	}
	return nil
}

// TestAmbiguousCommits: the engine does not go on from a commit of which it doesn't know whether it was
// applied; the next one reads what the store has.
func TestAmbiguousCommits(t *testing.T) {
	sweepShift(t, func(w *sim.World) {
		s := newShift(w, &shift{store: func(st store.Store) store.Store { return unsure{st, w} }})
		s.try(func(context.Context) {})
	})
}

// TestASecondProcessOnTheSameStore: an engine that opens takes the store over, and the one that is at work
// there commits nothing any more.
func TestASecondProcessOnTheSameStore(t *testing.T) {
	sweepShift(t, func(w *sim.World) {
		s := newShift(w, &shift{})
		s.try(func(ctx context.Context) {
			_ = s.node.Call(ctx, "take over", func(ctx context.Context) error {
				old := s.engine
				s.open(s.node)
				if old != nil && s.engine != nil {
					_, err := s.workflow.Start(ctx, old, "too late", "")
					require.Error(w, err, "two engines start runs on one store")
				}
				return nil
			})
		})
	})
}

// TestCloseWaitsForStepsAndCancelsNoRun: steps under way may end until the deadline; what did not end goes on
// under the next engine.
func TestCloseWaitsForStepsAndCancelsNoRun(t *testing.T) {
	sweepShift(t, func(w *sim.World) {
		s := newShift(w, &shift{})
		s.try(func(ctx context.Context) {
			_ = s.node.Call(ctx, "close", func(ctx context.Context) error {
				e, grace := s.engine, time.Duration(w.Pick("grace", 4))*time.Millisecond
				if e == nil {
					return nil
				}
				limited, cancel := w.WithTimeout(ctx, grace)
				defer cancel()
				begun := w.Now()
				err := e.Close(limited)
				if still := (*durable.StillRunningError)(nil); !errors.As(err, &still) { // its answer is slow
					require.NoError(w, err)
				}
				w.Sometimes("Close has waited for a step", w.Now().After(begun) && limited.Err() == nil)
				w.Sometimes("the deadline has passed", limited.Err() != nil)
				return nil
			})
		})
	})
}

// twice is a host whose timers ring again, a moment later.
type twice struct {
	*sim.Node
	w *sim.World
}

func (h twice) AfterFunc(d time.Duration, fn func()) (stop func() bool) {
	return h.Node.AfterFunc(d, func() {
		fn()
		if n := h.w.Pick("again", 3); n > 0 {
			h.Node.AfterFunc(time.Duration(n-1)*time.Millisecond, fn)
		}
	})
}

// TestDuplicateAndLateCompletions: timers that ring twice end what they are for once, and what an attempt
// returns that was given up is dropped.
func TestDuplicateAndLateCompletions(t *testing.T) {
	sweepShift(t, func(w *sim.World) {
		s := newShift(w, &shift{
			host: func(n *sim.Node) durable.Host { return twice{n, w} },
			late: time.Duration(2+w.Pick("how late", 3)) * time.Second,
			options: durable.StepOptions{
				Timeout: 100 * time.Millisecond,
				Retry:   durable.Retry{Attempts: 100, Interval: 500 * time.Millisecond},
			},
		})
		s.try(func(context.Context) {})
	})
}
