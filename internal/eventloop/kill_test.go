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

func TestKillSelf(t *testing.T) {
	l := eventloop.New()
	var log []string
	var task *eventloop.Task
	task = l.Go("task", func() {
		defer func() { log = append(log, "unwound") }()
		task.Kill()
		log = append(log, "goes on")
		require.Same(t, task, l.Current(), "asking is allowed")
		_ = l.Yield()
		log = append(log, "never")
	})
	l.Run()
	require.Equal(t, []string{"goes on", "unwound"}, log)
	require.ErrorIs(t, task.Err(), eventloop.ErrKilled)
}

func TestKillSelfAndReturn(t *testing.T) {
	l := eventloop.New()
	f := eventloop.Start(l, "task", func() (int, error) {
		l.Current().Kill()
		return 1, nil
	})
	l.Run()
	require.True(t, f.Done())
	_, err := f.Result()
	require.ErrorIs(t, err, eventloop.ErrKilled, "a killed task gives no result")
}

func TestUnwindOnRequest(t *testing.T) {
	outer, inner := eventloop.New(), eventloop.New()
	var log []string
	seam := func() {
		if task := outer.Current(); task != nil {
			task.Unwind()
		}
		log = append(log, "reached the world")
	}
	var branch *eventloop.Task
	host := outer.Go("host", func() {
		defer inner.Close()
		branch = inner.Go("branch", func() {
			seam()
			outer.Current().Kill()
			seam()
		})
		inner.Run()
		log = append(log, "host goes on to its next wait")
		_ = outer.Yield()
		log = append(log, "never")
	})
	outer.Run()
	require.Equal(t, []string{"reached the world", "host goes on to its next wait"}, log)
	require.ErrorIs(t, branch.Err(), eventloop.ErrKilled)
	require.ErrorIs(t, host.Err(), eventloop.ErrKilled)
}

func TestKillWhileUserCodePanics(t *testing.T) {
	l := eventloop.New()
	task := l.Go("task", func() {
		defer func() { panic("from a deferred function") }()
		_ = l.Park("a wake")
	})
	l.SetOnPanic(func(*eventloop.Task, *eventloop.PanicError) { t.Error("nothing of a killed task escapes") })
	l.Run()
	task.Kill()
	require.Equal(t, eventloop.ErrKilled, task.Err())
}

func TestKillWhileUserCodeExits(t *testing.T) {
	l := eventloop.New()
	task := l.Go("task", func() {
		defer runtime.Goexit() // as a failing require in a deferred function does
		_ = l.Park("a wake")
	})
	l.Run()
	returned := false
	require.Nil(t, elsewhere(func() {
		task.Kill()
		returned = true
	}))
	require.True(t, returned, "the exit of a killed task does not end its killer")
	require.ErrorIs(t, task.Err(), eventloop.ErrKilled)
	l.Close()
}

func TestKillWhileUserCodeRecoversForever(t *testing.T) {
	l := eventloop.New()
	task := l.Go("stubborn", func() {
		for {
			func() {
				defer func() { _ = recover() }()
				_ = l.Park("a wake")
			}()
		}
	})
	l.Run()
	task.Kill()
	require.EqualError(t, task.Err(),
		"eventloop: task was killed, but recovered from that 1000 times and would not end")
	require.Nil(t, task.Stack())
	l.Close()
}

func TestKillAmongTasks(t *testing.T) {
	l := eventloop.New()
	var log []string
	var a, b, c *eventloop.Task
	a = l.Go("a", func() {
		b.Kill()
		log = append(log, "a goes on")
		require.Same(t, a, l.Current())
	})
	b = l.Go("b", func() { log = append(log, "never") })
	c = l.Go("c", func() {
		defer func() { log = append(log, "c unwound") }()
		_ = l.Park("a wake")
	})
	l.Run()
	l.Go("killer", func() {
		c.Kill()
		log = append(log, "killer goes on")
		require.Equal(t, "killer", l.Current().Name())
		require.NoError(t, l.Yield())
	})
	l.Run()
	require.Equal(t, []string{"a goes on", "c unwound", "killer goes on"}, log)
}

