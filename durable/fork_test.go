package durable_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// journey does a bit of everything, and tells what it has seen.
var journey = durable.Define("journey", func(ctx durable.Context, name string) (string, error) {
	told := []string{ctx.RunID()}
	child := durable.StartChild(ctx, hello, name)
	s, err := letters.Receive(ctx)
	told = append(told, s)
	if err != nil {
		return "", err
	}
	if err := filed.Publish(ctx, len(s)); err != nil {
		return "", err
	}
	c, err := child.Await(ctx)
	told = append(told, c)
	if err != nil {
		return "", err
	}
	if err := ctx.Sleep(time.Millisecond); err != nil {
		return "", err
	}
	key, err := durable.Step(ctx, "key", func(ctx context.Context, _ string) (string, error) {
		info, _ := durable.Info(ctx)
		return info.IdempotencyKey(), nil
	}, "")
	told = append(told, key, ctx.RunID(), ctx.NewID())
	return strings.Join(told, " "), err
})

func TestARunIsForkedFromAnyEntry(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{journey, hello}
		e := openWith(t, cfg)
		run := start(t, journey, e, "r", "x")
		waitForEntries(t, cfg.Store, "r/1", 2)
		require.NoError(t, letters.Post(t.Context(), e, "r", "for r"))
		first := result(t, run)
		require.Regexp(t, `^r for r <x> r/5 r [0-9a-f-]{36}$`, first)
		j, err := durable.ReadJournal(cfg.Store, "r")
		require.NoError(t, err)
		n := len(j.Entries)
		for at := 1; at < n; at++ {
			id := fmt.Sprint("fork ", at)
			require.NoError(t, e.Fork(t.Context(), "r", at, id))
			require.NoError(t, e.Fork(t.Context(), "r", at, id), "again")
			letter := "for r"
			if !strings.Contains(fmt.Sprint(j.Entries[:at]), "for r") && !received(j.Entries[:at]) {
				letter = "for fork"
				require.NoError(t, letters.Post(t.Context(), e, id, letter))
			}
			got := result(t, journey.Run(e, id))
			require.Regexp(t, "^r "+letter+" <x> "+id+"/5 "+id+" ", got)
			require.NotEqual(t, first[len(first)-36:], got[len(got)-36:], "its ids are its own")
			size, err := filed.Get(t.Context(), e, id)
			require.NoError(t, err)
			require.Equal(t, len(letter), size)
			f, err := durable.ReadJournal(cfg.Store, id)
			require.NoError(t, err)
			require.Equal(t, &durable.Fork{Run: id, From: "r", Seed: f.Entries[at].Event.Fork.Seed},
				f.Entries[at].Event.Fork)
			_, err = durable.Replay(f, journey, nil)
			require.NoError(t, err)
		}
		require.NoError(t, e.Fork(t.Context(), "fork 2", 3, "fork of a fork"))
		_ = letters.Post(t.Context(), e, "fork of a fork", "for r")
		result(t, journey.Run(e, "fork of a fork"))

		require.EqualError(t, e.Fork(t.Context(), "r", n, "new"), fmt.Sprintf(
			`durable: run "r" can't be forked from entry %d: it had ended then; fork it from an earlier entry`, n))
		require.ErrorContains(t, e.Fork(t.Context(), "r", n+1, "new"), "its journal has the entries 1 to")
		require.ErrorIs(t, e.Fork(t.Context(), "nobody", 1, "new"), durable.ErrNotFound)
		require.ErrorIs(t, e.Fork(t.Context(), "r", 1, "r/1"), durable.ErrConflict)
		require.ErrorContains(t, e.Fork(t.Context(), "r", 1, ""), "the run's id is empty")
	})
}

// received reports whether a letter is among the entries.
func received(entries []durable.Entry) bool {
	for i := range entries {
		if entries[i].Event.Kind == durable.EventMessage {
			return true
		}
	}
	return false
}

func TestAForkWaitsForNoStrangersChild(t *testing.T) {
	parent := durable.Define("parent", func(ctx durable.Context, _ int) (string, error) {
		_ = letters.Send(ctx, ctx.RunID(), "to myself")
		return durable.StartChild(ctx, trip, "Rome").Await(ctx)
	})
	st := store.OpenMemory()
	e := open(t, st, parent, trip)
	start(t, parent, e, "p", 0)
	waitForEntries(t, st, "p", 2)
	require.EqualError(t, e.Fork(t.Context(), "p", 1, "f"), `durable: run "p" can't be forked from entry 1: what the `+
		`engine answered belongs to it; fork it from entry 2`)
	require.EqualError(t, e.Fork(t.Context(), "p", 2, "f"), `durable: run "f" would wait for the child "p/2", which `+
		`has not ended or was deleted; wait for it, or end it`)
	require.NoError(t, e.Terminate(t.Context(), "p/2", ""))
	require.NoError(t, e.Fork(t.Context(), "p", 2, "f"))
	_, err := parent.Run(e, "f").Result(t.Context())
	require.ErrorIs(t, err, durable.ErrTerminated)
	closeNow(t, e)
	require.ErrorIs(t, e.Fork(t.Context(), "p", 2, "g"), durable.ErrClosed)
	require.ErrorIs(t, open(t, st, trip).Fork(t.Context(), "p", 2, "g"), durable.ErrUnknownWorkflow)
}

