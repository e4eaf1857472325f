package eventloop_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/clock"
	"github.com/reprise-dst/reprise/internal/eventloop"
)

var errEnough = errors.New("enough")

func virtualLoop() (*eventloop.Loop, *clock.Virtual) {
	l := eventloop.New()
	c := clock.NewVirtual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	l.SetClock(c)
	return l, c
}

func closed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func TestTaskContext(t *testing.T) {
	l := eventloop.New()
	task := l.Go("task", func() { _ = l.Park("a wake") })
	l.Run()
	ctx := task.Context()
	require.Same(t, ctx, task.Context())
	child, stop := context.WithCancel(context.WithValue(ctx, t, "value"))
	defer stop()
	require.NoError(t, ctx.Err())
	require.NoError(t, context.Cause(ctx))
	require.False(t, closed(ctx.Done()))
	_, has := ctx.Deadline()
	require.False(t, has)
	task.Cancel(errEnough)
	require.Equal(t, context.Canceled, ctx.Err(), "at once, before the task runs")
	require.Equal(t, errEnough, context.Cause(ctx))
	require.True(t, closed(ctx.Done()))
	require.True(t, closed(child.Done()), "the standard library's child follows at once, without a goroutine")
	require.Equal(t, errEnough, context.Cause(child))
	l.Run()
	require.True(t, task.Done())
}

func TestTaskContextEndsWithTheTask(t *testing.T) {
	l := eventloop.New()
	var during context.Context
	task := l.Go("task", func() { during = l.Current().Context() })
	l.Run()
	require.Equal(t, context.Canceled, during.Err())
	late := l.Go("late", func() {})
	l.Run()
	require.Equal(t, context.Canceled, late.Context().Err(), "also when it is asked for afterwards")
	require.True(t, closed(late.Context().Done()))
	require.NoError(t, task.Err())
}

func TestContextAfterFunc(t *testing.T) {
	l := eventloop.New()
	ctx, cancel := l.WithCancel(context.Background())
	var log []string
	after := func(name string) func() bool {
		return ctx.(*eventloop.Context).AfterFunc(func() { log = append(log, name) })
	}
	after("one")
	stop := after("two")
	after("three")
	require.True(t, stop())
	require.False(t, stop())
	cancel(nil)
	cancel(errEnough)
	require.Equal(t, []string{"one", "three"}, log)
	require.Equal(t, context.Canceled, context.Cause(ctx), "the first cancellation counts")
	require.False(t, after("late")())
	require.Equal(t, []string{"one", "three", "late"}, log)
}

func TestDeadlines(t *testing.T) {
	l, c := virtualLoop()
	start := c.Now()
	outer, stopOuter := l.WithTimeout(context.Background(), time.Minute)
	inner, stopInner := l.WithDeadline(outer, start.Add(time.Hour))
	short, stopShort := l.WithTimeout(outer, time.Second)
	defer stopOuter()
	defer stopInner()
	for _, want := range []struct {
		ctx context.Context
		at  time.Duration
	}{{outer, time.Minute}, {inner, time.Minute}, {short, time.Second}} {
		at, ok := want.ctx.Deadline()
		require.True(t, ok)
		require.Equal(t, start.Add(want.at), at)
	}
	stopShort()
	require.Equal(t, context.Canceled, short.Err())
	require.Equal(t, 2, c.Pending(), "a cancelled context leaves no timer")
	require.True(t, c.Advance())
	require.Equal(t, start.Add(time.Minute), c.Now())
	require.Equal(t, context.DeadlineExceeded, outer.Err())
	require.Equal(t, context.DeadlineExceeded, inner.Err())
	require.Zero(t, c.Pending())
	late, stopLate := l.WithTimeout(outer, time.Second)
	defer stopLate()
	require.Equal(t, context.DeadlineExceeded, late.Err(), "a context of an ended one has ended")
	require.Zero(t, c.Pending())
}

// TestForeignContext waits under contexts that know nothing of loops.
func TestForeignContext(t *testing.T) {
	l, _ := virtualLoop()
	foreign, cancel := context.WithCancelCause(context.Background())
	var log []string
	wait := func(name string, ctx context.Context) {
		l.Go(name, func() {
			err := l.ParkContext(ctx, "the context")
			require.ErrorIs(t, err, errEnough)
			log = append(log, name)
		})
	}
	child, stop := l.WithCancel(foreign)
	defer stop(nil)
	wait("direct", foreign)
	wait("child", child)
	wait("again", foreign)
	l.Run()
	l.Go("canceller", func() {
		cancel(errEnough)
		require.Equal(t, []string(nil), log)
		_ = l.Yield()
		log = append(log, "others first")
	})
	l.Run()
	require.Equal(t, []string{"others first", "child", "direct", "again"}, log)
	require.Equal(t, context.Canceled, child.Err())
	l.Close()
}

func TestParkContext(t *testing.T) {
	l, _ := virtualLoop()
	ended, cancel := l.WithCancel(context.Background())
	cancel(errEnough)
	var task *eventloop.Task
	task = l.Go("task", func() {
		require.ErrorIs(t, l.ParkContext(ended, "anything"), errEnough, "without waiting")
		require.NoError(t, l.ParkContext(context.Background(), "a wake"))
		err := l.ParkContext(task.Context(), "its own context")
		require.ErrorIs(t, err, errEnough)
		require.NoError(t, l.Park("another wake"), "the cancellation was delivered")
		require.ErrorIs(t, l.ParkContext(task.Context(), "its own context"), errEnough, "contexts stay ended")
		detached := context.WithoutCancel(task.Context())
		require.NoError(t, l.ParkContext(detached, "cleanup"))
	})
	l.Run()
	task.Wake()
	l.Run()
	task.Cancel(errEnough)
	l.Run()
	task.Wake()
	l.Run()
	require.False(t, task.Done())
	task.Wake()
	l.Run()
	require.True(t, task.Done())
	require.ErrorIs(t, task.Err(), errEnough)
}

