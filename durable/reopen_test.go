package durable_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

var errDown = errors.New("the bank is down")

func init() { durable.RegisterError(errDown) }

// flaky is a workflow of two concurrent steps, of which the second fails as long as broken says so.
func flaky(broken *atomic.Bool, calls *atomic.Int32, seen *atomic.Value) *durable.Workflow[string, string] {
	pay := func(ctx context.Context, in string) (string, error) {
		calls.Add(1)
		info, _ := durable.Info(ctx)
		seen.Store(fmt.Sprint(info.IdempotencyKey(), " ", info.Attempt))
		if broken.Load() {
			return "", errDown
		}
		return "paid " + in, nil
	}
	return durable.Define("flaky", func(ctx durable.Context, in string) (string, error) {
		in, err := durable.Step(ctx, "upper", upper, in)
		if err != nil {
			return "", err
		}
		again := durable.StepOptions{
			Retry: durable.Retry{Attempts: 2, Interval: time.Millisecond}, TotalTimeout: time.Minute,
		}
		paid := durable.AsyncWith(ctx, again, "pay", pay, in)
		other := durable.Async(ctx, "other", upper, in)
		all, err := durable.Settle(ctx, paid, other)
		if err == nil {
			err = errors.Join(all[0].Err, all[1].Err)
		}
		return all[0].Value + all[1].Value, err
	})
}

func TestAFailedRunIsRetried(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		var broken atomic.Bool
		var calls atomic.Int32
		var seen atomic.Value
		broken.Store(true)
		w := flaky(&broken, &calls, &seen)
		cfg.Workflows = []durable.Definition{w}
		cfg.Retention = time.Hour
		e := openWith(t, cfg)
		run := start(t, w, e, "r", "x")
		_, err := run.Result(t.Context())
		require.ErrorIs(t, err, errDown)
		require.EqualValues(t, 2, calls.Load())

		require.NoError(t, run.Retry(t.Context()))
		_, err = run.Result(t.Context())
		require.ErrorIs(t, err, errDown)
		require.EqualValues(t, 4, calls.Load(), "it has all its attempts again")

		closeNow(t, e)
		e = openWith(t, cfg)
		broken.Store(false)
		require.NoError(t, e.Retry(t.Context(), "r"))
		require.Equal(t, "paid <x><<x>>", result(t, w.Run(e, "r")))
		require.EqualValues(t, 5, calls.Load())
		require.Regexp(t, `^r/2 `, seen.Load(), "the key of the step stays")
		j, err := durable.ReadJournal(cfg.Store, "r")
		require.NoError(t, err)
		retried := 0
		for i := range j.Entries {
			if j.Entries[i].Event.Kind == durable.EventRetried {
				retried++
			}
		}
		require.Equal(t, 2, retried)
		_, err = durable.Replay(j, w, nil)
		require.NoError(t, err)
		require.EqualError(t, e.Retry(t.Context(), "r"),
			`durable: run "r" is done; only runs that have failed or are parked are retried`)
		require.ErrorIs(t, e.Retry(t.Context(), "nobody"), durable.ErrNotFound)
		require.ErrorContains(t, e.Retry(t.Context(), ""), "the run's id is empty")
	})
}

func TestWhatCantBeRetriedSaysWhy(t *testing.T) {
	var mended atomic.Bool
	undone := durable.Define("undone", func(ctx durable.Context, _ int) (string, error) {
		durable.OnFailure(ctx, "undo", upper, "x")
		_, err := durable.Step(ctx, "fails", func(context.Context, int) (string, error) { return "", errDown }, 0)
		return "", err
	})
	wrong := durable.Define("wrong", func(ctx durable.Context, _ int) (string, error) {
		got, err := durable.Step(ctx, "upper", upper, "x")
		if err == nil && !mended.Load() {
			err = errors.New("not my day")
		}
		return got, err
	})
	parent := durable.Define("parent", func(ctx durable.Context, _ int) (string, error) {
		return durable.StartChild(ctx, wrong, 0).Await(ctx)
	})
	e := open(t, store.OpenMemory(), undone, wrong, parent)
	for id, w := range map[string]*durable.Workflow[int, string]{"u": undone, "w": wrong, "p": parent} {
		_, err := start(t, w, e, id, 0).Result(t.Context())
		require.Error(t, err)
	}
	require.EqualError(t, e.Retry(t.Context(), "u"), `durable: run "u" can't be retried: it went on after its `+
		`failure (journal entry 2: 2 step ended 1 error "the bank is down" -> step "undo" (id 2)), perhaps to undo `+
		`its work; fork it from an earlier entry, or start it anew`)
	require.EqualError(t, e.Retry(t.Context(), "w"),
		`durable: run "w" would fail again at once: not my day; mend the code first`)
	require.EqualError(t, e.Retry(t.Context(), "p"), `durable: run "p" failed with its child "p/1", and was told so `+
		`for good; retry the child, and fork this run from an earlier entry when the child has ended`)

	mended.Store(true)
	require.NoError(t, e.Retry(t.Context(), "w"))
	require.Equal(t, "<x>", result(t, wrong.Run(e, "w")))
	require.NoError(t, e.Retry(t.Context(), "p/1"))
	result(t, wrong.Run(e, "p/1"))
	require.NoError(t, e.Fork(t.Context(), "p", 1, "p-again"))
	require.Equal(t, "<x>", result(t, parent.Run(e, "p-again")))
}

// TestRetriesThroughCrashes: a failed run that is retried until it succeeds does, and nothing of it is lost,
// whatever crashes.
func TestRetriesThroughCrashes(t *testing.T) {
	sweepPlant(t, 2000, func(w *sim.World) {
		var broken atomic.Bool
		var calls atomic.Int32
		var seen atomic.Value
		broken.Store(true)
		def := flaky(&broken, &calls, &seen)
		p := newPlant(w, def)
		startOn(w.Context(), p, def, "r", "x")
		retries := 0
		for {
			got, err := resultOn(w.Context(), p, def, "r")
			if err == nil {
				require.Equal(w, "paid <x><<x>>", got)
				break
			}
			if !errors.Is(err, durable.ErrTimeout) { // the process was down too long
				require.ErrorIs(w, err, errDown)
			}
			broken.Store(retries < w.Pick("mended after", 3))
			err = p.insist(w.Context(), "retry", func(ctx context.Context) error {
				return p.engine.Retry(ctx, "r")
			})
			if err != nil { // the answer was lost
				require.ErrorContains(w, err, "only runs that have failed")
			}
			w.Sometimes("the answer is lost", err != nil)
			retries++
		}
		w.Sometimes("it is retried twice", retries > 1)
		p.settled(named(def))
	})
}
