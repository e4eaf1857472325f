package sim_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// shops is a world in which each kind of fault finds something to hit: two nodes that commit, read, ask one
// another and a dependency, look at their clocks, and are restarted.
func shops(w *sim.World) {
	bank := w.Dependency("bank")
	var nodes []*sim.Node
	for i := range 2 {
		nodes = append(nodes, w.Node(fmt.Sprintf("shop-%d", i+1), func(n *sim.Node) {
			sim.Serve(n, "sell", func(_ context.Context, item int) (int, error) { return item, nil })
			for k := range 3 {
				n.Go(fmt.Sprintf("order-%d", k), func(ctx context.Context) {
					_ = bank.Do(ctx, "pay", func() error { return nil })
					_ = set(n, fmt.Sprintf("order-%d", k), n.Now().String())
					_, _, _ = n.Store().Get([]byte("order-0"))
					within, cancel := w.WithTimeout(ctx, time.Second)
					defer cancel()
					_, _ = sim.Request[int, int](within, nodes[1-i], "sell", k)
				})
			}
		}))
	}
	for range 3 {
		_ = w.Sleep(w.Context(), time.Minute)
		nodes[0].Restart()
		nodes[1].Restart()
	}
	w.StopFaults()
	_ = w.Sleep(w.Context(), time.Hour)
}

// TestEveryFault: each kind of fault is a choice, keeps its budget, and stands in the trace.
func TestEveryFault(t *testing.T) {
	says := map[fault.Kind]string{
		fault.Crash: "CRASH", fault.Torn: "torn off", fault.Slow: "takes", fault.IOError: "I/O ERROR",
		fault.SyncError: "SYNC ERROR", fault.DiskFull: "DISK FULL", fault.BitRot: "BIT ROT",
		fault.Pause: "stands still", fault.ClockJump: "clock jumps", fault.Drop: "is lost",
		fault.Duplicate: "arrives twice", fault.Reorder: "may be overtaken", fault.Partition: "a partition of",
		fault.DependencyError: "bank",
	}
	for _, kind := range fault.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			for _, budget := range []int{1, 3} {
				plan := fault.Plan{Rules: []fault.Rule{{Kind: kind, Rate: 0.2, Budget: budget}}}
				cfg := sim.Config{Disk: store.NewMemoryDisk, Faults: plan, Runs: 40, MustReach: true}
				r, err := sim.Sweep(cfg, shops)
				require.NoError(t, err)
				require.Nil(t, r.Failure, r.Report)
				require.Len(t, r.Faults, 1)
				require.Greater(t, r.Faults[0].Enabled, r.Faults[0].Fired)
				require.Greater(t, r.Faults[0].Fired, r.Runs*budget/4)
				require.LessOrEqual(t, r.Faults[0].Fired, r.Runs*budget)
				trace := ""
				for seed := uint64(0); !strings.Contains(trace, says[kind]); seed++ {
					require.Less(t, seed, uint64(20), trace)
					trace, _, _ = sim.RunSeed(cfg, seed, shops)
				}
			}
		})
	}
}
