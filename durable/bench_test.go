package durable_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

type item struct {
	ID    string
	Count int
}

func pass(_ context.Context, in item) (item, error) { return item{in.ID, in.Count + 1}, nil }

// sequential is a workflow of five steps, one after the other.
var sequential = durable.Define("sequential", func(ctx durable.Context, in item) (item, error) {
	var err error
	for range 5 {
		if in, err = durable.Step(ctx, "pass", pass, in); err != nil {
			return in, err
		}
	}
	return in, nil
})

// fanOut is a workflow of fifty concurrent steps.
var fanOut = durable.Define("fan-out", func(ctx durable.Context, in item) (int, error) {
	var futures []durable.Future[item]
	for i := range 50 {
		futures = append(futures, durable.Async(ctx, "pass", pass, item{in.ID, i}))
	}
	all, err := durable.Gather(ctx, futures...)
	return len(all), err
})

// BenchmarkRuns measures whole runs: on a store on disk, every checkpoint synced; and in memory, nothing
// synced, to see what the engine costs without the disk. runs/s is the figure.
func BenchmarkRuns(b *testing.B) {
	for _, kind := range []string{"synced", "memory"} {
		for _, flight := range []int{1, 64} {
			in := fmt.Sprintf("/inflight=%d/", flight) + kind
			b.Run("sequential"+in, func(b *testing.B) { benchRuns(b, sequential, flight, kind) })
			b.Run("fanout50"+in, func(b *testing.B) { benchRuns(b, fanOut, flight, kind) })
		}
	}
}

func benchRuns[Out any](b *testing.B, w *durable.Workflow[item, Out], flight int, kind string) {
	st := store.OpenMemory()
	if kind == "synced" {
		var err error
		st, err = store.OpenPebble(b.TempDir(), store.PebbleOptions{})
		require.NoError(b, err)
	}
	defer st.Close()
	e, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{w}})
	require.NoError(b, err)
	b.ResetTimer()
	var wg sync.WaitGroup
	next := make(chan int)
	for range flight {
		wg.Go(func() {
			for i := range next {
				run, err := w.Start(context.Background(), e, fmt.Sprintf("run-%d", i), item{ID: "x"})
				if err == nil {
					_, err = run.Result(context.Background())
				}
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range b.N {
		next <- i
	}
	close(next)
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
	require.NoError(b, e.Close(context.Background()))
}
