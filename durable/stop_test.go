package durable_test

import (
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

// trip books, sleeps, and gives the booking back when it is cancelled.
var trip = durable.Define("trip", func(ctx durable.Context, place string) (string, error) {
	if _, err := durable.Step(ctx, "book", upper, place); err != nil {
		return "", err
	}
	err := ctx.Sleep(time.Hour)
	if errors.Is(err, durable.ErrCancelled) {
		_, undone := durable.Step(ctx.Detached(), "unbook", upper, place)
		return "", errors.Join(err, undone)
	}
	return "travelled", err
})

func statusOf(t require.TestingT, st store.Store, run string) (status durable.Status) {
	require.NoError(t, durable.List(st, func(l durable.Listing) bool {
		if l.Run == run {
			status = l.Status
		}
		return true
	}))
	return status
}

// sleeping waits until the run has booked and only sleeps.
func sleeping(t *testing.T, st store.Store, run string) {
	t.Helper()
	require.Eventually(t, func() bool {
		j, err := durable.ReadJournal(st, run)
		return err == nil && len(j.Entries) >= 2
	}, time.Minute, time.Millisecond)
}

func TestACancelledRunCleansUp(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{trip}
		e := openWith(t, cfg)
		run := start(t, trip, e, "r", "Rome")
		sleeping(t, cfg.Store, "r")
		require.NoError(t, run.Cancel(t.Context(), "the customer called"))
		_, err := run.Result(t.Context())
		require.ErrorIs(t, err, durable.ErrCancelled)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "sleep (id 2) was cancelled: the customer called")
		require.Equal(t, durable.Cancelled, statusOf(t, cfg.Store, "r"))
		j, err := durable.ReadJournal(cfg.Store, "r")
		require.NoError(t, err)
		require.Len(t, j.Entries, 4, "the cleanup ran")
		require.Equal(t, durable.EventCancelled, j.Entries[2].Event.Kind)

		require.EqualError(t, run.Cancel(t.Context(), ""), `durable: the run has ended: "r"`)
		require.ErrorIs(t, e.Cancel(t.Context(), "nobody", ""), durable.ErrNotFound)
		require.EqualError(t, e.Cancel(t.Context(), "", ""),
			"durable: the run's id is empty; give it a name of 1 to 512 bytes")
		require.EqualError(t, e.Cancel(t.Context(), "r", strings.Repeat("x", 5000)),
			`durable: the reason why run "r" is to end is 5000 bytes long, at most 4096 are allowed`)
	})
}

func TestACancellationIsDurableAndSeenOnce(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		stubborn := durable.Define("stubborn", func(ctx durable.Context, in string) (string, error) {
			first := ctx.Sleep(time.Hour)
			s, err := letters.Receive(ctx.Detached())
			return fmt.Sprint(s, first), err
		})
		cfg.Workflows = []durable.Definition{stubborn}
		e := openWith(t, cfg)
		run := start(t, stubborn, e, "r", "")
		require.NoError(t, run.Cancel(t.Context(), "one"))
		require.NoError(t, run.Cancel(t.Context(), "two"))
		closeNow(t, e)

		e = openWith(t, cfg)
		require.NoError(t, e.Cancel(t.Context(), "r", "three"))
		require.NoError(t, letters.Post(t.Context(), e, "r", "x: "))
		require.Equal(t, "x: sleep (id 1) was cancelled: one", result(t, stubborn.Run(e, "r")))
		require.Equal(t, durable.Done, statusOf(t, cfg.Store, "r"), "it did not give in")
	})
}

