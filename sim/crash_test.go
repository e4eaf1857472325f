package sim_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// set commits one pair.
func set(n *sim.Node, key, value string) error {
	var b store.Batch
	b.Set([]byte(key), []byte(value))
	return n.Store().Commit(&b)
}

// get reads one key; the empty text when it is absent.
func get(w *sim.World, n *sim.Node, key string) string {
	value, _, err := n.Store().Get([]byte(key))
	require.NoError(w, err)
	return string(value)
}

// ask reads a key as a client does, once the node is up.
func ask(w *sim.World, n *sim.Node, key string) (value string) {
	for {
		err := n.Call(w.Context(), "get "+key, func(context.Context) error {
			value = get(w, n, key)
			return nil
		})
		if err == nil {
			return value
		}
		require.ErrorIs(w, err, sim.ErrCrashed)
	}
}

// disks are what every crash must be right on.
var disks = []struct {
	name string
	open func() store.Disk
}{{"memory", store.NewMemoryDisk}, {"pebble", store.NewPebbleDisk}}

// TestCrashAtCommit shows what is left of a commit after each way to crash at it.
func TestCrashAtCommit(t *testing.T) {
	for _, c := range []struct{ name, deviations, left string }{
		{"not", "", "v"},
		{"before", "worker/crash/commit#2 = 1", ""},
		{"after", "worker/crash/commit#2 = 2", "v"},
		{"torn", "worker/torn#2 = 1", ""},
		{"torn-much", "worker/torn#2 = 1\nworker/torn/bytes#1 = 9", ""},
	} {
		for _, disk := range disks {
			t.Run(c.name+"/"+disk.name, func(t *testing.T) {
				returned := 0
				trace, failure := sim.Run(sim.Config{Disk: disk.open}, c.deviations, func(w *sim.World) {
					n := w.Node("worker", func(n *sim.Node) {
						if get(w, n, "k1") != "" {
							return
						}
						require.NoError(w, set(n, "k1", "v"))
						require.NoError(w, set(n, "k2", "v"))
						returned++
					})
					w.Eventually("the node is up", time.Minute, n.Up)
					require.Equal(w, "v", ask(w, n, "k1"))
					require.Equal(w, c.left, ask(w, n, "k2"))
				})
				require.Nil(t, failure)
				require.NotContains(t, trace, "DRIFT")
				require.Equal(t, c.name == "not", returned == 1, "the committing task goes on only without a crash")
				if disk.name == "memory" {
					golden.Assert(t, "crash/commit-"+c.name+".txt", trace)
				}
			})
		}
	}
}

// TestCrashPoints crashes once at each kind of seam call.
func TestCrashPoints(t *testing.T) {
	for _, c := range []struct{ point, says string }{
		{"spawn#1", `CRASH before task "order"`},
		{"start#1", `CRASH before step "charge"`},
		{"start#2", `CRASH before step "label"`},
		{"end#2", `CRASH after step "label"`},
		{"timer#1", `CRASH before the timer of +1m fires`},
		{"answer#1", `CRASH before the answer to call "start"`},
	} {
		t.Run(c.point, func(t *testing.T) {
			trace, failure := sim.Run(memory, "worker/crash/"+c.point+" = 1", everySeam)
			require.Nil(t, failure)
			require.NotContains(t, trace, "DRIFT")
			require.Equal(t, 1, strings.Count(trace, "CRASH"), trace)
			require.Contains(t, trace, c.says)
			require.Equal(t, 2, strings.Count(trace, "boots"), trace)
		})
	}
}

// everySeam calls each method of a node at least once and insists until a whole life has passed without a
// crash.
func everySeam(w *sim.World) {
	n := w.Node("worker", func(n *sim.Node) {})
	start := func(ctx context.Context) error {
		done := n.NewSignal()
		n.Go("order", func(ctx context.Context) {
			left := 2
			for _, step := range []string{"charge", "label"} {
				n.Offload("order/o-1", step, func(context.Context) {}, func() {
					if left--; left == 0 {
						n.AfterFunc(time.Minute, done.Fire)
					}
				})
			}
		})
		return done.Wait(ctx)
	}
	for n.Call(w.Context(), "start", start) != nil {
		w.Logf("once more")
	}
}

