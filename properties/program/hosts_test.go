package program_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/eventloop"
	"github.com/reprise-dst/reprise/properties/program"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// paced is a host, and how fast things go on it, in both worlds by the same rule: what begins or ends does so
// at a moment of its own, which the seed, the time and a name decide. So virtual time orders all that
// happens, and nothing is left to what the hosts need not have in common: which of two goroutines is first,
// when steps end together, a child and its parent, or a deadline has passed already as it is set.
type paced struct {
	durable.Host
	seed  int
	sleep func(ctx context.Context, d time.Duration) error
}

// nap lets some time pass, which nothing ends early.
func (p paced) nap(most time.Duration, name string) {
	h := fnv.New64a()
	fmt.Fprint(h, p.seed, " ", p.Now().UnixNano(), " ", name)
	_ = p.sleep(context.Background(), time.Duration(h.Sum64()%uint64(most)))
}

// step surrounds attempts at steps and transactions.
func (p paced) step(ctx context.Context, s durable.StepInfo, next func(context.Context) error) error {
	p.nap(time.Second/4, s.String())
	defer p.nap(time.Second/4, s.String())
	return next(ctx)
}

// Go starts a task, which begins late.
func (p paced) Go(name string, fn func(context.Context)) {
	p.Host.Go(name, func(ctx context.Context) {
		p.nap(time.Second/4, name)
		fn(ctx)
	})
}

// AfterFunc sets a timer, which is late.
func (p paced) AfterFunc(d time.Duration, fn func()) (stop func() bool) {
	return p.Host.AfterFunc(d, func() {
		p.nap(time.Second/4, "timer")
		fn()
	})
}

// pacedStore is a store whose commits take time, before they have their effect and after, so that things
// happen meanwhile.
type pacedStore struct {
	store.Store
	paced
}

func (s pacedStore) Commit(b *store.Batch) error {
	s.nap(time.Second/50, "commit")
	defer s.nap(time.Second/50, "commit")
	return s.Store.Commit(b)
}

// play runs a program twice, and its children, to their ends. What it returns is all that is left: the
// journals, to be read, and every byte in the store.
func (p paced) play(t require.TestingT, ctx context.Context, st store.Store, prog program.Program) string {
	main, others, queues := prog.Workflow(program.Outside{Sleep: p.sleep})
	e, err := durable.Open(durable.Config{
		Store: pacedStore{st, p}, Host: p, Workflows: append(others, main), Queues: queues,
		Interceptors: []durable.Interceptor{{Step: p.step}},
		Cold:         p.seed%3 == 1, Warm: -(p.seed % 3), // or warm, or out of memory while it waits
	})
	require.NoError(t, err)
	for i := range 2 {
		_, err = main.Start(ctx, e, fmt.Sprint("run-", i+1), i+1)
		require.NoError(t, err)
	}
	require.NoError(t, p.sleep(ctx, time.Hour))
	require.NoError(t, e.Close(ctx))
	var b strings.Builder
	require.NoError(t, durable.List(st, func(l durable.Listing) bool {
		require.True(t, l.Status.Final(), l)
		j, err := durable.ReadJournal(st, l.Run)
		require.NoError(t, err)
		require.NoError(t, j.Print(&b))
		return true
	}))
	return b.String() + contents(t, st)
}

// simulated plays a program on a simulated host.
func simulated(t *testing.T, seed int, prog program.Program) (left string) {
	t.Helper()
	r, err := sim.Sweep(sim.Config{Explore: "fifo", Disk: store.NewMemoryDisk}, func(w *sim.World) {
		n := w.Node("worker", func(*sim.Node) {})
		require.NoError(w, n.Call(w.Context(), "play", func(ctx context.Context) error {
			left = paced{n, seed, w.Sleep}.play(w, ctx, n.Store(), prog)
			return nil
		}))
	})
	require.NoError(t, err)
	require.Nil(t, r.Failure, r.Report)
	return left
}