func TestATerminatedRunIsOverAtOnce(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		began, left := make(chan bool), make(chan error, 1)
		busy := durable.Define("busy", func(ctx durable.Context, in string) (string, error) {
			ctx.After(time.Hour)
			letters.Next(ctx)
			return durable.Step(ctx, "work", func(ctx context.Context, in string) (string, error) {
				close(began)
				<-ctx.Done()
				left <- context.Cause(ctx)
				return "late", nil
			}, in)
		})
		cfg.Workflows = []durable.Definition{busy}
		e := openWith(t, cfg)
		run := start(t, busy, e, "r", "")
		<-began
		require.NoError(t, run.Terminate(t.Context(), "enough"))
		_, err := run.Result(t.Context())
		require.ErrorIs(t, err, durable.ErrTerminated)
		require.EqualError(t, err, `run "r" failed: durable: the run was terminated: enough`)
		require.Equal(t, durable.Terminated, statusOf(t, cfg.Store, "r"))
		require.ErrorIs(t, <-left, durable.ErrTerminated)
		require.ErrorIs(t, run.Terminate(t.Context(), ""), durable.ErrEnded)
		require.ErrorIs(t, run.Cancel(t.Context(), ""), durable.ErrEnded)
		require.ErrorIs(t, letters.Post(t.Context(), e, "r", "x"), durable.ErrEnded)
		requireNoMail(t, cfg.Store, "r")
		for _, table := range []string{"t", "a"} {
			require.NoError(t, cfg.Store.Scan([]byte(table), []byte{table[0] + 1}, func(k, _ []byte) bool {
				t.Errorf("left behind: %q", k)
				return true
			}))
		}
		require.NoError(t, e.Close(t.Context()))
		j, err := durable.ReadJournal(cfg.Store, "r")
		require.NoError(t, err)
		require.Len(t, j.Entries, 2, "the late result left nothing")
		done, err := durable.Replay(j, busy, nil)
		require.NoError(t, err)
		require.True(t, done.Ended)
		require.ErrorIs(t, done.Err, durable.ErrTerminated)
	})
}

func TestParkedRunsAreTerminatedAndNotCancelled(t *testing.T) {
	st := store.OpenMemory()
	e := open(t, st, trip)
	start(t, trip, e, "r", "Rome")
	sleeping(t, st, "r")
	closeNow(t, e)

	e = open(t, st, hello)
	require.ErrorIs(t, e.Cancel(t.Context(), "r", ""), durable.ErrParked)
	require.Len(t, e.Parked(), 1)
	require.NoError(t, e.Terminate(t.Context(), "r", ""))
	require.Empty(t, e.Parked())
	require.Equal(t, durable.Terminated, statusOf(t, st, "r"))
	require.ErrorIs(t, e.Terminate(t.Context(), "r", ""), durable.ErrEnded)
	closeNow(t, e)
	require.ErrorIs(t, e.Terminate(t.Context(), "r", ""), durable.ErrEnded)
	require.ErrorIs(t, e.Cancel(t.Context(), "r", ""), durable.ErrEnded)
}

// TestStopThroughCrashes: a run that was told to end does, exactly as it was told, whatever crashes.
func TestStopThroughCrashes(t *testing.T) {
	sweepPlant(t, 3000, func(w *sim.World) {
		p := newPlant(w, trip)
		startOn(w.Context(), p, trip, "r", "Rome")
		_ = w.Sleep(w.Context(), time.Duration(w.Pick("pause of client", 3))*time.Millisecond)
		call, want, status := (*durable.Engine).Cancel, durable.ErrCancelled, durable.Cancelled
		if w.Pick("terminate", 2) == 1 {
			call, want, status = (*durable.Engine).Terminate, durable.ErrTerminated, durable.Terminated
		}
		told := p.insist(w.Context(), "stop", func(ctx context.Context) error {
			return call(p.engine, ctx, "r", "enough")
		})
		if told != nil { // the answer was lost, and the run has ended meanwhile
			require.ErrorIs(w, told, durable.ErrEnded)
		}
		_, err := resultOn(w.Context(), p, trip, "r")
		require.ErrorIs(w, err, want)
		w.Sometimes("the answer is lost", told != nil)
		require.NoError(w, p.insist(w.Context(), "check", func(context.Context) error {
			st := p.node.Store()
			require.Equal(w, status, statusOf(w, st, "r"))
			j, err := durable.ReadJournal(st, "r")
			require.NoError(w, err)
			booked, undone := false, false
			for i := range j.Entries {
				ev := &j.Entries[i].Event
				booked = booked || ev.Kind == durable.EventStepEnded && ev.Op == "1"
				undone = undone || ev.Kind == durable.EventStepEnded && ev.Op == "3"
			}
			require.Equal(w, booked && status == durable.Cancelled, undone, "cleanup")
			w.Sometimes("it cleans up", undone)
			return nil
		}))
		p.settled(named(trip))
	})
}
