package durable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

var errNoFlour = errors.New("no flour")

func init() { durable.RegisterError(errNoFlour) }

// bake is a child that fails for some kinds.
var bake = durable.Define("bake", func(ctx durable.Context, kind string) (string, error) {
	baked, err := durable.Step(ctx, "upper", upper, kind)
	if kind == "bread" {
		return "", fmt.Errorf("baking %s: %w", kind, errNoFlour)
	}
	return baked, err
})

var breakfast = durable.Define("breakfast", func(ctx durable.Context, kinds []string) (string, error) {
	var children []durable.Future[string]
	var ids []string
	for _, kind := range kinds {
		c := durable.StartChild(ctx, bake, kind)
		children = append(children, c.Future)
		ids = append(ids, c.ID())
	}
	all, err := durable.Gather(ctx, children...)
	return strings.Join(ids, ",") + ":" + strings.Join(all, ","), err
})

func TestChildrenAreStartedAndAwaited(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{bake, breakfast}
		e := openWith(t, cfg)
		run := start(t, breakfast, e, "b", []string{"roll", "cake"})
		require.Equal(t, "b/1,b/2:<roll>,<cake>", result(t, run))
		require.Equal(t, "<cake>", result(t, bake.Run(e, "b/2")), "a child is a run like any other")
		requireNoMail(t, cfg.Store, "b", "b/1", "b/2")
	})
}

func TestAChildsFailureIsItsError(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{bake, breakfast}
		e := openWith(t, cfg)
		_, err := start(t, breakfast, e, "b", []string{"roll", "bread"}).Result(t.Context())
		require.ErrorIs(t, err, errNoFlour)
		require.EqualError(t, err, `run "b" failed: run "b/2" failed: baking bread: no flour`)
		var child *durable.RunError
		require.ErrorAs(t, errors.Unwrap(err), &child)
		require.Equal(t, "b/2", child.Run)
	})
}

func TestAChildsIDMayBeTaken(t *testing.T) {
	parent := durable.Define("parent", func(ctx durable.Context, id string) (string, error) {
		return durable.StartChildWith(ctx, bake, "roll", durable.Child{ID: id}).Await(ctx)
	})
	detaching := durable.Define("detaching", func(ctx durable.Context, id string) (string, error) {
		return durable.StartDetached(ctx, bake, id, "roll")
	})
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{bake, parent, detaching}
		e := openWith(t, cfg)
		result(t, start(t, bake, e, "same", "roll"))
		result(t, start(t, bake, e, "other", "cake"))
		_, err := start(t, parent, e, "p1", "same").Result(t.Context())
		require.ErrorIs(t, err, durable.ErrConflict)
		require.ErrorContains(t, err, `"same" was not started as this child; use another id`)
		_, err = start(t, parent, e, "p2", "other").Result(t.Context())
		require.ErrorIs(t, err, durable.ErrConflict)
		_, err = start(t, parent, e, "p3", "p3").Result(t.Context())
		require.ErrorIs(t, err, durable.ErrConflict)
		_, err = start(t, parent, e, "p4", strings.Repeat("x", 600)).Result(t.Context())
		require.ErrorContains(t, err, "durable: the child's run id is 600 bytes long, at most 512 are allowed")

		require.Equal(t, "same", result(t, start(t, detaching, e, "d1", "same")), "it is the wanted one")
		_, err = start(t, detaching, e, "d2", "other").Result(t.Context())
		require.ErrorIs(t, err, durable.ErrConflict)
		require.Equal(t, "d3/1", result(t, start(t, detaching, e, "d3", "")))
		require.Equal(t, "<roll>", result(t, bake.Run(e, "d3/1")))
		j, err := durable.ReadJournal(cfg.Store, "d3/1")
		require.NoError(t, err)
		require.Equal(t, "d3", j.Entries[0].Event.Start.Parent)
	})
}

