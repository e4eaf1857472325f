package sim_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// memory is the configuration of the tests of reports: fast, and with everything else as it comes.
var memory = sim.Config{Runs: 2000, Disk: store.NewMemoryDisk}

// shop is a little service with a planted bug. It charges and prints a label, concurrently, and remembers
// in its store what is done; but when the label is done first, it takes the charge for done as well. The
// node has to die in between for that to matter.
func shop(w *sim.World) {
	charges := 0
	boot := func(n *sim.Node) {
		s := n.Store()
		step := func(name string, work func()) {
			if _, done, err := s.Get([]byte("first")); err != nil || done {
				return
			}
			n.Offload("order/o-1", name, func(context.Context) { work() }, func() {
				var b store.Batch
				b.Set([]byte("first"), []byte(name))
				require.NoError(w, s.Commit(&b))
			})
		}
		step("charge", func() { _ = w.Sleep(w.Context(), time.Second); charges++ })
		step("label", func() { _ = w.Sleep(w.Context(), time.Second) })
	}
	n := w.Node("worker", boot)
	_ = w.Sleep(w.Context(), time.Minute)
	w.StopFaults()
	w.Eventually("the node is up", time.Hour, n.Up)
	_ = w.Sleep(w.Context(), time.Minute)
	w.Always("a customer is charged once", charges == 1, fmt.Sprintf("charged %d times", charges))
}

func TestReportOfProperty(t *testing.T) {
	golden.Assert(t, "report/property.txt", report(t, memory, shop))
}

func TestReportOfAssertion(t *testing.T) {
	golden.Assert(t, "report/assertion.txt", report(t, memory, func(w *sim.World) {
		_ = w.Sleep(w.Context(), time.Second)
		require.Equal(w, []string{"charge", "ship"}, []string{"ship", "charge"}, "the order of steps")
	}))
}

func TestReportOfPanic(t *testing.T) {
	golden.Assert(t, "report/panic.txt", report(t, memory, func(w *sim.World) {
		w.Node("worker", func(n *sim.Node) {
			n.Go("order", func(ctx context.Context) {
				_ = w.Sleep(ctx, time.Second)
				orders := []string{"o-1"}
				w.Logf("%s", orders[len(orders)])
			})
		})
		_ = w.Sleep(w.Context(), time.Minute)
	}))
}

func TestReportOfDeadlock(t *testing.T) {
	golden.Assert(t, "report/deadlock.txt", report(t, memory, func(w *sim.World) {
		n := w.Node("worker", func(n *sim.Node) {
			never := n.NewSignal()
			n.Go("order", func(ctx context.Context) { _ = never.Wait(ctx) })
		})
		_ = n.Call(w.Context(), "start", func(ctx context.Context) error { return n.NewSignal().Wait(ctx) })
	}))
}

// TestShrinkOfManyChoices shrinks worlds of 2,000 choices, of which three have to come together.
func TestShrinkOfManyChoices(t *testing.T) {
	cfg := memory
	cfg.NoFaults, cfg.Name = true, t.Name()
	r, err := sim.Sweep(cfg, func(w *sim.World) {
		met := 0
		for i := range 2000 {
			if k := w.Pick("choice", 4); k == 3 && (i == 77 || i == 1200 || i == 1999) {
				met++
			}
		}
		w.Always("three never meet", met < 3)
	})
	require.NoError(t, err)
	require.NotNil(t, r.Failure)
	found := regexp.MustCompile(`\n    3 deviations from .* \(of 2,000 choices; ([0-9,]+) runs to shrink\)`).
		FindStringSubmatch(r.Report)
	require.NotNil(t, found, r.Report)
	tries, err := strconv.Atoi(strings.ReplaceAll(found[1], ",", ""))
	require.NoError(t, err)
	require.Less(t, tries, 2500, "which take a quarter of a millisecond each")
}

