package eventloop_test

import (
	"iter"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-dst/reprise/clock"
	"github.com/reprise-dst/reprise/internal/eventloop"
)

// The benchmarks compare the loop with what else could do the same work: bare coroutines, goroutines and
// channels, and goroutines in a bubble of testing/synctest.

// inBubble runs fn in a bubble, which only a test can enter. The clock of the benchmark stays outside.
func inBubble(b *testing.B, fn func()) {
	b.Helper()
	all := func(string, string) (bool, error) { return true, nil }
	ok := testing.RunTests(all, []testing.InternalTest{{
		Name: b.Name(), F: func(t *testing.T) { synctest.Test(t, func(*testing.T) { fn() }) },
	}})
	if !ok {
		b.Fatal("the bubble failed")
	}
}

// BenchmarkSwitch is one resumption of a task that gives control back; two tasks take turns.
func BenchmarkSwitch(b *testing.B) {
	b.Run("pull", func(b *testing.B) {
		next, stop := pullPair()
		defer stop()
		b.ReportAllocs()
		b.ResetTimer()
		next(b.N)
	})
	b.Run("loop", func(b *testing.B) {
		l := yieldPair()
		defer l.Close()
		b.ReportAllocs()
		b.ResetTimer()
		l.RunMax(b.N)
	})
	b.Run("park", func(b *testing.B) {
		l := wakePair()
		defer l.Close()
		b.ReportAllocs()
		b.ResetTimer()
		l.RunMax(b.N)
	})
	b.Run("goroutines", func(b *testing.B) { b.ReportAllocs(); pingPong(b.N) })
	b.Run("synctest", func(b *testing.B) { inBubble(b, func() { pingPong(b.N) }) })
}

// BenchmarkSwitchRatio measures in short turns, so that a busy machine slows both sides alike, and reports
// how many bare round trips a switch costs: the median over all turns.
func BenchmarkSwitchRatio(b *testing.B) {
	const turn = 2000
	next, stop := pullPair()
	defer stop()
	yields, wakes := yieldPair(), wakePair()
	defer yields.Close()
	defer wakes.Close()
	timed := func(fn func()) float64 {
		start := time.Now()
		fn()
		return float64(time.Since(start)) / turn
	}
	var bare, yield, wake []float64
	for b.Loop() {
		bare = append(bare, timed(func() { next(turn) }))
		yield = append(yield, timed(func() { yields.RunMax(turn) }))
		wake = append(wake, timed(func() { wakes.RunMax(turn) }))
	}
	b.ReportMetric(median(bare), "ns/pull")
	b.ReportMetric(median(yield)/median(bare), "yield/pull")
	b.ReportMetric(median(wake)/median(bare), "park/pull")
	b.ReportMetric(0, "ns/op")
}

func median(xs []float64) float64 {
	slices.Sort(xs)
	return xs[len(xs)/2]
}

// pullPair resumes two bare coroutines in turn.
func pullPair() (next func(n int), stop func()) {
	var nexts [2]func() (struct{}, bool)
	var stops [2]func()
	for i := range nexts {
		nexts[i], stops[i] = iter.Pull(func(yield func(struct{}) bool) {
			for yield(struct{}{}) {
			}
		})
	}
	return func(n int) {
		for i := range n {
			nexts[i&1]()
		}
	}, func() { stops[0](); stops[1]() }
}

func yieldPair() *eventloop.Loop {
	l := eventloop.New()
	for range 2 {
		l.Go("task", func() {
			for l.Yield() == nil {
			}
		})
	}
	return l
}

func wakePair() *eventloop.Loop {
	l := eventloop.New()
	var tasks [2]*eventloop.Task
	for i := range tasks {
		tasks[i] = l.Go("task", func() {
			for {
				tasks[1-i].Wake()
				_ = l.Park("the other")
			}
		})
	}
	l.RunMax(4) // both are parked once, so that each finds the other so
	return l
}

func pingPong(n int) {
	there, back := make(chan struct{}), make(chan struct{})
	go func() {
		for range there {
			back <- struct{}{}
		}
		close(back)
	}()
	for range n / 2 {
		there <- struct{}{}
		<-back
	}
	close(there)
	<-back
}

// BenchmarkSpawn is a task that starts and ends.
func BenchmarkSpawn(b *testing.B) {
	b.Run("loop", func(b *testing.B) {
		l := eventloop.New()
		defer l.Close()
		b.ReportAllocs()
		for b.Loop() {
			l.Go("task", func() {})
			l.Run()
		}
	})
	b.Run("loop, 100 at once", func(b *testing.B) {
		l := eventloop.New()
		defer l.Close()
		b.ReportAllocs()
		for i := 0; i < b.N; i += 100 {
			for range 100 {
				l.Go("task", func() {})
			}
			l.Run()
		}
	})
	b.Run("start and await", func(b *testing.B) {
		l := eventloop.New()
		defer l.Close()
		b.ReportAllocs()
		l.Go("main", func() {
			for range b.N {
				_, _ = eventloop.Start(l, "task", func() (int, error) { return 1, nil }).Await()
			}
		})
		l.Run()
	})
	b.Run("killed while it waits", func(b *testing.B) {
		l := eventloop.New()
		defer l.Close()
		b.ReportAllocs()
		for b.Loop() {
			t := l.Go("task", func() { _ = l.Park("a wake") })
			l.Run()
			t.Kill()
		}
	})
	b.Run("goroutines", func(b *testing.B) { b.ReportAllocs(); spawn(b.N) })
	b.Run("synctest", func(b *testing.B) { inBubble(b, func() { spawn(b.N) }) })
}

