package durable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

type next = func(context.Context) error

// noting is an interceptor that writes down what it is told.
func noting(name string, note func(format string, args ...any)) durable.Interceptor {
	return durable.Interceptor{
		Start: func(ctx context.Context, run durable.RunInfo, next next) error {
			note("%s start %s/%s", name, run.Workflow, run.Run)
			run.Headers[name] = "from " + name
			err := next(ctx)
			note("%s started: %v", name, err)
			return err
		},
		Step: func(ctx context.Context, s durable.StepInfo, next next) error {
			info, ok := durable.Info(ctx)
			known := ok && info.ID == s.ID
			note("%s step %s %d %v, known %t, %s", name, s.Name, s.Attempt, s.Headers, known, s.Workflow)
			err := next(context.WithValue(ctx, nameKey{}, name))
			note("%s step %s ended: %v", name, s.Name, err)
			return err
		},
		Committed: func(run durable.RunInfo, entries []durable.Entry) {
			for i := range entries {
				note("%s committed %s %s", name, run.Run, entries[i].Event.Kind)
			}
		},
		Ended: func(run durable.RunInfo, status durable.Status, err error) {
			note("%s ended %s %s: %v, began %t", name, run.Run, status, err, !run.Started.IsZero())
		},
		Replayed: func(run durable.RunInfo, r durable.Replayed) {
			note("%s replayed %s: %d entries, %v", name, run.Run, r.Entries, run.Headers)
		},
		Parked: func(run durable.RunInfo, err error) {
			note("%s parked %s/%s: %v", name, run.Workflow, run.Run, err)
		},
	}
}

type nameKey struct{}

// notes collects lines from many tasks.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) note(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

func (n *notes) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	lines := n.lines
	n.lines = nil
	return lines
}

func TestInterceptorsStandAroundRunsAndSteps(t *testing.T) {
	var n notes
	inner := ""
	w := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
		return durable.Step(ctx, "s", func(ctx context.Context, in string) (string, error) {
			inner, _ = ctx.Value(nameKey{}).(string)
			return "", errOddly
		}, "")
	})
	st := store.OpenMemory()
	cfg := durable.Config{
		Store: st, Workflows: []durable.Definition{w},
		Interceptors: []durable.Interceptor{noting("A", n.note), {}, noting("B", n.note)},
	}
	e := openWith(t, cfg)
	_, err := start(t, w, e, "r", "").Result(t.Context())
	require.ErrorIs(t, err, errOddly)
	require.NoError(t, e.Close(t.Context()))
	require.Equal(t, "B", inner)
	headers := "map[A:from A B:from B]"
	require.Equal(t, []string{
		"A start w/r", "B start w/r",
		"A committed r started", "B committed r started",
		"A step s 1 " + headers + ", known true, w", "B step s 1 " + headers + ", known true, w",
		"B started: <nil>", "A started: <nil>",
		"B step s ended: odd", "A step s ended: odd",
		"A committed r step ended", "B committed r step ended",
		"A ended r failed: odd, began true", "B ended r failed: odd, began true",
	}, inOrder(n.take(), "started: <nil>", 6))
}

func TestHeadersComeBackAfterARecoveryAndReachChildren(t *testing.T) {
	var n notes
	child := durable.Define("child", func(ctx durable.Context, _ int) (string, error) {
		return letters.Receive(ctx)
	})
	w := durable.Define("w", func(ctx durable.Context, _ int) (string, error) {
		return durable.StartChild(ctx, child, 0).Await(ctx)
	})
	cfg := durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{w, child},
		Interceptors: []durable.Interceptor{noting("A", n.note)},
	}
	e := openWith(t, cfg)
	run := start(t, w, e, "r", 0)
	waitForEntries(t, cfg.Store, "r/1", 1)
	require.NoError(t, e.Close(t.Context()))
	n.take()
	e = openWith(t, cfg)
	require.NoError(t, letters.Post(t.Context(), e, "r/1", "x"))
	result(t, w.Run(e, run.ID()))
	require.NoError(t, e.Close(t.Context()))
	require.Equal(t, []string{
		"A replayed r/1: 1 entries, map[A:from A]",
		"A committed r/1 message received",
		"A ended r/1 done: <nil>, began true",
		"A replayed r: 1 entries, map[A:from A]",
		"A committed r child ended",
		"A ended r done: <nil>, began true",
	}, n.take())
	j, err := durable.ReadJournal(cfg.Store, "r/1")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"A": "from A"}, j.Entries[0].Event.Start.Headers)
}

func TestInterceptorsSeeRunsThatAreParkedCancelledAndTerminated(t *testing.T) {
	var n notes
	w := durable.Define("w", func(ctx durable.Context, in string) (string, error) {
		if in == "panic" {
			panic("ouch")
		}
		return letters.Receive(ctx)
	})
	e := openWith(t, durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{w},
		Interceptors: []durable.Interceptor{noting("A", n.note)},
	})
	_, err := start(t, w, e, "p", "panic").Result(t.Context())
	require.ErrorIs(t, err, durable.ErrParked)
	require.NoError(t, start(t, w, e, "c", "").Cancel(t.Context(), "enough"))
	require.NoError(t, start(t, w, e, "t", "").Terminate(t.Context(), "fire"))
	require.NoError(t, w.Run(e, "p").Terminate(t.Context(), ""))
	require.NoError(t, e.Close(t.Context()))
	said := strings.Join(n.take(), "\n")
	for _, want := range []string{
		"A parked w/p: panic: ouch",
		"A ended p terminated: durable: the run was terminated, began true",
		"A committed c cancelled",
		`A ended c cancelled: receive "letters" (id 1) was cancelled: enough, began true`,
		"A committed t terminated",
		"A ended t terminated: durable: the run was terminated: fire, began true",
	} {
		require.Contains(t, said, want)
	}
}

