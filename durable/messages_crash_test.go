package durable_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// plant is a simulated process with an engine on it, and what its clients need.
type plant struct {
	w      *sim.World
	node   *sim.Node
	engine *durable.Engine // of the node's current life
	boots  int
}

// newPlant boots the process: colder or warmer, on a store whose commits other tasks may overtake.
func newPlant(w *sim.World, workflows ...durable.Definition) *plant {
	return newPlantWith(w, durable.Config{}, workflows...)
}

func newPlantWith(w *sim.World, cfg durable.Config, workflows ...durable.Definition) *plant {
	p := &plant{w: w}
	colder := w.Pick("colder", 4)
	p.node = w.Node("worker", func(n *sim.Node) {
		p.boots++
		mine := cfg
		mine.Store, mine.Host, mine.Workflows = overtaken{n.Store(), p}, n, workflows
		mine.Warm, mine.Cold = []int{0, 1, -1, 0}[colder], colder == 3
		e, err := durable.Open(mine)
		require.NoError(w, err)
		p.engine = e
	})
	w.Go("end of faults", func(ctx context.Context) {
		if w.Sleep(ctx, time.Hour) == nil {
			w.StopFaults()
		}
	})
	return p
}

// overtaken is a store on which other tasks may go on between a task's last read and its commit, and after
// it has read a mailbox, an update or a value.
type overtaken struct {
	store.Store
	p *plant
}

func (o overtaken) Commit(b *store.Batch) error {
	o.lag("overtaken", 8)
	return o.Store.Commit(b)
}

func (o overtaken) Get(key []byte) ([]byte, bool, error) {
	value, ok, err := o.Store.Get(key)
	if key[0] == 'u' || key[0] == 'v' {
		o.lag("overtaken after a read", 3)
	}
	return value, ok, err
}

func (o overtaken) Scan(from, to []byte, visit func(key, value []byte) bool) error {
	err := o.Store.Scan(from, to, visit)
	if from[0] == 'q' {
		o.lag("overtaken after a look into the mailbox", 3)
	}
	return err
}

func (o overtaken) lag(label string, answers int) {
	if n := o.p.w.Pick(label, answers); n > 0 {
		s := o.p.node.NewSignal()
		o.p.node.AfterFunc(time.Duration(n-1)*time.Millisecond, s.Fire)
		_ = s.Wait(context.Background())
	}
}

// insist repeats a call until the process answers.
func (p *plant) insist(ctx context.Context, name string, call func(ctx context.Context) error) error {
	for {
		err := p.node.Call(ctx, name, call)
		if !errors.Is(err, sim.ErrCrashed) {
			return err
		}
	}
}

func startOn[In, Out any](ctx context.Context, p *plant, w *durable.Workflow[In, Out], id string, in In) {
	require.NoError(p.w, p.insist(ctx, "start "+id, func(ctx context.Context) error {
		_, err := w.Start(ctx, p.engine, id, in)
		return err
	}))
}

func resultOn[In, Out any](
	ctx context.Context, p *plant, w *durable.Workflow[In, Out], id string,
) (out Out, err error) {
	err = p.insist(ctx, "result of "+id, func(ctx context.Context) error {
		var err error
		out, err = w.Run(p.engine, id).Result(ctx)
		return err
	})
	return out, err
}

// settled checks what ended runs have left, and that their journals replay.
func (p *plant) settled(definitions map[string]durable.Definition) {
	p.w.StopFaults()
	require.NoError(p.w, p.insist(p.w.Context(), "settle", func(context.Context) error {
		st := p.node.Store()
		for _, table := range []string{"q", "a", "t", "p", "f", "g", "h"} {
			err := st.Scan([]byte(table), []byte{table[0] + 1}, func(k, _ []byte) bool {
				p.w.Fail("ended runs leave nothing behind", "the store", fmt.Sprintf("%q", k))
				return true
			})
			require.NoError(p.w, err)
		}
		return durable.List(st, func(l durable.Listing) bool {
			j, err := durable.ReadJournal(st, l.Run)
			require.NoError(p.w, err)
			for n := range j.Entries[1:] {
				before, after := j.Entries[n].Event.Time, j.Entries[n+1].Event.Time
				require.False(p.w, after.Before(before), "time goes back at entry %d of run %q", n+2, l.Run)
			}
			for n := range j.Entries {
				part := durable.Journal{Run: j.Run, Entries: j.Entries[:n+1]}
				_, err = durable.Replay(part, definitions[l.Workflow], nil)
				require.NoError(p.w, err)
			}
			return true
		})
	}))
}

func named(list ...durable.Definition) map[string]durable.Definition {
	m := map[string]durable.Definition{}
	for _, d := range list {
		m[d.Name()] = d
	}
	return m
}

