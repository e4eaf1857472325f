package durable_test

import (
	"context"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// smuggled is what one run leaves to another, which is a mistake.
type smuggled struct {
	future durable.Future[string]
	ch     *durable.Chan[int]
}

var other smuggled

var misuses = map[string]func(ctx durable.Context){
	"Race was called without futures; it needs one at least": func(ctx durable.Context) {
		_, _, _ = durable.Race[int](ctx)
	},
	"Select was called without cases; it needs one at least": func(ctx durable.Context) {
		_, _ = durable.Select(ctx)
	},
	"Wait was called with the unknown mode 7; use AllCompleted, FirstCompleted or FirstError": func(
		ctx durable.Context,
	) {
		_, _, _ = durable.Wait[durable.Future[int]](ctx, 7)
	},
	"Gather was called on an empty Future; use one that Async or Go returned": func(ctx durable.Context) {
		_, _ = durable.Gather(ctx, durable.Future[int]{})
	},
	"Completed was called on an empty Future": func(ctx durable.Context) {
		durable.Completed(ctx, durable.Future[int]{})
	},
	"Cancel was called on a Future of another run (smuggler)": func(ctx durable.Context) {
		other.future.Cancel(ctx, nil)
	},
	"Shield was called on a Future of another run (smuggler)": func(ctx durable.Context) {
		durable.Shield(ctx, other.future)
	},
	`Chan.Send was called on channel "c" of another run (smuggler); runs share nothing but messages`: func(
		ctx durable.Context,
	) {
		_ = other.ch.Send(ctx, 1)
	},
	"Chan.Recv was called on a zero value; make one with its New function": func(ctx durable.Context) {
		_, _ = new(durable.Chan[int]).Recv(ctx)
	},
	`NewChan "c" needs a capacity of 0 or more, got -1`: func(ctx durable.Context) {
		durable.NewChan[int](ctx, "c", -1)
	},
	"the channel's name is empty": func(ctx durable.Context) { durable.NewChan[int](ctx, "", 0) },
	`NewSemaphore "s" needs 1 slot or more, got 0`: func(ctx durable.Context) {
		durable.NewSemaphore(ctx, "s", 0)
	},
	`Release of semaphore "s", of which no branch holds a slot; call Acquire first`: func(ctx durable.Context) {
		durable.NewSemaphore(ctx, "s", 1).Release(ctx)
	},
	`Unlock of mutex "m", which no branch holds; call Lock first`: func(ctx durable.Context) {
		durable.NewMutex(ctx, "m").Unlock(ctx)
	},
	`Cond.Wait of mutex "m", which no branch holds; call Lock first`: func(ctx durable.Context) {
		_ = durable.NewCond(ctx, durable.NewMutex(ctx, "m"), "c").Wait(ctx)
	},
	`wait group "g": Done was called more often than Add asked for`: func(ctx durable.Context) {
		durable.NewWaitGroup(ctx, "g").Done(ctx)
	},
	"Go(b) needs a function to run, got nil": func(ctx durable.Context) {
		durable.Go[int](ctx, "b", nil)
	},
	"Scope needs a function to run, got nil": func(ctx durable.Context) { _ = durable.Scope(ctx, nil) },
	"Sleep was called on the Context of another branch; inside durable.Go use the Context that the branch " +
		"function was given": func(ctx durable.Context) {
		f := durable.Go(ctx, "b", func(durable.Context) (int, error) { return 0, ctx.Sleep(1) })
		_, _ = f.Await(ctx)
	},
}

func TestMisuseOfConcurrencySaysWhatToWrite(t *testing.T) {
	smuggler := durable.Define("smuggler", func(ctx durable.Context, _ string) (string, error) {
		other = smuggled{durable.Async(ctx, "s", upper, ""), durable.NewChan[int](ctx, "c", 0)}
		return other.future.Await(ctx)
	})
	for message, misuse := range misuses {
		w := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
			misuse(ctx)
			return "", nil
		})
		e := open(t, store.OpenMemory(), w, smuggler)
		run, err := smuggler.Start(t.Context(), e, "smuggler", "")
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.NoError(t, err)
		run, err = w.Start(t.Context(), e, "r", "")
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.ErrorIs(t, err, durable.ErrParked, message)
		require.ErrorContains(t, err, "durable: "+message)
	}
}

func TestACancelFunctionInAStepSaysWhatToWrite(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
		_, cancel := ctx.WithCancel()
		return durable.Step(ctx, "s", func(context.Context, string) (string, error) {
			cancel(nil)
			return "", nil
		}, "")
	})
	e := open(t, store.OpenMemory(), w)
	run, err := w.Start(t.Context(), e, "r", "")
	require.NoError(t, err)
	_, err = run.Result(t.Context())
	require.ErrorContains(t, err, "durable: a cancel function of a workflow was called outside of the "+
		"workflow, perhaps in a step or after the run had ended; only branches of the run may call it")
}

// TestAHandleOfAnotherWorkflowIsRefused: whatever is asked of the run, and at once.
func TestAHandleOfAnotherWorkflowIsRefused(t *testing.T) {
	sleeps := durable.Define("sleeps", func(ctx durable.Context, _ int) (int, error) {
		return 0, ctx.Sleep(time.Hour)
	})
	e := open(t, store.OpenMemory(), hello, sleeps)
	start(t, sleeps, e, "r", 0)
	wrong := hello.Run(e, "r")
	_, err := wrong.Result(t.Context())
	for _, err := range []error{
		err, wrong.Cancel(t.Context(), ""), wrong.Terminate(t.Context(), ""), wrong.Pause(t.Context(), ""),
		wrong.Retry(t.Context()),
	} {
		require.ErrorIs(t, err, durable.ErrConflict)
		require.EqualError(t, err, `durable: the id belongs to another run: "r" was started as workflow "sleeps", `+
			`and is asked as one of "hello"; ask with the Run method of the workflow that it belongs to`)
	}
	_, err = hello.Run(e, "nobody").Result(t.Context())
	require.ErrorIs(t, err, durable.ErrNotFound)
	require.NoError(t, sleeps.Run(e, "r").Cancel(t.Context(), ""))
	var none *durable.Workflow[string, string]
	require.PanicsWithValue(t, "durable: Run was called on a nil *Workflow; use one that Define returned",
		func() { none.Run(e, "r") })
}
