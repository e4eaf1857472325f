package durable_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

func ids(runs []durable.Listing) (list []string) {
	for _, l := range runs {
		list = append(list, l.Run)
	}
	return list
}

func TestStatusAndPages(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		fails := durable.Define("fails", func(durable.Context, int) (int, error) { return 0, errors.New("no") })
		waits := durable.Define("waits", func(ctx durable.Context, _ int) (int, error) {
			return numbers.Receive(ctx)
		})
		cfg.Workflows = []durable.Definition{hello, fails, waits, trip}
		e := openWith(t, cfg)
		result(t, start(t, hello, e, "a-1", "x"))
		_, err := start(t, fails, e, "a-2", 1).Result(t.Context())
		require.Error(t, err)
		start(t, waits, e, "b-1", 1)
		for i := range 3 {
			result(t, start(t, hello, e, fmt.Sprint("c-", i), "x"))
		}
		for run, want := range map[string]durable.Status{
			"a-1": durable.Done, "a-2": durable.Failed, "b-1": durable.Waiting,
		} {
			l, err := e.Status(run)
			require.NoError(t, err)
			require.Equal(t, want, l.Status, run)
			require.Equal(t, want.Final(), !l.Ended.IsZero())
			require.Equal(t, want.Final(), !l.Ended.Before(l.Started))
			require.WithinDuration(t, time.Now(), l.Started, time.Hour)
		}
		_, err = e.Status("c")
		require.EqualError(t, err, `durable: run not found: "c"`)

		runs, next, err := e.List(durable.Filter{Limit: 2})
		require.NoError(t, err)
		require.Equal(t, []string{"a-1", "a-2"}, ids(runs))
		runs, next, err = e.List(durable.Filter{Limit: 4, After: next})
		require.NoError(t, err)
		require.Equal(t, []string{"b-1", "c-0", "c-1", "c-2"}, ids(runs))
		require.Empty(t, next)
		runs, _, err = e.List(durable.Filter{Prefix: "a-", Status: []durable.Status{durable.Failed}})
		require.NoError(t, err)
		require.Equal(t, []string{"a-2"}, ids(runs))
		runs, _, err = e.List(durable.Filter{Workflow: "waits"})
		require.NoError(t, err)
		require.Equal(t, []string{"b-1"}, ids(runs))
		runs, _, err = e.List(durable.Filter{Prefix: "c-", After: "c-1"})
		require.NoError(t, err)
		require.Equal(t, []string{"c-2"}, ids(runs))
		_, _, err = e.List(durable.Filter{Limit: -1})
		require.EqualError(t, err, "durable: Filter.Limit is -1; give it 1 or more, or 0 for 100")
		_, _, err = e.List(durable.Filter{Status: []durable.Status{durable.Done, "runing"}})
		require.ErrorContains(t, err, `"runing", which no run is in; the states are ["queued" "running" `)
	})
}

func TestParkedRunsAndTheirReasonsAreInTheStore(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{trip}
		e := openWith(t, cfg)
		start(t, trip, e, "r", "Rome")
		sleeping(t, cfg.Store, "r")
		broken := durable.Define("broken", func(ctx durable.Context, _ int) (int, error) { panic("ouch") })
		closeNow(t, e)

		cfg.Workflows = []durable.Definition{broken}
		e = openWith(t, cfg)
		start(t, broken, e, "p", 1)
		require.ErrorIs(t, e.Cancel(t.Context(), "r", ""), durable.ErrParked)
		require.Eventually(t, func() bool { return len(e.Parked()) == 2 }, time.Minute, time.Millisecond)
		closeNow(t, e)

		l, err := durable.ReadStatus(cfg.Store, "r")
		require.NoError(t, err)
		require.Equal(t, durable.Parked, l.Status)
		require.Equal(t, `durable: unknown workflow: run "r" belongs to workflow "trip"; `+
			`add its definition to Config.Workflows`, l.Reason)
		l, err = durable.ReadStatus(cfg.Store, "p")
		require.NoError(t, err)
		require.Equal(t, "panic: ouch", l.Reason)

		cfg.Workflows = []durable.Definition{trip, broken}
		e = openWith(t, cfg) // with code that can
		require.Eventually(t, func() bool {
			l, err := e.Status("r")
			return err == nil && l.Status == durable.Waiting
		}, time.Minute, time.Millisecond)
		require.NoError(t, e.Cancel(t.Context(), "r", ""))
		_, err = trip.Run(e, "r").Result(t.Context())
		require.ErrorIs(t, err, durable.ErrCancelled)
		require.Eventually(t, func() bool { return len(e.Parked()) == 1 }, time.Minute, time.Millisecond)
		runs, _, err := e.List(durable.Filter{Status: []durable.Status{durable.Parked}})
		require.NoError(t, err)
		require.Equal(t, []string{"p"}, ids(runs))
	})
}

