package durable_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

var errEnough = errors.New("enough")

// obedient begins, waits for the end of its context and tells why it ended.
func obedient(began chan<- string, told chan<- error) func(context.Context, string) (string, error) {
	return func(ctx context.Context, name string) (string, error) {
		began <- name
		<-ctx.Done()
		told <- context.Cause(ctx)
		return "too late", nil
	}
}

// patientHost fires timers when the test lets time pass, except short ones: Close has one.
type patientHost struct {
	durable.Host
	mu     sync.Mutex
	passed time.Duration
	timers []func()
}

func (h *patientHost) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(h.passed)
}

func (h *patientHost) AfterFunc(d time.Duration, fn func()) func() bool {
	if d <= time.Second {
		return h.Host.AfterFunc(d, fn)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.timers = append(h.timers, fn)
	return func() bool { return false }
}

func (h *patientHost) pass(d time.Duration) {
	h.mu.Lock()
	h.passed += d
	timers := h.timers
	h.timers = nil
	h.mu.Unlock()
	for _, fire := range timers {
		fire()
	}
}

func TestCancellingAStepCancelsItsContextAndDropsItsResult(t *testing.T) {
	for _, cold := range []bool{false, true} {
		began, told := make(chan string, 3), make(chan error, 3)
		step := obedient(began, told)
		w := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
			part, cancel := ctx.WithCancel()
			first := durable.Async(part, "first", step, "")
			second := durable.Async(ctx, "second", step, "")
			short, _ := ctx.WithTimeout(time.Minute)
			_, err := durable.Step(short, "third", step, "")
			if !errors.Is(err, durable.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
				return "", err
			}
			cancel(errEnough)
			second.Cancel(ctx, nil)
			_, err = first.Await(ctx)
			if !errors.Is(err, durable.ErrCancelled) || !errors.Is(err, errEnough) {
				return "", err
			}
			_, err = second.Await(ctx)
			return "", err
		})
		st := store.OpenMemory()
		host := &patientHost{Host: durable.NewHost()}
		e := openWith(t, durable.Config{Store: st, Workflows: []durable.Definition{w}, Cold: cold, Host: host})
		run, err := w.Start(t.Context(), e, "r", "x")
		require.NoError(t, err)
		for range 3 {
			<-began
		}
		host.pass(time.Minute)
		_, err = run.Result(t.Context())
		require.ErrorIs(t, err, durable.ErrCancelled)
		require.ErrorIs(t, err, context.Canceled)
		require.EqualError(t, err, `run "r" failed: step "second" (id 2) was cancelled`)

		causes := errors.Join(<-told, <-told, <-told)
		require.ErrorIs(t, causes, durable.ErrTimeout)
		require.ErrorIs(t, causes, errEnough)
		require.NoError(t, e.Close(t.Context()))
		j, err := durable.ReadJournal(st, "r")
		require.NoError(t, err)
		require.Len(t, j.Entries, 2, "a late result was recorded")
		require.Empty(t, leftOver(t, st))
	}
}

// leftOver lists the keys of timers and of runs with steps to run.
func leftOver(t *testing.T, st store.Store) (keys []string) {
	t.Helper()
	for _, table := range []byte{'a', 't'} {
		require.NoError(t, st.Scan([]byte{table}, []byte{table + 1}, func(key, _ []byte) bool {
			keys = append(keys, string(key))
			return true
		}))
	}
	return keys
}

func TestACancelledTimerLeavesTheStore(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
		timer := ctx.After(time.Hour)
		timer.Cancel(ctx, nil)
		bounded, cancel := ctx.WithTimeout(time.Hour)
		v, err := durable.Step(bounded, "quick", upper, "a")
		cancel()
		sleepless := ctx.After(2 * time.Hour)
		_, _ = durable.Step(ctx, "stop here", func(ctx context.Context, _ string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}, "")
		_, _ = sleepless.Await(ctx)
		return v, err
	})
	st := store.OpenMemory()
	e := open(t, st, w)
	_, err := w.Start(t.Context(), e, "r", "x")
	require.NoError(t, err)
	waitForEntries(t, st, "r", 2)
	closeNow(t, e)
	require.Len(t, leftOver(t, st), 2, "the mark of a step to run, and the timer that was not cancelled")
}

func TestStepsOfARunThatHasEndedAreCancelledAndNoneStarts(t *testing.T) {
	began, told := make(chan string, 1), make(chan error, 1)
	never := func(context.Context, string) (string, error) {
		t.Error("started after the run's end")
		return "", nil
	}
	w := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
		out := ctx.Detached()
		durable.Async(out, "slow", obedient(began, told), "a")
		quick := func(context.Context, string) (string, error) { return <-began, nil }
		v, err := durable.Step(ctx, "quick", quick, "")
		durable.Async(out, "never", never, "")
		durable.Async(ctx, "never either", never, "")
		return v, err
	})
	e := open(t, store.OpenMemory(), w)
	run, err := w.Start(t.Context(), e, "r", "x")
	require.NoError(t, err)
	got, err := run.Result(t.Context())
	require.NoError(t, err)
	require.Equal(t, "a", got)
	require.ErrorIs(t, <-told, durable.ErrCancelled)
	require.NoError(t, e.Close(t.Context()))
}