// TestReportOfRefusal has a task that was cancelled and goes on waiting.
func TestReportOfRefusal(t *testing.T) {
	golden.Assert(t, "report/refused.txt", report(t, memory, func(w *sim.World) {
		stubborn := sim.Start(w, "stubborn", func(ctx context.Context) (int, error) {
			_ = w.Sleep(ctx, time.Hour)
			return sim.NewFuture[int](w).Await()
		})
		_ = w.Sleep(w.Context(), time.Second)
		stubborn.Cancel(errors.New("enough"))
		_, _ = stubborn.Await()
	}))
}

func TestReportOfLivelock(t *testing.T) {
	cfg := memory
	cfg.MaxSpin = 1000
	golden.Assert(t, "report/livelock.txt", report(t, cfg, func(w *sim.World) {
		w.Node("worker", func(n *sim.Node) {
			var again func()
			again = func() { n.AfterFunc(0, again) }
			again()
		})
		_ = w.Sleep(w.Context(), time.Minute)
	}))
}

func TestReportOfTooManyEvents(t *testing.T) {
	cfg := memory
	cfg.MaxEvents = 1000
	golden.Assert(t, "report/events.txt", report(t, cfg, func(w *sim.World) {
		for {
			_ = w.Sleep(w.Context(), time.Second)
		}
	}))
}

func TestReportOfTooMuchTime(t *testing.T) {
	golden.Assert(t, "report/time.txt", report(t, memory, func(w *sim.World) {
		for {
			_ = w.Sleep(w.Context(), 10*365*24*time.Hour)
		}
	}))
}

func TestReportOfLiveness(t *testing.T) {
	golden.Assert(t, "report/liveness.txt", report(t, memory, func(w *sim.World) {
		n := w.Node("worker", func(n *sim.Node) {})
		w.StopFaults()
		_ = n.Call(w.Context(), "start", func(ctx context.Context) error { return n.NewSignal().Wait(ctx) })
	}))
}

func TestReportOfEventually(t *testing.T) {
	golden.Assert(t, "report/eventually.txt", report(t, memory, func(w *sim.World) {
		w.Eventually("the order ends", time.Hour, func() bool { return false }, "it is at step 3")
	}))
}

func TestReportOfExit(t *testing.T) {
	golden.Assert(t, "report/exit.txt", report(t, memory, func(w *sim.World) {
		w.Go("checker", func(context.Context) { exit() })
		_ = w.Sleep(w.Context(), time.Minute)
	}))
}

func TestReportOfNotReproducible(t *testing.T) {
	cfg := memory
	cfg.SelfCheck = 1
	worlds := 0
	cfg.Workers = 1
	golden.Assert(t, "report/apart.txt", report(t, cfg, func(w *sim.World) {
		worlds++
		w.Logf("one")
		if worlds%2 == 0 {
			w.Logf("two")
		}
	}))
}

func TestReportOfFailureThatParts(t *testing.T) {
	worlds := 0
	golden.Assert(t, "report/apart-failing.txt", report(t, memory, func(w *sim.World) {
		worlds++
		w.Pick("fruit", 2)
		if worlds%2 == 0 {
			w.Logf("an even world")
		}
		w.Fail("it passes", "the order", "it never does")
	}))
}

func TestReportOfVanished(t *testing.T) {
	worlds := 0
	golden.Assert(t, "report/vanished.txt", report(t, memory, func(w *sim.World) {
		worlds++
		w.Always("the first world passes", worlds > 1, "it is the first one")
	}))
}

func TestReportOfUnreached(t *testing.T) {
	cfg := memory
	cfg.MustReach = true
	cfg.Faults = fault.MustParse("crash 0%")
	golden.Assert(t, "report/unreached.txt", report(t, cfg, func(w *sim.World) {
		w.Sometimes("an order waits for another", false)
		w.Reachable("the body is run")
		w.Node("worker", func(n *sim.Node) { n.Go("order", func(context.Context) {}) })
		_ = w.Sleep(w.Context(), time.Minute)
	}))
}

