package program_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/properties/program"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// ungated are the verbs whose events do not wait for a gate: time, messages between runs, transactions.
var ungated = program.Config{Without: []string{
	"sleep", "retry", "limit", "transact", "letter", "quit", "now", "random", "receive", "within", "timeout",
	"locked", "slot", "send", "recv", "select", "choose", "next", "child", "ask", "handle",
	"beat", "join", "watch", "queued", "start", "continue", "mail",
}}

// rank orders the steps that could end next, in both worlds by the same rule and by no other.
func rank(seed int, op string) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, seed, " ", op)
	return h.Sum64()
}

// firstOf is the step that ends next.
func firstOf(seed int, ops []string) string {
	return slices.MinFunc(ops, func(a, b string) int { return cmp.Compare(rank(seed, a), rank(seed, b)) })
}

// simulated is the journal of a program's run on a simulated host. Steps end one at a time, each when nothing
// else can happen.
func simulated(t *testing.T, p program.Program, seed int) durable.Journal {
	t.Helper()
	disk := store.NewMemoryDisk()
	cfg := sim.Config{Name: t.Name(), Explore: "fifo", Disk: func() store.Disk { return disk }}
	r, err := sim.Sweep(cfg, properties.Body(properties.Config[int, string]{
		Inputs: rapid.Just(1),
		World: func(w *sim.World) properties.World[int, string] {
			var waiting []string
			world := playing(w, p, program.Outside{})
			out := program.Outside{Sleep: func(ctx context.Context, _ time.Duration) error {
				info, _ := durable.Info(ctx)
				waiting = append(waiting, info.ID)
				var err error
				for err == nil && slices.Contains(waiting, info.ID) {
					err = w.Sleep(ctx, time.Millisecond)
				}
				waiting = slices.DeleteFunc(waiting, func(op string) bool { return op == info.ID })
				return err
			}}
			world.Boot = func() *durable.Workflow[int, string] {
				main, _, _ := p.Workflow(out)
				return main
			}
			w.Go("gate", func(ctx context.Context) {
				for w.Sleep(ctx, time.Second) == nil {
					if len(waiting) > 0 {
						next := firstOf(seed, waiting)
						waiting = slices.DeleteFunc(waiting, func(op string) bool { return op == next })
					}
				}
			})
			return world
		},
	}))
	require.NoError(t, err)
	require.Nil(t, r.Failure, r.Report)
	st, err := disk.Open()
	require.NoError(t, err)
	j, err := durable.ReadJournal(st, "run-1")
	require.NoError(t, err)
	return j
}

// gate lets the steps of a real process end one at a time, each when all others that the journal wants have
// begun and wait.
type gate struct {
	seed    int
	mu      sync.Mutex
	wanted  []string                 // steps that the journal asks for, not ended
	waiting map[string]chan struct{} // steps that have begun
}

// committed is told of entries that are durable.
func (g *gate) committed(_ durable.RunInfo, entries []durable.Entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range entries {
		g.forget(e.Event.Op)
		for _, c := range e.Commands {
			switch c.Kind {
			case durable.CommandStep:
				g.wanted = append(g.wanted, c.Op)
			case durable.CommandCancel:
				g.forget(c.Op)
			}
		}
	}
	g.open()
}

func (g *gate) forget(op string) {
	g.wanted = slices.DeleteFunc(g.wanted, func(o string) bool { return o == op })
}

// open lets a step end when all that are wanted wait.
func (g *gate) open() {
	for _, op := range g.wanted {
		if g.waiting[op] == nil {
			return
		}
	}
	if len(g.wanted) > 0 {
		next := firstOf(g.seed, g.wanted)
		close(g.waiting[next])
		delete(g.waiting, next)
	}
}

// wait is the time that a step takes.
func (g *gate) wait(ctx context.Context, _ time.Duration) error {
	info, _ := durable.Info(ctx)
	through := make(chan struct{})
	g.mu.Lock()
	g.waiting[info.ID] = through
	g.open()
	g.mu.Unlock()
	select {
	case <-through:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// produced is the journal of a program's run on the production host, in real goroutines.
func produced(t *testing.T, p program.Program, seed int, st store.Store) durable.Journal {
	t.Helper()
	g := &gate{seed: seed, waiting: map[string]chan struct{}{}}
	main, children, _ := p.Workflow(program.Outside{Sleep: g.wait})
	e, err := durable.Open(durable.Config{
		Store: st, Workflows: append(children, main), Cold: seed%2 == 1,
		Interceptors: []durable.Interceptor{{Committed: g.committed}},
	})
	require.NoError(t, err)
	run, err := main.Start(t.Context(), e, "run-1", 1)
	require.NoError(t, err)
	_, err = run.Result(t.Context())
	var failed *durable.RunError
	if !errors.As(err, &failed) {
		require.NoError(t, err)
	}
	require.NoError(t, e.Close(t.Context()))
	j, err := durable.ReadJournal(st, "run-1")
	require.NoError(t, err)
	return j
}

// text is a journal without its times.
func text(j durable.Journal) string {
	var b strings.Builder
	for i := range j.Entries {
		e := &j.Entries[i]
		fmt.Fprintf(&b, "%s %q\n", e, e.Event.Result)
	}
	return b.String()
}

// TestHostsAreAlike runs programs on the production host, warm and cold, and on the simulated one. Where the
// outside world lets steps end in the same order, the journals are the same but for the times: the same
// events, with the same results and errors, each answered by the same commands with the same fingerprints.
func TestHostsAreAlike(t *testing.T) {
	concurrent := 0
	for seed := range 100 {
		random := rand.New(rand.NewPCG(uint64(seed), 0))
		p := program.Pick(ungated, func(_ string, n int) int { return random.IntN(n) })
		st := store.OpenMemory()
		if seed < 5 {
			var err error
			st, err = store.OpenPebble(t.TempDir(), store.PebbleOptions{})
			require.NoError(t, err)
		}
		want, got := simulated(t, p, seed), produced(t, p, seed, st)
		require.NoError(t, st.Close())
		require.Equal(t, text(want), text(got), "program %d\n%s", seed, p)
		if len(got.Entries) > 3 {
			concurrent++
		}
	}
	require.Greater(t, concurrent, 20, "too few programs with several steps")
}
