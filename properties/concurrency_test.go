package properties_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestConcurrentProgramsSurvive runs generated programs: trees of everything that branches of a run can do to
// each other. What the program saw, in order, is its result, so the oracles compare it word by word.
func TestConcurrentProgramsSurvive(t *testing.T) {
	sweepPrograms(t, sim.Config{Runs: 5000}, interpreter)
}

// TestConcurrentProgramsEndInTime looks for wake-ups that are lost: only a fault may hold a program up.
func TestConcurrentProgramsEndInTime(t *testing.T) {
	sweepPrograms(t, sim.Config{Runs: 3000, NoFaults: true}, func(w *sim.World) properties.World[int, string] {
		world, began := interpreter(w), w.Now()
		world.Holds = func([]properties.Outcome[int, string]) {
			if took := w.Now().Sub(began); took > time.Hour {
				w.Fail("every program ends in time", "program", took.String())
			}
		}
		return world
	})
}

func sweepPrograms(t *testing.T, cfg sim.Config, world func(*sim.World) properties.World[int, string]) {
	t.Helper()
	cfg.Name, cfg.Disk = t.Name(), store.NewMemoryDisk
	r, err := sim.Sweep(cfg, properties.Body(properties.Config[int, string]{
		Inputs: rapid.Just(0), World: world, Runs: 1,
	}))
	require.NoError(t, err)
	require.Nil(t, r.Failure, r.Report)
}

// statement is one line of a generated program.
type statement struct {
	Verb string
	N    int // seconds, an index, whatever the verb takes
	Body []statement
}

var (
	leaves = []string{
		"step", "step", "async", "async", "after", "sleep", "await", "cancel", "gather", "settle", "wait", "race",
		"completed", "shield", "send", "receive", "select", "id", "retry", "post", "mail", "next",
	}
	blocks = []string{"go", "go", "go", "timeout", "part", "detached", "scope", "locked", "slot"}
)

// program draws a list of statements.
func program(r *rand.Rand, depth int) []statement {
	list := make([]statement, 1+r.IntN(6))
	for i := range list {
		list[i].N = r.IntN(4)
		if depth > 0 && r.IntN(5) < 2 {
			list[i].Verb = blocks[r.IntN(len(blocks))]
			list[i].Body = program(r, depth-1)
		} else {
			list[i].Verb = leaves[r.IntN(len(leaves))]
		}
	}
	return list
}

var mail = durable.NewTopic[int]("mail")

var errOdd = errors.New("odd")

// interpreter makes the workflow; its steps take as many seconds as their argument says, and every third
// fails.
func interpreter(w *sim.World) properties.World[int, string] {
	list := program(rand.New(rand.NewPCG(uint64(w.Pick("program", 1<<30)), 0)), 3)
	work := func(ctx context.Context, n int) (string, error) {
		if err := w.Sleep(ctx, time.Duration(n)*time.Second); err != nil {
			return "", err
		}
		if n == 3 {
			return "", errOdd
		}
		return fmt.Sprint("done ", n), nil
	}
	return properties.World[int, string]{Boot: func() *durable.Workflow[int, string] {
		return durable.Define("program", func(ctx durable.Context, _ int) (string, error) {
			in := &interpretation{
				work: work, ch: durable.NewChan[int](ctx, "ch", 1), mu: durable.NewMutex(ctx, "mu"),
				slots: durable.NewSemaphore(ctx, "slots", 2),
			}
			in.run(ctx, list, nil)
			return strings.Join(in.log, "\n"), nil
		})
	}}
}

// interpretation is one run of a program. The log is shared by all branches: its order is the journal's.
type interpretation struct {
	work  func(context.Context, int) (string, error)
	ch    *durable.Chan[int]
	mu    *durable.Mutex
	slots *durable.Semaphore
	log   []string
}

func (in *interpretation) note(s statement, what ...any) {
	in.log = append(in.log, s.Verb+": "+strings.TrimSpace(fmt.Sprintln(what...)))
}

// run does the statements. The futures of the program around it can be used too, so a branch waits only for
// its own and for older ones, never in a ring.
func (in *interpretation) run(ctx durable.Context, list []statement, futures []durable.Future[string]) error {
	for _, s := range list {
		if s.Body != nil {
			futures = in.block(ctx, s, futures)
		} else {
			futures = in.leaf(ctx, s, futures)
		}
	}
	return ctx.Err()
}

