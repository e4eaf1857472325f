package sim_test

import (
	"context"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

func TestNodeSurvives(t *testing.T) {
	sim.Check(t, sim.Config{Runs: 300, Disk: store.NewMemoryDisk, SelfCheck: 1}, func(w *sim.World) {
		n := w.Node("worker", func(n *sim.Node) {
			s := n.Store()
			_, ok, err := s.Get([]byte("a"))
			require.NoError(w, err)
			if ok {
				return
			}
			n.Go("work", func(ctx context.Context) {
				left := 3
				done := n.NewSignal()
				for _, name := range []string{"charge", "ship", "label"} {
					n.Offload("order/1", name, func(ctx context.Context) {
						_ = w.Sleep(ctx, time.Second)
					}, func() {
						var b store.Batch
						b.Set([]byte(name), []byte("x"))
						require.NoError(w, s.Commit(&b))
						left--
						if left == 0 {
							done.Fire()
						}
					})
				}
				_ = done.Wait(ctx)
				var b store.Batch
				b.Set([]byte("a"), []byte("x"))
				require.NoError(w, s.Commit(&b))
			})
		})
		for {
			var ok bool
			err := n.Call(w.Context(), "get", func(ctx context.Context) error {
				var err error
				_, ok, err = n.Store().Get([]byte("a"))
				return err
			})
			if err == nil && ok {
				return
			}
			_ = w.Sleep(w.Context(), time.Second)
		}
	})
}

// TestCollectorIsRestored looks at the garbage collector's target during and after two sweeps at once.
func TestCollectorIsRestored(t *testing.T) {
	t.Setenv("GOGC", "")
	target := func() int {
		percent := debug.SetGCPercent(100)
		debug.SetGCPercent(percent)
		return percent
	}
	before := target()
	var during []int
	sweep := func(inside func()) {
		_, err := sim.Sweep(sim.Config{Runs: 1}, func(*sim.World) { inside(); during = append(during, target()) })
		require.NoError(t, err)
	}
	sweep(func() {
		done := make(chan struct{})
		go func() { defer close(done); sweep(func() {}) }()
		<-done
	})
	require.Equal(t, []int{400, 400}, during)
	require.Equal(t, before, target())
}