// lateHost starts steps only when the test says so.
type lateHost struct {
	durable.Host
	mu     sync.Mutex
	steps  map[string]func()
	kept   chan string
	passes string // the step that starts at once
}

func (h *lateHost) Offload(group, name string, work func(context.Context), done func()) {
	if name == h.passes {
		h.Host.Offload(group, name, work, done)
		return
	}
	h.mu.Lock()
	h.steps[name] = func() { h.Host.Offload(group, name, work, done) }
	h.mu.Unlock()
	h.kept <- name
}

func TestAStepThatIsCancelledBeforeItBeginsNeverDoes(t *testing.T) {
	host := &lateHost{
		Host: durable.NewHost(), steps: map[string]func(){}, kept: make(chan string, 1), passes: "quick",
	}
	var started []string
	w := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
		slow := durable.Async(ctx, "slow", func(context.Context, string) (string, error) { return "ran", nil }, "")
		v, err := durable.Step(ctx, "quick", upper, "a")
		slow.Cancel(ctx, nil)
		return v, err
	})
	e := openWith(t, durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{w}, Host: host,
		Interceptors: []durable.Interceptor{{
			Step: func(
				ctx context.Context, s durable.StepInfo, next func(context.Context) error,
			) error {
				started = append(started, s.Name)
				return next(ctx)
			},
		}},
	})
	run, err := w.Start(t.Context(), e, "r", "x")
	require.NoError(t, err)
	_, err = run.Result(t.Context())
	require.NoError(t, err)
	require.Equal(t, "slow", <-host.kept)
	host.steps["slow"]()
	require.NoError(t, e.Close(t.Context()))
	require.Equal(t, []string{"quick"}, started)
}

func TestCloseDoesNotCountStepsThatTheirRunHasCancelled(t *testing.T) {
	began, release := make(chan bool), make(chan bool)
	defer close(release)
	w := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
		short, cancel := ctx.WithTimeout(time.Minute)
		defer cancel()
		return durable.Step(short, "deaf", func(context.Context, string) (string, error) {
			began <- true
			<-release
			return "", nil
		}, "")
	})
	host := &patientHost{Host: durable.NewHost()}
	e, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{w}, Host: host,
	})
	require.NoError(t, err)
	run, err := w.Start(t.Context(), e, "r", "x")
	require.NoError(t, err)
	<-began
	host.pass(time.Minute)
	_, err = run.Result(t.Context())
	require.ErrorIs(t, err, durable.ErrTimeout)
	require.NoError(t, e.Close(expiredContext()), "the step will not run again")
}

func TestAStuckRunSaysWhoWaitsForWhatAndWhere(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
		c := durable.NewChan[string](ctx, "orders", 0)
		f := durable.Go(ctx, "reader", func(ctx durable.Context) (string, error) { return c.Recv(ctx) })
		return f.Await(ctx)
	})
	e := open(t, store.OpenMemory(), w)
	run, err := w.Start(t.Context(), e, "r", "x")
	require.NoError(t, err)
	_, err = run.Result(t.Context())
	var stuck *durable.StuckError
	require.ErrorAs(t, err, &stuck)
	require.Len(t, stuck.Waits, 2)
	require.Regexp(t, `^workflow "w" waits for branch "reader" \(id 1\) at cancel_test\.go:\d+$`, stuck.Waits[0])
	require.Regexp(t, `^branch "reader" \(id 1\) waits for a value from channel "orders" at cancel_test\.go:\d+$`,
		stuck.Waits[1])
}

func TestWhatAResumedRunCancelsIsCancelledWhereItRuns(t *testing.T) {
	began, told := make(chan string, 1), make(chan error, 1)
	var broken atomic.Bool
	broken.Store(true)
	w := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
		slow := durable.Async(ctx, "slow", obedient(began, told), "")
		_ = ctx.Sleep(time.Minute)
		slow.Cancel(ctx, nil)
		if broken.Load() {
			panic("not yet")
		}
		return "done", nil
	})
	host := &patientHost{Host: durable.NewHost()}
	e := openWith(t, durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{w}, Host: host,
	})
	run, err := w.Start(t.Context(), e, "r", "")
	require.NoError(t, err)
	<-began
	host.pass(time.Minute)
	_, err = run.Result(t.Context())
	require.ErrorIs(t, err, durable.ErrParked)
	require.Empty(t, told)
	broken.Store(false)
	require.NoError(t, e.Resume("r"))
	got, err := run.Result(t.Context())
	require.NoError(t, err)
	require.Equal(t, "done", got)
	require.ErrorIs(t, <-told, durable.ErrCancelled)
}
