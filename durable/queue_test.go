package durable_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// gate is a workflow whose runs wait until a letter lets them end.
var gate = durable.Define("gate", func(ctx durable.Context, in string) (string, error) {
	if _, err := letters.Receive(ctx); err != nil {
		return "", err
	}
	return "<" + in + ">", nil
})

func enqueue[In, Out any](
	t *testing.T, q *durable.Queue[In, Out], e *durable.Engine, in In, how durable.Item,
) durable.Run[Out] {
	t.Helper()
	run, err := q.Enqueue(t.Context(), e, in, how)
	require.NoError(t, err)
	return run
}

// statuses lists the runs that begin with a prefix and where they are.
func statuses(t *testing.T, e *durable.Engine, prefix string) (s string) {
	t.Helper()
	list, _, err := e.List(durable.Filter{Prefix: prefix})
	require.NoError(t, err)
	for _, l := range list {
		s += fmt.Sprintf("%s %s, ", l.Run, l.Status)
	}
	return s
}

func eventuallyStatuses(t *testing.T, e *durable.Engine, want string) {
	t.Helper()
	reached := func() bool { return statuses(t, e, "") == want }
	require.Eventually(t, reached, 5*time.Second, time.Millisecond, want)
}

func TestAQueueRunsSoManyAtOnce(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		q := durable.NewQueue("q", gate, durable.QueueConfig{Concurrency: 2})
		cfg.Queues = []durable.QueueDefinition{q}
		e := openWith(t, cfg)
		for i := range 4 {
			enqueue(t, q, e, "x", durable.Item{ID: fmt.Sprint("r", i)})
		}
		eventuallyStatuses(t, e, "r0 waiting, r1 waiting, r2 queued, r3 queued, ")
		require.NoError(t, letters.Post(t.Context(), e, "r1", ""))
		eventuallyStatuses(t, e, "r0 waiting, r1 done, r2 waiting, r3 queued, ")
		require.NoError(t, e.Close(t.Context()))
		e = openWith(t, cfg)
		require.NoError(t, letters.Post(t.Context(), e, "r3", ""), "letters wait with the item")
		require.NoError(t, e.Terminate(t.Context(), "r0", ""))
		got, err := gate.Run(e, "r3").Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "<x>", got)
		require.NoError(t, e.Cancel(t.Context(), "r2", "enough"))
		eventuallyStatuses(t, e, "r0 terminated, r1 done, r2 cancelled, r3 done, ")
		requireEmptyQueues(t, cfg.Store)
	})
}

// requireEmptyQueues checks that no item, slot or unique text is left.
func requireEmptyQueues(t require.TestingT, st store.Store) {
	for _, table := range []string{"Q", "C", "Kq"} {
		end := []byte(table)
		end[len(end)-1]++
		require.NoError(t, st.Scan([]byte(table), end, func(k, _ []byte) bool {
			for _, part := range []string{"\x00w", "\x00c"} { // the latest starts, and turns
				if i := len(table) + indexOf(k[len(table):], part); i > len(table) {
					return true
				}
			}
			require.Fail(t, "left behind", "%q", k)
			return true
		}))
	}
}

func indexOf(k []byte, part string) int {
	for i := range len(k) - 1 {
		if k[i] == 0 {
			if string(k[i:i+2]) == part {
				return i
			}
			return 0
		}
	}
	return 0
}

// TestItemsThatHaveNotBegun are runs like others, except that none of their code runs.
func TestItemsThatHaveNotBegun(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		q := durable.NewQueue("q", gate, durable.QueueConfig{Concurrency: 1})
		cfg.Queues = []durable.QueueDefinition{q}
		e := openWith(t, cfg)
		for _, id := range []string{"a", "b", "c", "d"} {
			enqueue(t, q, e, id, durable.Item{ID: id, Unique: "only " + id})
		}
		again := enqueue(t, q, e, "b", durable.Item{ID: "b"})
		require.Equal(t, "b", again.ID())
		_, err := q.Enqueue(t.Context(), e, "other", durable.Item{ID: "b"})
		require.ErrorIs(t, err, durable.ErrConflict)
		_, err = gate.Start(t.Context(), e, "b", "b")
		require.NoError(t, err, "it is the same run")
		run, err := q.Enqueue(t.Context(), e, "x", durable.Item{ID: "x", Unique: "only c"})
		require.ErrorIs(t, err, durable.ErrDuplicate)
		require.EqualError(t, err, `durable: another item of the queue is the same: `+
			`run "c" has the Item.Unique "only c" of run "x"`)
		require.Equal(t, "c", run.ID())
		require.NoError(t, e.Cancel(t.Context(), "b", "not wanted"))
		_, err = again.Result(t.Context())
		require.ErrorIs(t, err, durable.ErrCancelled)
		require.EqualError(t, err, `run "b" failed: not wanted`)
		require.ErrorIs(t, e.Cancel(t.Context(), "b", ""), durable.ErrEnded)
		require.NoError(t, e.Terminate(t.Context(), "c", "neither"))
		_, err = run.Result(t.Context())
		require.ErrorIs(t, err, durable.ErrTerminated)
		eventuallyStatuses(t, e, "a waiting, b cancelled, c terminated, d queued, ")
		for _, id := range []string{"b", "c"} {
			j, err := durable.ReadJournal(cfg.Store, id)
			require.NoError(t, err)
			require.Len(t, j.Entries, 2)
			done, err := durable.Replay(j, gate, nil)
			require.NoError(t, err)
			require.True(t, done.Ended)
			require.Error(t, done.Err)
		}
		enqueue(t, q, e, "x", durable.Item{ID: "x", Unique: "only c"})
		for _, id := range []string{"a", "d", "x"} {
			require.NoError(t, letters.Post(t.Context(), e, id, ""))
			_, err := gate.Run(e, id).Result(t.Context())
			require.NoError(t, err)
		}
		requireEmptyQueues(t, cfg.Store)
	})
}

