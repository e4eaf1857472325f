package eventloop_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/internal/eventloop"
	"github.com/reprise-dst/reprise/internal/golden"
)

// report drops the line numbers, which move with every edit of this file.
func report(err error) string {
	return regexp.MustCompile(`_test\.go:\d+`).ReplaceAllString(err.Error(), "_test.go:LINE") + "\n"
}

func TestDeadlockReport(t *testing.T) {
	l, c := virtualLoop()
	orders := eventloop.NewChan[int](l, "orders", 0)
	stock, ledger := eventloop.NewMutex(l, "stock"), eventloop.NewMutex(l, "ledger")
	lockBoth := func(first, second *eventloop.Mutex) {
		_ = first.Lock()
		_ = l.Sleep(time.Second)
		_ = second.Lock()
	}
	l.Go("reserve", func() { lockBoth(stock, ledger) })
	l.Go("charge", func() { lockBoth(ledger, stock) })
	shipper := l.Go("ship", func() { _, _ = orders.Recv() })
	l.Go("main", func() { _ = shipper.Await() })
	refuser := l.Go("stubborn", func() {
		_ = l.Park("an answer")
		_ = l.Park("another answer")
	})
	l.CallLater(time.Minute, func() { refuser.Cancel(errEnough) })
	err := l.Drive(c.Advance, 0)
	var deadlock *eventloop.DeadlockError
	require.ErrorAs(t, err, &deadlock)
	golden.Assert(t, "report/deadlock.txt", report(err))

	require.Equal(t, err.Error(), l.Deadlock().Error(), "asking changes nothing")
	for _, task := range l.Tasks() {
		require.Contains(t, task.Where().Function, "TestDeadlockReport")
	}
	require.True(t, slices.ContainsFunc(shipper.Stack(), func(p eventloop.Place) bool {
		return strings.HasSuffix(p.Function, ".Recv")
	}), "the whole stack is known, too")
	l.Close()
	require.Nil(t, l.Deadlock(), "no task, no deadlock")
}

func TestLivelockReport(t *testing.T) {
	l, c := virtualLoop()
	for _, name := range []string{"ping", "pong"} {
		l.Go(name, func() {
			for l.Yield() == nil {
			}
		})
	}
	l.Go("bystander", func() { _ = l.Park("a wake") })
	err := l.Drive(c.Advance, 100)
	golden.Assert(t, "report/livelock.txt", report(err))
	l.Close()
}

// TestLivelockThroughTimers is about timers that are due at once, for ever: time stands still all the same.
func TestLivelockThroughTimers(t *testing.T) {
	l, c := virtualLoop()
	var again func()
	again = func() { l.CallLater(0, again) }
	again()
	err := l.Drive(c.Advance, 100)
	require.EqualError(t, err, "eventloop: livelock: 100 steps and time has not moved")

	steps := 0
	again = func() {
		if steps++; steps < 1000 {
			l.CallLater(1, again)
		}
	}
	require.NoError(t, l.Drive(c.Advance, 100), "as long as time moves, it may take any number of steps")
	require.Equal(t, 1000, steps)
}

func TestWhereOfOthers(t *testing.T) {
	l := eventloop.New()
	require.Nil(t, l.Deadlock())
	unstarted := l.Go("unstarted", func() {})
	require.Zero(t, unstarted.Where())
	require.Equal(t, `task 1 "unstarted" waits for its start`, l.Waiting()[0].String())
	l.Run()
	require.Nil(t, unstarted.Stack(), "it has ended")
	var ready *eventloop.Task
	ready = l.Go("ready", func() {
		require.Zero(t, ready.Where(), "it runs")
		require.Equal(t, `task 2 "ready" waits for nothing, it runs`, l.Waiting()[0].String())
		_ = l.Park("a wake")
		require.NoError(t, l.Park("a second wake"))
	})
	l.Run()
	ready.Cancel(errEnough)
	require.Contains(t, ready.Where().Function, "TestWhereOfOthers")
	require.Regexp(t, `^task 2 "ready" at report_test.go:\d+ waits for its turn \(it was cancelled: enough\)$`,
		l.Waiting()[0].String())
	l.Run()
	require.Contains(t, ready.Where().Function, "TestWhereOfOthers", "a task that was asked waits on")
	ready.Wake()
	l.Run()
	require.True(t, ready.Done())
}
