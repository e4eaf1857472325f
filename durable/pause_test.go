package durable_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// errand does two steps, takes a letter and sleeps.
var errand = durable.Define("errand", func(ctx durable.Context, in string) (string, error) {
	for range 2 {
		var err error
		if in, err = durable.Step(ctx, "upper", upper, in); err != nil {
			return "", err
		}
	}
	s, err := letters.Receive(ctx)
	if err != nil {
		return "", err
	}
	return in + s, ctx.Sleep(time.Millisecond)
})

func TestAPausedRunTakesNothingAndLosesNothing(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{errand}
		e := openWith(t, cfg)
		run := start(t, errand, e, "r", "x")
		waitForEntries(t, cfg.Store, "r", 3)
		require.NoError(t, run.Pause(t.Context(), "lunch"))
		require.NoError(t, run.Pause(t.Context(), "dinner"))
		require.NoError(t, letters.Post(t.Context(), e, "r", "y"))
		check := func(e *durable.Engine) {
			l, err := e.Status("r")
			require.NoError(t, err)
			require.Equal(t, durable.Paused, l.Status)
			require.Equal(t, "lunch", l.Reason)
			j, err := durable.ReadJournal(cfg.Store, "r")
			require.NoError(t, err)
			require.Len(t, j.Entries, 3)
		}
		check(e)
		closeNow(t, e)
		e = openWith(t, cfg)
		check(e)
		require.NoError(t, e.Resume("r"))
		require.Equal(t, "<<x>>y", result(t, errand.Run(e, "r")))

		require.ErrorIs(t, e.Pause(t.Context(), "r", ""), durable.ErrEnded)
		require.ErrorIs(t, e.Pause(t.Context(), "nobody", ""), durable.ErrNotFound)
		require.EqualError(t, e.Pause(t.Context(), "", ""),
			"durable: the run's id is empty; give it a name of 1 to 512 bytes")
		require.EqualError(t, e.Resume("r"),
			`durable: run "r" is neither parked nor paused; List tells which runs are, by their status`)
	})
}

func TestWhatAStepReturnsDuringAPauseIsKept(t *testing.T) {
	for _, crash := range []bool{false, true} {
		warmAndCold(t, func(t *testing.T, cfg durable.Config) {
			began, free := make(chan bool, 9), make(chan bool)
			slow := durable.Define("slow", func(ctx durable.Context, in string) (string, error) {
				return durable.Step(ctx, "work", func(ctx context.Context, in string) (string, error) {
					began <- true
					<-free
					return in + " once", nil
				}, in)
			})
			cfg.Workflows = []durable.Definition{slow}
			e := openWith(t, cfg)
			run := start(t, slow, e, "r", "ran")
			<-began
			require.NoError(t, run.Pause(t.Context(), ""))
			close(free)
			if crash {
				require.Eventually(t, func() bool { // it is in the store
					found := false
					_ = cfg.Store.Scan([]byte("h"), []byte("i"), func(_, _ []byte) bool { found = true; return false })
					return found
				}, time.Minute, time.Millisecond)
				closeNow(t, e)
				e = openWith(t, cfg)
				require.Equal(t, durable.Paused, statusOf(t, cfg.Store, "r"))
			}
			require.NoError(t, e.Resume("r"))
			require.Equal(t, "ran once", result(t, slow.Run(e, "r")))
			if crash {
				require.Empty(t, began, "it ran again")
			}
			require.NoError(t, cfg.Store.Scan([]byte("g"), []byte("i"), func(k, _ []byte) bool {
				t.Errorf("left behind: %q", k)
				return true
			}))
		})
	}
}

func TestPausedRunsAreCancelledLaterAndTerminatedAtOnce(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{trip}
		e := openWith(t, cfg)
		one, two := start(t, trip, e, "one", "Rome"), start(t, trip, e, "two", "Rome")
		for _, run := range []durable.Run[string]{one, two} {
			sleeping(t, cfg.Store, run.ID())
			require.NoError(t, run.Pause(t.Context(), ""))
		}
		require.NoError(t, one.Cancel(t.Context(), "enough"))
		require.NoError(t, two.Terminate(t.Context(), "enough"))
		require.Equal(t, durable.Paused, statusOf(t, cfg.Store, "one"))
		require.Equal(t, durable.Terminated, statusOf(t, cfg.Store, "two"))
		require.NoError(t, e.Resume("one"))
		_, err := one.Result(t.Context())
		require.ErrorContains(t, err, "cancelled: enough")
	})
}