func TestWhatBecomesOfAnUnawaitedChild(t *testing.T) {
	slow := durable.Define("slow", func(ctx durable.Context, _ int) (string, error) {
		s, err := letters.Receive(ctx)
		return s + " from " + ctx.Parent(), err
	})
	parent := durable.Define("parent", func(ctx durable.Context, policy durable.ChildPolicy) (string, error) {
		return durable.StartChildWith(ctx, slow, 0, durable.Child{Unawaited: policy}).ID(), nil
	})
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{slow, parent}
		e := openWith(t, cfg)
		require.Equal(t, "p1/1", result(t, start(t, parent, e, "p1", durable.AbandonChild)))
		require.NoError(t, letters.Post(t.Context(), e, "p1/1", "x"))
		require.Equal(t, "x from p1", result(t, slow.Run(e, "p1/1")))

		awaiting := start(t, parent, e, "p2", durable.AwaitChild)
		short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := awaiting.Result(short)
		require.ErrorIs(t, err, context.DeadlineExceeded, "the parent ended before its child")
		require.NoError(t, letters.Post(t.Context(), e, "p2/1", "x"))
		require.Equal(t, "p2/1", result(t, awaiting))
		requireNoMail(t, cfg.Store, "p1", "p2", "p1/1", "p2/1")
	})
}

func TestAChildIsCancelledWithItsParent(t *testing.T) {
	careful := durable.Define("careful", func(ctx durable.Context, _ int) (string, error) {
		_, err := letters.Receive(ctx)
		cleaned, stepErr := durable.Step(ctx.Detached(), "upper", upper, "cleaned up")
		if stepErr != nil {
			return "", stepErr
		}
		return cleaned, fmt.Errorf("%s: %w", cleaned, err)
	})
	parent := durable.Define("parent", func(ctx durable.Context, wait bool) (string, error) {
		c := durable.StartChild(ctx, careful, 0)
		if !wait {
			return "not waiting", ctx.Sleep(time.Millisecond)
		}
		return c.Await(ctx)
	})
	cancelling := durable.Define("cancelling", func(ctx durable.Context, _ int) (string, error) {
		c := durable.StartChild(ctx, careful, 0)
		if _, err := durable.Step(ctx, "upper", upper, ""); err != nil {
			return "", err
		}
		c.Cancel(ctx, errFull)
		_, err := c.Await(ctx)
		return fmt.Sprint(errors.Is(err, errFull)), nil
	})
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{careful, parent, cancelling}
		e := openWith(t, cfg)
		require.Equal(t, "not waiting", result(t, start(t, parent, e, "p1", false)))
		_, err := careful.Run(e, "p1/1").Result(t.Context())
		require.ErrorIs(t, err, durable.ErrCancelled)
		require.ErrorContains(t, err, "<cleaned up>: ")
		require.ErrorContains(t, err, "the branch that started it has ended")

		run := start(t, parent, e, "p2", true)
		waitForEntries(t, cfg.Store, "p2/1", 1)
		require.NoError(t, run.Cancel(t.Context(), "closing time"))
		_, err = run.Result(t.Context())
		require.ErrorIs(t, err, durable.ErrCancelled)
		_, err = careful.Run(e, "p2/1").Result(t.Context())
		require.ErrorContains(t, err, "closing time")

		require.Equal(t, "true", result(t, start(t, cancelling, e, "p3", 0)))
		_, err = careful.Run(e, "p3/1").Result(t.Context())
		require.ErrorContains(t, err, "full")
		requireNoMail(t, cfg.Store, "p1", "p2", "p3", "p1/1", "p2/1", "p3/1")
	})
}

func TestMessagesReachAChildFromTheStart(t *testing.T) {
	parent := durable.Define("parent", func(ctx durable.Context, n int) (string, error) {
		c := durable.StartChild(ctx, collector, n)
		for i := range n {
			if err := letters.Send(ctx, c.ID(), fmt.Sprint(i)); err != nil {
				return "", err
			}
		}
		return c.Await(ctx)
	})
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{collector, parent}
		e := openWith(t, cfg)
		require.Equal(t, "0,1,2", result(t, start(t, parent, e, "p", 3)))
		requireNoMail(t, cfg.Store, "p", "p/1")
	})
}

