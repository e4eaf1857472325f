package durable_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// held is a store on which the next commit of a run can be kept waiting, so that what comes meanwhile is seen
// together.
type held struct {
	store.Store
	w      *sim.World
	node   *sim.Node
	engine *durable.Engine
	run    string         // whose commit is to wait
	there  durable.Signal // it has come
	gate   durable.Signal // until then
}

func (h *held) Commit(b *store.Batch) error {
	for op := range b.Ops() {
		if h.run != "" && bytes.HasPrefix(op.Key, []byte("r"+h.run+"\x00j")) {
			gate := h.gate
			h.run = ""
			h.there.Fire()
			if err := gate.Wait(context.Background()); err != nil {
				return err
			}
		}
	}
	return h.Store.Commit(b)
}

// hold keeps the run busy with a number that it receives, until letGo is called.
func (h *held) hold(ctx context.Context, run string) (letGo func()) {
	h.run, h.there, h.gate = run, h.node.NewSignal(), h.node.NewSignal()
	require.NoError(h.w, numbers.Post(ctx, h.engine, run, 1))
	require.NoError(h.w, h.there.Wait(ctx))
	return h.gate.Fire
}

// withHeld runs a client on a process without faults, warm and cold.
func withHeld(
	t *testing.T, client func(ctx context.Context, h *held), workflows ...durable.Definition,
) {
	t.Helper()
	for _, cold := range []bool{false, true} {
		r, err := sim.Sweep(sim.Config{
			Name: t.Name(), Runs: 1, NoFaults: true, Explore: "fifo", Disk: store.NewMemoryDisk,
		}, func(w *sim.World) {
			h := &held{w: w}
			h.node = w.Node("worker", func(n *sim.Node) {
				h.Store = n.Store()
				e, err := durable.Open(durable.Config{Store: h, Host: n, Workflows: workflows, Cold: cold})
				require.NoError(w, err)
				h.engine = e
			})
			require.NoError(w, h.node.Call(w.Context(), "client", func(ctx context.Context) error {
				client(ctx, h)
				return nil
			}))
		})
		require.NoError(t, err)
		require.Nil(t, r.Failure, r.Report)
	}
}

// busy receives a number in a branch of its own.
func busy(ctx durable.Context) {
	durable.Go(ctx, "busy", func(ctx durable.Context) (int, error) { return numbers.Receive(ctx) })
}

func begin[In, Out any](
	ctx context.Context, h *held, w *durable.Workflow[In, Out], id string, in In,
) durable.Run[Out] {
	run, err := w.Start(ctx, h.engine, id, in)
	require.NoError(h.w, err)
	return run
}

func outcomeOf[Out any](ctx context.Context, h *held, run durable.Run[Out]) Out {
	out, err := run.Result(ctx)
	require.NoError(h.w, err)
	return out
}

// TestAMessageInTimeIsNotLostToItsTimer: the message was there before the deadline; the run sees both at
// once.
func TestAMessageInTimeIsNotLostToItsTimer(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, _ int) (string, error) {
		busy(ctx)
		return letters.ReceiveTimeout(ctx, time.Minute)
	})
	withHeld(t, func(ctx context.Context, h *held) {
		run := begin(ctx, h, w, "r", 0)
		require.NoError(h.w, h.w.Sleep(ctx, 59*time.Second))
		letGo := h.hold(ctx, "r")
		require.NoError(h.w, letters.Post(ctx, h.engine, "r", "in time"))
		require.NoError(h.w, h.w.Sleep(ctx, 2*time.Second))
		letGo()
		require.Equal(h.w, "in time", outcomeOf(ctx, h, run))
	}, w)
}

// TestAMessageAtTheDeadlineGoesToTheLongestWait: the wait whose timer fires began later.
func TestAMessageAtTheDeadlineGoesToTheLongestWait(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, _ int) (string, error) {
		busy(ctx)
		soon := letters.Next(ctx)
		if _, err := letters.ReceiveTimeout(ctx, time.Minute); !errors.Is(err, durable.ErrTimeout) {
			return "the later wait got it", err
		}
		return soon.Await(ctx)
	})
	withHeld(t, func(ctx context.Context, h *held) {
		run := begin(ctx, h, w, "r", 0)
		require.NoError(h.w, h.w.Sleep(ctx, 59*time.Second))
		letGo := h.hold(ctx, "r")
		require.NoError(h.w, letters.Post(ctx, h.engine, "r", "x"))
		require.NoError(h.w, h.w.Sleep(ctx, 2*time.Second))
		letGo()
		require.Equal(h.w, "x", outcomeOf(ctx, h, run))
	}, w)
}

var notes2 = durable.NewTopic[string]("letters, other")

