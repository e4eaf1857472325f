package eventloop_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// elsewhere calls fn on a goroutine of its own and returns what it panicked with.
func elsewhere(fn func()) (panicked any) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		fn()
	}()
	<-done
	return panicked
}

func TestForeignGoroutine(t *testing.T) {
	l := eventloop.New()
	f := eventloop.NewFuture[int](l)
	m := eventloop.NewMutex(l, "m")
	parked := l.Go("parked", func() { _ = l.Park("a wake") })
	for name, call := range map[string]func(){
		"Current":  func() { l.Current() },
		"Tasks":    func() { l.Tasks() },
		"Go":       func() { l.Go("late", func() {}) },
		"CallSoon": func() { l.CallSoon(func() {}) },
		"Wake":     func() { parked.Wake() },
		"Cancel":   func() { parked.Cancel(nil) },
		"Kill":     func() { parked.Kill() },
		"Park":     func() { _ = l.Park("anything") },
		"Await":    func() { _, _ = f.Await() },
		"Resolve":  func() { f.Resolve(1) },
		"Lock":     func() { _ = m.Lock() },
		"Close":    func() { l.Close() },
	} {
		l.Go("holder", func() {
			require.Equal(t, "eventloop: "+name+" was called from a goroutine that is not a task of this loop, "+
				`while task "holder" runs; start concurrent work with Go of the loop, not with the go statement`,
				elsewhere(call))
		})
		l.CallSoon(func() {
			require.Contains(t, elsewhere(call), "while a callback runs")
		})
	}
	l.Run()
	require.Len(t, l.Tasks(), 1, "the parked task was left alone")
	l.Close()
}

func TestRestIsOpenToAll(t *testing.T) {
	l := eventloop.New()
	ran := false
	require.Nil(t, elsewhere(func() { l.Go("task", func() { ran = true }) }))
	require.Nil(t, elsewhere(func() { l.Run() }))
	require.True(t, ran)
	require.Nil(t, elsewhere(l.Close))
}

func TestRunOnManyGoroutines(t *testing.T) {
	l := eventloop.New()
	rounds := 0
	task := l.Go("task", func() {
		for l.Park("a wake") == nil {
			rounds++
		}
	})
	l.Run()
	for range 100 {
		require.Nil(t, elsewhere(func() {
			task.Wake()
			l.Run()
		}))
	}
	require.Equal(t, 100, rounds)
	l.Close()
}

func TestMisuse(t *testing.T) {
	l := eventloop.New()
	f := eventloop.NewFuture[int](l)
	var refused []any
	refuse := func(fn func()) {
		defer func() { refused = append(refused, recover()) }()
		fn()
	}
	refuse(func() { _ = l.Park("anything") })
	refuse(func() { l.Go("nothing", nil) })
	refuse(func() { eventloop.Start[int](l, "nothing", nil) })
	refuse(func() { l.CallSoon(nil) })
	refuse(func() { f.Reject(nil) })
	refuse(func() { eventloop.NewChan[int](l, "c", -1) })
	refuse(func() { eventloop.NewQueue[int](l, "q", -1) })
	refuse(func() { eventloop.NewSemaphore(l, "s", -1) })
	refuse(func() { eventloop.NewMutex(l, "m").Unlock() })
	refuse(func() { eventloop.NewWaitGroup(l, "g").Done() })
	refuse(func() { eventloop.NewQueue[int](l, "q", 0).TaskDone() })
	refuse(func() { l.CallLater(1, func() {}) })
	refuse(func() { _, _, _ = eventloop.Wait(eventloop.WaitMode(7), f) })
	l.Go("task", func() {
		refuse(func() { l.Run() })
		refuse(func() { _ = l.Sleep(1) })
		refuse(func() { l.Close() })
		refuse(func() { _, _ = eventloop.Gather(f, eventloop.NewFuture[int](eventloop.New())) })
	})
	l.CallSoon(func() { refuse(func() { _ = l.Yield() }) })
	l.Run()
	l.Close()
	refuse(func() { l.Go("late", func() {}) })
	refuse(func() { l.Run() })
	require.Equal(t, []any{
		"eventloop: Park waits, so it must be called by a task of the loop; the loop does not run",
		`eventloop: Go("nothing") needs a function to run, got nil`,
		`eventloop: Go("nothing") needs a function to run, got nil`,
		"eventloop: CallSoon needs a function to call, got nil",
		"eventloop: Reject needs an error, got nil; Resolve is for success",
		`eventloop: NewChan "c" needs a capacity of 0 or more, got -1`,
		`eventloop: NewQueue "q" needs a limit of 0 (none) or more, got -1`,
		`eventloop: NewSemaphore "s" needs 0 slots or more, got -1`,
		`eventloop: Unlock of mutex "m", which nobody holds`,
		`eventloop: wait group "g": Done was called more often than Add asked for`,
		`eventloop: TaskDone was called more often than Put on queue "q"`,
		"eventloop: CallLater needs a clock, and the loop has none; give it one with SetClock",
		"eventloop: unknown wait mode 7",
		`eventloop: Run was called while the loop runs already (task "task" runs); ` +
			"a task waits with Park, Await or a primitive, it does not run its own loop",
		"eventloop: Sleep needs a clock, and the loop has none; give it one with SetClock",
		`eventloop: Close was called by task "task" of the same loop`,
		"eventloop: Gather was given argument 2 (a future) of another loop; make all of them in one loop, or world",
		"eventloop: Yield waits, so it must be called by a task; a callback may not wait, " +
			"start a task with Go instead",
		`eventloop: Go("late") was called on a closed loop`,
		"eventloop: Run was called on a closed loop",
	}, refused)
}