// TestKilledInCreationOrder lets every task say that it unwinds, from its deferred functions.
func TestKilledInCreationOrder(t *testing.T) {
	var order []string
	trace, failure := sim.Run(memory, "worker/crash/commit#1 = 1", func(w *sim.World) {
		n := w.Node("worker", func(n *sim.Node) {
			if len(order) > 0 {
				return
			}
			for _, name := range []string{"first", "second", "third"} {
				n.Go(name, func(ctx context.Context) {
					defer func() { order = append(order, name) }()
					if name == "second" {
						_ = set(n, "k", "v")
					}
					_ = n.NewSignal().Wait(ctx)
				})
			}
		})
		_ = w.Sleep(w.Context(), time.Minute)
		require.True(w, n.Up())
	})
	require.Nil(t, failure)
	require.Equal(t, []string{"first", "second"}, order, "third had not begun")
	require.Contains(t, trace, "CRASH before commit 1")
}

// TestDyingTaskReachesNothing tries, while it unwinds, everything that a node's task could do.
func TestDyingTaskReachesNothing(t *testing.T) {
	var n *sim.Node
	reached := 0
	try := func(f func()) {
		defer func() { _ = recover() }()
		f()
		reached++
	}
	trace, failure := sim.Run(memory, "worker/crash/commit#1 = 1", func(w *sim.World) {
		n = w.Node("worker", func(n *sim.Node) {
			s, signal := n.Store(), n.NewSignal()
			if w.Now() != sim.Epoch {
				return
			}
			n.Go("order", func(ctx context.Context) {
				var b store.Batch
				b.Set([]byte("k"), []byte("v"))
				defer func() {
					_ = recover()
					for range 3 {
						try(func() { n.Go("x", func(context.Context) { reached++ }) })
						try(func() { n.Offload("g", "x", func(context.Context) { reached++ }, func() {}) })
						try(func() { n.AfterFunc(0, func() { reached++ }) })
						try(func() { n.NewSignal() })
						try(func() { signal.Fire() })
						try(func() { _ = signal.Wait(ctx) })
						try(func() { _ = s.Commit(&b) })
						try(func() { _, _, _ = s.Get([]byte("k")) })
						try(func() { n.Store() })
						try(func() { n.Crash() })
						try(func() { n.Restart() })
						try(func() { _ = n.Call(ctx, "x", func(context.Context) error { return nil }) })
						try(func() { _ = w.Sleep(ctx, 0) })
						try(func() { w.Go("x", func(context.Context) { reached++ }) })
						try(func() { w.Logf("x") })
						try(func() { w.Pick("x", 2) })
						try(func() { w.Sometimes("x", true) })
						try(func() { w.Fail("x", "x") })
						try(func() { w.Errorf("x") })
						try(func() { w.FailNow() })
						try(func() { w.StopFaults() })
						try(func() { w.Node("x", func(*sim.Node) { reached++ }) })
						try(func() { _, _ = w.WithTimeout(ctx, 0) })
						try(func() { w.Eventually("x", 0, func() bool { return false }) })
					}
				}()
				_ = s.Commit(&b)
				reached++
			})
			_ = signal.Wait(w.Context())
			reached++
		})
		_ = w.Sleep(w.Context(), time.Minute)
		require.Empty(w, ask(w, n, "k"))
	})
	require.Nil(t, failure, trace)
	require.Zero(t, reached)
	golden.Assert(t, "crash/dying.txt", trace)
}

// TestTasksLeftAtTheEndReachNothing is the same for the end of the world.
func TestTasksLeftAtTheEndReachNothing(t *testing.T) {
	reached := 0
	trace, failure := sim.Run(memory, "", func(w *sim.World) {
		w.Node("worker", func(n *sim.Node) {
			n.Go("order", func(ctx context.Context) {
				defer func() {
					defer func() { _ = recover() }()
					n.Go("x", func(context.Context) {})
					reached++
				}()
				_ = n.NewSignal().Wait(ctx)
			})
		})
		w.Go("client", func(ctx context.Context) {
			defer func() {
				defer func() { _ = recover() }()
				w.Fail("x", "x")
				reached++
			}()
			_ = w.Sleep(ctx, time.Hour)
		})
		_ = w.Sleep(w.Context(), time.Minute)
	})
	require.Nil(t, failure, trace)
	require.Zero(t, reached)
}