func TestIsKill(t *testing.T) {
	l := eventloop.New()
	var seen any
	task := l.Go("task", func() {
		defer func() {
			seen = recover()
			panic(seen)
		}()
		_ = l.Park("a wake")
	})
	l.Run()
	task.Kill()
	require.True(t, eventloop.IsKill(seen))
	require.False(t, eventloop.IsKill("boom"))
	require.False(t, eventloop.IsKill(nil))
}

// TestKillLeavesNothing kills tasks in every kind of wait, and looks for what they could leave behind.
func TestKillLeavesNothing(t *testing.T) {
	l := eventloop.New()
	c := clock.NewVirtual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	l.SetClock(c)
	ch := eventloop.NewChan[int](l, "c", 0)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	f := eventloop.NewFuture[int](l)
	sem := eventloop.NewSemaphore(l, "s", 0)
	var victims []*eventloop.Task
	for name, wait := range map[string]func(){
		"sleep":   func() { _ = l.Sleep(time.Hour) },
		"timeout": func() { _ = l.Timeout(time.Hour, func() error { return l.Park("a wake") }) },
		"recv":    func() { _, _ = ch.Recv() },
		"context": func() { _ = l.ParkContext(ctx, "the context") },
		"await":   func() { _, _ = f.Await() },
		"gather":  func() { _, _ = eventloop.Gather(f, f) },
		"acquire": func() { _ = sem.Acquire() },
		"deadline": func() {
			ctx, stop := l.WithTimeout(context.Background(), time.Hour)
			defer stop()
			_ = l.ParkContext(ctx, "the deadline")
		},
	} {
		victims = append(victims, l.Go(name, wait))
	}
	l.Run()
	require.Equal(t, 3, c.Pending())
	for _, v := range victims {
		v.Kill()
	}
	require.Zero(t, c.Pending())
	require.False(t, ch.TrySend(1), "no receiver is left")
	sem.Release()
	require.True(t, sem.TryAcquire(), "no waiter took the slot")
	f.Resolve(1)
	cancel()
	require.Zero(t, l.Run())
	l.Close()
}

func TestCloseWhileDying(t *testing.T) {
	l := eventloop.New()
	var order []string
	for _, name := range []string{"a", "b"} {
		l.Go(name, func() {
			defer func() { order = append(order, name) }()
			defer func() {
				defer func() { require.True(t, eventloop.IsKill(recover())) }()
				l.Go("late", func() { t.Error("a dying task starts nothing") })
			}()
			_ = l.Park("a wake")
		})
	}
	l.Run()
	l.Close()
	l.Close()
	require.Equal(t, []string{"a", "b"}, order)
	require.Empty(t, l.Tasks())
}

func TestPanicError(t *testing.T) {
	l := eventloop.New()
	cause := errors.New("cause")
	var seen []string
	l.SetOnPanic(func(task *eventloop.Task, p *eventloop.PanicError) {
		seen = append(seen, task.Name()+" "+p.Task)
	})
	task := l.Go("task", func() { panic(cause) })
	l.Run()
	require.Equal(t, []string{"task task"}, seen)
	require.ErrorIs(t, task.Err(), cause)
	var p *eventloop.PanicError
	require.ErrorAs(t, task.Err(), &p)
	require.Contains(t, p.Error(), "task \"task\" panicked: cause\n\ngoroutine ")
	require.Contains(t, string(p.Stack), "TestPanicError")
}

func TestPanicInCallback(t *testing.T) {
	l := eventloop.New()
	l.CallSoon(func() { panic("boom") })
	ran := false
	l.Go("task", func() { ran = true })
	require.PanicsWithValue(t, "boom", func() { l.Run() })
	require.Equal(t, 1, l.Run(), "the loop can go on")
	require.True(t, ran)
	l.Close()
}
