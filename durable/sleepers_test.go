package durable

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

var sleeping = flag.Int("sleepers", 20_000, "how many runs sleep in BenchmarkSleepers")

// sleeper sleeps once.
var sleeper = Define("sleeper", func(ctx Context, d time.Duration) (int, error) { return 1, ctx.Sleep(d) })

// ahead is a host whose clock is ahead.
type ahead struct {
	Host
	by time.Duration
}

func (a ahead) Now() time.Time { return a.Host.Now().Add(a.by) }

// putToSleep starts runs with many in flight: every tenth sleeps for an hour, the others for a year.
func putToSleep(t testing.TB, st store.Store, n int) {
	e, err := Open(Config{Store: st, Workflows: []Definition{sleeper}})
	require.NoError(t, err)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 256 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				d, id := 365*24*time.Hour, fmt.Sprintf("year-%d", i)
				if i%10 == 0 {
					d, id = time.Hour, fmt.Sprintf("hour-%d", i)
				}
				if _, err := sleeper.Start(context.Background(), e, id, d); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, e.Close(context.Background()))
}

// wakeSleepers opens an engine two hours later, and returns it with a channel that is closed when those
// who slept for an hour have ended.
func wakeSleepers(t testing.TB, st store.Store, n int) (e *Engine, drained chan struct{}) {
	var ended atomic.Int64
	drained = make(chan struct{})
	e, err := Open(Config{
		Store: st, Host: ahead{NewHost(), 2 * time.Hour}, Workflows: []Definition{sleeper},
		Interceptors: []Interceptor{{Ended: func(RunInfo, Status, error) {
			if ended.Add(1) == int64(n/10) {
				close(drained)
			}
		}}},
	})
	require.NoError(t, err)
	return e, drained
}

// probed counts what is read of a store, by the first byte of the key. Of sleeping runs nothing may be read.
type probed struct {
	store.Store
	t    *testing.T
	mu   sync.Mutex
	read map[byte]int
}

func (p *probed) note(key []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read[key[0]]++
	if key[0] != tableTimer && strings.Contains(string(key), "year-") {
		p.t.Errorf("%q was read", key)
	}
}

func (p *probed) Get(key []byte) ([]byte, bool, error) {
	p.note(key)
	return p.Store.Get(key)
}

func (p *probed) Scan(from, to []byte, visit func(key, value []byte) bool) error {
	return p.Store.Scan(from, to, func(key, value []byte) bool {
		p.note(key)
		return visit(key, value)
	})
}

// TestSleepersCostNothing: of many sleeping runs, an engine that opens reads one timer, and later those that
// are due and the first that is not. Those that sleep have no goroutine, and beyond Config.Warm no memory.
func TestSleepersCostNothing(t *testing.T) {
	const n = 2000
	st := &probed{Store: store.OpenMemory(), t: t, read: map[byte]int{}}
	putToSleep(t, st.Store, n)

	e, err := Open(Config{Store: st, Workflows: []Definition{sleeper}})
	require.NoError(t, err)
	require.Equal(t, 1, st.read[tableTimer])
	require.Empty(t, e.runs)
	require.NoError(t, e.Close(t.Context()))

	st.read = map[byte]int{}
	goroutines := runtime.NumGoroutine()
	e, drained := wakeSleepers(t, st, n)
	<-drained
	require.NoError(t, e.Close(t.Context()))
	require.Empty(t, e.runs)
	require.LessOrEqual(t, st.read[tableTimer], n/10+5)
	require.Zero(t, st.read[tableActive])
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines+maxWorkers)
}

// maxWorkers bounds the coroutines that the event loop keeps for later: of n/10 runs at once, at most.
const maxWorkers = 200

// TestRunsThatWaitAreWarmUpToALimit: the oldest leave the memory first.
func TestRunsThatWaitAreWarmUpToALimit(t *testing.T) {
	for limit, want := range map[int]int{-1: 0, 1: 1, 3: 3, 0: 10} {
		e, err := Open(Config{Store: store.OpenMemory(), Workflows: []Definition{sleeper}, Warm: limit})
		require.NoError(t, err)
		for i := range 10 {
			_, err := sleeper.Start(t.Context(), e, fmt.Sprint("r", i), time.Hour)
			require.NoError(t, err)
			e.settle()
		}
		e.mu.Lock()
		require.Len(t, e.runs, want)
		require.Equal(t, want, e.warm.Len())
		if want > 0 {
			require.NotNil(t, e.runs["r9"])
		}
		e.mu.Unlock()
		require.NoError(t, e.Close(t.Context()))
	}
}

// settle waits until nothing is under way.
func (e *Engine) settle() {
	for {
		e.mu.Lock()
		busy := e.busy
		e.mu.Unlock()
		if busy == 0 {
			return
		}
		runtime.Gosched()
	}
}

// BenchmarkSleepers measures an engine with many sleeping runs on disk, -sleepers says how many. Every tenth
// is due when the engine opens.
func BenchmarkSleepers(b *testing.B) {
	n := *sleeping
	st, err := store.OpenPebble(b.TempDir(), store.PebbleOptions{})
	require.NoError(b, err)
	begun := time.Now()
	putToSleep(b, st, n)
	starts := float64(n) / time.Since(begun).Seconds()
	debug.FreeOSMemory()
	before := resident()

	begun = time.Now()
	e, drained := wakeSleepers(b, st, n)
	opened := time.Since(begun)
	var most uint64
	for done := false; !done; {
		select {
		case <-drained:
			done = true
		case <-time.After(50 * time.Millisecond):
			most = max(most, resident())
		}
	}
	took := time.Since(begun)
	require.NoError(b, e.Close(context.Background()))
	require.NoError(b, st.Close())
	b.ReportMetric(starts, "starts/s")
	b.ReportMetric(opened.Seconds()*1000, "ms-to-open")
	b.ReportMetric(float64(before)/(1<<20), "MB-before")
	b.ReportMetric(float64(most)/(1<<20), "MB-most")
	b.ReportMetric(float64(n/10)/took.Seconds(), "drained/s")
}

// resident is the memory of the process, where the system tells, and of Go's heap and stacks elsewhere.
func resident() uint64 {
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		var all, pages uint64
		if _, err := fmt.Sscan(string(text), &all, &pages); err == nil {
			return pages * uint64(os.Getpagesize())
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
