package durable

import (
	"context"
	"flag"
	"fmt"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

var itemsWaiting = flag.Int("items", 2000, "how many items wait in BenchmarkQueue")

// BenchmarkQueue measures items without steps on disk, every commit synced, of 64 keys that take turns: how
// many are accepted and drained each second; how long it takes until an engine is open and its first item has
// ended, and again when half are drained and another engine takes over, as after a crash; and the memory of
// the process. -items=1000000 sets how many wait.
func BenchmarkQueue(b *testing.B) {
	one := Define("one", func(ctx Context, in int) (int, error) { return in, nil })
	q := NewQueue("q", one, QueueConfig{Concurrency: 256, PerKey: 64})
	for b.Loop() {
		benchQueue(b, q, *itemsWaiting)
	}
}

func benchQueue(b *testing.B, q *Queue[int, int], n int) {
	st, err := store.OpenPebble(b.TempDir(), store.PebbleOptions{})
	require.NoError(b, err)
	defer st.Close()
	accepted := gateQueue(b, st, n, q)
	debug.FreeOSMemory()
	before := resident()
	ends := make(chan struct{}, n)
	open := func(what string) *Engine {
		begin := time.Now()
		first := sync.OnceFunc(func() {
			b.ReportMetric(time.Since(begin).Seconds()*1000, "ms-to-first"+what)
		})
		e, err := Open(Config{
			Store: st, Queues: []QueueDefinition{q},
			Interceptors: []Interceptor{{Ended: func(RunInfo, Status, error) {
				first()
				ends <- struct{}{}
			}}},
		})
		require.NoError(b, err)
		b.ReportMetric(time.Since(begin).Seconds()*1000, "ms-to-open"+what)
		return e
	}
	begin := time.Now()
	e := open("")
	most := before
	for i := range n {
		<-ends
		if i%1000 == 0 {
			most = max(most, resident())
		}
		if i == n/2 {
			e = open("-again")
		}
	}
	b.ReportMetric(float64(n)/time.Since(begin).Seconds(), "drained/s")
	b.ReportMetric(accepted, "accepted/s")
	b.ReportMetric(float64(before)/(1<<20), "MB-before")
	b.ReportMetric(float64(most)/(1<<20), "MB-most")
	require.NoError(b, e.Close(context.Background()))
}

// gateQueue fills the queue in an engine that starts none of its items, and returns how many it accepts each
// second.
func gateQueue(b *testing.B, st store.Store, n int, q *Queue[int, int]) float64 {
	limits := QueueConfig{Concurrency: 1}
	w := Define("one", func(ctx Context, _ int) (int, error) { return 0, ctx.Sleep(time.Hour) })
	shut := NewQueue(q.Name(), w, limits)
	e, err := Open(Config{Store: st, Queues: []QueueDefinition{shut}})
	require.NoError(b, err)
	ctx := context.Background()
	_, err = shut.Enqueue(ctx, e, 0, Item{ID: "shut"})
	require.NoError(b, err)
	require.Eventually(b, func() bool {
		l, err := e.Status("shut")
		return err == nil && l.Status == Waiting
	}, time.Minute, time.Millisecond)
	begin := time.Now()
	var wg sync.WaitGroup
	for c := range 256 {
		wg.Go(func() {
			for i := c; i < n; i += 256 {
				how := Item{ID: fmt.Sprint("item-", i), Key: fmt.Sprint(i % 64)}
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
