package durable_test

import (
	"context"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/stretchr/testify/require"
)

// TestARetriedItemWaitsForASlot: what came from a queue and has failed goes back into its line when it is
// opened again, with what is unique about it, and stays there whatever becomes of engines.
func TestARetriedItemWaitsForASlot(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		broken := true
		w := durable.Define("w", func(ctx durable.Context, part int) (string, error) {
			if part == 0 {
				return durable.ContinueAsNew[string](ctx, 1)
			}
			if broken {
				return "", errOddly
			}
			return letters.Receive(ctx)
		})
		q := durable.NewQueue("q", w, durable.QueueConfig{Concurrency: 1})
		other := durable.NewQueue("q", hello, durable.QueueConfig{Concurrency: 1})
		cfg.Queues = []durable.QueueDefinition{q, other}
		cfg.Recoveries = 2
		e := openWith(t, cfg)
		run := enqueue(t, q, e, 0, durable.Item{ID: "a", Unique: "u"})
		_, err := run.Result(t.Context())
		require.ErrorIs(t, err, errOddly)
		broken = false
		enqueue(t, q, e, 1, durable.Item{ID: "b", Unique: "u"})
		eventuallyStatuses(t, e, "a failed, a#1 continued, b waiting, ")
		require.EqualError(t, run.Retry(t.Context()), `durable: another item of the queue is the same: run "b" has `+
			`the Item.Unique "u" of run "a"`)
		require.NoError(t, letters.Post(t.Context(), e, "b", ""))
		result(t, w.Run(e, "b"))
		enqueue(t, q, e, 1, durable.Item{ID: "c"})
		eventuallyStatuses(t, e, "a failed, a#1 continued, b done, c waiting, ")
		require.NoError(t, run.Retry(t.Context()))
		held, err := other.Enqueue(t.Context(), e, "x", durable.Item{ID: "x", Unique: "u"})
		require.ErrorIs(t, err, durable.ErrDuplicate)
		_, err = held.Result(t.Context())
		require.ErrorIs(t, err, durable.ErrConflict, "it is one of the other workflow of the line")
		for range 4 {
			eventuallyStatuses(t, e, "a queued, a#1 continued, b done, c waiting, ")
			require.EqualError(t, e.Pause(t.Context(), "a", ""),
				`durable: run "a" waits in a queue; pause it when it runs, or Cancel it`)
			closeNow(t, e)
			e = openWith(t, cfg)
		}
		enqueue(t, other, e, "y", durable.Item{ID: "y"})
		eventuallyStatuses(t, e, "a queued, a#1 continued, b done, c waiting, y queued, ")
		require.NoError(t, letters.Post(t.Context(), e, "c", ""))
		eventuallyStatuses(t, e, "a waiting, a#1 continued, b done, c done, y queued, ")
		require.NoError(t, letters.Post(t.Context(), e, "a", "at last"))
		require.Equal(t, "at last", result(t, w.Run(e, "a")))
		require.Equal(t, "<y>", result(t, hello.Run(e, "y")))
		requireEmptyQueues(t, cfg.Store)
		require.NoError(t, cfg.Store.Scan([]byte("f"), []byte("g"), func(k, _ []byte) bool {
			t.Errorf("left behind: %q", k)
			return true
		}))
	})
}

// TestRetriedItemsThroughCrashes: whatever crashes, no two items of a line have a slot at once.
func TestRetriedItemsThroughCrashes(t *testing.T) {
	sweepPlant(t, 300, func(w *sim.World) {
		var p *plant
		failed := map[string]bool{}
		flow := durable.Define("flow", func(ctx durable.Context, id string) (string, error) {
			return durable.Step(ctx, "work", func(ctx context.Context, id string) (string, error) {
				var slots []string
				err := p.node.Store().Scan([]byte("Qq\x00s"), []byte("Qq\x00t"), func(k, _ []byte) bool {
					slots = append(slots, string(k))
					return true
				})
				require.NoError(w, err)
				require.Equal(w, []string{"Qq\x00sk\x00" + id + "\x00"}, slots)
				err = w.Sleep(ctx, 2*time.Millisecond)
				if err == nil && !failed[id] {
					failed[id], err = true, errOddly
				}
				return id, err
			}, id)
		})
		q := durable.NewQueue("q", flow, durable.QueueConfig{Concurrency: 1})
		p = newPlantWith(w, durable.Config{Queues: []durable.QueueDefinition{q}})
		ids := []string{"a", "b", "c"}
		for _, id := range ids {
			require.NoError(w, p.insist(w.Context(), "enqueue "+id, func(ctx context.Context) error {
				_, err := q.Enqueue(ctx, p.engine, id, durable.Item{ID: id, Key: "k"})
				return err
			}))
		}
		for _, id := range ids {
			_, err := resultOn(w.Context(), p, flow, id)
			w.Sometimes("a run fails", err != nil)
			err = p.insist(w.Context(), "retry "+id, func(ctx context.Context) error {
				if l, err := p.engine.Status(id); err != nil || l.Status != durable.Failed {
					return err
				}
				return p.engine.Retry(ctx, id)
			})
			require.NoError(w, err)
		}
		for _, id := range ids {
			got, err := resultOn(w.Context(), p, flow, id)
			require.NoError(w, err)
			require.Equal(w, id, got)
		}
		p.settled(named(flow))
		require.NoError(w, p.insist(w.Context(), "look", func(context.Context) error {
			requireEmptyQueues(w, p.node.Store())
			return nil
		}))
	})
}
