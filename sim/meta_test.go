package sim_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// busy is a world with a bit of everything that the simulator decides: three nodes, steps that take time,
// timers, signals, calls between nodes, crashes.
func busy(w *sim.World) {
	var nodes []*sim.Node
	for i := range 3 {
		nodes = append(nodes, w.Node(fmt.Sprintf("node-%d", i+1), func(n *sim.Node) {
			s := n.Store()
			for k := range 4 {
				n.Go(fmt.Sprintf("order-%d", k), func(ctx context.Context) {
					done := n.NewSignal()
					n.Offload(fmt.Sprintf("order/o-%d", k), "charge", func(ctx context.Context) {
						_ = w.Sleep(ctx, time.Duration(w.Pick("charge takes", 5))*time.Second)
					}, done.Fire)
					n.AfterFunc(3*time.Second, done.Fire)
					_ = done.Wait(ctx)
					var b store.Batch
					b.Set(fmt.Appendf(nil, "order-%d", k), []byte("done"))
					require.NoError(w, s.Commit(&b))
				})
			}
		}))
	}
	for i := range 3 {
		w.Go(fmt.Sprintf("client-%d", i+1), func(ctx context.Context) {
			for range 3 {
				_ = nodes[i].Call(ctx, "ask the next one", func(ctx context.Context) error {
					return nodes[(i+1)%3].Call(ctx, "answer", func(context.Context) error { return nil })
				})
				_ = w.Sleep(ctx, time.Second)
			}
		})
	}
	_ = w.Sleep(w.Context(), time.Minute)
	w.StopFaults()
	for _, n := range nodes {
		w.Eventually(n.Name()+" is up", time.Hour, n.Up)
	}
}

var everyFault = sim.Config{Disk: store.NewMemoryDisk, Faults: fault.MustParse("crash 5%; torn 5%; slow 20%")}

// TestSameSeedSameTrace is the promise that everything else rests on. The golden file holds it across
// processes, machines and the race detector.
func TestSameSeedSameTrace(t *testing.T) {
	first, hash, failure := sim.RunSeed(everyFault, 7, busy)
	require.Nil(t, failure)
	golden.Assert(t, "trace/busy.txt", fmt.Sprintf("hash %016x\n%s", hash, first))
	for _, procs := range []int{1, 2, 8} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		again, hashAgain, _ := sim.RunSeed(everyFault, 7, busy)
		require.Equal(t, first, again)
		require.Equal(t, hash, hashAgain)
	}
}

// TestNothingIsLeftOfOtherWorlds runs a world behind a hundred others, whose memory it uses.
func TestNothingIsLeftOfOtherWorlds(t *testing.T) {
	for _, cfg := range []sim.Config{everyFault, {}} { // on Pebble, too
		alone := sim.RunAfter(cfg, 0, 7, busy)
		require.Equal(t, alone, sim.RunAfter(cfg, 100, 7, busy))
	}
}

// TestSameSeedSameTracePebble is the same on Pebble: what differs is the number of bytes that are torn.
func TestSameSeedSameTracePebble(t *testing.T) {
	cfg := everyFault
	cfg.Disk = store.NewPebbleDisk
	for seed := range uint64(5) {
		first, hash, failure := sim.RunSeed(cfg, seed, busy)
		require.Nil(t, failure)
		again, hashAgain, _ := sim.RunSeed(cfg, seed, busy)
		require.Equal(t, first, again)
		require.Equal(t, hash, hashAgain)
	}
}

// TestSweepDoesNotDependOnWorkers compares all that a sweep finds and counts.
func TestSweepDoesNotDependOnWorkers(t *testing.T) {
	for _, body := range []func(*sim.World){busy, shop} {
		for _, strategy := range []string{"random", "uniform", "pct:2", "deviations:1", "portfolio"} {
			cfg := everyFault
			cfg.Name, cfg.Runs, cfg.Explore, cfg.ShrinkRuns, cfg.SelfCheck = "workers", 100, strategy, -1, 0.2
			var results []sim.Result
			for _, workers := range []int{1, 2, 7} {
				cfg.Workers = workers
				r, err := sim.Sweep(cfg, body)
				require.NoError(t, err)
				r.Elapsed = 0
				results = append(results, r)
			}
			require.Equal(t, results[0], results[1], strategy)
			require.Equal(t, results[0], results[2], strategy)
		}
	}
}

// busyWithMail is busy with a dependency beside it.
func busyWithMail(w *sim.World) {
	mail := w.Dependency("mail")
	w.Go("mailer", func(ctx context.Context) {
		for range 5 {
			_ = mail.Do(ctx, "send", func() error { return nil })
		}
	})
	busy(w)
}

// TestSameHashWithAndWithoutTrace runs worlds in which everything goes wrong, failing ones among them.
func TestSameHashWithAndWithoutTrace(t *testing.T) {
	cfg := every
	cfg.Faults = fault.MustParse(`crash 5%; torn 5%; slow 20%; pause 5%; clock-jump 5%; io-error 2%;
		sync-error 2%; disk-full 2%; dependency-error 20%`)
	failed := 0
	for seed := range uint64(200) {
		first, _, failure := sim.RunSeed(cfg, seed, busyWithMail)
		again, _, failureAgain := sim.RunSeed(cfg, seed, busyWithMail)
		require.Equal(t, first, again)
		require.Equal(t, failure, failureAgain)
		if failure != nil {
			failed++
		}
	}
	require.Greater(t, failed, 10, "commits fail in some worlds")
	require.Less(t, failed, 190, "and not in others")
}

// TestDifferentSeedsDiffer keeps the tests above from being true for want of choices.
func TestDifferentSeedsDiffer(t *testing.T) {
	hashes := map[uint64]bool{}
	for seed := range uint64(20) {
		_, hash, _ := sim.RunSeed(everyFault, seed, busy)
		hashes[hash] = true
	}
	require.Len(t, hashes, 20)
}