func spawn(n int) {
	var g sync.WaitGroup
	for range n {
		g.Add(1)
		go g.Done()
		g.Wait()
	}
}

// BenchmarkTimer is a sleep of virtual time, or a timer of one; real time has only setting and stopping.
func BenchmarkTimer(b *testing.B) {
	b.Run("sleep", func(b *testing.B) {
		l, c := virtualLoop()
		b.ReportAllocs()
		l.Go("sleeper", func() {
			for range b.N {
				_ = l.Sleep(time.Second)
			}
		})
		drive(b, l, c)
	})
	b.Run("call later", func(b *testing.B) {
		l, c := virtualLoop()
		b.ReportAllocs()
		n := 0
		var again func()
		again = func() {
			if n++; n < b.N {
				l.CallLater(time.Second, again)
			}
		}
		l.CallLater(time.Second, again)
		drive(b, l, c)
	})
	b.Run("set and stop", func(b *testing.B) {
		l, _ := virtualLoop()
		b.ReportAllocs()
		for b.Loop() {
			l.CallLater(time.Second, func() {}).Stop()
		}
	})
	b.Run("goroutines, set and stop", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			time.AfterFunc(time.Hour, func() {}).Stop()
		}
	})
	b.Run("synctest sleep", func(b *testing.B) {
		inBubble(b, func() {
			for range b.N {
				time.Sleep(time.Second)
			}
		})
	})
}

func drive(b *testing.B, l *eventloop.Loop, c *clock.Virtual) {
	if err := l.Drive(c.Advance, 0); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkWaiting is the memory of a task that waits, with a million of them.
func BenchmarkWaiting(b *testing.B) {
	const tasks = 1_000_000
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	b.Run("loop", func(b *testing.B) {
		for b.Loop() {
			eventloop.DropIdle()
			before := inUse()
			l := eventloop.New()
			for range tasks {
				l.Go("task", func() { _ = l.Park("a wake") })
			}
			l.Run()
			b.ReportMetric(float64(inUse()-before)/tasks, "B/task")
			l.Close()
		}
	})
	b.Run("goroutines", func(b *testing.B) {
		for b.Loop() {
			before := inUse()
			stop := make(chan struct{})
			var started, ended sync.WaitGroup
			started.Add(tasks)
			for range tasks {
				ended.Go(func() {
					started.Done()
					<-stop
				})
			}
			started.Wait()
			b.ReportMetric(float64(inUse()-before)/tasks, "B/task")
			close(stop)
			ended.Wait()
		}
	})
}

// BenchmarkChan is one value through a channel without room.
func BenchmarkChan(b *testing.B) {
	b.Run("loop", func(b *testing.B) {
		l := eventloop.New()
		ch := eventloop.NewChan[int](l, "c", 0)
		b.ReportAllocs()
		l.Go("sender", func() {
			for i := range b.N {
				_ = ch.Send(i)
			}
			ch.Close()
		})
		l.Go("receiver", func() {
			for range ch.All() {
			}
		})
		l.Run()
	})
	b.Run("goroutines", func(b *testing.B) {
		ch := make(chan int)
		b.ReportAllocs()
		go func() {
			for i := range b.N {
				ch <- i
			}
			close(ch)
		}()
		for range ch {
		}
	})
}

// BenchmarkRun is a whole small simulation: a loop is made, thirty tasks sleep and await one another, half of
// them are killed, the loop is closed.
func BenchmarkRun(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		l, c := virtualLoop()
		var tasks []*eventloop.Future[int]
		for i := range 30 {
			tasks = append(tasks, eventloop.Start(l, "task", func() (int, error) {
				for range 3 {
					if err := l.Sleep(time.Duration(i) * time.Second); err != nil {
						return 0, err
					}
				}
				return i, nil
			}))
		}
		l.Go("main", func() { _, _ = eventloop.Settle(tasks...) })
		for range 30 {
			l.Run()
			c.Advance()
		}
		l.Close()
	}
}

// BenchmarkLoop is a loop that is made, used once and closed, as for each run of a workflow.
func BenchmarkLoop(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		l := eventloop.New()
		l.Go("task", func() { _ = l.Park("a wake") })
		l.Run()
		l.Close()
	}
}