func TestDelete(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{hello, collector, till}
		e := openWith(t, cfg)
		result(t, start(t, hello, e, "r", "x"))
		result(t, start(t, hello, e, "r2", "x"))
		waiting := start(t, collector, e, "w", 1)
		require.EqualError(t, e.Delete(t.Context(), "w"),
			`durable: run "w" is waiting; only runs that have ended are deleted: Terminate it first`)
		require.NoError(t, e.Delete(t.Context(), "r"))
		require.ErrorIs(t, e.Delete(t.Context(), "r"), durable.ErrNotFound)
		_, err := hello.Run(e, "r").Result(t.Context())
		require.ErrorIs(t, err, durable.ErrNotFound)
		require.Equal(t, "<y>", result(t, start(t, hello, e, "r", "y")), "the id is free again")
		require.NoError(t, letters.PostOnce(t.Context(), e, "w", "m", "a"))
		result(t, waiting)
		full := start(t, till, e, "t", 0)
		_, err = add.Call(t.Context(), e, "t", "u", 3) // publishes a value, too
		require.NoError(t, err)
		require.NoError(t, numbers.Post(t.Context(), e, "t", 1)) // which nobody reads
		require.NoError(t, letters.PostOnce(t.Context(), e, "t", "m", "end"))
		require.Equal(t, 3, result(t, full))
		for _, run := range []string{"r", "r2", "w", "t"} {
			require.NoError(t, e.Delete(t.Context(), run))
		}
		requireEmpty(t, cfg.Store)
	})
}

func requireEmpty(t require.TestingT, st store.Store) {
	require.NoError(t, st.Scan([]byte("n"), nil, func(k, _ []byte) bool {
		t.Errorf("left behind: %q", k)
		return true
	}))
}

// TestRunsAreDeletedInTime: runs that have ended go after their time, through crashes, and not before.
func TestRunsAreDeletedInTime(t *testing.T) {
	sweepPlant(t, 2000, func(w *sim.World) {
		p := newPlantWith(w, durable.Config{Retention: time.Hour}, hello, trip)
		began := p.node.Now()
		startOn(w.Context(), p, hello, "a", "x")
		// A node may be down for so long that a client's second try finds its run deleted.
		deletedInTime := func(err error) bool {
			return errors.Is(err, durable.ErrNotFound) && p.node.Now().Sub(began) >= time.Hour
		}
		if _, err := resultOn(w.Context(), p, hello, "a"); !deletedInTime(err) {
			require.NoError(w, err)
		}
		startOn(w.Context(), p, trip, "b", "Rome")
		require.NoError(w, p.insist(w.Context(), "cancel", func(ctx context.Context) error {
			err := p.engine.Terminate(ctx, "b", "")
			if errors.Is(err, durable.ErrEnded) || deletedInTime(err) {
				return nil
			}
			return err
		}))
		_ = w.Sleep(w.Context(), 30*time.Minute)
		require.NoError(w, p.insist(w.Context(), "look", func(context.Context) error {
			now := p.node.Now()
			_, err := p.engine.Status("a")
			w.Sometimes("it is kept", err == nil)
			if err != nil {
				require.GreaterOrEqual(w, now.Sub(began), time.Hour, "deleted too early")
			}
			return nil
		}))
		_ = w.Sleep(w.Context(), 9*time.Hour)
		require.NoError(w, p.insist(w.Context(), "look again", func(context.Context) error {
			for _, table := range []string{"r", "x", "s", "t", "a", "q"} {
				err := p.node.Store().Scan([]byte(table), []byte{table[0] + 1}, func(k, _ []byte) bool {
					w.Fail("nothing is left", "the store", fmt.Sprintf("%q", k))
					return true
				})
				require.NoError(w, err)
			}
			return nil
		}))
	})
}

func TestRetentionIsAnAge(t *testing.T) {
	_, err := durable.Open(durable.Config{Store: store.OpenMemory(), Retention: -1})
	require.EqualError(t, err, "durable.Open: Config.Retention is -1ns; give it an age, or 0 to keep all runs")
}
