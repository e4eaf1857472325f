package sim_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
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
// measured in turn, and speedup is the median of their quotients. Beside it, possible is the same of loops
// that share nothing: less than 2 when other processes use the second core.
func BenchmarkSweepScaling(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for i, disk := range slices.Concat(disks, disks[:1]) {
		worlds := []int{300, 300, 2000}[i] // the last has the collector at work all the time
		b.Run(fmt.Sprintf("%s/worlds=%d", disk.name, worlds), func(b *testing.B) {
			var speedups, possible []float64
			for b.Loop() {
				speedups = append(speedups, speedup(func(workers int) {
					cfg := sim.Config{Name: "bench", Runs: worlds, Disk: disk.open, Workers: workers}
					r, err := sim.Sweep(cfg, fiveSteps)
					if err != nil || r.Failure != nil {
						b.Fatal(err, r.Report)
					}
				}))
				possible = append(possible, speedup(func(workers int) {
					var wg sync.WaitGroup
					for range workers {
						wg.Go(func() { spin(40_000_000 / workers) })
					}
					wg.Wait()
				}))
			}
			slices.Sort(speedups)
			slices.Sort(possible)
			b.ReportMetric(speedups[len(speedups)/2], "speedup")
			b.ReportMetric(possible[len(possible)/2], "possible")
		})
	}
}

// speedup is how much faster two workers on two cores do the work than one on one.
func speedup(work func(workers int)) float64 {
	var took [2]time.Duration
	for i := range took {
		runtime.GOMAXPROCS(i + 1)
		begun := time.Now()
		work(i + 1)
		took[i] = time.Since(begun)
	}
	return took[0].Seconds() / took[1].Seconds()
}

// spun keeps what spin computes from being left out.
var spun atomic.Uint64

func spin(n int) {
	x := uint64(n)
	for i := range n {
		x = x*6364136223846793005 + uint64(i)
	}
	spun.Store(x)
}

// BenchmarkEmptyWorld is a world in which nothing happens.
func BenchmarkEmptyWorld(b *testing.B) {
	b.ReportAllocs()
	r, err := sim.Sweep(sim.Config{Name: "bench", Runs: b.N, Workers: 1}, func(*sim.World) {})
	if err != nil || r.Failure != nil {
		b.Fatal(err, r.Report)
	}
}
