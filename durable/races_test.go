package durable_test

import (
	"bytes"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// meddling is a store in which something happens just before the first commit that sets a key.
type meddling struct {
	store.Store
	key    []byte
	meddle func()
	done   atomic.Bool
}

func (m *meddling) Commit(b *store.Batch) error {
	for op := range b.Ops() {
		if op.Kind == store.OpSet && bytes.HasPrefix(op.Key, m.key) && m.done.CompareAndSwap(false, true) {
			m.meddle()
		}
	}
	return m.Store.Commit(b)
}

// TestAnIDIsTakenInTheLastMoment: what another commit does between a run's look at the store and its own
// commit is seen, and the run's code runs again and learns of it.
func TestAnIDIsTakenInTheLastMoment(t *testing.T) {
	parent := durable.Define("parent", func(ctx durable.Context, in string) (string, error) {
		s, err := durable.Step(ctx, "upper", upper, in)
		if err != nil {
			return "", err
		}
		got, err := durable.StartChildWith(ctx, bake, "roll", durable.Child{ID: "same"}).Await(ctx)
		if errors.Is(err, durable.ErrConflict) {
			return s + " taken", nil
		}
		return s + got, err
	})
	workflows := []durable.Definition{parent, bake}

	t.Run("a client is quicker", func(t *testing.T) {
		st := &meddling{Store: store.OpenMemory(), key: []byte("rsame\x00h")}
		e := openWith(t, durable.Config{Store: st, Workflows: workflows})
		st.meddle = func() { result(t, start(t, bake, e, "same", "roll")) }
		require.Equal(t, "<in> taken", result(t, start(t, parent, e, "p", "in")))
		require.True(t, st.done.Load())
	})
	for name, input := range map[string]string{"the parent is quicker": "cake", "with the same": "roll"} {
		t.Run(name, func(t *testing.T) {
			st := &meddling{Store: store.OpenMemory(), key: []byte("rsame\x00h")}
			e := openWith(t, durable.Config{Store: st, Workflows: workflows})
			var p durable.Run[string]
			st.meddle = func() {
				p = start(t, parent, e, "p", "in")
				waitForEntries(t, st, "same", 1)
			}
			_, err := bake.Start(t.Context(), e, "same", input)
			if input == "cake" {
				require.ErrorIs(t, err, durable.ErrConflict)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, "<in><roll>", result(t, p), "the child is loaded when the start has failed")
		})
	}
}

// TestTheSameMessageTwiceAtOnce: the second comes while the first is being committed.
func TestTheSameMessageTwiceAtOnce(t *testing.T) {
	st := &meddling{Store: store.OpenMemory(), key: []byte("rc\x00iletters")}
	e := openWith(t, durable.Config{Store: st, Workflows: []durable.Definition{collector}})
	run := start(t, collector, e, "c", 2)
	st.meddle = func() { require.NoError(t, letters.PostOnce(t.Context(), e, "c", "m", "a")) }
	require.NoError(t, letters.PostOnce(t.Context(), e, "c", "m", "a"))
	require.NoError(t, letters.Post(t.Context(), e, "c", "b"))
	require.Equal(t, "a,b", result(t, run))
}

// TestTheReceiverEndsInTheLastMoment: the sender's code runs again and learns of it, with its steps' results
// as they were.
func TestTheReceiverEndsInTheLastMoment(t *testing.T) {
	var steps atomic.Int32
	sender := durable.Define("sender", func(ctx durable.Context, to string) (string, error) {
		list, err := durable.Step(ctx, "list", listOnce(&steps), to)
		if err != nil {
			return "", err
		}
		list[0] += "!" // the code may change what it got, and runs again
		err = letters.Send(ctx, to, "too late")
		if errors.Is(err, durable.ErrEnded) {
			return list[0], nil
		}
		return "sent", err
	})
	st := &meddling{Store: store.OpenMemory(), key: []byte("qc\x00mletters")}
	e := openWith(t, durable.Config{Store: st, Workflows: []durable.Definition{collector, sender}})
	run := start(t, collector, e, "c", 1)
	st.meddle = func() {
		require.NoError(t, letters.Post(t.Context(), e, "c", "just in time"))
		require.Equal(t, "just in time", result(t, run))
	}
	require.Equal(t, "c!", result(t, start(t, sender, e, "s", "c")))
	require.EqualValues(t, 1, steps.Load())
	requireNoMail(t, st, "c", "s")
}

// TestAStaleTimerTakesNoMessageAway: a message that came in time is received, although the timer is looked at
// first.
func TestAStaleTimerTakesNoMessageAway(t *testing.T) {
	impatient := durable.Define("impatient", func(ctx durable.Context, _ int) (string, error) {
		blocked := durable.Async(ctx, "block", upper, "x")
		s, err := letters.ReceiveTimeout(ctx, blockTime)
		if err != nil {
			return "", err
		}
		_, err = blocked.Await(ctx)
		return s, err
	})
	st := &meddling{Store: store.OpenMemory(), key: []byte("ri\x00j\x00\x00\x00\x00\x00\x00\x00\x02")}
	e := openWith(t, durable.Config{Store: st, Workflows: []durable.Definition{impatient}})
	st.meddle = func() { // while the step's end is being committed, the message comes, and the time passes
		require.NoError(t, letters.Post(t.Context(), e, "i", "in time"))
		waitUntilPast(t, blockTime)
	}
	require.Equal(t, "in time", result(t, start(t, impatient, e, "i", 0)))
}
