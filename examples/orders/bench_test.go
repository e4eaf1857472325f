package main

import (
	"context"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// BenchmarkSimulatedRun measures a whole simulated run on one core: a world, a node, an engine, one order
// of five steps, one crash in the middle of it and the recovery. runs/s is the figure; on Pebble it is to
// be compared with BenchmarkPebbleAlone, which does the same to Pebble without us.
func BenchmarkSimulatedRun(b *testing.B) {
	b.Run("memory", func(b *testing.B) { simulateRuns(b, store.NewMemoryDisk) })
	b.Run("pebble", func(b *testing.B) { simulateRuns(b, store.NewPebbleDisk) })
}

// crashOnce kills the node when the customer is charged for the first time.
type crashOnce struct {
	Services
	node *sim.Node
	done *bool
}

func (c crashOnce) Charge(ctx context.Context, o Order) (string, error) {
	p, err := c.Services.Charge(ctx, o)
	if !*c.done {
		*c.done = true
		c.node.Crash()
	}
	return p, err
}

func simulateRuns(b *testing.B, disk func() store.Disk) {
	b.ReportAllocs()
	simulate(b, b.N, disk)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
}

func simulate(b *testing.B, runs int, disk func() store.Disk) {
	r, err := sim.Sweep(sim.Config{
		Name: b.Name(), Runs: runs, Workers: 1, NoFaults: true, SelfCheck: -1, Disk: disk,
	}, oneOrder)
	require.NoError(b, err)
	require.Nil(b, r.Failure, r.Report)
	require.Equal(b, runs, r.Crashes)
}

// BenchmarkSimulatedAgainstPebble is what a simulated run on Pebble costs in lives of plain Pebble that are
// opened, committed to and crashed as often. Batches of both are measured in turn; ratio is the median of
// their quotients.
func BenchmarkSimulatedAgainstPebble(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as during a sweep, which the first batch is
	const batch = 50
	commits := orderCommits(b)
	var ratios, runs, lives []float64
	for b.Loop() {
		begun := time.Now()
		simulate(b, batch, store.NewPebbleDisk)
		half := time.Now()
		for range batch {
			plainPebble(b, commits)
		}
		run, life := half.Sub(begun).Seconds(), time.Since(half).Seconds()
		runs, lives, ratios = append(runs, run), append(lives, life), append(ratios, run/life)
	}
	median := func(list []float64) float64 {
		slices.Sort(list)
		return list[len(list)/2]
	}
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(runs)/batch*1e6, "us/run")
	b.ReportMetric(median(lives)/batch*1e6, "us/plain")
}

func oneOrder(w *sim.World) {
	services, crashed := Shop(newLedger().do), false
	var engine *durable.Engine
	var order *durable.Workflow[Order, Receipt]
	node := w.Node("worker", func(n *sim.Node) {
		order = NewOrder(crashOnce{services, n, &crashed})
		var err error
		engine, err = durable.Open(durable.Config{
			Store: n.Store(), Host: n, Workflows: []durable.Definition{order},
		})
		require.NoError(w, err)
	})
	start := func(ctx context.Context) error {
		_, err := order.Start(ctx, engine, "o-1", Order{"lamp", 100})
		return err
	}
	result := func(ctx context.Context) error {
		_, err := order.Run(engine, "o-1").Result(ctx)
		return err
	}
	require.NoError(w, node.Call(w.Context(), "start", start))
	for node.Call(w.Context(), "result", result) != nil {
	}
}

// recorder is a disk that notes, for each life of its store, the lengths of the commits' records in the log.
type recorder struct {
	store.Disk
	lives [][]int
}

func (r *recorder) Open() (store.Store, error) {
	s, err := r.Disk.Open()
	r.lives = append(r.lives, nil)
	return recorded{s, r}, err
}

type recorded struct {
	store.Store
	disk *recorder
}

func (s recorded) Commit(b *store.Batch) error {
	err := s.Store.Commit(b)
	life := &s.disk.lives[len(s.disk.lives)-1]
	*life = append(*life, s.disk.TailBytes())
	return err
}

// orderCommits are the values that make commits as long as those of a simulated run, before and after its
// crash.
func orderCommits(b *testing.B) (lives [][][]byte) {
	const others = 37 // bytes of a record that are not its value
	d := &recorder{Disk: store.NewMemoryDisk()}
	simulate(b, 1, func() store.Disk { return d })
	for i, life := range d.lives {
		lives = append(lives, nil)
		for _, n := range life {
			lives[i] = append(lives[i], make([]byte, max(0, n-others)))
		}
	}
	return lives
}

// BenchmarkPebbleAlone opens, commits to, crashes and reopens Pebble as often as a simulated run does: Pebble
// as it comes on its own in-memory file system, and on the simulated disk of package store.
func BenchmarkPebbleAlone(b *testing.B) {
	b.Run("plain", func(b *testing.B) { benchLives(b, plainPebble) })
	b.Run("simulated-disk", func(b *testing.B) { benchLives(b, simulatedDisk) })
}

func benchLives(b *testing.B, lives func(b *testing.B, commits [][][]byte)) {
	commits := orderCommits(b) // from then on garbage is collected as during a sweep, with
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	b.ReportAllocs()
	for b.Loop() {
		lives(b, commits)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
}

func plainPebble(b *testing.B, commits [][][]byte) {
	fs := vfs.NewCrashableMem()
	for life := range commits {
		db, err := pebble.Open("db", &pebble.Options{FS: fs, Logger: quiet{}})
		require.NoError(b, err)
		for i, value := range commits[life] {
			require.NoError(b, db.Set([]byte{byte(life), byte(i)}, value, pebble.Sync))
		}
		fs = fs.CrashClone(vfs.CrashCloneCfg{})
		require.NoError(b, db.Close())
	}
}

// quiet keeps Pebble's log from being part of the measurement.
type quiet struct{ pebble.Logger }

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}

func simulatedDisk(b *testing.B, commits [][][]byte) {
	disk := store.NewPebbleDisk()
	for life := range commits {
		st, err := disk.Open()
		require.NoError(b, err)
		for i, value := range commits[life] {
			var batch store.Batch
			batch.Set([]byte{byte(life), byte(i)}, value)
			require.NoError(b, st.Commit(&batch))
		}
		if life == 0 {
			require.NoError(b, disk.Crash(0))
		} else {
			require.NoError(b, st.Close())
		}
	}
}
