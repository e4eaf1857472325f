package durable_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// pay adds to the account that the key "which" names.
func pay(tx *durable.Tx, n int) (int, error) {
	key := account(number(tx, "which"))
	setNumber(tx, key, number(tx, key)+n)
	return n, nil
}

// turn makes "which" name another account, and counts how often it did.
func turn(tx *durable.Tx, to int) (int, error) {
	setNumber(tx, "which", to)
	setNumber(tx, "turns", number(tx, "turns")+1)
	return 0, nil
}

// clerk pays one, turns, or both.
var clerk = durable.Define("clerk", func(ctx durable.Context, to []int) (paid int, err error) {
	var all []durable.Future[int]
	for _, to := range to {
		all = append(all, durable.Go(ctx, "branch", func(ctx durable.Context) (int, error) {
			if to >= accounts {
				return durable.Transact(ctx, "pay", pay, 1)
			}
			return durable.Transact(ctx, "turn", turn, to)
		}))
	}
	results, err := durable.Gather(ctx, all...)
	for _, n := range results {
		paid += n
	}
	return paid, err
})

// TestTransactionsThatTouchOtherKeysWhenTheyRunAgain: what they follow changes under them.
func TestTransactionsThatTouchOtherKeysWhenTheyRunAgain(t *testing.T) {
	sweepPlant(t, 3000, func(w *sim.World) {
		p := newPlant(w, clerk)
		runs := 1 + w.Pick("runs", 4)
		paid := make([]int, runs)
		turns := make([]int, runs)
		name := func(i int) string { return fmt.Sprint("client of run ", i) }
		w.Concurrently(name, runs, func(ctx context.Context, i int) {
			var to []int
			for range 1 + w.Pick("branches", 4) {
				to = append(to, w.Pick("to", 2*accounts))
			}
			turns[i] = len(slices.DeleteFunc(slices.Clone(to), func(n int) bool { return n >= accounts }))
			startOn(ctx, p, clerk, name(i), to)
			var err error
			paid[i], err = resultOn(ctx, p, clerk, name(i))
			require.NoError(w, err)
		})
		require.NoError(w, p.insist(w.Context(), "check the books", func(ctx context.Context) error {
			return p.engine.View(ctx, func(tx *durable.Tx) error {
				sum := 0
				for _, value := range tx.Scan("account/", "account0") {
					n, _ := strconv.Atoi(string(value))
					sum += n
				}
				require.Equal(w, sumUp(paid), sum, "payments were lost or made twice")
				require.Equal(w, sumUp(turns), number(tx, "turns"))
				return nil
			})
		}))
		p.settled(named(clerk))
	})
}

func sumUp(list []int) (sum int) {
	for _, n := range list {
		sum += n
	}
	return sum
}

// hasty gives a transaction little time, and tells whether it was in time.
var hasty = durable.Define("hasty", func(ctx durable.Context, patience time.Duration) (bool, error) {
	short, cancel := ctx.WithTimeout(patience)
	defer cancel()
	_, err := durable.Transact(short, "mark", func(tx *durable.Tx, _ string) (int, error) {
		return addUp(tx, 1)
	}, "")
	if err != nil && !errors.Is(err, durable.ErrTimeout) {
		return false, err
	}
	return err == nil, nil
})

// TestACancelledTransactionWritesNothing: whether it was in time is one question, with one answer.
func TestACancelledTransactionWritesNothing(t *testing.T) {
	sweepPlant(t, 3000, func(w *sim.World) {
		p := newPlant(w, hasty)
		startOn(w.Context(), p, hasty, "r", time.Duration(w.Pick("patience", 8))*time.Millisecond)
		inTime, err := resultOn(w.Context(), p, hasty, "r")
		require.NoError(w, err)
		w.Sometimes("it is in time", inTime)
		w.Sometimes("it is late", !inTime)
		require.NoError(w, p.insist(w.Context(), "look", func(ctx context.Context) error {
			return p.engine.View(ctx, func(tx *durable.Tx) error {
				require.Equal(w, inTime, number(tx, "sum") == 1)
				return nil
			})
		}))
		p.settled(named(hasty))
	})
}

// TestATransactionGivesUpInTheEnd: something changes what it reads each time, as nothing in this engine can.
func TestATransactionGivesUpInTheEnd(t *testing.T) {
	st := store.OpenMemory()
	rounds := 0
	meddle := func(tx *durable.Tx) {
		rounds++
		key := fmt.Sprint("round ", rounds)
		tx.Get(key)
		var b store.Batch
		b.Set([]byte("k"+key), []byte("changed"))
		require.NoError(t, st.Commit(&b))
	}
	wf := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
		return durable.Transact(ctx, "t", func(tx *durable.Tx, _ string) (string, error) {
			meddle(tx)
			tx.Set("written", nil)
			return "", nil
		}, "")
	})
	e := open(t, st, wf)
	_, err := start(t, wf, e, "r", "").Result(t.Context())
	require.ErrorIs(t, err, durable.ErrContention)
	require.EqualError(t, errors.Unwrap(err), "durable: others kept changing what the transaction reads")
	require.Equal(t, 100, rounds)
	err = e.View(t.Context(), func(tx *durable.Tx) error { meddle(tx); return nil })
	require.ErrorIs(t, err, durable.ErrContention)
	require.Equal(t, 200, rounds)
	_, err = start(t, adder(false), open(t, st, adder(false)), "r2", []int{1}).Result(t.Context())
	require.NoError(t, err, "nothing is held")
}

// gated is a store whose commits wait, once the gate is closed.
type gated struct {
	store.Store
	closed  atomic.Bool
	waiting chan struct{}
	open    chan struct{}
}

func (g *gated) Commit(b *store.Batch) error {
	if g.closed.Load() {
		g.waiting <- struct{}{}
		<-g.open
	}
	return g.Store.Commit(b)
}

func TestAViewWaitsForACommitUnderWayAsLongAsItsContext(t *testing.T) {
	g := &gated{Store: store.OpenMemory(), waiting: make(chan struct{}, 9), open: make(chan struct{})}
	wf := durable.Define("w", func(ctx durable.Context, _ string) (int, error) {
		return durable.Transact(ctx, "t", func(tx *durable.Tx, _ string) (int, error) {
			g.closed.Store(true)
			return addUp(tx, 7)
		}, "")
	})
	e := open(t, g, wf)
	run := start(t, wf, e, "r", "")
	<-g.waiting
	require.ErrorIs(t, e.View(expiredContext(), func(tx *durable.Tx) error {
		tx.Get("sum")
		return nil
	}), context.Canceled)
	require.NoError(t, e.View(expiredContext(), func(tx *durable.Tx) error {
		tx.Get("another key")
		return nil
	}), "what is not in conflict does not wait")
	seen := make(chan int)
	go func() { seen <- sumOf(t, e) }()
	g.closed.Store(false)
	close(g.open)
	require.Contains(t, []int{0, 7}, <-seen)
	require.Equal(t, 7, result(t, run))
	require.Equal(t, 7, sumOf(t, e))
}