// noted is a workflow that notes the order in which its runs begin.
func noted() (*durable.Workflow[string, string], func() []string) {
	var mu sync.Mutex
	var order []string
	return durable.Define("noted", func(ctx durable.Context, in string) (string, error) {
			return durable.Step(ctx, "note", func(_ context.Context, in string) (string, error) {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, in)
				return in, nil
			}, in)
		}), func() []string {
			mu.Lock()
			defer mu.Unlock()
			return append([]string{}, order...)
		}
}

// TestTurns: the urgent first, then a key after the other, and the items of a key in their order.
func TestTurns(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		w, order := noted()
		q := durable.NewQueue("q", w, durable.QueueConfig{Concurrency: 1})
		cfg.Workflows = []durable.Definition{w}
		e := openWith(t, cfg)
		require.NoError(t, e.Close(t.Context()))
		cfg.Queues = []durable.QueueDefinition{q, durable.NewQueue("other", w, durable.QueueConfig{})}
		stopped := durable.NewQueue("q", gate, durable.QueueConfig{Concurrency: 1})
		idle := cfg
		idle.Queues = []durable.QueueDefinition{stopped}
		e = openWith(t, idle)
		enqueue(t, stopped, e, "", durable.Item{ID: "first"})
		eventuallyStatuses(t, e, "first waiting, ")
		n := 0
		add := func(key string, priority int8) {
			n++
			id := fmt.Sprintf("%s%d", key, n)
			enqueue(t, q, e, id, durable.Item{ID: id, Key: key, Priority: priority})
		}
		for _, key := range []string{"a", "a", "a", "a", "b", "b", "c", ""} {
			add(key, 0)
		}
		add("a", 1)
		add("b", -1)
		add("c", -128)
		add("b", 127)
		require.NoError(t, e.Close(t.Context()))
		cfg.Workflows = append(cfg.Workflows, gate)
		e = openWith(t, cfg)
		require.NoError(t, letters.Post(t.Context(), e, "first", ""))
		require.Eventually(t, func() bool { return len(order()) == n }, 5*time.Second, time.Millisecond)
		want := []string{"b12", "a9", "8", "a1", "b5", "c7", "a2", "b6", "a3", "a4", "b10", "c11"}
		require.Equal(t, want, order())
		require.Eventually(t, func() bool {
			l, err := e.Status("c11")
			return err == nil && l.Status == durable.Done
		}, 5*time.Second, time.Millisecond)
		requireEmptyQueues(t, cfg.Store)
	})
}

