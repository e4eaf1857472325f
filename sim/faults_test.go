package sim_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// every is a plan with a rule for each kind of fault, none of which fires by itself in a reproduced run.
var every = sim.Config{Disk: store.NewMemoryDisk, Faults: fault.MustParse(`
	crash 1%; torn 1%; slow 1%; pause 1%; clock-jump 1%; io-error 1%; sync-error 1%; disk-full 1%; dependency-error 1%`)}

// TestPause shows that a node that stands still notices nothing.
func TestPause(t *testing.T) {
	trace, failure := sim.Run(every, "worker/pause#2 = 4", func(w *sim.World) {
		var at []time.Duration
		note := func() { at = append(at, w.Now().Sub(sim.Epoch)) }
		n := w.Node("worker", func(n *sim.Node) {
			for _, d := range []time.Duration{time.Second, 2 * time.Second} {
				n.AfterFunc(d, note)
			}
			n.Go("sleeper", func(ctx context.Context) { _ = w.Sleep(ctx, 3*time.Second); note() })
		})
		_ = w.Sleep(w.Context(), 4*time.Second)
		require.NoError(w, n.Call(w.Context(), "note", func(context.Context) error { note(); return nil }))
		_ = w.Sleep(w.Context(), time.Hour)
		minute := 2*time.Second + time.Minute
		require.ElementsMatch(w, []time.Duration{time.Second, minute, minute, minute}, at)

		n.Pause(time.Minute)
		w.StopFaults()
		require.NoError(w, n.Call(w.Context(), "note", func(context.Context) error { note(); return nil }))
		require.Equal(w, 4*time.Second+time.Minute-2*time.Second+time.Hour, at[4], "StopFaults ends a pause")
	})
	require.Nil(t, failure, trace)
	golden.Assert(t, "fault/pause.txt", trace)
}

// TestClock shows jumps by choice and by hand. Clocks survive crashes, and timers don't follow them.
func TestClock(t *testing.T) {
	trace, failure := sim.Run(every, "worker/clock#1 = 6", func(w *sim.World) {
		var shown []time.Duration
		boots := 0
		n := w.Node("worker", func(n *sim.Node) {
			boots++
			start := w.Now()
			shown = append(shown, n.Now().Sub(start))
			n.AfterFunc(time.Second, func() { require.Equal(w, start.Add(time.Second), w.Now()) })
		})
		_ = w.Sleep(w.Context(), time.Minute)
		n.SkewClock(30 * time.Minute)
		n.Restart()
		_ = w.Sleep(w.Context(), time.Minute)
		require.Equal(w, []time.Duration{-time.Hour, -30 * time.Minute}, shown)
	})
	require.Nil(t, failure, trace)
	golden.Assert(t, "fault/clock.txt", trace)
}

// TestDiskFaults shows what a commit returns, and what the disk then holds, after each fault.
func TestDiskFaults(t *testing.T) {
	for _, c := range []struct {
		name, deviation string
		cause           error
		left            string
	}{
		{"write", "worker/io/write#1 = 1", syscall.EIO, ""},
		{"full", "worker/io/full#1 = 1", syscall.ENOSPC, ""},
		{"sync lost", "worker/io/sync#1 = 1", syscall.EIO, ""},
		{"sync there", "worker/io/sync#1 = 2", syscall.EIO, "v"},
	} {
		t.Run(c.name, func(t *testing.T) {
			trace, failure := sim.Run(every, c.deviation, func(w *sim.World) {
				n := w.Node("worker", func(n *sim.Node) { n.Store() })
				err := n.Call(w.Context(), "set", func(context.Context) error {
					err := set(n, "k", "v")
					require.ErrorIs(w, err, c.cause)
					require.ErrorIs(w, err, store.ErrFailed)
					_, _, again := n.Store().Get([]byte("k"))
					require.Equal(w, err, again, "it is final")
					require.Equal(w, err, set(n, "k", "v"), "it is final")
					return err
				})
				require.Error(w, err)
				n.Restart()
				require.Equal(w, c.left, ask(w, n, "k"))
			})
			require.Nil(t, failure, trace)
			require.NotContains(t, trace, "DRIFT")
		})
	}
	trace, failure := sim.Run(every, "worker/io/read#1 = 1\nworker/io/read#2 = 1", func(w *sim.World) {
		n := w.Node("worker", func(n *sim.Node) {
			_, _, err := n.Store().Get([]byte("k"))
			require.ErrorIs(w, err, syscall.EIO)
			err = n.Store().Scan(nil, nil, func(_, _ []byte) bool { return true })
			require.ErrorIs(w, err, syscall.EIO)
			require.Empty(w, get(w, n, "k"), "a read that failed may succeed later")
		})
		w.Eventually("the node is up", time.Minute, n.Up)
	})
	require.Nil(t, failure, trace)
	golden.Assert(t, "fault/read.txt", trace)
}

