package sim_test

import (
	"bufio"
	"context"
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
		var committed, waited error
		ctx, cancel := w.WithTimeout(w.Context(), time.Millisecond)
		defer cancel()
		err := n.Call(ctx, "set", func(ctx context.Context) error {
			committed = set(n, "k", "v")
			_, waited = sim.NewFuture[int](w).Await()
			return waited
		})
		require.ErrorIs(w, err, context.DeadlineExceeded)
		_ = w.Sleep(w.Context(), time.Minute)
		require.NoError(w, committed)
		require.ErrorIs(w, waited, context.DeadlineExceeded)
		require.Equal(w, "v", ask(w, n, "k"))
	})
	require.Nil(t, failure, trace)
	require.NotContains(t, trace, "DRIFT")
}

// TestSecondWaiterGivesUp has two tasks wait for one signal, of which the second gives up.
func TestSecondWaiterGivesUp(t *testing.T) {
	trace, failure := sim.Run(memory, "", func(w *sim.World) {
		n := w.Node("worker", func(*sim.Node) {})
		err := n.Call(w.Context(), "wait", func(context.Context) error {
			s := n.NewSignal()
			n.Go("patient", func(ctx context.Context) { require.NoError(w, s.Wait(ctx)) })
			n.Go("impatient", func(ctx context.Context) {
				short, cancel := w.WithTimeout(ctx, time.Second)
				defer cancel()
				require.ErrorIs(w, s.Wait(short), context.DeadlineExceeded)
				before := w.Now()
				require.NoError(w, w.Sleep(ctx, time.Hour))
				require.Equal(w, time.Hour, w.Now().Sub(before))
			})
			_ = w.Sleep(w.Context(), time.Minute)
			s.Fire()
			return w.Sleep(w.Context(), 2*time.Hour)
		})
		require.NoError(w, err)
	})
	require.Nil(t, failure, trace)
}

// TestConnOutlivesChosenPartition separates the two ends by choice, in the middle of a connection.
func TestConnOutlivesChosenPartition(t *testing.T) {
	trace, failure := sim.Run(badNetwork, `"outside->echo/partition"#2 = 2`, func(w *sim.World) {
		echo(w)
		_ = w.Sleep(w.Context(), time.Second)
		c, err := w.Dial(w.Context(), "tcp", "echo:7")
		require.NoError(w, err)
		before := w.Now()
		_, err = io.WriteString(c, "a\n")
		require.NoError(w, err)
		line, err := bufio.NewReader(c).ReadString('\n')
		require.NoError(w, err)
		require.Equal(w, "A\n", line)
		require.Equal(w, 10*time.Second, w.Now().Sub(before))
	})
	require.Nil(t, failure, trace)
	require.NotContains(t, trace, "DRIFT")
}

// TestStopFaultsEndsChosenPartitions asks through a partition that StopFaults must end.
func TestStopFaultsEndsChosenPartitions(t *testing.T) {
	trace, failure := sim.Run(badNetwork, `"outside->echo/partition"#1 = 5`, func(w *sim.World) {
		echo(w)
		_ = w.Sleep(w.Context(), time.Second)
		w.Go("stop", func(context.Context) { w.StopFaults() })
		before := w.Now()
		_, err := w.Dial(w.Context(), "tcp", "echo:7")
		require.NoError(w, err)
		require.Equal(w, before, w.Now())
	})
	require.Nil(t, failure, trace)
	require.NotContains(t, trace, "DRIFT")
}

// TestShrinkKeepsThePlace fails two assertions; the smaller way to fail is another one.
func TestShrinkKeepsThePlace(t *testing.T) {
	fail := func(w *sim.World, text string) { w.Errorf("%s", text) }
	cfg := memory
	cfg.Explore = "uniform"
	for seed := range uint64(20) {
		cfg.Seed = 1 + seed
		r, err := sim.Sweep(cfg, func(w *sim.World) {
			a, b := w.Pick("a", 2), w.Pick("b", 2)
			switch {
			case a == 1 && b == 1:
				fail(w, "both")
			case a == 1:
				w.Errorf("only a")
			}
		})
		require.NoError(t, err)
		require.NotNil(t, r.Failure)
		want := map[string]string{"both": "2 deviations from", "only a": "1 deviation from"}[r.Failure.Detail[0]]
		require.Contains(t, r.Report, want)
	}
}