// TestAPoisonedItemStopsNoQueue: items that can't go on give their slots back, and wait for one again.
func TestAPoisonedItemStopsNoQueue(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		poison := true
		w := durable.Define("w", func(ctx durable.Context, in string) (string, error) {
			if poison && in == "bad" {
				panic("poisoned")
			}
			return letters.Receive(ctx)
		})
		renamed := durable.Define("renamed", func(durable.Context, string) (string, error) { return "", nil })
		q := durable.NewQueue("q", w, durable.QueueConfig{Concurrency: 1})
		was := durable.NewQueue("q", renamed, durable.QueueConfig{Concurrency: 1})
		cfg.Queues = []durable.QueueDefinition{q}
		e := openWith(t, cfg)
		for i, in := range []string{"good", "bad", "bad", "good"} {
			enqueue(t, q, e, in, durable.Item{ID: fmt.Sprint("r", i), Key: "k"})
		}
		unknown := enqueue(t, was, e, "x", durable.Item{ID: "r4"})
		enqueue(t, q, e, "good", durable.Item{ID: "r5"})
		for _, id := range []string{"r0", "r3", "r5"} {
			require.NoError(t, letters.Post(t.Context(), e, id, "go on"))
		}
		for _, id := range []string{"r0", "r3", "r5"} {
			_, err := w.Run(e, id).Result(t.Context())
			require.NoError(t, err)
		}
		_, err := unknown.Result(t.Context())
		require.ErrorIs(t, err, durable.ErrParked)
		require.ErrorIs(t, err, durable.ErrUnknownWorkflow)
		eventuallyStatuses(t, e, "r0 done, r1 parked, r2 parked, r3 done, r4 parked, r5 done, ")
		poison = false
		enqueue(t, q, e, "good", durable.Item{ID: "r6"})
		eventuallyStatuses(t, e, "r0 done, r1 parked, r2 parked, r3 done, r4 parked, r5 done, r6 waiting, ")
		require.NoError(t, e.Resume("r1"))
		require.NoError(t, e.Terminate(t.Context(), "r4", ""))
		time.Sleep(20 * time.Millisecond)
		l, err := e.Status("r1")
		require.NoError(t, err)
		require.Equal(t, durable.Queued, l.Status, "it has no slot")
		require.NoError(t, letters.Post(t.Context(), e, "r6", ""))
		eventuallyStatuses(t, e,
			"r0 done, r1 waiting, r2 parked, r3 done, r4 terminated, r5 done, r6 done, ")
		require.NoError(t, e.Close(t.Context()))
		e = openWith(t, cfg)
		require.NoError(t, letters.Post(t.Context(), e, "r1", ""))
		require.NoError(t, letters.Post(t.Context(), e, "r2", ""))
		for _, id := range []string{"r1", "r2"} {
			_, err := w.Run(e, id).Result(t.Context())
			require.NoError(t, err)
		}
		requireEmptyQueues(t, cfg.Store)
	})
}

func TestItemsFromWorkflowCode(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		q := durable.NewQueue("q", hello, durable.QueueConfig{Concurrency: 2})
		parent := durable.Define("parent", func(ctx durable.Context, n int) (string, error) {
			var all []durable.Future[string]
			for i := range n {
				how := durable.Item{Key: "k", Priority: int8(i), Unique: fmt.Sprint(i)}
				all = append(all, q.EnqueueChild(ctx, fmt.Sprint(i), how).Future)
			}
			_, err := q.EnqueueChild(ctx, "x", durable.Item{Unique: "1"}).Await(ctx)
			if !errors.Is(err, durable.ErrDuplicate) {
				return "", fmt.Errorf("it was no duplicate: %w", err)
			}
			_, err = q.EnqueueChild(ctx, "x", durable.Item{ID: ctx.RunID() + "/1"}).Await(ctx)
			if !errors.Is(err, durable.ErrConflict) {
				return "", fmt.Errorf("it was no conflict: %w", err)
			}
			q.EnqueueChild(ctx, "late", durable.Item{ID: "late", Delay: 20 * time.Millisecond})
			got, err := durable.Gather(ctx, all...)
			return fmt.Sprint(got), err
		})
		cfg.Queues = []durable.QueueDefinition{q}
		cfg.Workflows = []durable.Definition{parent}
		e := openWith(t, cfg)
		require.Equal(t, "[<0> <1> <2> <3>]", result(t, start(t, parent, e, "p", 4)))
		late, err := hello.Run(e, "late").Result(t.Context())
		require.NoError(t, err, "what is not awaited goes on alone")
		require.Equal(t, "<late>", late)
		l, err := e.Status("late")
		require.NoError(t, err)
		parentRun, err := e.Status("p")
		require.NoError(t, err)
		require.GreaterOrEqual(t, l.Started.Sub(parentRun.Started), 20*time.Millisecond)
		j, err := durable.ReadJournal(cfg.Store, "p")
		require.NoError(t, err)
		require.Contains(t, j.Entries[0].String(), `child "p/1" of workflow "hello" in queue "q" (id 1)`)
		requireEmptyQueues(t, cfg.Store)
	})
}

// TestStepsEnqueueOnce: the items of a step are the same in each of its attempts.
func TestStepsEnqueueOnce(t *testing.T) {
	q := durable.NewQueue("q", hello, durable.QueueConfig{})
	attempts := 0
	w := durable.Define("w", func(ctx durable.Context, _ int) (string, error) {
		try := durable.StepOptions{Retry: durable.Retry{Attempts: 3}}
		return durable.StepWith(ctx, try, "put", func(ctx context.Context, _ int) (string, error) {
			attempts++
			run, err := q.Enqueue(ctx, durable.EngineOf(ctx), "x", durable.Item{})
			if err == nil && attempts < 3 {
				err = errors.New("once more")
			}
			return run.ID(), err
		}, 0)
	})
	e := openWith(t, durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{w}, Queues: []durable.QueueDefinition{q},
	})
	id := result(t, start(t, w, e, "w", 0))
	require.Equal(t, "step:w/1#1", id)
	require.Equal(t, 3, attempts)
	require.Equal(t, "<x>", result(t, hello.Run(e, id)))
	require.Equal(t, "step:w/1#1 done, w done, ", statuses(t, e, ""))
}