func TestUnder(t *testing.T) {
	l, _ := virtualLoop()
	ch := eventloop.NewChan[int](l, "c", 0)
	ctx, cancel := l.WithCancel(context.Background())
	task := eventloop.Start(l, "task", func() (int, error) {
		err := l.Under(ctx, func() error {
			_, err := ch.Recv()
			require.ErrorIs(t, err, errEnough)
			require.NoError(t, l.Yield(), "once")
			return err
		})
		require.Equal(t, errEnough, err)
		require.Equal(t, errEnough, l.Under(ctx, func() error { t.Error("not entered"); return nil }))
		return ch.Recv()
	})
	l.Run()
	cancel(errEnough)
	l.Run()
	require.False(t, task.Done())
	require.True(t, ch.TrySend(7))
	l.Run()
	v, err := task.Result()
	require.NoError(t, err)
	require.Equal(t, 7, v)
}

// TestUnderTheOwnContext cancels a task that waits under a context derived from its own: the cancellation
// comes by two ways and must arrive once.
func TestUnderTheOwnContext(t *testing.T) {
	for name, derive := range map[string]func(l *eventloop.Loop, ctx context.Context) context.Context{
		"itself": func(_ *eventloop.Loop, ctx context.Context) context.Context { return ctx },
		"child": func(l *eventloop.Loop, ctx context.Context) context.Context {
			child, _ := l.WithCancel(ctx)
			return child
		},
		"foreign child": func(_ *eventloop.Loop, ctx context.Context) context.Context {
			child, cancel := context.WithCancel(ctx)
			t.Cleanup(cancel)
			return child
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := eventloop.New()
			task := l.Go("task", func() {
				err := l.Under(derive(l, l.Current().Context()), func() error {
					err := l.Park("a wake")
					require.NoError(t, l.Yield(), "it was delivered")
					require.NoError(t, l.Yield())
					return err
				})
				require.ErrorIs(t, err, errEnough)
			})
			l.Run()
			task.Cancel(errEnough)
			l.Run()
			require.True(t, task.Done())
		})
	}
}

func TestUnderLeavesNothingPending(t *testing.T) {
	l, c := virtualLoop()
	l.Go("task", func() {
		ctx, cancel := l.WithCancel(context.Background())
		require.NoError(t, l.Under(ctx, func() error { cancel(errEnough); return nil }))
		require.NoError(t, l.Yield(), "what was not delivered inside is not delivered outside")
		require.NoError(t, l.Timeout(time.Second, func() error { c.Advance(); return nil }))
		require.NoError(t, l.Yield())
	})
	require.NoError(t, l.Drive(c.Advance, 0))
}

func TestTimeoutError(t *testing.T) {
	l, c := virtualLoop()
	var err error
	l.Go("task", func() { err = l.Timeout(time.Second, func() error { return l.Sleep(time.Hour) }) })
	require.NoError(t, l.Drive(c.Advance, 0))
	require.ErrorIs(t, err, eventloop.ErrTimeout)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Zero(t, c.Pending(), "neither the timeout nor the sleep leaves a timer")
}

func TestCancellationIsStrongerThanTimeout(t *testing.T) {
	l, c := virtualLoop()
	task := l.Go("task", func() {
		err := l.Timeout(time.Second, func() error {
			l.Current().Cancel(errEnough)
			c.Advance() // the timeout passes while the cancellation is on its way
			return l.Park("anything")
		})
		require.ErrorIs(t, err, errEnough)
	})
	require.NoError(t, l.Drive(c.Advance, 0))
	require.ErrorIs(t, task.Err(), errEnough)
}

func TestTimerStop(t *testing.T) {
	l, c := virtualLoop()
	ran := false
	timer := l.CallLater(time.Second, func() { ran = true })
	require.True(t, c.Advance())
	require.Equal(t, 1, l.Ready(), "it is on the ready queue")
	require.True(t, timer.Stop(), "and can still be stopped")
	l.Run()
	require.False(t, ran)
	require.False(t, timer.Stop())
	past := l.CallAt(c.Now().Add(-time.Hour), func() { ran = true })
	require.True(t, c.Advance())
	l.Run()
	require.True(t, ran)
	require.False(t, past.Stop())
}

func TestDeadlineOfDerivedContexts(t *testing.T) {
	l, c := virtualLoop()
	ctx, stop := l.WithTimeout(context.Background(), time.Second)
	defer stop()
	child, stopChild := context.WithCancel(context.WithValue(ctx, t, "value"))
	defer stopChild()
	at, ok := child.Deadline()
	require.True(t, ok)
	require.Equal(t, c.Now().Add(time.Second), at)
	require.Equal(t, "value", child.Value(t))
	before := runtime.NumGoroutine()
	for range 10 {
		_, stop := context.WithCancel(context.WithValue(ctx, t, "value"))
		defer stop()
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before, "no child has a goroutine")
	require.True(t, c.Advance())
	require.Equal(t, context.DeadlineExceeded, child.Err())
	require.Equal(t, context.DeadlineExceeded, context.Cause(child))
	require.True(t, closed(child.Done()))
}

func TestForeignParentIsSeenAtOnce(t *testing.T) {
	l := eventloop.New()
	foreign, cancel := context.WithCancel(context.Background())
	child, stop := l.WithCancel(foreign)
	defer stop(nil)
	cancel()
	require.Equal(t, context.Canceled, child.Err())
	require.False(t, closed(child.Done()), "what follows from it waits for the loop to come to rest")
	l.Run()
	require.True(t, closed(child.Done()))
}