// TestDependency shows the ways in which a dependency fails.
func TestDependency(t *testing.T) {
	deviations := "bank/error#1 = 1\nbank/error#2 = 2\nbank/slow#3 = 6"
	trace, failure := sim.Run(every, deviations, func(w *sim.World) {
		bank := w.Dependency("bank")
		charges := 0
		charge := func() error {
			return bank.Do(w.Context(), "charge", func() error { charges++; return nil })
		}
		require.ErrorIs(w, charge(), sim.ErrUnavailable)
		require.Zero(w, charges)
		require.ErrorIs(w, charge(), sim.ErrUnavailable)
		require.Equal(w, 1, charges)
		began := w.Now()
		require.NoError(w, charge())
		require.Equal(w, time.Minute, w.Now().Sub(began))
		bank.Break()
		require.ErrorIs(w, charge(), sim.ErrUnavailable)
		bank.Repair()
		refused := errors.New("no money")
		require.Equal(w, refused, bank.Do(w.Context(), "charge", func() error { return refused }))
		require.Equal(w, 2, charges)
	})
	require.Nil(t, failure, trace)
	golden.Assert(t, "fault/dependency.txt", trace)
}

// TestStopAndRestart shows that a stopped node stays down until it is told to boot.
func TestStopAndRestart(t *testing.T) {
	trace, failure := sim.Run(memory, "", func(w *sim.World) {
		boots := 0
		n := w.Node("worker", func(n *sim.Node) { boots++ })
		n.Stop()
		_ = w.Sleep(w.Context(), time.Hour)
		require.False(w, n.Up())
		n.Restart()
		_ = w.Sleep(w.Context(), 0)
		require.True(w, n.Up())
		n.Crash()
		n.Stop()
		_ = w.Sleep(w.Context(), time.Hour)
		require.False(w, n.Up(), "Stop also prevents the boot that is due")
		n.Restart()
		n.Restart()
		_ = w.Sleep(w.Context(), 0)
		require.NoError(w, n.Call(w.Context(), "ok", func(context.Context) error { return nil }))
		err := n.Call(w.Context(), "suicide", func(context.Context) error { n.Restart(); return nil })
		require.ErrorIs(w, err, sim.ErrCrashed)
		_ = w.Sleep(w.Context(), 0)
		require.True(w, n.Up(), "a node's own Restart boots at once")
	})
	require.Nil(t, failure, trace)
}

// TestFlush moves the log into tables between two commits, and crashes.
func TestFlush(t *testing.T) {
	for _, disk := range disks {
		t.Run(disk.name, func(t *testing.T) {
			cfg := sim.Config{Disk: disk.open, Flushes: true}
			trace, failure := sim.Run(cfg, "worker/flush#2 = 1\nworker/torn#2 = 1", func(w *sim.World) {
				n := w.Node("worker", func(n *sim.Node) {
					if get(w, n, "k1") == "" {
						require.NoError(w, set(n, "k1", "v"))
						require.NoError(w, set(n, "k2", "v"))
					}
				})
				w.Eventually("the node is up", time.Minute, n.Up)
				require.Equal(w, "v", ask(w, n, "k1"))
				require.Empty(w, ask(w, n, "k2"))
			})
			require.Nil(t, failure, trace)
			require.NotContains(t, trace, "DRIFT")
			require.Contains(t, trace, "the disk flushes its log into tables")
		})
	}
}