func TestAnInterceptorDecidesWhatAnAttemptReturns(t *testing.T) {
	errRefused := errors.New("refused")
	for name, c := range map[string]struct {
		step func(ctx context.Context, s durable.StepInfo, next next) error
		want string
		ran  int
	}{
		"keeps the step from running": {
			func(context.Context, durable.StepInfo, next) error { return errRefused }, "refused", 0,
		},
		"replaces the error": {
			func(ctx context.Context, _ durable.StepInfo, next next) error {
				return fmt.Errorf("wrapped: %w", next(ctx))
			}, "wrapped: odd", 1,
		},
		"swallows the error": {
			func(ctx context.Context, _ durable.StepInfo, next next) error { _ = next(ctx); return nil }, "odd", 1,
		},
		"forgets next": {
			func(context.Context, durable.StepInfo, next) error { return nil },
			"durable: an Interceptor's Step returned nil without calling next; let it return next(ctx)", 0,
		},
		"calls next twice": {
			func(ctx context.Context, _ durable.StepInfo, next next) error { _ = next(ctx); return next(ctx) },
			"durable: an Interceptor's Step called next twice; call it once, StepOptions.Retry says how often a " +
				"step is tried", 1,
		},
		"panics": {
			func(context.Context, durable.StepInfo, next) error { panic("in the interceptor") },
			"panic: in the interceptor", 0,
		},
		"sees the panic of the step": {
			func(ctx context.Context, _ durable.StepInfo, next next) error {
				err := next(context.WithValue(ctx, nameKey{}, "panic"))
				var p *durable.PanicError
				if errors.As(err, &p) {
					return errors.New("it panicked: " + p.Value)
				}
				return err
			}, "it panicked: ouch", 1,
		},
	} {
		ran := 0
		w := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
			return durable.Step(ctx, "s", func(ctx context.Context, in string) (string, error) {
				ran++
				if ctx.Value(nameKey{}) != nil {
					panic("ouch")
				}
				return "", errOddly
			}, "")
		})
		e := openWith(t, durable.Config{
			Store: store.OpenMemory(), Workflows: []durable.Definition{w},
			Interceptors: []durable.Interceptor{{Step: c.step}},
		})
		_, err := start(t, w, e, "r", "").Result(t.Context())
		var failed *durable.RunError
		require.ErrorAs(t, err, &failed, name)
		require.EqualError(t, failed.Cause, c.want, name)
		require.Equal(t, c.ran, ran, name)
	}
}

func TestAnInterceptorMayRefuseAStart(t *testing.T) {
	var start next
	headers := map[string]string{}
	e := openWith(t, durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{hello},
		Interceptors: []durable.Interceptor{{Start: func(
			ctx context.Context, run durable.RunInfo, next next,
		) error {
			for k, v := range headers {
				run.Headers[k] = v
			}
			if start != nil {
				return start(ctx)
			}
			return next(ctx)
		}}},
	})
	start = func(context.Context) error { return errFull }
	_, err := hello.Start(t.Context(), e, "r", "")
	require.ErrorIs(t, err, errFull)
	start = func(context.Context) error { return nil }
	_, err = hello.Start(t.Context(), e, "r", "")
	require.EqualError(t, err,
		"durable: an Interceptor's Start returned nil without calling next; let it return next(ctx)")
	start, headers["big"] = nil, strings.Repeat("x", 1<<20)
	_, err = hello.Start(t.Context(), e, "r", "")
	require.EqualError(t, err, `durable: the headers of run "r" are 1048579 bytes long, at most 16384 are `+
		"allowed; let the Interceptor's Start record less")
	_, err = e.Status("r")
	require.ErrorIs(t, err, durable.ErrNotFound)
}

// inOrder puts the lines with this end at a place of their own: the client's task writes them.
func inOrder(lines []string, suffix string, at int) (out []string) {
	var moved []string
	for _, l := range lines {
		if strings.HasSuffix(l, suffix) {
			moved = append(moved, l)
		} else {
			out = append(out, l)
		}
	}
	return append(append(append([]string(nil), out[:at]...), moved...), out[at:]...)
}

// TestEntriesAreToldOnceInTheirOrder: also the first ones, which others have written.
func TestEntriesAreToldOnceInTheirOrder(t *testing.T) {
	var mu sync.Mutex
	told := map[string][]int{}
	line := durable.NewQueue("line", hello, durable.QueueConfig{})
	parent := durable.Define("parent", func(ctx durable.Context, again bool) (string, error) {
		if again {
			return durable.ContinueAsNew[string](ctx, false)
		}
		return durable.StartChild(ctx, hello, "a").Await(ctx)
	})
	queued := durable.Define("queued", func(ctx durable.Context, _ int) (string, error) {
		return line.EnqueueChild(ctx, "b", durable.Item{}).Await(ctx)
	})
	e := openWith(t, durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{parent, queued},
		Queues: []durable.QueueDefinition{line},
		Interceptors: []durable.Interceptor{{Committed: func(run durable.RunInfo, entries []durable.Entry) {
			mu.Lock()
			defer mu.Unlock()
			for i := range entries {
				told[run.Run] = append(told[run.Run], entries[i].Seq)
			}
		}}},
	})
	result(t, start(t, parent, e, "p", true))
	result(t, start(t, queued, e, "q", 0))
	require.NoError(t, e.Close(t.Context()))
	require.Equal(t, map[string][]int{
		"p": {1, 1, 2}, "p/2:1": {1, 2}, "q": {1, 2}, "q/1": {1, 2},
	}, told)
}
