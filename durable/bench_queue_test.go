package durable_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// BenchmarkQueue measures items without steps on disk, every commit synced: how many are accepted and drained
// each second. WAITING=1000000 sets how many wait before the engine opens, of which 64 keys take turns; more
// figures are the time until it is open and until the first item has ended, and the memory in the middle.
func BenchmarkQueue(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("WAITING"))
	if err != nil {
		n = 2000
	}
	one := durable.Define("one", func(ctx durable.Context, in int) (int, error) { return in, nil })
	q := durable.NewQueue("q", one, durable.QueueConfig{Concurrency: 256, PerKey: 64})
	for b.Loop() {
		benchQueue(b, q, n)
	}
}

func benchQueue(b *testing.B, q *durable.Queue[int, int], n int) {
	st, err := store.OpenPebble(b.TempDir(), store.PebbleOptions{})
	require.NoError(b, err)
	defer st.Close()
	stopped := gateQueue(b, st, n, q)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	ends := make(chan struct{}, n)
	first := sync.OnceFunc(func() { b.ReportMetric(time.Since(begin).Seconds(), "s/first") })
	e, err := durable.Open(durable.Config{
		Store: st, Queues: []durable.QueueDefinition{q},
		Interceptors: []durable.Interceptor{{Ended: func(durable.RunInfo, durable.Status, error) {
			first()
			ends <- struct{}{}
		}}},
	})
	require.NoError(b, err)
	defer e.Close(context.Background())
	b.ReportMetric(time.Since(begin).Seconds(), "s/open")
	for i := range n {
		<-ends
		if i == n/2 {
			runtime.ReadMemStats(&after)
			b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/1e6, "MB")
		}
	}
	b.ReportMetric(float64(n)/time.Since(begin).Seconds(), "items/s")
	b.ReportMetric(stopped, "enqueued/s")
}

// gateQueue fills the queue in an engine that starts none of its items, and returns how many it accepts each
// second.
func gateQueue(b *testing.B, st store.Store, n int, q *durable.Queue[int, int]) float64 {
	limits := durable.QueueConfig{Concurrency: 1}
	w := durable.Define("one", func(ctx durable.Context, _ int) (int, error) { return 0, ctx.Sleep(time.Hour) })
	shut := durable.NewQueue(q.Name(), w, limits)
	e, err := durable.Open(durable.Config{Store: st, Queues: []durable.QueueDefinition{shut}})
	require.NoError(b, err)
	ctx := context.Background()
	_, err = shut.Enqueue(ctx, e, 0, durable.Item{ID: "shut"})
	require.NoError(b, err)
	require.Eventually(b, func() bool {
		l, err := e.Status("shut")
		return err == nil && l.Status == durable.Waiting
	}, time.Minute, time.Millisecond)
	begin := time.Now()
	var wg sync.WaitGroup
	for c := range 256 {
		wg.Go(func() {
			for i := c; i < n; i += 256 {
				how := durable.Item{ID: fmt.Sprint("item-", i), Key: fmt.Sprint(i % 64)}
				if _, err := shut.Enqueue(ctx, e, i, how); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	rate := float64(n) / time.Since(begin).Seconds()
	require.NoError(b, e.Close(ctx))
	return rate
}