// TestTheFirstToArriveIsReceivedFirst: of messages of several topics.
func TestTheFirstToArriveIsReceivedFirst(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, _ int) (string, error) {
		busy(ctx)
		_, first, err := durable.Race(ctx, notes2.Next(ctx), letters.Next(ctx))
		return first, err
	})
	withHeld(t, func(ctx context.Context, h *held) {
		for _, order := range [][]durable.Topic[string]{{letters, notes2}, {notes2, letters}} {
			id := order[0].Name()
			run := begin(ctx, h, w, id, 0)
			letGo := h.hold(ctx, id)
			for _, topic := range order {
				require.NoError(h.w, topic.Post(ctx, h.engine, id, topic.Name()))
			}
			letGo()
			require.Equal(h.w, id, outcomeOf(ctx, h, run))
		}
	}, w)
}

// TestAChildsEndAndAMessageAreReceivedInTheirOrder, whichever comes first.
func TestAChildsEndAndAMessageAreReceivedInTheirOrder(t *testing.T) {
	child := durable.Define("child", func(ctx durable.Context, _ int) (string, error) {
		return letters.Receive(ctx)
	})
	w := durable.Define("w", func(ctx durable.Context, _ int) (string, error) {
		busy(ctx)
		_, first, err := durable.Race(ctx, letters.Next(ctx), durable.StartChild(ctx, child, 0).Future)
		return first, err
	})
	withHeld(t, func(ctx context.Context, h *held) {
		for _, id := range []string{"child first", "message first"} {
			run := begin(ctx, h, w, id, 0)
			letGo := h.hold(ctx, id)
			endChild := func() {
				require.NoError(h.w, letters.Post(ctx, h.engine, id+"/3", "child first"))
				_, err := child.Run(h.engine, id+"/3").Result(ctx)
				require.NoError(h.w, err)
			}
			if id == "child first" {
				endChild()
			}
			require.NoError(h.w, letters.Post(ctx, h.engine, id, "message first"))
			if id == "message first" {
				endChild()
			}
			letGo()
			require.Equal(h.w, id, outcomeOf(ctx, h, run))
		}
	}, w, child)
}

// TestEveryReceiverOfACommitIsTold: one commit brings messages to several runs, and of several topics.
func TestEveryReceiverOfACommitIsTold(t *testing.T) {
	sender := durable.Define("sender", func(ctx durable.Context, to []string) (string, error) {
		for _, id := range to {
			if err := errors.Join(letters.Send(ctx, id, "a"), notes2.Send(ctx, id, "b")); err != nil {
				return "", err
			}
		}
		return "", nil
	})
	both := durable.Define("both", func(ctx durable.Context, _ int) (string, error) {
		got, err := durable.Gather(ctx, letters.Next(ctx), notes2.Next(ctx))
		return strings.Join(got, ""), err
	})
	withHeld(t, func(ctx context.Context, h *held) {
		a, b := begin(ctx, h, both, "a", 0), begin(ctx, h, both, "b", 0)
		begin(ctx, h, sender, "s", []string{"a", "b"})
		require.Equal(h.w, "ab", outcomeOf(ctx, h, a))
		require.Equal(h.w, "ab", outcomeOf(ctx, h, b))
	}, sender, both)
}

// TestTopicsWhoseNamesBeginAlikeAreApart: a message of one is none of the other.
func TestTopicsWhoseNamesBeginAlikeAreApart(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, _ int) (string, error) {
		if _, err := numbers.Receive(ctx); err != nil {
			return "", err
		}
		_, err := letters.ReceiveTimeout(ctx, 0)
		other, otherErr := notes2.ReceiveTimeout(ctx, 0)
		return fmt.Sprint(errors.Is(err, durable.ErrTimeout), other), otherErr
	})
	withHeld(t, func(ctx context.Context, h *held) {
		run := begin(ctx, h, w, "r", 0)
		require.NoError(h.w, notes2.Post(ctx, h.engine, "r", "for the other"))
		require.NoError(h.w, numbers.Post(ctx, h.engine, "r", 1))
		require.Equal(h.w, "true"+"for the other", outcomeOf(ctx, h, run))
	}, w)
}

// TestARunEndsAlthoughMessagesKeepComing: each message that comes as the run is ending makes it look again,
// but not for ever.
func TestARunEndsAlthoughMessagesKeepComing(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, _ int) (int, error) { return numbers.Receive(ctx) })
	st := &pestered{Store: store.OpenMemory()}
	e := openWith(t, durable.Config{Store: st, Workflows: []durable.Definition{w}})
	run := start(t, w, e, "r", 0)
	st.post = func() {
		if err := letters.Post(t.Context(), e, "r", "one more"); err != nil {
			t.Error(err)
		}
	}
	require.NoError(t, numbers.Post(t.Context(), e, "r", 1))
	require.Equal(t, 1, result(t, run))
	require.Greater(t, st.posted, 3)
	require.Less(t, st.posted, 20)
	requireNoMail(t, st, "r")
}

// pestered is a store on which a message comes just before each commit of an end.
type pestered struct {
	store.Store
	post   func()
	posted int
}

func (p *pestered) Commit(b *store.Batch) error {
	for op := range b.Ops() {
		if p.post != nil && strings.HasSuffix(string(op.Key), "\x00z") && p.posted < 50 {
			p.posted++
			p.post()
			break
		}
	}
	return p.Store.Commit(b)
}
