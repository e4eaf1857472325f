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

// turns handles "add" twice, one update each time.
var turns = durable.Define("turns", func(ctx durable.Context, _ int) ([]int, error) {
	var got []int
	for range 2 {
		taken := durable.NewChan[int](ctx, "taken", 1)
		within, cancel := ctx.WithCancel()
		add.Handle(within, nil, func(ctx durable.Context, n int) (int, error) { return n, taken.Send(ctx, n) })
		n, err := taken.Recv(ctx)
		if err != nil {
			return nil, err
		}
		cancel(nil)
		got = append(got, n)
	}
	return got, nil
})

// TestUpdatesAreTakenInTurnThroughCrashes: an update that waits is taken by the next handler, which may begin
// in answer to another update, and that one is not taken again.
func TestUpdatesAreTakenInTurnThroughCrashes(t *testing.T) {
	sweepPlant(t, 300, func(w *sim.World) {
		p := newPlant(w, turns)
		startOn(w.Context(), p, turns, "t", 0)
		client := func(i int) string { return fmt.Sprint("client ", i) }
		w.Concurrently(client, 2, func(ctx context.Context, i int) {
			_ = w.Sleep(ctx, time.Duration(w.Pick("pause of client", 2))*time.Millisecond)
			require.NoError(w, p.insist(ctx, "update", func(ctx context.Context) error {
				n, err := add.Call(ctx, p.engine, "t", fmt.Sprint("u", i), i)
				if err == nil {
					require.Equal(w, i, n)
				}
				return err
			}))
		})
		got, err := resultOn(w.Context(), p, turns, "t")
		require.NoError(w, err)
		require.ElementsMatch(w, []int{0, 1}, got)
		p.settled(named(turns))
	})
}

// TestADeletedRunGetsNoMessageThroughCrashes: a message that is sent while its run is terminated and deleted
// is received by nobody, and nothing of it is left.
func TestADeletedRunGetsNoMessageThroughCrashes(t *testing.T) {
	sweepPlant(t, 300, func(w *sim.World) {
		p := newPlant(w, till9)
		startOn(w.Context(), p, till9, "r", 0)
		client := func(i int) string { return []string{"poster", "deleter"}[i] }
		w.Concurrently(client, 2, func(ctx context.Context, i int) {
			_ = w.Sleep(ctx, time.Duration(w.Pick("pause of client", 3))*time.Millisecond)
			if i == 0 {
				err := p.insist(ctx, "post", func(ctx context.Context) error {
					return numbers.PostOnce(ctx, p.engine, "r", "1", 1)
				})
				gone := errors.Is(err, durable.ErrNotFound)
				require.True(w, err == nil || gone || errors.Is(err, durable.ErrEnded), err)
				w.Sometimes("the run is gone", gone)
				return
			}
			require.NoError(w, p.insist(ctx, "delete", func(ctx context.Context) error {
				err := p.engine.Terminate(ctx, "r", "")
				if err == nil || errors.Is(err, durable.ErrEnded) {
					err = p.engine.Delete(ctx, "r")
				}
				if errors.Is(err, durable.ErrNotFound) {
					return nil // done, before the crash that hid the answer
				}
				return err
			}))
		})
		p.settled(nil)
	})
}

// TestAnIDIsFreeOnceItsRunIsDeletedThroughCrashes: whoever starts it, or has it started by a run or a queue,
// while the run that was deleted is still leaving the memory.
func TestAnIDIsFreeOnceItsRunIsDeletedThroughCrashes(t *testing.T) {
	queue := durable.NewQueue("q", hello, durable.QueueConfig{})
	starter := durable.Define("starter", func(ctx durable.Context, id string) (string, error) {
		return durable.StartDetached(ctx, hello, id, "1")
	})
	sweepPlant(t, 1000, func(w *sim.World) {
		p := newPlantWith(w, durable.Config{Queues: []durable.QueueDefinition{queue}}, hello, starter)
		startOn(w.Context(), p, hello, "r", "0")
		_ = w.Sleep(w.Context(), time.Duration(w.Pick("pause of client", 3))*time.Millisecond)
		err := p.insist(w.Context(), "delete", func(ctx context.Context) error { return p.engine.Delete(ctx, "r") })
		w.Sometimes("the run is deleted", err == nil)
		how := w.Pick("how it is started", 3)
		err = p.insist(w.Context(), "start", func(ctx context.Context) (err error) {
			switch how {
			case 0:
				_, err = hello.Start(ctx, p.engine, "r", "1")
			case 1:
				_, err = starter.Start(ctx, p.engine, "s", "r")
			case 2:
				_, err = queue.Enqueue(ctx, p.engine, "1", durable.Item{ID: "r"})
			}
			return err
		})
		require.True(w, err == nil || errors.Is(err, durable.ErrConflict), "%v", err)
		if how == 1 {
			_, err = resultOn(w.Context(), p, starter, "s")
			require.True(w, err == nil || errors.Is(err, durable.ErrConflict), "%v", err)
		}
		got, err := resultOn(w.Context(), p, hello, "r")
		require.NoError(w, err)
		require.Contains(w, []string{"<0>", "<1>"}, got)
		p.settled(named(hello, starter))
	})
}

// TestUpdatesThatDoNotFitARoundAreTakenInTheNext: more of them than a round has entries come at once.
func TestUpdatesThatDoNotFitARoundAreTakenInTheNext(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, _ int) (int, error) {
		busy(ctx)
		sum := 0
		add.Handle(ctx, nil, func(_ durable.Context, n int) (int, error) { sum += n; return sum, nil })
		_, err := letters.Receive(ctx)
		return sum, err
	})
	withHeld(t, func(ctx context.Context, h *held) {
		run := begin(ctx, h, w, "r", 0)
		letGo := h.hold(ctx, "r")
		answered := sim.NewWaitGroup(h.w, "answers")
		for range 300 {
			answered.Add(1)
			h.node.Go("client", func(ctx context.Context) {
				_, err := add.Call(ctx, h.engine, "r", "", 1)
				require.NoError(h.w, err)
				answered.Done()
			})
		}
		require.NoError(h.w, h.w.Sleep(ctx, time.Millisecond))
		letGo()
		require.NoError(h.w, answered.Wait())
		require.NoError(h.w, letters.Post(ctx, h.engine, "r", "end"))
		require.Equal(h.w, 300, outcomeOf(ctx, h, run))
	}, w)
}
