package durable_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// afterBegin calls a function once, between the commit that begins the journal of a run and the moment in
// which the engine learns of that.
type afterBegin struct {
	store.Store
	key  string
	then atomic.Pointer[func()]
}

func firstEntry(run string) string { return "r" + run + "\x00j\x00\x00\x00\x00\x00\x00\x00\x01" }

func (s *afterBegin) Commit(b *store.Batch) error {
	begins := func(op store.Op) bool { return string(op.Key) == s.key }
	begin := slices.ContainsFunc(slices.Collect(b.Ops()), begins)
	err := s.Store.Commit(b)
	if then := s.then.Load(); begin && then != nil && s.then.CompareAndSwap(then, nil) {
		(*then)()
	}
	return err
}

// TestARunThatIsTerminatedAsItBeginsDoesNothing: between the commit with which an item of a queue, or a
// child, begins, and the first line of its code, it is terminated. What the code would have asked for is not
// done.
func TestARunThatIsTerminatedAsItBeginsDoesNothing(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		did := 0
		w := durable.Define("w", func(ctx durable.Context, n int) (int, error) {
			letters.Send(ctx, "other", "from the dead")
			return durable.Step(ctx, "do", func(_ context.Context, n int) (int, error) {
				did++
				return n, nil
			}, n)
		})
		parent := durable.Define("parent", func(ctx durable.Context, _ int) (int, error) {
			return durable.StartChildWith(ctx, w, 1, durable.Child{ID: "child"}).Await(ctx)
		})
		other := durable.Define("other", func(ctx durable.Context, _ int) (string, error) {
			return letters.Receive(ctx)
		})
		q := durable.NewQueue("q", w, durable.QueueConfig{})
		cfg.Workflows = []durable.Definition{w, parent, other}
		cfg.Queues = []durable.QueueDefinition{q}
		for _, id := range []string{"item", "child"} {
			st := &afterBegin{Store: store.OpenMemory(), key: firstEntry(id)}
			cfg.Store = st
			var e *durable.Engine
			terminate := func() { require.NoError(t, e.Terminate(context.Background(), id, "not wanted")) }
			st.then.Store(&terminate)
			e, err := durable.Open(cfg)
			require.NoError(t, err)
			_, err = other.Start(t.Context(), e, "other", 1)
			require.NoError(t, err)
			if id == "item" {
				enqueue(t, q, e, 1, durable.Item{ID: "item"})
			} else {
				_, err = parent.Start(t.Context(), e, "parent", 1)
				require.NoError(t, err)
			}
			_, err = w.Run(e, id).Result(t.Context())
			require.ErrorIs(t, err, durable.ErrTerminated)
			require.NoError(t, e.Close(t.Context()))
			j, err := durable.ReadJournal(st, id)
			require.NoError(t, err)
			require.Len(t, j.Entries, 2)
			require.Empty(t, j.Entries[0].Commands, "its code has asked for nothing")
			require.Zero(t, did)
			l, err := durable.ReadStatus(st, "other")
			require.NoError(t, err)
			require.Equal(t, durable.Waiting, l.Status, "no message came")
		}
	})
}

// TestARunThatIsTerminatedAsItBeginsDoesNotGoOn: its code, which is run to see what it came to, would go on
// as new, and so be run again and again.
func TestARunThatIsTerminatedAsItBeginsDoesNotGoOn(t *testing.T) {
	calm(t, func(w *sim.World) {
		ran := 0
		wf := durable.Define("wf", func(ctx durable.Context, n int) (int, error) {
			ran++
			return durable.ContinueAsNew[int](ctx, n)
		})
		q := durable.NewQueue("q", wf, durable.QueueConfig{})
		w.Node("worker", func(n *sim.Node) {
			st := &afterBegin{Store: n.Store(), key: firstEntry("item")}
			e, err := durable.Open(durable.Config{
				Store: st, Host: n,
				Workflows: []durable.Definition{wf}, Queues: []durable.QueueDefinition{q},
			})
			require.NoError(w, err)
			terminate := func() { require.NoError(w, e.Terminate(context.Background(), "item", "not wanted")) }
			st.then.Store(&terminate)
			run, err := q.Enqueue(context.Background(), e, 1, durable.Item{ID: "item"})
			require.NoError(w, err)
			_, err = run.Result(context.Background())
			require.ErrorIs(w, err, durable.ErrTerminated)
		})
		require.NoError(w, w.Sleep(w.Context(), time.Second))
		require.Equal(w, 1, ran)
	})
}

// TestAJournalThatEndedBeforeItsCodeReplays: today's code may come to its end, or go on as new, with the
// entry that it was never asked to answer; the run has ended as the journal says.
func TestAJournalThatEndedBeforeItsCodeReplays(t *testing.T) {
	for name, fn := range map[string]func(ctx durable.Context, n int) (int, error){
		"returns": func(_ durable.Context, n int) (int, error) { return n, nil },
		"goes on": func(ctx durable.Context, n int) (int, error) { return durable.ContinueAsNew[int](ctx, n) },
	} {
		w := durable.Define("w", fn)
		q := durable.NewQueue("q", w, durable.QueueConfig{})
		e, st := engineOf(t, w, q)
		enqueue(t, q, e, 1, durable.Item{ID: "cancelled", Delay: time.Hour})
		err := e.Fork(t.Context(), "cancelled", 1, "fork")
		require.ErrorContains(t, err, `run "cancelled" waits in a queue and has not begun`)
		require.NoError(t, e.Cancel(t.Context(), "cancelled", "no"))
		enqueue(t, q, e, 1, durable.Item{ID: "terminated", Delay: time.Hour})
		require.NoError(t, e.Terminate(t.Context(), "terminated", "no"))
		for id, want := range map[string]error{
			"cancelled": durable.ErrCancelled, "terminated": durable.ErrTerminated,
		} {
			j, err := durable.ReadJournal(st, id)
			require.NoError(t, err)
			got, err := durable.Replay(j, w, nil)
			require.NoError(t, err, "%s, %s", name, id)
			require.True(t, got.Ended)
			require.Empty(t, got.Result)
			require.ErrorIs(t, got.Err, want)
		}
		require.NoError(t, e.Close(t.Context()))
	}
}

func engineOf(
	t *testing.T, w durable.Definition, q durable.QueueDefinition,
) (*durable.Engine, store.Store) {
	t.Helper()
	st := store.OpenMemory()
	e, err := durable.Open(durable.Config{
		Store: st, Workflows: []durable.Definition{w}, Queues: []durable.QueueDefinition{q},
	})
	require.NoError(t, err)
	return e, st
}
