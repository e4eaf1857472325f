package sim_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/sim"
)

// TestTools uses every tool once, as ordinary concurrent code would.
func TestTools(t *testing.T) {
	trace, failure := sim.Run(memory, "", func(w *sim.World) {
		after := func(d time.Duration, v int, err error) *sim.Future[int] {
			return sim.Start(w, "after "+d.String(), func(ctx context.Context) (int, error) {
				_ = w.Sleep(ctx, d)
				return v, err
			})
		}
		broke := errors.New("broke")

		all, err := sim.Gather(after(2*time.Second, 1, nil), after(time.Second, 2, nil))
		require.NoError(w, err)
		require.Equal(w, []int{1, 2}, all)

		outcomes, err := sim.Settle(after(2*time.Second, 1, nil), after(time.Second, 0, broke))
		require.NoError(w, err)
		require.Equal(w, []sim.Outcome[int]{{Value: 1}, {Err: broke}}, outcomes)

		slow, fast := after(2*time.Second, 1, nil), after(time.Second, 2, nil)
		done, pending, err := sim.Wait(sim.FirstCompleted, slow, fast)
		require.NoError(w, err)
		require.Equal(w, [][]*sim.Future[int]{{fast}, {slow}}, [][]*sim.Future[int]{done, pending})

		var order []int
		for f, err := range sim.Completed(after(2*time.Second, 1, nil), after(time.Second, 2, nil)) {
			require.NoError(w, err)
			v, _ := f.Await()
			order = append(order, v)
		}
		require.Equal(w, []int{2, 1}, order)
	})
	require.Nil(t, failure, trace)
}

// TestSharedTools does the same with the tools that tasks share.
func TestSharedTools(t *testing.T) {
	trace, failure := sim.Run(memory, "", func(w *sim.World) {
		mu, group := sim.NewMutex(w, "books"), sim.NewWaitGroup(w, "clerks")
		busy := false
		for range 3 {
			group.Go("clerk", func() {
				require.NoError(w, mu.Lock())
				require.False(w, busy)
				busy = true
				_ = w.Sleep(w.Context(), time.Second)
				busy = false
				mu.Unlock()
			})
		}
		require.NoError(w, group.Wait())

		ch, q := sim.NewChan[int](w, "letters", 0), sim.NewQueue[int](w, "jobs", 1)
		w.Go("sender", func(context.Context) {
			require.NoError(w, ch.Send(1))
			require.NoError(w, q.Put(2))
		})
		letter, err := ch.Recv()
		require.NoError(w, err)
		job, err := q.Get()
		require.NoError(w, err)
		require.Equal(w, []int{1, 2}, []int{letter, job})

		flag, gate := sim.NewFlag(w, "ready"), sim.NewSemaphore(w, "gate", 1)
		cond := sim.NewCond(mu, "changed")
		w.Go("setter", func(context.Context) { flag.Set(); cond.Broadcast() })
		require.NoError(w, gate.Acquire())
		require.NoError(w, mu.Lock())
		require.NoError(w, cond.Wait())
		require.NoError(w, flag.Wait())

		f := sim.NewFuture[string](w)
		w.Go("resolver", func(context.Context) { f.Resolve("later") })
		v, err := sim.Shield(f).Await()
		require.NoError(w, err)
		require.Equal(w, "later", v)
		require.NoError(w, w.Yield())
	})
	require.Nil(t, failure, trace)
}

// TestStartedOnNodeDiesWithIt starts a task with a result in a node's task.
func TestStartedOnNodeDiesWithIt(t *testing.T) {
	trace, failure := sim.Run(memory, "", func(w *sim.World) {
		var f *sim.Future[int]
		n := w.Node("worker", func(n *sim.Node) {
			if f == nil {
				f = sim.Start(w, "endless", func(ctx context.Context) (int, error) {
					return 1, w.Sleep(ctx, 24*time.Hour)
				})
			}
		})
		_ = w.Sleep(w.Context(), time.Second)
		n.Crash()
		_, err := f.Await()
		require.ErrorIs(w, err, sim.ErrKilled)
	})
	require.Nil(t, failure, trace)
}

// TestStartOrder shows that random starts find code that relies on FIFO.
func TestStartOrder(t *testing.T) {
	body := func(w *sim.World) {
		first := ""
		for _, name := range []string{"a", "b", "c"} {
			w.Go(name, func(context.Context) {
				if first == "" {
					first = name
				}
			})
		}
		_ = w.Sleep(w.Context(), time.Second)
		w.Always("a begins first", first == "a")
	}
	cfg := memory
	r, err := sim.Sweep(cfg, body)
	require.NoError(t, err)
	require.Nil(t, r.Failure)
	cfg.RandomStarts = true
	r, err = sim.Sweep(cfg, body)
	require.NoError(t, err)
	require.NotNil(t, r.Failure)
	require.Contains(t, r.Report, "1 deviation from the FIFO, fault-free run")
	require.Contains(t, r.Report, `"b" runs before "a"`)
}

// TestCallAt calls at a time, at one that has passed, and not at all.
func TestCallAt(t *testing.T) {
	trace, failure := sim.Run(memory, "", func(w *sim.World) {
		var called []time.Duration
		call := func() { called = append(called, w.Now().Sub(sim.Epoch)) }
		w.CallAt(sim.Epoch.Add(time.Minute), call)
		w.CallAt(sim.Epoch.Add(time.Second), call)
		w.CallAt(sim.Epoch.Add(-time.Hour), call)
		stop := w.CallAt(sim.Epoch.Add(2*time.Second), call)
		require.True(w, stop())
		require.False(w, stop(), "it was stopped before")
		_ = w.Sleep(w.Context(), time.Hour)
		require.Equal(w, []time.Duration{0, time.Second, time.Minute}, called)
	})
	require.Nil(t, failure, trace)
}

// TestTimers sets timers that belong to no node, and cuts a wait short.
func TestTimers(t *testing.T) {
	trace, failure := sim.Run(memory, "", func(w *sim.World) {
		var at []time.Duration
		note := func() { at = append(at, w.Now().Sub(sim.Epoch)) }
		w.AfterFunc(2*time.Second, note)
		w.AfterFunc(time.Second, func() { _ = w.Sleep(w.Context(), 3*time.Second); note() })
		stop := w.AfterFunc(time.Second, note)
		require.True(w, stop())
		require.False(w, stop())
		err := w.Timeout(5*time.Second, func() error {
			_, err := sim.NewFuture[int](w).Await()
			note()
			return err
		})
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.Equal(w, []time.Duration{2 * time.Second, 4 * time.Second, 5 * time.Second}, at)
	})
	require.Nil(t, failure, trace)
}
