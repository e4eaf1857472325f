package durable_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// rooms books in a Scope, with a branch and a Scope inside of it, and then goes on without. It fails at the
// place that it is given: 0 is nowhere, 6 where nothing is left to undo in the Scope.
var rooms = durable.Define("rooms", func(ctx durable.Context, failAt int) (string, error) {
	take := func(ctx durable.Context, n int) error {
		durable.OnFailure(ctx, fmt.Sprint("free ", n), upper, "x")
		if _, err := durable.Step(ctx, fmt.Sprint("take ", n), upper, "x"); err != nil {
			return err
		}
		if n == failAt {
			return errNoFlour
		}
		return nil
	}
	if err := take(ctx, 1); err != nil {
		return "", err
	}
	err := durable.Scope(ctx, func(ctx durable.Context) error {
		if err := take(ctx, 2); err != nil {
			return err
		}
		durable.Go(ctx, "third", func(ctx durable.Context) (int, error) { return 0, take(ctx, 3) })
		return durable.Scope(ctx, func(ctx durable.Context) error { return take(ctx, 4) })
	})
	if errors.Is(err, durable.ErrCancelled) {
		return "", err
	}
	scope := fmt.Sprint(err == nil)
	if err := take(ctx, 5); err != nil {
		return "", err
	}
	if failAt == 6 {
		return "", errNoFlour
	}
	return scope, nil
})

// TestScopesAreUndoneThroughCrashes: whatever crashes, and wherever it fails or is cancelled, a Scope has
// undone what was done in it before the run goes on, and a run that fails all that was done.
func TestScopesAreUndoneThroughCrashes(t *testing.T) {
	sweepPlant(t, 1500, func(w *sim.World) {
		p := newPlant(w, rooms)
		failAt := w.Pick("fails", 7)
		startOn(w.Context(), p, rooms, "r", failAt)
		cancelled := w.Pick("cancelled", 3) == 1
		if cancelled {
			_ = p.insist(w.Context(), "cancel", func(ctx context.Context) error {
				return p.engine.Cancel(ctx, "r", "") // it may come too late
			})
		}
		_, err := resultOn(w.Context(), p, rooms, "r")
		require.NoError(w, p.insist(w.Context(), "check", func(context.Context) error {
			var done, undone []string
			j, broken := durable.ReadJournal(p.node.Store(), "r")
			require.NoError(w, broken)
			for i := range j.Entries {
				for _, c := range j.Entries[i].Commands {
					if n, ok := strings.CutPrefix(c.Name, "take "); ok && c.Kind == durable.CommandStep {
						done = append(done, n)
						early := n == "5" && failAt >= 2 && failAt <= 4 && len(undone) == 0
						require.False(w, early, "the run goes on before its Scope has undone")
					}
					if n, ok := strings.CutPrefix(c.Name, "free "); ok {
						undone = append(undone, n)
					}
				}
			}
			w.Sometimes("a Scope fails and the run succeeds", err == nil && len(undone) > 0)
			if err != nil {
				for _, n := range done {
					require.Contains(w, undone, n)
				}
			}
			require.Len(w, slices.Compact(slices.Sorted(slices.Values(undone))), len(undone), "once each")
			if want, known := expected[failAt]; known && !cancelled {
				require.Contains(w, want, strings.Join(undone, ""))
			}
			return nil
		}))
		p.settled(named(rooms))
	})
}

// expected is what is undone, in order, by the place of the failure. When the branch fails, the Scope beside
// it has ended, or is cancelled and undoes first.
var expected = map[int][]string{
	0: {""}, 1: {"1"}, 2: {"2"}, 3: {"432", "342"}, 4: {"432"}, 5: {"53421"}, 6: {"53421"},
}

func TestAnErrorOfUndoingIsJoinedToThatOfTheScope(t *testing.T) {
	refuse := func(context.Context, string) (string, error) { return "", errors.New("the bank is closed") }
	var seen error
	w := durable.Define("w", func(ctx durable.Context, _ int) (int, error) {
		seen = durable.Scope(ctx, func(ctx durable.Context) error {
			durable.OnFailure(ctx, "refund", refuse, "x")
			return errNoFlour
		})
		return 7, nil
	})
	e := open(t, store.OpenMemory(), w)
	require.Equal(t, 7, result(t, start(t, w, e, "r", 0)))
	require.ErrorIs(t, seen, errNoFlour)
	require.ErrorContains(t, seen, `undoing by step "refund": the bank is closed`)
}

// TestWhatIsDetachedFromAScopeIsTheRuns: a Scope undoes neither what was registered on a Detached context nor
// what comes after it, nor when the run continues as new.
func TestWhatIsDetachedFromAScopeIsTheRuns(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, n int) (string, error) {
		var inner durable.Context
		err := durable.Scope(ctx, func(ctx durable.Context) error {
			inner = ctx
			if n == 0 {
				durable.OnFailure(ctx, "continued", upper, "x")
				_, err := durable.ContinueAsNew[string](ctx, 1)
				return err
			}
			durable.OnFailure(ctx.Detached(), "detached", upper, "x")
			return errNoFlour
		})
		if n == 0 {
			return "", err
		}
		durable.OnFailure(inner, "after", upper, "x")
		return "", errNoFlour
	})
	st := store.OpenMemory()
	_, err := start(t, w, open(t, st, w), "r", 0).Result(t.Context())
	require.ErrorIs(t, err, errNoFlour)
	undone := []string{}
	for _, run := range []string{"r#1", "r"} {
		j, err := durable.ReadJournal(st, run)
		require.NoError(t, err)
		for i := range j.Entries {
			for _, c := range j.Entries[i].Commands {
				if c.Kind == durable.CommandStep {
					undone = append(undone, c.Name)
				}
			}
		}
	}
	require.Equal(t, []string{"after", "detached"}, undone)
}
