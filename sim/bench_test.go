package sim_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// fiveSteps is a service that takes five steps, each with a commit, on a node that may crash.
func fiveSteps(w *sim.World) {
	done := false
	n := w.Node("worker", func(n *sim.Node) {
		s := n.Store()
		var keys [5][]byte
		for i := range keys {
			keys[i] = []byte{'s', byte('0' + i)}
		}
		n.Go("order", func(ctx context.Context) {
			for _, key := range keys {
				if _, ok, _ := s.Get(key); ok {
					continue
				}
				next := n.NewSignal()
				n.Offload("order/o-1", "step", func(context.Context) {}, next.Fire)
				_ = next.Wait(ctx)
				var b store.Batch
				b.Set(key, key)
				if s.Commit(&b) != nil {
					w.Fail("commits succeed", "order")
				}
			}
			done = true
		})
	})
	w.Go("end of faults", func(ctx context.Context) {
		if w.Sleep(ctx, time.Hour) == nil {
			w.StopFaults()
		}
	})
	w.Eventually("the order ends", 24*time.Hour, func() bool { return done && n.Up() })
}

// BenchmarkWorld is one whole world: a service of five steps with crashes as the default plan has them.
func BenchmarkWorld(b *testing.B) {
	for _, disk := range disks {
		b.Run(disk.name, func(b *testing.B) {
			b.ReportAllocs()
			r, err := sim.Sweep(sim.Config{Name: "bench", Runs: b.N, Disk: disk.open, Workers: 1}, fiveSteps)
			if err != nil || r.Failure != nil {
				b.Fatal(err, r.Report)
			}
			b.ReportMetric(float64(r.Events)/float64(b.N), "events/op")
			b.ReportMetric(float64(r.Crashes)/float64(b.N), "crashes/op")
			b.ReportMetric(float64(r.Choices)/float64(b.N), "choices/op")
		})
	}
}

// BenchmarkSweepScaling is what a second core and worker add to a sweep: the rates with one and with two are
// measured in turn, and speedup is the median of their quotients.
func BenchmarkSweepScaling(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, disk := range disks {
		b.Run(disk.name, func(b *testing.B) {
			const runs = 300
			var speedups []float64
			for b.Loop() {
				var took [2]time.Duration
				for i := range took {
					runtime.GOMAXPROCS(i + 1)
					cfg := sim.Config{Name: "bench", Runs: runs, Disk: disk.open, Workers: i + 1}
					begun := time.Now()
					r, err := sim.Sweep(cfg, fiveSteps)
					if took[i] = time.Since(begun); err != nil || r.Failure != nil {
						b.Fatal(err, r.Report)
					}
				}
				speedups = append(speedups, took[0].Seconds()/took[1].Seconds())
			}
			slices.Sort(speedups)
			b.ReportMetric(speedups[len(speedups)/2], "speedup")
		})
	}
}

// BenchmarkEmptyWorld is a world in which nothing happens.
func BenchmarkEmptyWorld(b *testing.B) {
	b.ReportAllocs()
	r, err := sim.Sweep(sim.Config{Name: "bench", Runs: b.N, Workers: 1}, func(*sim.World) {})
	if err != nil || r.Failure != nil {
		b.Fatal(err, r.Report)
	}
}