// produced plays a program on a host for production, in a bubble: with goroutines, but the clock moves only
// when all of them wait.
func produced(
	t *testing.T, seed int, prog program.Program, host durable.Host, open func() (store.Store, error),
) (left string) {
	t.Helper()
	eventloop.DropIdle() // the coroutines of outside
	synctest.Test(t, func(t *testing.T) {
		defer eventloop.DropIdle()
		time.Sleep(time.Until(sim.Epoch))
		st, err := open()
		require.NoError(t, err)
		left = paced{host, seed, wait}.play(t, t.Context(), st, prog)
		require.NoError(t, st.Close())
	})
	return left
}

// wait is the Sleep of a process.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func inMemory() (store.Store, error) { return store.OpenMemory(), nil }

// drawnFrom is the program of a seed.
func drawnFrom(seed int) program.Program {
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	return program.Pick(program.Config{}, func(_ string, n int) int { return random.IntN(n) })
}

// abroad is a host in a time zone of its own.
type abroad struct{ durable.Host }

func (h abroad) Now() time.Time { return h.Host.Now().In(time.FixedZone("abroad", 5*60*60)) }

// happens is what journals tell of that programs cause.
var happens = []durable.EventKind{
	durable.EventStepEnded, durable.EventTimerFired, durable.EventAttemptFailed, durable.EventMessage,
	durable.EventAnswered, durable.EventChildEnded, durable.EventUpdate,
}

// TestHostsAreAlike runs programs on the production host and on the simulated one, warm, cold, and out of
// memory while they wait. Where the outside world does the same at the same times, the same is left, byte for
// byte: the journals of the runs and of their children, with times, ids and random numbers.
func TestHostsAreAlike(t *testing.T) {
	const programs, few = 1500, 5
	in := map[string]int{}
	for seed := range programs {
		p, open := drawnFrom(seed), inMemory
		if seed < 5 {
			open = func() (store.Store, error) { return store.OpenPebble(t.TempDir(), store.PebbleOptions{}) }
		}
		left := produced(t, seed, p, abroad{durable.NewHost()}, open)
		require.Equal(t, simulated(t, seed, p), left, "program %d\n%s", seed, p)
		for _, verb := range program.Verbs() {
			if p.Uses(verb) {
				in[verb]++
			}
		}
		for _, kind := range happens {
			if strings.Contains(left, kind.String()+" (id ") {
				in[kind.String()]++
			}
		}
	}
	require.Len(t, in, len(program.Verbs())+len(happens), "something is never tried")
	for _, what := range slices.Sorted(maps.Keys(in)) {
		t.Logf("%-16s in %4d of %d programs", what, in[what], programs)
		require.Greater(t, in[what], few, "too few programs with %s", what)
	}
}

// hasty is a host whose timers fire early.
type hasty struct{ durable.Host }

func (h hasty) AfterFunc(d time.Duration, fn func()) (stop func() bool) {
	return h.Host.AfterFunc(d-time.Millisecond, fn)
}

// coarse is a host whose clock shows whole milliseconds.
type coarse struct{ durable.Host }

func (h coarse) Now() time.Time { return h.Host.Now().Truncate(time.Millisecond) }

// deaf is a host on which nothing that waits is called off.
type deaf struct{ durable.Host }

func (h deaf) NewSignal() durable.Signal { return deafSignal{h.Host.NewSignal()} }

type deafSignal struct{ durable.Signal }

func (s deafSignal) Wait(ctx context.Context) error { return s.Signal.Wait(context.WithoutCancel(ctx)) }

// TestHostsThatDifferAreSeen plants faults in the production host.
func TestHostsThatDifferAreSeen(t *testing.T) {
	host := durable.NewHost()
	alike := func(seed int, spoilt durable.Host) bool {
		p := drawnFrom(seed)
		return produced(t, seed, p, spoilt, inMemory) == simulated(t, seed, p)
	}
	for _, spoilt := range []durable.Host{hasty{host}, coarse{host}, deaf{host}} {
		seed := 0
		for seed < 200 && alike(seed, spoilt) {
			seed++
		}
		require.Less(t, seed, 200, "%T goes unnoticed", spoilt)
		t.Logf("%T is seen by program %d", spoilt, seed)
	}
}