func TestAParkedRunThatIsPausedIsNotTriedAgain(t *testing.T) {
	st := store.OpenMemory()
	e := open(t, st, trip)
	start(t, trip, e, "r", "Rome")
	sleeping(t, st, "r")
	closeNow(t, e)
	e = open(t, st, hello)
	require.ErrorIs(t, e.Cancel(t.Context(), "r", ""), durable.ErrParked)
	require.NoError(t, e.Pause(t.Context(), "r", "later"))
	require.Empty(t, e.Parked())
	closeNow(t, e)
	e = open(t, st, hello)
	require.Empty(t, e.Parked())
	require.NoError(t, e.Resume("r"))
	_, err := trip.Run(e, "r").Result(t.Context())
	require.ErrorIs(t, err, durable.ErrParked)
}

// TestPausesThroughCrashes: a run does nothing from the moment on in which its pause is acknowledged until it
// is resumed, and ends as if it had not been paused, whatever crashes.
func TestPausesThroughCrashes(t *testing.T) {
	sweepPlant(t, 3000, func(w *sim.World) {
		p := newPlant(w, errand)
		startOn(w.Context(), p, errand, "r", "x")
		_ = w.Sleep(w.Context(), time.Duration(w.Pick("pause of client", 6))*time.Millisecond)
		early := w.Pick("early letter", 2) == 1
		post := func() {
			require.NoError(w, p.insist(w.Context(), "post", func(ctx context.Context) error {
				return letters.PostOnce(ctx, p.engine, "r", "y", "y")
			}))
		}
		if early {
			post()
		}
		entries := func() (n int) {
			require.NoError(w, p.insist(w.Context(), "look", func(context.Context) error {
				j, err := durable.ReadJournal(p.node.Store(), "r")
				n = len(j.Entries)
				return err
			}))
			return n
		}
		err := p.insist(w.Context(), "pause", func(ctx context.Context) error {
			return p.engine.Pause(ctx, "r", "lunch")
		})
		if err == nil {
			before := entries()
			_ = w.Sleep(w.Context(), time.Duration(w.Pick("length of pause", 3))*time.Second)
			if !early {
				post()
			}
			require.Equal(w, before, entries(), "entries of a paused run")
			w.Sometimes("it is paused amid its steps", before < 3)
			require.NoError(w, p.insist(w.Context(), "resume", func(context.Context) error {
				if statusOf(w, p.node.Store(), "r") != durable.Paused {
					return nil // the answer was lost
				}
				return p.engine.Resume("r")
			}))
		} else {
			require.ErrorIs(w, err, durable.ErrEnded)
			require.True(w, early)
		}
		w.Sometimes("it has ended before", errors.Is(err, durable.ErrEnded))
		got, err := resultOn(w.Context(), p, errand, "r")
		require.NoError(w, err)
		require.Equal(w, "<<x>>y", got)
		p.settled(named(errand))
	})
}

func TestTerminatingAParentTerminatesItsChildren(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		parent := durable.Define("parent", func(ctx durable.Context, _ int) (string, error) {
			durable.StartChildWith(ctx, trip, "a", durable.Child{ID: "cancelled"})
			durable.StartChildWith(ctx, trip, "b", durable.Child{ID: "abandoned", Unawaited: durable.AbandonChild})
			durable.StartChildWith(ctx, trip, "c", durable.Child{ID: "awaited", Unawaited: durable.AwaitChild})
			durable.StartChildWith(ctx.Detached(), trip, "d", durable.Child{ID: "detached"})
			return durable.StartChild(ctx, errand, "e").Await(ctx)
		})
		grand := durable.Define("grand", func(ctx durable.Context, _ int) (string, error) {
			return durable.StartChildWith(ctx, parent, 0, durable.Child{ID: "p"}).Await(ctx)
		})
		cfg.Workflows = []durable.Definition{parent, grand, trip, errand}
		e := openWith(t, cfg)
		run := start(t, grand, e, "g", 0)
		waitForEntries(t, cfg.Store, "p", 1)
		for _, id := range []string{"cancelled", "abandoned", "awaited", "detached"} {
			sleeping(t, cfg.Store, id)
		}
		waitForEntries(t, cfg.Store, "p/5", 3)
		require.NoError(t, e.Pause(t.Context(), "p/5", "also when it is paused"))
		require.NoError(t, run.Terminate(t.Context(), "enough"))
		_, err := errand.Run(e, "p/5").Result(t.Context())
		require.ErrorIs(t, err, durable.ErrTerminated)
		require.ErrorContains(t, err,
			`its parent, run "p", was terminated: its parent, run "g", was terminated: enough`)
		_, err = trip.Run(e, "cancelled").Result(t.Context())
		require.ErrorIs(t, err, durable.ErrTerminated)
		for _, id := range []string{"abandoned", "awaited", "detached"} {
			require.Equal(t, durable.Waiting, statusOf(t, cfg.Store, id), id)
		}
		requireNoMail(t, cfg.Store, "g", "p", "p/5", "cancelled")
	})
}

