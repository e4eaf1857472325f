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

// shops are the versions of one workflow: before the change, with it, and without the old code.
var shops = []*durable.Workflow[string, string]{
	durable.Define("shop", func(ctx durable.Context, in string) (string, error) {
		if err := ctx.Sleep(time.Hour); err != nil && !errors.Is(err, durable.ErrCancelled) {
			return "", err
		}
		return in, nil
	}),
	durable.Define("shop", func(ctx durable.Context, in string) (string, error) {
		v := durable.Version(ctx, "greet", 0, 1)
		if v == 1 {
			in = "hello " + in
		}
		if err := ctx.Sleep(time.Hour); err != nil && !errors.Is(err, durable.ErrCancelled) {
			return "", err
		}
		greet, later := durable.Version(ctx, "greet", 0, 1), durable.Version(ctx, "later", 0, 3)
		return fmt.Sprint(in, " ", greet, later), nil
	}),
	durable.Define("shop", func(ctx durable.Context, in string) (string, error) {
		durable.Version(ctx, "greet", 1, 1)
		err := ctx.Sleep(time.Hour)
		return "hello " + in, err
	}),
}

func TestRunsKeepTheVersionThatTheyBeganWith(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{shops[0]}
		e := openWith(t, cfg)
		start(t, shops[0], e, "old", "x")
		start(t, shops[0], e, "old too", "x")
		closeNow(t, e)

		cfg.Workflows = []durable.Definition{shops[1]}
		e = openWith(t, cfg)
		start(t, shops[1], e, "new", "x")
		require.NoError(t, e.Cancel(t.Context(), "old", ""))
		require.NoError(t, e.Cancel(t.Context(), "new", ""))
		require.Equal(t, "x 0 3", result(t, shops[1].Run(e, "old")), "a place that it reaches later is new to it")
		require.Equal(t, "hello x 1 3", result(t, shops[1].Run(e, "new")))
		closeNow(t, e)

		cfg.Workflows = []durable.Definition{shops[2]}
		e = openWith(t, cfg)
		require.Error(t, e.Cancel(t.Context(), "old too", ""))
		_, err := shops[2].Run(e, "old too").Result(t.Context())
		var missing *durable.VersionError
		require.ErrorAs(t, err, &missing)
		require.EqualError(t, missing, `durable: run "old too" needs version 0 of change "greet", the code has `+
			`1 to 1; run it with code that has that version`)
	})
}

func TestMisuseOfVersionAndOnFailureSaysWhatToWrite(t *testing.T) {
	for message, misuse := range map[string]func(ctx durable.Context){
		"durable: the change's name is empty; give it a name of 1 to 512 bytes": func(ctx durable.Context) {
			durable.Version(ctx, "", 0, 1)
		},
		`durable: Version of change "c" has the bounds 2 and 1; give it a lower bound of 0 or more, where 0 is ` +
			`the code before the change, and an upper one of 1 or more that is no lower`: func(ctx durable.Context) {
			durable.Version(ctx, "c", 2, 1)
		},
		"durable: the step's name is empty; give it a name of 1 to 512 bytes": func(ctx durable.Context) {
			durable.OnFailure(ctx, "", upper, "x")
		},
		"durable: OnFailure(s) needs a function to run, got nil": func(ctx durable.Context) {
			durable.OnFailure[string, string](ctx, "s", nil, "x")
		},
	} {
		w := durable.Define("w", func(ctx durable.Context, _ int) (int, error) { misuse(ctx); return 0, nil })
		e := open(t, store.OpenMemory(), w)
		_, err := start(t, w, e, "r", 0).Result(t.Context())
		require.ErrorContains(t, err, message)
	}
}

// TestASagaIsUndoneThroughCrashes: whatever crashes, and whenever it is cancelled, a run that fails has
// undone what it did, in reverse, and one that succeeds nothing.
func TestASagaIsUndoneThroughCrashes(t *testing.T) {
	saga := durable.Define("saga", func(ctx durable.Context, fail bool) (string, error) {
		for _, room := range []string{"1", "2"} {
			durable.OnFailure(ctx, "free", upper, room)
			if _, err := durable.Step(ctx, "take", upper, room); err != nil {
				return "", err
			}
		}
		if fail {
			return "", errNoFlour
		}
		return "slept", nil
	})
	sweepPlant(t, 2000, func(w *sim.World) {
		p := newPlant(w, saga)
		fail := w.Pick("fails", 2) == 1
		startOn(w.Context(), p, saga, "r", fail)
		if w.Pick("cancelled", 2) == 1 {
			err := p.insist(w.Context(), "cancel", func(ctx context.Context) error {
				return p.engine.Cancel(ctx, "r", "")
			})
			w.Sometimes("it is cancelled in time", err == nil)
		}
		_, err := resultOn(w.Context(), p, saga, "r")
		require.NoError(w, p.insist(w.Context(), "check", func(context.Context) error {
			j, err2 := durable.ReadJournal(p.node.Store(), "r")
			require.NoError(w, err2)
			asked, frees, undone := 0, map[string]bool{}, ""
			for i := range j.Entries {
				for _, c := range j.Entries[i].Commands {
					if c.Name == "take" && c.Kind == durable.CommandStep {
						asked++
					}
					frees[c.Op] = frees[c.Op] || c.Name == "free"
				}
				if ev := &j.Entries[i].Event; ev.Kind == durable.EventStepEnded && frees[ev.Op] {
					undone += string(ev.Result)
				}
			}
			one, two := `"\u003c1\u003e"`, `"\u003c2\u003e"`
			switch {
			case err == nil:
				require.False(w, fail)
				require.Empty(w, undone)
			case asked == 2:
				require.Equal(w, two+one, undone)
			default:
				require.Equal(w, one, undone)
			}
			return nil
		}))
		p.settled(named(saga))
	})
}
