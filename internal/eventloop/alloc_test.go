package eventloop_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/clock"
	"github.com/reprise-dst/reprise/internal/eventloop"
)

// The bounds on speed are for benchmarks; what is behind them, the memory that things take, is the same on
// every machine.

// TestAllocations counts them for a switch, a task and a timer.
func TestAllocations(t *testing.T) {
	l := eventloop.New()
	defer l.Close()
	l.Go("spinner", func() {
		for l.Yield() == nil {
		}
	})
	require.True(t, l.RunOne())
	require.Zero(t, testing.AllocsPerRun(1000, func() { l.RunOne() }), "a switch")

	l = eventloop.New()
	task := func() {}
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() {
		l.Go("task", task)
		l.Run()
	}), 2.0, "a task from its start to its end")

	c := clock.NewVirtual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	l.SetClock(c)
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() {
		l.CallLater(time.Second, task)
		c.Advance()
		l.Run()
	}), 4.0, "a timer on the loop, of the clock, and its callback")
}

// TestWaitingTasksAreSmall: a task that waits takes at most 4 KB, its stack included.
func TestWaitingTasksAreSmall(t *testing.T) {
	const tasks = 20_000
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	eventloop.DropIdle()
	before := inUse()
	l := eventloop.New()
	for range tasks {
		l.Go("task", func() { _ = l.Park("a wake") })
	}
	l.Run()
	each := (inUse() - before) / tasks
	t.Logf("%d bytes each", each)
	most := uint64(4 << 10)
	if raceDetector {
		most *= 2
	}
	require.Less(t, each, most)
	l.Close()
	eventloop.DropIdle()
}

// TestIdleKeepsCoroutines: loops that share an Idle share its coroutines, and Close leaves them to all.
func TestIdleKeepsCoroutines(t *testing.T) {
	eventloop.DropIdle()
	before := runtime.NumGoroutine()
	var p eventloop.Idle
	for range 10 {
		l := eventloop.New()
		l.SetIdle(&p)
		for range 5 {
			l.Go("task", func() { _ = l.Yield() })
		}
		l.Run()
		l.Close()
		eventloop.DropIdle() // those of p are not among them
		require.Equal(t, before+5, runtime.NumGoroutine())
	}
	p.Close()
	eventloop.DropIdle()
	require.Equal(t, before, runtime.NumGoroutine())
}