// TestStaleThingsNeverAct sets timers, steps and signals in an incarnation that dies before they end.
func TestStaleThingsNeverAct(t *testing.T) {
	acted := 0
	trace, failure := sim.Run(memory, "worker/slow#1 = 6", func(w *sim.World) {
		boots := 0
		n := w.Node("worker", func(n *sim.Node) {
			if boots++; boots > 1 {
				return
			}
			act := func() { acted++ }
			n.AfterFunc(time.Minute, act)
			n.Offload("g", "slow to arrive", func(context.Context) {}, act)
			n.Offload("g", "slow to end", func(ctx context.Context) { _ = w.Sleep(ctx, time.Minute) }, act)
			n.Go("waiter", func(ctx context.Context) { _ = n.NewSignal().Wait(ctx); act() })
		})
		_ = w.Sleep(w.Context(), time.Second)
		n.Crash()
		_ = w.Sleep(w.Context(), time.Hour)
		require.Equal(w, 2, boots)
	})
	require.Nil(t, failure, trace)
	require.Zero(t, acted)
	require.NotContains(t, trace, "DRIFT")
}

// TestCrashDuringBoot crashes in the boot function, in the recovery from that, and once more.
func TestCrashDuringBoot(t *testing.T) {
	deviations := "worker/crash/commit#1 = 2\nworker/crash/commit#2 = 1\nworker/crash/spawn#1 = 1\n"
	boots := 0
	trace, failure := sim.Run(memory, deviations, func(w *sim.World) {
		n := w.Node("worker", func(n *sim.Node) {
			boots++
			require.NoError(w, set(n, "k"+get(w, n, "k"), "v"))
			n.Go("order", func(context.Context) {})
		})
		require.Equal(w, "v", ask(w, n, "k"))
		require.Equal(w, "v", ask(w, n, "kv"))
	})
	require.Nil(t, failure, trace)
	require.Equal(t, 4, boots)
	golden.Assert(t, "crash/boot.txt", trace)
}

// TestCallers shows that a client outlives the node, whenever the node dies.
func TestCallers(t *testing.T) {
	trace, failure := sim.Run(memory, "worker/crash/answer#1 = 1", func(w *sim.World) {
		effects := 0
		n := w.Node("worker", func(n *sim.Node) {})
		work := func(context.Context) error { effects++; return nil }
		err := n.Call(w.Context(), "pay", work)
		require.ErrorIs(w, err, sim.ErrCrashed)
		require.ErrorContains(w, err, `node "worker", during call "pay"`)
		require.Equal(w, 1, effects, "it had its effect, though the client can't know")

		w.Go("killer", func(ctx context.Context) { _ = w.Sleep(ctx, time.Minute); n.Crash() })
		err = n.Call(w.Context(), "wait", func(ctx context.Context) error { return w.Sleep(ctx, time.Hour) })
		require.ErrorIs(w, err, sim.ErrCrashed)

		broke := errors.New("broke")
		require.Equal(w, broke, n.Call(w.Context(), "fail", func(context.Context) error { return broke }))

		ctx, cancel := w.WithTimeout(w.Context(), time.Second)
		defer cancel()
		var inside error
		err = n.Call(ctx, "too slow", func(ctx context.Context) error {
			inside = w.Sleep(ctx, time.Hour)
			return inside
		})
		require.ErrorIs(w, err, context.DeadlineExceeded)
		_ = w.Sleep(w.Context(), time.Second)
		require.ErrorIs(w, inside, context.DeadlineExceeded, "the node's task is cancelled")

		n.Crash()
		ctx, cancel = w.WithTimeout(w.Context(), time.Microsecond)
		defer cancel()
		require.ErrorIs(w, n.Call(ctx, "down", work), context.DeadlineExceeded)
		require.NoError(w, n.Call(w.Context(), "up again", work))
	})
	require.Nil(t, failure, trace)
}

// TestUnacknowledgedMayBeLost crashes elsewhere while a commit is on its way to be acknowledged.
func TestUnacknowledgedMayBeLost(t *testing.T) {
	body := func(read bool) (left string) {
		trace, failure := sim.Run(memory, "worker/crash/end#1 = 1\nworker/lost#1 = 1", func(w *sim.World) {
			n := w.Node("worker", func(n *sim.Node) {
				if w.Now() != sim.Epoch {
					return
				}
				n.Store()
				n.Offload("g", "step", func(context.Context) {
					if read {
						require.Equal(w, "v", get(w, n, "k"))
					}
				}, func() {})
				_ = set(n, "k", "v")
			})
			_ = w.Sleep(w.Context(), time.Minute)
			left = ask(w, n, "k")
		})
		require.Nil(t, failure, trace)
		return left
	}
	require.Empty(t, body(false))
	require.Equal(t, "v", body(true), "what a read has shown is never taken back")
}

