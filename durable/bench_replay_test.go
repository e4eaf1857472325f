package durable

import (
	"context"
	"testing"

	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

type counted struct {
	ID    string
	Count int
}

// BenchmarkReplay measures what recovery does with a run: read its journal from the store, decode it, and
// replay 1000 steps. events/s is the figure.
func BenchmarkReplay(b *testing.B) {
	count := func(_ context.Context, in counted) (counted, error) { return counted{in.ID, in.Count + 1}, nil }
	long := Define("long", func(ctx Context, in counted) (counted, error) {
		var err error
		for range 1000 {
			if in, err = Step(ctx, "count", count, in); err != nil {
				return in, err
			}
		}
		return in, nil
	})
	st := store.OpenMemory()
	e, err := Open(Config{Store: st, Workflows: []Definition{long}})
	require.NoError(b, err)
	run, err := long.Start(context.Background(), e, "r", counted{ID: "x"})
	require.NoError(b, err)
	_, err = run.Result(context.Background())
	require.NoError(b, err)
	scan := func(visit func(*Entry) error) error { return scanJournal(st, "r", visit) }
	b.ReportAllocs()
	b.ResetTimer()
	events := 0
	for range b.N {
		m, done, err := replay("r", long.define(), JSON(), false, scan)
		if err != nil || !done.Ended {
			b.Fatal(done, err)
		}
		m.close()
		events += done.Entries
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
