package sim_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/sim"
)

// TestStaleTimersMoveNoTime sets a timer in an incarnation that dies: time must not wait for it.
func TestStaleTimersMoveNoTime(t *testing.T) {
	_, failure := sim.Run(memory, "", func(w *sim.World) {
		boots := 0
		n := w.Node("worker", func(n *sim.Node) {
			if boots++; boots == 1 {
				n.AfterFunc(24*time.Hour, func() {})
			}
		})
		_ = w.Sleep(w.Context(), time.Second)
		n.Crash()
		_, _ = sim.NewFuture[int](w).Await()
	})
	require.NotNil(t, failure)
	require.Equal(t, time.Second+time.Millisecond, failure.At)
}

// TestTimersOfOneInstant crashes at the first of two timers that are due together.
func TestTimersOfOneInstant(t *testing.T) {
	trace, failure := sim.Run(memory, "worker/crash/timer#1 = 1", func(w *sim.World) {
		n := w.Node("worker", func(n *sim.Node) {
			if w.Now() == sim.Epoch {
				n.AfterFunc(time.Second, func() {})
				n.AfterFunc(time.Second, func() {})
			}
		})
		_ = w.Sleep(w.Context(), time.Minute)
		require.True(w, n.Up())
	})
	require.Nil(t, failure, trace)
	require.NotContains(t, trace, "a timer fires")
}

// TestAcknowledgedIsNeverLost asks for the loss of commits of which that is not allowed.
func TestAcknowledgedIsNeverLost(t *testing.T) {
	for _, c := range []struct{ name, deviations string }{
		{"after its acknowledgement", "worker/crash/spawn#1 = 1\nworker/lost#1 = 1"},
		{"when the crash itself kept it", "worker/crash/commit#1 = 2\nworker/lost#1 = 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			trace, failure := sim.Run(memory, c.deviations, func(w *sim.World) {
				n := w.Node("worker", func(n *sim.Node) {
					s := n.Store()
					if w.Now() == sim.Epoch {
						require.NoError(w, set(n, "k", "v"))
						n.Go("order", func(context.Context) {})
					}
					_ = s
				})
				require.Equal(w, "v", ask(w, n, "k"))
			})
			require.Nil(t, failure, trace)
			require.Contains(t, trace, "DRIFT worker/lost#1 = 1")
		})
	}
}

// TestSignalBeatsCancellation fires a signal and cancels the wait for it at one instant.
func TestSignalBeatsCancellation(t *testing.T) {
	trace, failure := sim.Run(memory, "", func(w *sim.World) {
		n := w.Node("worker", func(*sim.Node) {})
		err := n.Call(w.Context(), "wait", func(context.Context) error {
			ctx, cancel := w.WithTimeout(w.Context(), time.Hour)
			s := n.NewSignal()
			n.Go("both", func(context.Context) { cancel(); s.Fire() })
			return s.Wait(ctx)
		})
		require.NoError(w, err)
	})
	require.Nil(t, failure, trace)
}

// TestConnKeepsOrder lets a part of a connection be slow: the next one does not overtake it.
func TestConnKeepsOrder(t *testing.T) {
	trace, failure := sim.Run(badNetwork, `"outside->echo/slow"#2 = 6`, func(w *sim.World) {
		echo(w)
		_ = w.Sleep(w.Context(), time.Second)
		c, err := w.Dial(w.Context(), "tcp", "echo:7")
		require.NoError(w, err)
		lines := bufio.NewReader(c)
		for _, line := range []string{"a\n", "b\n", "c\n"} {
			_, err := io.WriteString(c, line)
			require.NoError(w, err)
		}
		for _, want := range []string{"A\n", "B\n", "C\n"} {
			line, err := lines.ReadString('\n')
			require.NoError(w, err)
			require.Equal(w, want, line)
		}
	})
	require.Nil(t, failure, trace)
	require.NotContains(t, trace, "DRIFT")
}

// TestSecondAnswerDisturbsNobody lets an answer arrive twice, while its caller does something else.
func TestSecondAnswerDisturbsNobody(t *testing.T) {
	deviations := "\"till->outside/duplicate\"#1 = 1\n\"till->outside/slow\"#1 = 5"
	trace, failure := sim.Run(badNetwork, deviations, func(w *sim.World) {
		total := 0
		n := till(w, &total)
		_ = w.Sleep(w.Context(), time.Second)
		got, err := sim.Request[charge, int](w.Context(), n, "charge", charge{5})
		require.NoError(w, err)
		require.Equal(w, 5, got)
		before := w.Now()
		_ = w.Sleep(w.Context(), time.Hour)
		require.Equal(w, time.Hour, w.Now().Sub(before))
	})
	require.Nil(t, failure, trace)
	require.NotContains(t, trace, "DRIFT")
}

// TestRequestThatIsPendingAtACrash is answered at once, not never.
func TestRequestThatIsPendingAtACrash(t *testing.T) {
	trace, failure := sim.Run(badNetwork, "", func(w *sim.World) {
		total := 0
		n := till(w, &total)
		_ = w.Sleep(w.Context(), time.Second)
		n.Pause(time.Minute)
		w.Go("crash", func(ctx context.Context) { _ = w.Sleep(ctx, time.Second); n.Crash() })
		_, err := sim.Request[charge, int](w.Context(), n, "charge", charge{5})
		require.ErrorIs(w, err, sim.ErrUnreachable)
		require.Zero(w, total)
	})
	require.Nil(t, failure, trace)
}

// TestFirstFailureCounts fails twice before the world can end.
func TestFirstFailureCounts(t *testing.T) {
	trace, failure := sim.Run(memory, "", func(w *sim.World) {
		w.Errorf("first")
		w.Errorf("second")
		w.Fail("third", "")
	})
	require.Equal(t, []string{"first"}, failure.Detail)
	require.Equal(t, 1, strings.Count(trace, "FAIL"))
}

// TestCancelledCommit cancels a task while its commit is under way: the commit ends, and the next wait ends
// with the cancellation.
func TestCancelledCommit(t *testing.T) {
	trace, failure := sim.Run(memory, "worker/slow/commit#1 = 4", func(w *sim.World) {
		n := w.Node("worker", func(*sim.Node) {})
		var committed, slept error
		ctx, cancel := w.WithTimeout(w.Context(), time.Millisecond)
		defer cancel()
		err := n.Call(ctx, "set", func(ctx context.Context) error {
			committed = set(n, "k", "v")
			slept = w.Sleep(ctx, time.Hour)
			return slept
		})
		require.ErrorIs(w, err, context.DeadlineExceeded)
		_ = w.Sleep(w.Context(), time.Minute)
		require.NoError(w, committed)
		require.True(w, errors.Is(slept, context.DeadlineExceeded))
		require.Equal(w, "v", ask(w, n, "k"))
	})
	require.Nil(t, failure, trace)
	require.NotContains(t, trace, "DRIFT")
}