func TestAForkRunsAgainWhatWasUnderWay(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		var mu sync.Mutex
		keys := map[string]int{}
		free := make(chan bool)
		w := durable.Define("w", func(ctx durable.Context, _ int) (int, error) {
			return durable.Step(ctx, "slow", func(ctx context.Context, n int) (int, error) {
				info, _ := durable.Info(ctx)
				mu.Lock()
				keys[info.IdempotencyKey()]++
				mu.Unlock()
				<-free
				return 7, nil
			}, 0)
		})
		cfg.Workflows = []durable.Definition{w}
		e := openWith(t, cfg)
		run := start(t, w, e, "r", 0)
		require.NoError(t, e.Fork(t.Context(), "r", 1, "f"))
		close(free)
		require.Equal(t, 7, result(t, run))
		require.Equal(t, 7, result(t, w.Run(e, "f")))
		require.Equal(t, map[string]int{"r/1": 1, "f/1": 1}, keys)
	})
}

// TestForksThroughCrashes: whatever crashes, a fork is there once and ends like any run, and the run that it
// was forked from ends as if there were none.
func TestForksThroughCrashes(t *testing.T) {
	sweepPlant(t, 2000, func(w *sim.World) {
		p := newPlant(w, errand)
		startOn(w.Context(), p, errand, "r", "x")
		_ = w.Sleep(w.Context(), time.Duration(w.Pick("pause of client", 6))*time.Millisecond)
		at := 1 + w.Pick("entry", 3)
		require.NoError(w, p.insist(w.Context(), "fork", func(ctx context.Context) error {
			err := p.engine.Fork(ctx, "r", at, "f")
			for err != nil && strings.Contains(err.Error(), "has the entries") {
				_ = w.Sleep(ctx, time.Minute)
				err = p.engine.Fork(ctx, "r", at, "f")
			}
			return err
		}))
		for _, id := range []string{"f", "r"} {
			require.NoError(w, p.insist(w.Context(), "post", func(ctx context.Context) error {
				return letters.PostOnce(ctx, p.engine, id, "y", "y"+id)
			}))
			got, err := resultOn(w.Context(), p, errand, id)
			require.NoError(w, err)
			require.Equal(w, "<<x>>y"+id, got)
		}
		p.settled(named(errand))
	})
}

// lagging is a store that answers one commit a minute late: others see it at once.
type lagging struct {
	store.Store
	node *sim.Node
	next *bool // the next commit is that one
}

func (l lagging) Commit(b *store.Batch) error {
	err := l.Store.Commit(b)
	if *l.next {
		*l.next = false
		late := l.node.NewSignal()
		l.node.AfterFunc(time.Minute, late.Fire)
		_ = late.Wait(context.Background())
	}
	return err
}

// TestRebuiltJournalsAreToldBeforeTheyGoOn: a timer is due before Fork and Retry know of their commits.
func TestRebuiltJournalsAreToldBeforeTheyGoOn(t *testing.T) {
	for _, c := range []struct {
		run  string
		call func(ctx context.Context, e *durable.Engine) error
		told []string
	}{
		{"f", func(ctx context.Context, e *durable.Engine) error { return e.Fork(ctx, "r", 1, "f") }, []string{
			"1 started", "2 forked", "3 timer fired", "4 step ended",
		}},
		{"r", func(ctx context.Context, e *durable.Engine) error { return e.Retry(ctx, "r") }, []string{
			"1 started", "2 step ended", "2 retried", "3 timer fired", "4 step ended",
		}},
	} {
		body := func(world *sim.World) {
			tries := 0
			w := durable.Define("w", func(ctx durable.Context, _ int) (int, error) {
				alarm := ctx.After(time.Second)
				_, err := durable.Step(ctx, "pay", func(context.Context, int) (int, error) {
					if tries++; tries == 1 {
						return 0, errDown
					}
					return 1, nil
				}, 0)
				if err != nil {
					return 0, err
				}
				_, err = alarm.Await(ctx)
				return 2, err
			})
			var e *durable.Engine
			var told []string
			late := false
			worker := world.Node("worker", func(n *sim.Node) {
				var err error
				e, err = durable.Open(durable.Config{
					Store: lagging{n.Store(), n, &late}, Host: n, Workflows: []durable.Definition{w},
					Interceptors: []durable.Interceptor{{Committed: func(run durable.RunInfo, entries []durable.Entry) {
						for i := range entries {
							if run.Run == c.run {
								told = append(told, fmt.Sprint(entries[i].Seq, " ", entries[i].Event.Kind))
							}
						}
					}}},
				})
				require.NoError(world, err)
			})
			require.NoError(world, worker.Call(world.Context(), "client", func(ctx context.Context) error {
				r, err := w.Start(ctx, e, "r", 0)
				require.NoError(world, err)
				_, err = r.Result(ctx)
				require.ErrorIs(world, err, errDown)
				late = true
				require.NoError(world, c.call(ctx, e))
				got, err := w.Run(e, c.run).Result(ctx)
				require.Equal(world, 2, got)
				return err
			}))
			require.Equal(world, c.told, told)
		}
		r, err := sim.Sweep(sim.Config{Name: t.Name(), Runs: 20, NoFaults: true, Disk: store.NewMemoryDisk}, body)
		require.NoError(t, err)
		require.Nil(t, r.Failure, r.Report)
	}
}