func TestPickerOutOfRange(t *testing.T) {
	l := eventloop.New()
	l.SetPicker(func(ready int) int { return ready })
	l.Go("a", func() {})
	l.Go("b", func() {})
	require.PanicsWithValue(t, "eventloop: the picker answered 2, want 0 to 1", func() { l.Run() })
	l.Close()
}

func TestNestedLoops(t *testing.T) {
	outer, inner := eventloop.New(), eventloop.New()
	var log []string
	var host *eventloop.Task
	host = outer.Go("host", func() {
		branch := inner.Go("branch", func() {
			require.Same(t, host, outer.Current(), "the outer loop is seen from within")
			outer.Go("spawned", func() { log = append(log, "spawned") })
			require.PanicsWithValue(t,
				"eventloop: Park waits on an outer loop, called by a task of a loop nested in it; "+
					"wait on the inner loop, whose Run returns when all its tasks wait",
				func() { _ = outer.Park("anything") })
			_ = inner.Park("a wake")
			log = append(log, "branch woke")
		})
		inner.Run()
		log = append(log, "host waits")
		require.NoError(t, outer.Yield())
		branch.Wake()
		inner.Run()
		log = append(log, "host ends")
	})
	outer.Run()
	require.Equal(t, []string{"host waits", "spawned", "branch woke", "host ends"}, log)
	inner.Close()
	outer.Close()
}

func TestForeignGoroutineOfNestedLoop(t *testing.T) {
	outer, inner := eventloop.New(), eventloop.New()
	outer.Go("host", func() {
		inner.Go("branch", func() {
			require.Contains(t, elsewhere(func() { outer.Current() }), `while task "host" runs`)
			require.Contains(t, elsewhere(func() { inner.Current() }), `while task "branch" runs`)
		})
		inner.Run()
	})
	outer.Go("another host", func() {
		var panicked any
		elsewhere(func() {
			stranger := eventloop.New()
			stranger.Go("stranger", func() {
				defer func() { panicked = recover() }()
				outer.Current()
			})
			stranger.Run()
		})
		require.Contains(t, panicked, `by task "stranger" of another loop`, "a task of a loop that is not nested here")
	})
	outer.Run()
	inner.Close()
	outer.Close()
}

func TestExitEndsTheRunner(t *testing.T) {
	outer, inner := eventloop.New(), eventloop.New()
	var log []string
	var host, branch *eventloop.Task
	left := outer.Go("left", func() { _ = outer.Park("a wake") })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			outer.Close() // works on a goroutine that exits
			log = append(log, "closed")
		}()
		host = outer.Go("host", func() {
			defer func() { log = append(log, "host unwound") }()
			branch = inner.Go("branch", func() { runtime.Goexit() })
			inner.Run()
			log = append(log, "never")
		})
		outer.Run()
		log = append(log, "never")
	}()
	<-ended
	require.Equal(t, []string{"host unwound", "closed"}, log)
	require.ErrorIs(t, branch.Err(), eventloop.ErrExited)
	require.ErrorIs(t, host.Err(), eventloop.ErrExited)
	require.ErrorIs(t, left.Err(), eventloop.ErrKilled)
	inner.Close()
}