func TestAChildOfAnUnknownWorkflowIsParked(t *testing.T) {
	st := store.OpenMemory()
	e := openWith(t, durable.Config{Store: st, Workflows: []durable.Definition{breakfast}})
	run := start(t, breakfast, e, "b", []string{"roll"})
	for len(e.Parked()) == 0 {
		time.Sleep(time.Millisecond)
	}
	require.EqualError(t, e.Parked()[0], `run "b/1" is parked, unharmed, until the cause is mended and it is `+
		`resumed: durable: unknown workflow: run "b/1" belongs to workflow "bake"; add its definition to `+
		`Config.Workflows`)
	require.NoError(t, e.Close(t.Context()))
	e = openWith(t, durable.Config{Store: st, Workflows: []durable.Definition{bake, breakfast}})
	require.Equal(t, "b/1:<roll>", result(t, breakfast.Run(e, run.ID())))
}

func TestMisuseOfChildrenSaysWhatToWrite(t *testing.T) {
	for message, misuse := range map[string]func(ctx durable.Context) error{
		"durable: a child was started of a nil *Workflow; use one that Define returned": func(
			ctx durable.Context,
		) error {
			durable.StartChild[int, int](ctx, nil, 1)
			return nil
		},
		"durable: Child.Unawaited is 9; use CancelChild, AbandonChild or AwaitChild": func(
			ctx durable.Context,
		) error {
			durable.StartChildWith(ctx, bake, "roll", durable.Child{Unawaited: 9})
			return nil
		},
		"durable: a Topic without a name was used; make topics with NewTopic": func(ctx durable.Context) error {
			return durable.Topic[int]{}.Send(ctx, "x", 1)
		},
		"durable: the run's id is empty; give it a name of 1 to 512 bytes": func(ctx durable.Context) error {
			return numbers.Send(ctx, "", 1)
		},
	} {
		w := durable.Define("w", func(ctx durable.Context, _ int) (int, error) { return 0, misuse(ctx) })
		e := open(t, store.OpenMemory(), w, bake)
		_, err := start(t, w, e, "r", 0).Result(t.Context())
		require.ErrorIs(t, err, durable.ErrParked)
		require.ErrorContains(t, err, message)
	}
	e := open(t, store.OpenMemory(), bake)
	require.PanicsWithValue(t, "durable: the topic's name is empty; give it a name of 1 to 512 bytes", func() {
		durable.NewTopic[int]("")
	})
	require.EqualError(t, numbers.PostOnce(t.Context(), e, "r", "", 1),
		"durable: the message's id is empty; give it a name of 1 to 512 bytes")
	require.EqualError(t, numbers.Post(t.Context(), e, "", 1),
		"durable: the run's id is empty; give it a name of 1 to 512 bytes")
	require.PanicsWithValue(t, "durable: a Topic without a name was used; make topics with NewTopic", func() {
		_ = durable.Topic[int]{}.Post(t.Context(), e, "r", 1)
	})
	err := durable.NewTopic[chan int]("channels").Post(t.Context(), e, "r", nil)
	require.ErrorContains(t, err, `durable: the message of topic "channels" to run "r" does not fit the type chan int`)
}

// TestEndsOfChildrenDoNotPileUp: one that the parent has waited for, and one that it no longer waits for,
// leave the mailbox while the parent goes on.
func TestEndsOfChildrenDoNotPileUp(t *testing.T) {
	child := durable.Define("child", func(ctx durable.Context, _ int) (string, error) {
		return letters.Receive(ctx)
	})
	w := durable.Define("w", func(ctx durable.Context, _ int) (string, error) {
		within, cancel := ctx.WithCancel()
		durable.StartChild(within, child, 0)
		_, _ = numbers.Receive(ctx)
		cancel(nil)
		if _, err := durable.StartChild(ctx, bake, "roll").Await(ctx); err != nil {
			return "", err
		}
		return letters.Receive(ctx)
	})
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{w, child, bake}
		e := openWith(t, cfg)
		run := start(t, w, e, "r", 0)
		require.NoError(t, numbers.Post(t.Context(), e, "r", 1))
		_, err := child.Run(e, "r/1").Result(t.Context())
		require.ErrorIs(t, err, durable.ErrCancelled)
		require.Equal(t, "<roll>", result(t, bake.Run(e, "r/3")))
		require.Eventually(t, func() bool {
			empty := true
			err := cfg.Store.Scan([]byte("q"), []byte("r"), func(_, _ []byte) bool { empty = false; return false })
			return err == nil && empty
		}, 10*time.Second, time.Millisecond)
		require.NoError(t, letters.Post(t.Context(), e, "r", "end"))
		require.Equal(t, "end", result(t, run))
	})
}