func sweepPlant(t *testing.T, runs int, body func(w *sim.World)) {
	t.Helper()
	r, err := sim.Sweep(sim.Config{Name: t.Name(), Runs: runs, Disk: store.NewMemoryDisk}, body)
	require.NoError(t, err)
	require.Nil(t, r.Failure, r.Report)
	require.Positive(t, r.Crashes)
	require.Empty(t, r.Unreached)
}

// TestRunsTalkThroughCrashes: what two runs send each other arrives exactly once and in order, and says from
// whom.
func TestRunsTalkThroughCrashes(t *testing.T) {
	sweepPlant(t, 3000, func(w *sim.World) {
		p := newPlant(w, ping, pong)
		startOn(w.Context(), p, pong, "pong", 3)
		startOn(w.Context(), p, ping, "ping", 3)
		for _, player := range []*durable.Workflow[int, int]{ping, pong} {
			n, err := resultOn(w.Context(), p, player, player.Name())
			require.NoError(w, err)
			require.Equal(w, 3, n)
		}
		p.settled(named(ping, pong))
		for to, from := range map[string]string{"ping": "pong", "pong": "ping"} {
			for _, e := range journalOf(w, p, to).Entries {
				require.True(w, e.Event.Kind != durable.EventMessage || e.Event.From == from, "entry %d of %q", e.Seq, to)
			}
		}
	})
}

// gatherer takes letters as they come, with pauses in which more may come, and ends with the letter "last".
var gatherer = durable.Define("gatherer", func(ctx durable.Context, clients int) ([]string, error) {
	var got []string
	for clients > 0 {
		s, err := letters.ReceiveTimeout(ctx, time.Minute)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			if _, err := durable.Step(ctx, "pause", upper, ""); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			return nil, err
		case strings.HasSuffix(s, "last"):
			clients--
		}
		got = append(got, s)
	}
	return got, nil
})

// TestClientsPostOnceThroughCrashes: each client repeats each message until it is answered; each arrives
// once, and those of one client in their order.
func TestClientsPostOnceThroughCrashes(t *testing.T) {
	sweepPlant(t, 3000, func(w *sim.World) {
		p := newPlant(w, gatherer)
		startOn(w.Context(), p, gatherer, "g", 2)
		client := func(i int) string { return fmt.Sprint("client ", i) }
		w.Concurrently(client, 2, func(ctx context.Context, i int) {
			for _, s := range []string{"a", "b", "last"} {
				id := fmt.Sprint(i, s)
				require.NoError(w, p.insist(ctx, "post "+id, func(ctx context.Context) error {
					return letters.PostOnce(ctx, p.engine, "g", id, id)
				}))
				_ = w.Sleep(ctx, time.Duration(w.Pick("pause of client", 3))*time.Minute)
			}
		})
		got, err := resultOn(w.Context(), p, gatherer, "g")
		require.NoError(w, err)
		of := func(i string) (mine []string) {
			for _, s := range got {
				if s[:1] == i {
					mine = append(mine, s)
				}
			}
			return mine
		}
		require.Equal(w, []string{"0a", "0b", "0last"}, of("0"))
		require.Equal(w, []string{"1a", "1b", "1last"}, of("1"))
		p.settled(named(gatherer))
	})
}