// TestReportOfHang hangs in one lane while the other is busy for longer than anyone would wait.
func TestReportOfHang(t *testing.T) {
	cfg := memory
	cfg.Workers, cfg.MaxSpin, cfg.MaxEvents = 2, math.MaxInt, math.MaxInt
	over := make(chan struct{})
	defer close(over)
	var worlds atomic.Int32
	out := report(t, cfg, func(w *sim.World) {
		if worlds.Add(1) == 3 {
			for {
				select {
				case <-over:
					return
				default:
					_ = w.Yield()
				}
			}
		}
		if worlds.Load() < 3 {
			return
		}
		w.Node("worker", func(n *sim.Node) {
			n.Go("order", func(context.Context) { <-make(chan int) })
		})
		_ = w.Sleep(w.Context(), time.Minute)
	})
	golden.Assert(t, "report/hang.txt", regexp.MustCompile(`seed=\d+`).ReplaceAllString(out, "seed=N"))
}

// TestReportOfDrift edits a saved schedule, so that it names a choice that is never made.
func TestReportOfDrift(t *testing.T) {
	var failing, passing string
	t.Run("in a module of its own", func(t *testing.T) {
		ownModule(t)
		_, failed := spied(t, "TestShop", memory, shop)
		require.True(t, failed)
		paths, err := filepath.Glob("testdata/sim/TestShop/*.schedule")
		require.NoError(t, err)
		require.Len(t, paths, 1)
		schedule, err := os.ReadFile(paths[0])
		require.NoError(t, err)
		schedule = append(schedule, "worker/completes#99 = 1\n"...)
		require.NoError(t, os.WriteFile(paths[0], schedule, 0o644))
		failing, failed = spied(t, "TestShop", memory, shop)
		require.True(t, failed)
		cfg := memory
		cfg.Runs = 1
		passing, failed = spied(t, "TestShop", cfg, func(*sim.World) {})
		require.False(t, failed)
	})
	golden.Assert(t, "report/drift.txt", failing)
	golden.Assert(t, "report/passes.txt", passing)
}

// TestReportOfHeldMessages deadlocks because nobody lets go.
func TestReportOfHeldMessages(t *testing.T) {
	golden.Assert(t, "report/held.txt", report(t, memory, func(w *sim.World) {
		n := w.Node("worker", func(n *sim.Node) {})
		w.Hold(nil, n)
		_, _ = sim.Request[int, int](w.Context(), n, "add", 1)
	}))
}

// TestReportOfUndead has a task that recovers from its end for ever.
func TestReportOfUndead(t *testing.T) {
	golden.Assert(t, "report/undead.txt", report(t, memory, func(w *sim.World) {
		n := w.Node("worker", func(n *sim.Node) {
			n.Go("order", func(ctx context.Context) {
				for {
					func() {
						defer func() { _ = recover() }()
						_ = w.Sleep(ctx, time.Second)
					}()
				}
			})
		})
		_ = w.Sleep(w.Context(), time.Minute)
		n.Crash()
		_ = w.Sleep(w.Context(), time.Minute)
	}))
}

// TestReportOfManyTasks lists only some of those that wait.
func TestReportOfManyTasks(t *testing.T) {
	golden.Assert(t, "report/many.txt", report(t, memory, func(w *sim.World) {
		never := sim.NewFuture[int](w)
		for i := range 25 {
			w.Go(fmt.Sprintf("client-%d", i+1), func(context.Context) { _, _ = never.Await() })
		}
		_, _ = never.Await()
	}))
}

// TestReportOfCycle shows tasks that wait for one another.
func TestReportOfCycle(t *testing.T) {
	golden.Assert(t, "report/cycle.txt", report(t, memory, func(w *sim.World) {
		a, b := sim.NewMutex(w, "a"), sim.NewMutex(w, "b")
		lock := func(name string, first, second *sim.Mutex) *sim.Future[int] {
			return sim.Start(w, name, func(ctx context.Context) (int, error) {
				_ = first.Lock()
				_ = w.Sleep(ctx, time.Second)
				return 1, second.Lock()
			})
		}
		_, _ = sim.Gather(lock("left", a, b), lock("right", b, a))
	}))
}