func (in *interpretation) block(
	ctx durable.Context, s statement, futures []durable.Future[string],
) []durable.Future[string] {
	seconds := time.Duration(s.N) * time.Second
	switch s.Verb {
	case "go":
		older := futures[:len(futures):len(futures)]
		return append(futures, durable.Go(ctx, "branch", func(ctx durable.Context) (string, error) {
			return "branch", in.run(ctx, s.Body, older)
		}))
	case "timeout":
		ctx, cancel := ctx.WithTimeout(seconds)
		in.note(s, in.run(ctx, s.Body, futures))
		if s.N != 1 {
			cancel()
		}
	case "part":
		ctx, cancel := ctx.WithCancel()
		in.note(s, in.run(ctx, s.Body, futures))
		cancel(errOdd)
	case "detached":
		in.note(s, in.run(ctx.Detached(), s.Body, futures))
	case "scope":
		in.note(s, durable.Scope(ctx, func(ctx durable.Context) error {
			if err := in.run(ctx, s.Body, futures); err != nil || s.N > 0 {
				return err
			}
			return errOdd
		}))
	case "locked", "slot":
		short, cancel := ctx.WithTimeout(seconds) // so that locks make no ring either
		defer cancel()
		lock, unlock := in.mu.Lock, in.mu.Unlock
		if s.Verb == "slot" {
			lock, unlock = in.slots.Acquire, in.slots.Release
		}
		err := lock(short)
		in.note(s, err)
		if err == nil {
			in.note(s, in.run(short, s.Body, futures))
			unlock(ctx)
		}
	}
	return futures
}

func (in *interpretation) leaf(
	ctx durable.Context, s statement, futures []durable.Future[string],
) []durable.Future[string] {
	short, cancel := ctx.WithTimeout(time.Duration(s.N+1) * time.Second)
	defer cancel()
	some := futures[min(s.N, len(futures)):]
	switch s.Verb {
	case "step":
		v, err := durable.Step(ctx, "step", in.work, s.N)
		in.note(s, v, err)
	case "async":
		return append(futures, durable.Async(ctx, "async", in.work, s.N))
	case "retry":
		options := durable.StepOptions{Retry: durable.Retry{Attempts: 3, Interval: time.Second}}
		return append(futures, durable.AsyncWith(ctx, options, "retry", in.work, s.N))
	case "after":
		f := ctx.After(time.Duration(s.N) * time.Second)
		_, _, err := durable.Wait[durable.Awaitable](ctx, durable.FirstCompleted, awaitables(f, some)...)
		in.note(s, f.Done(), err)
	case "sleep":
		in.note(s, ctx.Sleep(time.Duration(s.N)*time.Second), ctx.Now().Format(time.TimeOnly))
	case "await":
		for _, f := range some {
			v, err := f.Await(short)
			in.note(s, v, err)
		}
	case "cancel":
		for _, f := range some {
			in.note(s, f.Cancel(ctx, nil))
		}
	case "gather":
		all, err := durable.Gather(ctx, some...)
		in.note(s, all, err)
	case "settle":
		all, err := durable.Settle(short, some...)
		in.note(s, all, err)
	case "wait":
		done, pending, err := durable.Wait(short, durable.WaitMode(s.N%3), some...)
		in.note(s, len(done), len(pending), err)
	case "race":
		if len(some) > 0 {
			place, v, err := durable.Race(short, some...)
			in.note(s, place, v, err)
		}
	case "completed":
		for i, o := range durable.Completed(short, some...) {
			in.note(s, i, o)
			if i == s.N {
				break
			}
		}
	case "shield":
		for _, f := range some {
			futures = append(futures, durable.Shield(ctx, f))
		}
	default:
		in.shared(ctx, short, s)
	}
	return futures
}

func (in *interpretation) shared(ctx, short durable.Context, s statement) {
	switch s.Verb {
	case "send":
		in.note(s, in.ch.Send(short, s.N))
	case "receive":
		v, err := in.ch.Recv(short)
		in.note(s, v, err)
	case "select":
		place, err := durable.Select(short, in.ch.Sending(s.N, nil), in.ch.Receiving(func(v int, err error) {
			in.note(s, v, err)
		}))
		in.note(s, place, err)
	case "post":
		in.note(s, mail.Send(ctx, ctx.RunID(), s.N))
	case "mail":
		v, err := mail.ReceiveTimeout(ctx, time.Duration(s.N)*time.Second)
		in.note(s, v, err)
	case "next":
		f := mail.Next(short)
		v, err := f.Await(short)
		in.note(s, v, err, f.Cancel(ctx, nil))
	case "id":
		in.note(s, ctx.NewID(), ctx.Rand().IntN(10))
	}
}

func awaitables(first durable.Awaitable, more []durable.Future[string]) []durable.Awaitable {
	all := []durable.Awaitable{first}
	for _, f := range more {
		all = append(all, f)
	}
	return all
}