// drain takes one letter, works, and ends when it finds the mailbox empty.
var drain = durable.Define("drain", func(ctx durable.Context, n int) ([]string, error) {
	s, err := letters.Receive(ctx)
	got := []string{s}
	for err == nil {
		if s, err = letters.ReceiveTimeout(ctx, 0); err == nil {
			got = append(got, s)
		}
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	return got, nil
})

// TestNoMessageIsLostAtTheEnd: a message that was accepted is received, even when it comes as the run is
// ending; one that was refused is not.
func TestNoMessageIsLostAtTheEnd(t *testing.T) {
	sweepPlant(t, 6000, func(w *sim.World) {
		p := newPlant(w, drain)
		startOn(w.Context(), p, drain, "d", 0)
		accepted := map[string]bool{}
		refused := map[string]bool{}
		client := func(i int) string { return fmt.Sprint("client ", i) }
		w.Concurrently(client, 3, func(ctx context.Context, i int) {
			for n := range 2 {
				_ = w.Sleep(ctx, time.Duration(w.Pick("pause of client", 4))*time.Millisecond)
				s := fmt.Sprint(i, n)
				err := p.node.Call(ctx, "post "+s, func(ctx context.Context) error {
					return letters.Post(ctx, p.engine, "d", s)
				})
				switch {
				case err == nil:
					accepted[s] = true
				case errors.Is(err, durable.ErrEnded):
					refused[s] = true
				default:
					require.ErrorIs(w, err, sim.ErrCrashed)
				}
			}
		})
		_ = p.insist(w.Context(), "post", func(ctx context.Context) error {
			return letters.PostOnce(ctx, p.engine, "d", "m", "one more, in case all were lost")
		})
		got, err := resultOn(w.Context(), p, drain, "d")
		require.NoError(w, err)
		for s := range accepted { //tidy:unordered
			require.Contains(w, got, s, "accepted and not received")
		}
		for s := range refused { //tidy:unordered
			require.NotContains(w, got, s, "refused and received")
		}
		slices.Sort(got)
		require.Equal(w, slices.Compact(slices.Clone(got)), got, "received twice")
		w.Sometimes("a message is refused", len(refused) > 0)
		w.Sometimes("several are received", len(got) > 2)
		p.settled(named(drain))
	})
}

// family starts children in every way and tells what became of them.
var family = durable.Define("family", func(ctx durable.Context, kinds []string) (string, error) {
	detached, err := durable.StartDetached(ctx, bake, "", "pie")
	if err != nil {
		return "", err
	}
	durable.StartChildWith(ctx, bake, "toast", durable.Child{Unawaited: durable.AwaitChild})
	var children []durable.Future[string]
	for _, kind := range kinds {
		children = append(children, durable.StartChild(ctx, bake, kind).Future)
	}
	outcomes, err := durable.Settle(ctx, children...)
	told := detached
	for _, o := range outcomes {
		told += fmt.Sprintf(" %s/%t", o.Value, errors.Is(o.Err, errNoFlour))
	}
	return told, err
})

// TestChildrenThroughCrashes: each child starts once, whatever crashes, and its end reaches the parent once.
func TestChildrenThroughCrashes(t *testing.T) {
	sweepPlant(t, 3000, func(w *sim.World) {
		p := newPlant(w, bake, family)
		startOn(w.Context(), p, family, "f", []string{"roll", "bread"})
		told, err := resultOn(w.Context(), p, family, "f")
		require.NoError(w, err)
		require.Equal(w, "f/1 <roll>/false /true", told)
		toast, err := resultOn(w.Context(), p, bake, "f/2")
		require.NoError(w, err)
		require.Equal(w, "<toast>", toast)
		pie, err := resultOn(w.Context(), p, bake, "f/1")
		require.NoError(w, err)
		require.Equal(w, "<pie>", pie)
		p.settled(named(bake, family))
	})
}

// TestAParentThatEndsDoesNotStopItsChild: a child's end that comes as the parent ends, or later, is dropped.
func TestAParentThatEndsDoesNotStopItsChild(t *testing.T) {
	hasty := durable.Define("hasty", func(ctx durable.Context, d time.Duration) (string, error) {
		c := durable.StartChildWith(ctx, bake, "roll", durable.Child{Unawaited: durable.AbandonChild})
		return c.ID(), ctx.Sleep(d)
	})
	sweepPlant(t, 3000, func(w *sim.World) {
		p := newPlant(w, bake, hasty)
		startOn(w.Context(), p, hasty, "h", time.Duration(w.Pick("hurry", 20))*time.Millisecond)
		id, err := resultOn(w.Context(), p, hasty, "h")
		require.NoError(w, err)
		roll, err := resultOn(w.Context(), p, bake, id)
		require.NoError(w, err)
		require.Equal(w, "<roll>", roll)
		p.settled(named(bake, hasty))
	})
}

// TestACancelledChildLearnsOfItThroughCrashes: the parent's end and the cancellation of its child are one
// commit.
func TestACancelledChildLearnsOfItThroughCrashes(t *testing.T) {
	patient := durable.Define("patient", func(ctx durable.Context, _ int) (string, error) {
		_, err := letters.Receive(ctx)
		return durable.Step(ctx.Detached(), "upper", upper, fmt.Sprint(errors.Is(err, durable.ErrCancelled)))
	})
	hasty := durable.Define("hasty", func(ctx durable.Context, d time.Duration) (string, error) {
		return durable.StartChild(ctx, patient, 0).ID(), ctx.Sleep(d)
	})
	sweepPlant(t, 3000, func(w *sim.World) {
		p := newPlant(w, patient, hasty)
		startOn(w.Context(), p, hasty, "h", time.Duration(1+w.Pick("hurry", 20))*time.Millisecond)
		id, err := resultOn(w.Context(), p, hasty, "h")
		require.NoError(w, err)
		told, err := resultOn(w.Context(), p, patient, id)
		require.NoError(w, err)
		require.Equal(w, "<true>", told)
		p.settled(named(patient, hasty))
	})
}
