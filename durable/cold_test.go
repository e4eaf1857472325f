package durable_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

func TestAColdEngineLoadsItsRunsForEachEventAndRunsStepsOnce(t *testing.T) {
	var steps, loads atomic.Int32
	w := durable.Define("w", func(ctx durable.Context, n int) (int, error) {
		var futures []durable.Future[int]
		for i := range n {
			futures = append(futures, durable.Async(ctx, "step", func(_ context.Context, i int) (int, error) {
				time.Sleep(time.Duration(n-i) * time.Millisecond)
				steps.Add(1)
				return i, nil
			}, i))
		}
		ctx.Sleep(time.Millisecond)
		all, err := durable.Gather(ctx, futures...)
		if err != nil {
			return 0, err
		}
		sum := 0
		for _, v := range all {
			sum += v
		}
		return sum, nil
	})
	e := openWith(t, durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{w}, Cold: true,
		Interceptors: []durable.Interceptor{{
			Replayed: func(durable.RunInfo, durable.Replayed) { loads.Add(1) },
		}},
	})
	run, err := w.Start(t.Context(), e, "r", 20)
	require.NoError(t, err)
	got, err := run.Result(t.Context())
	require.NoError(t, err)
	require.Equal(t, 190, got)
	require.EqualValues(t, 20, steps.Load(), "a step under way was launched again")
	require.GreaterOrEqual(t, loads.Load(), int32(21), "one load for each event")
}