// TestATerminatedTreeEndsThroughCrashes: no descendant of a run that was terminated is left,
// whatever crashes, and one whose parent's code was quicker has ended with it.
func TestATerminatedTreeEndsThroughCrashes(t *testing.T) {
	patient := durable.Define("patient", func(ctx durable.Context, _ int) (string, error) {
		return letters.Receive(ctx)
	})
	parent := durable.Define("parent", func(ctx durable.Context, depth int) (string, error) {
		if depth == 0 {
			return durable.StartChild(ctx, patient, 0).Await(ctx)
		}
		id, err := durable.Step(ctx, "upper", upper, strings.Repeat("x", depth))
		if err != nil {
			return "", err
		}
		_, err = durable.StartChildWith(ctx, patient, 0, durable.Child{ID: id}).Await(ctx)
		return "", err
	})
	grand := durable.Define("grand", func(ctx durable.Context, _ int) (string, error) {
		a, b := durable.StartChild(ctx, parent, 0), durable.StartChild(ctx, parent, 1)
		all, err := durable.Gather(ctx, a.Future, b.Future)
		return strings.Join(all, ""), err
	})
	sweepPlant(t, 2000, func(w *sim.World) {
		p := newPlant(w, patient, parent, grand)
		startOn(w.Context(), p, grand, "g", 0)
		_ = w.Sleep(w.Context(), time.Duration(w.Pick("pause of client", 6))*time.Millisecond)
		err := p.insist(w.Context(), "terminate", func(ctx context.Context) error {
			return p.engine.Terminate(ctx, "g", "")
		})
		w.Sometimes("the answer is lost", err != nil)
		ended := 0
		for _, it := range []struct {
			id   string
			flow interface {
				Run(e *durable.Engine, id string) durable.Run[string]
			}
		}{{"g", grand}, {"g/1", parent}, {"g/2", parent}, {"g/1/1", patient}, {"<x>", patient}} {
			id := it.id
			err := p.insist(w.Context(), "result of "+id, func(ctx context.Context) error {
				_, err := it.flow.Run(p.engine, id).Result(ctx)
				return err
			})
			if id == "g" || !errors.Is(err, durable.ErrNotFound) {
				require.ErrorIs(w, err, durable.ErrTerminated, id)
				ended++
			}
		}
		w.Sometimes("the whole tree was there", ended == 5)
		p.settled(named(patient, parent, grand))
	})
}

// TestWhatComesForAParkedRunIsReceivedLater: a message and the end of a child.
func TestWhatComesForAParkedRunIsReceivedLater(t *testing.T) {
	for _, first := range []string{"message", "child"} {
		warmAndCold(t, func(t *testing.T, cfg durable.Config) {
			var mended atomic.Bool
			child := durable.Define("child", func(ctx durable.Context, _ int) (string, error) {
				return letters.Receive(ctx)
			})
			w := durable.Define("w", func(ctx durable.Context, _ int) (string, error) {
				c := durable.StartChild(ctx, child, 0)
				if _, err := numbers.Receive(ctx); err != nil {
					return "", err
				}
				if !mended.Load() {
					panic("not yet")
				}
				if first == "message" {
					return letters.Receive(ctx)
				}
				return c.Await(ctx)
			})
			cfg.Workflows = []durable.Definition{w, child}
			e := openWith(t, cfg)
			run := start(t, w, e, "r", 0)
			require.NoError(t, numbers.Post(t.Context(), e, "r", 1))
			require.Eventually(t, func() bool { return len(e.Parked()) == 1 }, time.Minute, time.Millisecond)
			require.NoError(t, letters.Post(t.Context(), e, "r", "x"))
			require.NoError(t, letters.Post(t.Context(), e, "r/1", "x"))
			require.Equal(t, "x", result(t, child.Run(e, "r/1")))
			mended.Store(true)
			require.NoError(t, e.Resume("r"))
			require.Equal(t, "x", result(t, run))
		})
	}
}