// TestRecoveredTasksReachNothing has code at each edge of the simulator that recovers from its end and
// returns as if nothing had happened.
func TestRecoveredTasksReachNothing(t *testing.T) {
	recovering := func(work func()) {
		defer func() { _ = recover() }()
		work()
	}
	reached := 0
	deviations := "worker/crash/commit#1 = 1\nworker/crash/commit#2 = 1\nworker/crash/commit#3 = 1\n" +
		"worker/crash/commit#4 = 1"
	trace, failure := sim.Run(every, deviations, func(w *sim.World) {
		boots := 0
		n := w.Node("worker", func(n *sim.Node) {
			if boots++; boots == 1 {
				recovering(func() { _ = set(n, "k", "v") })
			}
			sim.Serve(n, "die", func(context.Context, int) (int, error) {
				recovering(func() { _ = set(n, "k", "v") })
				return 1, nil
			})
		})
		die := func() { recovering(func() { _ = set(n, "k", "v") }) }
		err := n.Call(w.Context(), "die", func(context.Context) error { die(); return nil })
		require.ErrorIs(w, err, sim.ErrCrashed)
		require.NoError(w, n.Call(w.Context(), "offload", func(context.Context) error {
			n.Offload("g", "die", func(context.Context) { die() }, func() { reached++ })
			return nil
		}))
		_ = w.Sleep(w.Context(), time.Minute)
		_, err = sim.Request[int, int](w.Context(), n, "die", 1)
		require.ErrorIs(w, err, sim.ErrCrashed)
		_ = w.Sleep(w.Context(), time.Minute)
		require.Equal(w, 5, boots)
	})
	require.Nil(t, failure, trace)
	require.Zero(t, reached)
	require.NotContains(t, trace, "DRIFT")
	golden.Assert(t, "crash/recovered.txt", trace)
}

// TestNobodyIsWokenTwice gives up each kind of wait, and looks whether what comes later disturbs the next.
func TestNobodyIsWokenTwice(t *testing.T) {
	trace, failure := sim.Run(badNetwork, "", func(w *sim.World) {
		n := echo(w)
		_ = w.Sleep(w.Context(), time.Second)
		undisturbed := func(name string, wait func(ctx context.Context) error) {
			ctx, cancel := w.WithTimeout(w.Context(), time.Second)
			defer cancel()
			require.ErrorIs(w, wait(ctx), context.DeadlineExceeded, name)
			before := w.Now()
			require.NoError(w, w.Sleep(w.Context(), time.Hour))
			require.Equal(w, time.Hour, w.Now().Sub(before), name)
		}
		undisturbed("a call", func(ctx context.Context) error {
			return n.Call(ctx, "slow", func(context.Context) error {
				return w.Sleep(context.WithoutCancel(w.Context()), time.Minute)
			})
		})
		undisturbed("a node that is down", func(ctx context.Context) error {
			n.Stop()
			w.Go("boot", func(ctx context.Context) { _ = w.Sleep(ctx, time.Minute); n.Restart() })
			return n.Call(ctx, "x", func(context.Context) error { return nil })
		})
		undisturbed("a signal", func(ctx context.Context) (err error) {
			done := sim.NewFuture[error](w)
			require.NoError(w, n.Call(w.Context(), "wait", func(context.Context) error {
				s := n.NewSignal()
				n.AfterFunc(time.Minute, s.Fire)
				n.Go("waiter", func(context.Context) {
					err := s.Wait(ctx)
					before := w.Now()
					_ = w.Sleep(w.Context(), 10*time.Minute)
					require.Equal(w, 10*time.Minute, w.Now().Sub(before))
					done.Resolve(err)
				})
				return nil
			}))
			err, _ = done.Await()
			return err
		})
		c, err := w.Dial(w.Context(), "tcp", "echo:7")
		require.NoError(w, err)
		undisturbed("a read", func(context.Context) error {
			_ = c.SetReadDeadline(w.Now().Add(time.Second))
			_, err := c.Read(make([]byte, 9))
			_, _ = c.Write([]byte("late\n"))
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return context.DeadlineExceeded
			}
			return err
		})
		w.Hold(nil, n)
		w.Go("release", func(ctx context.Context) { _ = w.Sleep(ctx, time.Minute); w.Release(nil, n) })
		undisturbed("a dial", func(ctx context.Context) error {
			_, err := w.Dial(ctx, "tcp", "echo:7")
			return err
		})
	})
	require.Nil(t, failure, trace)
}
