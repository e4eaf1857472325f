package durable_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/stretchr/testify/require"
)

var negate = durable.NewUpdate[int, int]("negate")

// till is a basket that tells how full it is. It also turns numbers into their negatives.
var till = durable.Define("till", func(ctx durable.Context, _ int) (int, error) {
	total := 0
	negate.Handle(ctx, nil, func(_ durable.Context, n int) (int, error) { return -n, nil })
	add.Handle(ctx, func(n int) error {
		if total+n > 20 {
			return errFull
		}
		return nil
	}, func(ctx durable.Context, n int) (int, error) {
		total += n
		mine := total
		if err := progress.Publish(ctx, total); err != nil {
			return 0, err
		}
		_, err := durable.Step(ctx, "upper", upper, fmt.Sprint(n))
		return mine, err
	})
	_, err := letters.Receive(ctx)
	return total, err
})

// TestUpdatesThroughCrashes: an update is taken once however often it is asked for, by the handler of its
// name, its answer stays the same, and what was rejected was not taken.
func TestUpdatesThroughCrashes(t *testing.T) {
	sweepPlant(t, 2400, func(w *sim.World) {
		p := newPlant(w, till)
		startOn(w.Context(), p, till, "t", 0)
		answers := map[string]int{}
		sum := 0
		client := func(i int) string { return fmt.Sprint("client ", i) }
		w.Concurrently(client, 3, func(ctx context.Context, i int) {
			if i == 2 {
				require.NoError(w, p.insist(ctx, "negate", func(ctx context.Context) error {
					n, err := negate.Call(ctx, p.engine, "t", "negate", 5)
					require.True(w, err != nil || n == -5, n)
					return err
				}))
			}
			for n := 1; n <= 3; n++ {
				id := fmt.Sprint(i, "-", n)
				for range 1 + w.Pick("asks again", 2) {
					var answer int
					err := p.insist(ctx, "update "+id, func(ctx context.Context) (err error) {
						answer, err = add.Call(ctx, p.engine, "t", id, 2*n)
						return err
					})
					before, known := answers[id]
					switch {
					case errors.Is(err, errFull):
						require.False(w, known, "rejected after it was taken")
						continue
					case known:
						require.Equal(w, before, answer, "another answer to the same update")
					default:
						sum += 2 * n
						answers[id] = answer
					}
					require.NoError(w, err)
				}
			}
		})
		require.NoError(w, p.insist(w.Context(), "end", func(ctx context.Context) error {
			return letters.PostOnce(ctx, p.engine, "t", "end", "")
		}))
		total, err := resultOn(w.Context(), p, till, "t")
		require.NoError(w, err)
		require.Equal(w, sum, total)
		require.LessOrEqual(w, total, 20)
		w.Sometimes("an update is rejected", len(answers) < 9)
		p.settled(named(till))
	})
}

// TestWatchersThroughCrashes: a watcher that begins again after each crash sees values that only grow, and
// the last one before it sees the end.
func TestWatchersThroughCrashes(t *testing.T) {
	sweepPlant(t, 3000, func(w *sim.World) {
		p := newPlant(w, counter)
		startOn(w.Context(), p, counter, "c", 0)
		role := func(i int) string { return []string{"watcher", "poster"}[i] }
		w.Concurrently(role, 2, func(ctx context.Context, i int) {
			if i == 1 {
				for _, n := range []int{1, 2, 3, -1} {
					require.NoError(w, p.insist(ctx, "post", func(ctx context.Context) error {
						return numbers.PostOnce(ctx, p.engine, "c", fmt.Sprint(n), n)
					}))
					_ = w.Sleep(ctx, time.Duration(w.Pick("pause", 3))*time.Millisecond)
				}
				return
			}
			last := 0
			require.NoError(w, p.insist(ctx, "watch", func(ctx context.Context) error {
				last-- // it may see again what it has seen before the crash
				for n, err := range progress.Watch(ctx, p.engine, "c") {
					if err != nil {
						return err
					}
					require.Greater(w, n, last)
					last = n
				}
				return nil
			}))
			require.Equal(w, 3, last)
			w.Reachable("a watcher has seen the end")
		})
		p.settled(named(counter))
	})
}
