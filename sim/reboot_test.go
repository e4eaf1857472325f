package sim_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// TestStaysDown shows what ends the stay of a node that was chosen never to boot again.
func TestStaysDown(t *testing.T) {
	const never = "worker/reboot#1 = 6"
	idle := func(*sim.Node) {}
	for _, c := range []struct {
		name string
		body func(w *sim.World, n *sim.Node)
		up   bool
		at   time.Duration
	}{
		{"nothing", func(*sim.World, *sim.Node) {}, false, time.Hour},
		{"restart", func(w *sim.World, n *sim.Node) { n.Restart(); _ = w.Yield() }, true, time.Hour},
		{"stop-faults", func(w *sim.World, _ *sim.Node) { w.StopFaults() }, true, time.Hour},
		{"stop", func(w *sim.World, n *sim.Node) { n.Stop(); w.StopFaults() }, false, time.Hour},
		{"nothing-else", func(w *sim.World, n *sim.Node) {
			w.Go("other", func(ctx context.Context) { _ = w.Sleep(ctx, time.Hour) })
			require.NoError(w, n.Call(w.Context(), "call", func(context.Context) error { return nil }))
		}, true, 2 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			trace, failure := sim.Run(sim.Config{Disk: store.NewMemoryDisk}, never, func(w *sim.World) {
				n := w.Node("worker", idle)
				_ = w.Yield()
				n.Crash()
				_ = w.Sleep(w.Context(), time.Hour)
				require.False(w, n.Up())
				c.body(w, n)
				require.Equal(w, c.at, w.Now().Sub(sim.Epoch))
				_ = w.Sleep(w.Context(), time.Millisecond)
				require.Equal(w, c.up, n.Up())
			})
			require.Nil(t, failure, trace)
			require.NotContains(t, trace, "DRIFT")
			golden.Assert(t, "reboot/"+c.name+".txt", trace)
		})
	}
}

// TestStaysDownAlone waits for a node that the test stopped: that is a deadlock, nothing boots it.
func TestStaysDownAlone(t *testing.T) {
	_, failure := sim.Run(sim.Config{Disk: store.NewMemoryDisk}, "worker/reboot#1 = 6", func(w *sim.World) {
		n := w.Node("worker", func(*sim.Node) {})
		_ = w.Yield()
		n.Crash()
		n.Stop()
		_ = n.Call(w.Context(), "call", func(context.Context) error { return nil })
	})
	require.NotNil(t, failure)
	require.Contains(t, failure.Detail[0], "no task can run")
}
