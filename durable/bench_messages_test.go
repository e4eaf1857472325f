package durable_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// tripsPerRun is how many balls a pair of runs plays: journals stay of a common length.
const tripsPerRun = 100

// BenchmarkRoundTrip measures a message to a run and its answer, between two runs on a store on disk, every
// commit synced. trips/s and commits/trip are the figures.
func BenchmarkRoundTrip(b *testing.B) {
	for _, pairs := range []int{1, 64} {
		b.Run(fmt.Sprintf("pairs=%d", pairs), func(b *testing.B) { benchTrips(b, pairs) })
	}
}

func benchTrips(b *testing.B, pairs int) {
	pebble, err := store.OpenPebble(b.TempDir(), store.PebbleOptions{})
	require.NoError(b, err)
	defer pebble.Close()
	st := &counting{Store: pebble}
	e, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{player}})
	require.NoError(b, err)
	b.ResetTimer()
	started := 0
	for started < b.N {
		var runs []durable.Run[int]
		for range pairs {
			id := fmt.Sprint("pair-", started)
			started += tripsPerRun
			for _, side := range []game{{id + "-b", id + "-a", false}, {id + "-a", id + "-b", true}} {
				run, err := player.Start(context.Background(), e, side.Me, side)
				require.NoError(b, err)
				runs = append(runs, run)
			}
		}
		for _, run := range runs {
			_, err := run.Result(context.Background())
			require.NoError(b, err)
		}
	}
	b.ReportMetric(float64(started)/b.Elapsed().Seconds(), "trips/s")
	b.ReportMetric(float64(st.commits)/float64(started), "commits/trip")
	require.NoError(b, e.Close(context.Background()))
}

type game struct {
	Me, Other string
	Serves    bool
}

// player plays balls with another run.
var player = durable.Define("player", func(ctx durable.Context, g game) (int, error) {
	for i := range tripsPerRun {
		if g.Serves {
			if err := numbers.Send(ctx, g.Other, i); err != nil {
				return i, err
			}
		}
		ball, err := numbers.Receive(ctx)
		if err != nil {
			return i, err
		}
		if !g.Serves {
			if err := numbers.Send(ctx, g.Other, ball); err != nil {
				return i, err
			}
		}
	}
	return tripsPerRun, nil
})
