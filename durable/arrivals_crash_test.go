package durable_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/stretchr/testify/require"
)

// till9 takes numbers until a 9 comes, and no letters.
var till9 = durable.Define("till 9", func(ctx durable.Context, _ int) ([]int, error) {
	var got []int
	for {
		n, err := numbers.Receive(ctx)
		if err != nil || n == 9 {
			return got, err
		}
		got = append(got, n)
	}
})

// TestUnreadMessagesHideNoOthersThroughCrashes: a message that an earlier engine had no time to deliver is
// found although one of another topic, which nobody waits for, lies before it.
func TestUnreadMessagesHideNoOthersThroughCrashes(t *testing.T) {
	sweepPlant(t, 500, func(w *sim.World) {
		p := newPlant(w, till9)
		startOn(w.Context(), p, till9, "r", 0)
		require.NoError(w, p.insist(w.Context(), "post a letter", func(ctx context.Context) error {
			return letters.Post(ctx, p.engine, "r", "unread")
		}))
		for _, n := range []int{1, 2, 3, 9} {
			require.NoError(w, p.insist(w.Context(), fmt.Sprint("post ", n), func(ctx context.Context) error {
				return numbers.PostOnce(ctx, p.engine, "r", fmt.Sprint(n), n)
			}))
			_ = w.Sleep(w.Context(), time.Duration(w.Pick("pause of client", 2))*time.Minute)
		}
		got, err := resultOn(w.Context(), p, till9, "r")
		require.NoError(w, err)
		require.Equal(w, []int{1, 2, 3}, got)
		p.settled(named(till9))
	})
}

// TestTwinsPostOnceThroughCrashes: two clients send the same messages with the same ids at the same time.
func TestTwinsPostOnceThroughCrashes(t *testing.T) {
	sweepPlant(t, 300, func(w *sim.World) {
		p := newPlant(w, till9)
		startOn(w.Context(), p, till9, "r", 0)
		twin := func(i int) string { return fmt.Sprint("twin ", i) }
		w.Concurrently(twin, 2, func(ctx context.Context, _ int) {
			for _, n := range []int{1, 2, 9} {
				require.NoError(w, p.insist(ctx, fmt.Sprint("post ", n), func(ctx context.Context) error {
					return numbers.PostOnce(ctx, p.engine, "r", fmt.Sprint(n), n)
				}))
			}
		})
		got, err := resultOn(w.Context(), p, till9, "r")
		require.NoError(w, err)
		require.Equal(w, []int{1, 2}, got)
		p.settled(named(till9))
	})
}

// brief ends with the first update that it takes.
var brief = durable.Define("brief", func(ctx durable.Context, _ int) (int, error) {
	taken := durable.NewChan[int](ctx, "taken", 1)
	add.Handle(ctx, nil, func(ctx durable.Context, n int) (int, error) { return n, taken.Send(ctx, n) })
	return taken.Recv(ctx)
})

// TestTheLastUpdateIsAnsweredThroughCrashes: whoever asked for the update with which a run ends gets its
// answer, also when they asked just then, or later.
func TestTheLastUpdateIsAnsweredThroughCrashes(t *testing.T) {
	sweepPlant(t, 300, func(w *sim.World) {
		p := newPlant(w, brief)
		startOn(w.Context(), p, brief, "b", 0)
		client := func(i int) string { return fmt.Sprint("client ", i) }
		w.Concurrently(client, 3, func(ctx context.Context, _ int) {
			_ = w.Sleep(ctx, time.Duration(w.Pick("pause of client", 3))*time.Millisecond)
			var answer int
			require.NoError(w, p.insist(ctx, "update", func(ctx context.Context) (err error) {
				answer, err = add.Call(ctx, p.engine, "b", "u", 7)
				return err
			}))
			require.Equal(w, 7, answer)
		})
		n, err := resultOn(w.Context(), p, brief, "b")
		require.NoError(w, err)
		require.Equal(w, 7, n)
		p.settled(named(brief))
	})
}
