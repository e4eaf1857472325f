package durable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// said returns what fn panics with, nothing when it returns.
func said(fn func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprint(p)
		}
	}()
	fn()
	return ""
}

// inWorkflow runs fn as workflow code and returns the run's error.
func inWorkflow(t *testing.T, fn func(ctx durable.Context)) error {
	t.Helper()
	w := durable.Define("w", func(ctx durable.Context, _ string) (string, error) {
		fn(ctx)
		return "", nil
	})
	e := open(t, store.OpenMemory(), w)
	run, err := w.Start(t.Context(), e, "r", "")
	require.NoError(t, err)
	_, err = run.Result(t.Context())
	require.NoError(t, e.Close(t.Context()))
	return err
}

// contextCalls are calls on a Context, by their names.
var contextCalls = map[string]func(ctx durable.Context){
	"Now":         func(ctx durable.Context) { ctx.Now() },
	"Rand":        func(ctx durable.Context) { ctx.Rand() },
	"NewID":       func(ctx durable.Context) { ctx.NewID() },
	"RunID":       func(ctx durable.Context) { ctx.RunID() },
	"Parent":      func(ctx durable.Context) { ctx.Parent() },
	"Logger":      func(ctx durable.Context) { ctx.Logger() },
	"Sleep":       func(ctx durable.Context) { _ = ctx.Sleep(1) },
	"After":       func(ctx durable.Context) { ctx.After(1) },
	"WithCancel":  func(ctx durable.Context) { _, _ = ctx.WithCancel() },
	"WithTimeout": func(ctx durable.Context) { _, _ = ctx.WithTimeout(1) },
	"Detached":    func(ctx durable.Context) { ctx.Detached() },
	"Err":         func(ctx durable.Context) { _ = ctx.Err() },
	"Step":        func(ctx durable.Context) { _, _ = durable.Step(ctx, "s", upper, "") },
	"Async":       func(ctx durable.Context) { durable.Async(ctx, "s", upper, "") },
	"Go": func(ctx durable.Context) {
		durable.Go(ctx, "b", func(durable.Context) (int, error) { return 0, nil })
	},
	"StartChild": func(ctx durable.Context) { durable.StartChild(ctx, hello, "") },
	"Send":       func(ctx durable.Context) { _ = letters.Send(ctx, "r", "") },
	"Receive":    func(ctx durable.Context) { _, _ = letters.Receive(ctx) },
	"Publish":    func(ctx durable.Context) { _ = progress.Publish(ctx, 1) },
	"Version":    func(ctx durable.Context) { durable.Version(ctx, "c", 1, 1) },
	"NewChan":    func(ctx durable.Context) { durable.NewChan[int](ctx, "c", 0) },
}

// TestAContextThatIsUsedWhereItMayNotBe says what to use instead, whatever is called on it.
func TestAContextThatIsUsedWhereItMayNotBe(t *testing.T) {
	var ended durable.Context
	require.NoError(t, inWorkflow(t, func(ctx durable.Context) { ended = ctx }))
	const outside = " was called on a workflow's Context outside of the workflow, perhaps in a step or after " +
		"the run had ended; a step uses its own context.Context"
	for name, call := range contextCalls {
		const empty = " was called on an empty Context; use the one that the workflow was given"
		require.Equal(t, "durable: "+name+empty, said(func() { call(durable.Context{}) }))
		require.Equal(t, "durable: "+name+outside, said(func() { call(ended) }), "after the run had ended")
	}
	call := contextCalls["Now"]
	err := inWorkflow(t, func(durable.Context) { call(ended) })
	require.ErrorContains(t, err, "durable: Now"+outside, "of another run")
	err = inWorkflow(t, func(ctx durable.Context) {
		_, err := durable.Step(ctx, "s", func(context.Context, string) (string, error) {
			call(ctx)
			return "", nil
		}, "")
		panic(err)
	})
	require.ErrorContains(t, err, "durable: Now"+outside, "in a step")

	byGoroutine := func(fn func()) {
		text := make(chan string)
		go func() { text <- said(fn) }()
		panic(<-text)
	}
	err = inWorkflow(t, func(ctx durable.Context) { byGoroutine(func() { call(ctx) }) })
	require.ErrorContains(t, err, "durable: Now was called on a workflow's Context by a goroutine of its own; "+
		"start concurrent branches with durable.Go, not with the go statement, and outside work as a step")
	err = inWorkflow(t, func(ctx durable.Context) {
		_, cancel := ctx.WithCancel()
		byGoroutine(func() { cancel(nil) })
	})
	require.ErrorContains(t, err, "durable: a cancel function of a workflow was called by a goroutine of its "+
		"own; start concurrent branches with durable.Go, not with the go statement")
}

// TestNamesAndIDsThatCannotBeUsed are refused wherever they are given.
func TestNamesAndIDsThatCannotBeUsed(t *testing.T) {
	e := open(t, store.OpenMemory(), hello)
	inside := func(fn func(ctx durable.Context, name string)) func(name string) error {
		return func(name string) error {
			return inWorkflow(t, func(ctx durable.Context) { fn(ctx, name) })
		}
	}
	panicking := func(fn func(name string)) func(name string) error {
		return func(name string) error { return errors.New(said(func() { fn(name) })) }
	}
	for what, use := range map[string]func(name string) error{
		"workflow's name": panicking(func(name string) {
			durable.Define(name, func(durable.Context, int) (int, error) { return 0, nil })
		}),
		"topic's name":  panicking(func(name string) { durable.NewTopic[int](name) }),
		"value's name":  panicking(func(name string) { durable.NewValue[int](name) }),
		"update's name": panicking(func(name string) { durable.NewUpdate[int, int](name) }),

		"step's name": inside(func(ctx durable.Context, name string) { _, _ = durable.Step(ctx, name, upper, "") }),
		"branch's name": inside(func(ctx durable.Context, name string) {
			durable.Go(ctx, name, func(durable.Context) (int, error) { return 0, nil })
		}),
		"transaction's name": inside(func(ctx durable.Context, name string) {
			_, _ = durable.Transact(ctx, name, func(*durable.Tx, int) (int, error) { return 0, nil }, 0)
		}),
		"change's name": inside(func(ctx durable.Context, name string) { durable.Version(ctx, name, 1, 1) }),
		"channel's name": inside(func(ctx durable.Context, name string) {
			durable.NewChan[int](ctx, name, 0)
		}),
		"mutex's name":      inside(func(ctx durable.Context, name string) { durable.NewMutex(ctx, name) }),
		"semaphore's name":  inside(func(ctx durable.Context, name string) { durable.NewSemaphore(ctx, name, 1) }),
		"wait group's name": inside(func(ctx durable.Context, name string) { durable.NewWaitGroup(ctx, name) }),
		"condition's name": inside(func(ctx durable.Context, name string) {
			durable.NewCond(ctx, durable.NewMutex(ctx, "m"), name)
		}),
		"run's id": func(id string) error { _, err := hello.Start(t.Context(), e, id, ""); return err },
		"message's id": func(id string) error {
			return letters.PostOnce(t.Context(), e, "r", id, "")
		},
	} {
		for name, want := range map[string]string{
			"":                       " is empty; give it a name of 1 to 512 bytes",
			strings.Repeat("x", 513): " is 513 bytes long, at most 512 are allowed: \"xxxx",
			"a\x00b":                 ` "a\x00b" contains a zero byte, which ends ids in the store`,
		} {
			require.ErrorContains(t, use(name), "durable: the "+what+want)
		}
	}
	for what, use := range map[string]func(run string) error{
		"Post":      func(run string) error { return letters.Post(t.Context(), e, run, "") },
		"Call":      func(run string) error { _, err := add.Call(t.Context(), e, run, "u", 1); return err },
		"Get":       func(run string) error { _, err := progress.Get(t.Context(), e, run); return err },
		"Cancel":    func(run string) error { return e.Cancel(t.Context(), run, "") },
		"Terminate": func(run string) error { return e.Terminate(t.Context(), run, "") },
		"Delete":    func(run string) error { return e.Delete(t.Context(), run) },
		"Send":      inside(func(ctx durable.Context, run string) { _ = letters.Send(ctx, run, "") }),
	} {
		require.ErrorContains(t, use(strings.Repeat("x", 513)),
			"durable: the run's id is 513 bytes long, at most 512 are allowed", what)
	}
}

// TestWhatIsMissingIsNamed: an engine, a workflow, a function.
func TestWhatIsMissingIsNamed(t *testing.T) {
	var none *durable.Engine
	var nothing *durable.Workflow[string, string]
	ctx := t.Context()
	const engine = "durable: the Engine is nil; open one with durable.Open, and use a Run that Start or " +
		"Workflow.Run returned"
	for what, err := range map[string]error{
		"Start":       second(hello.Start(ctx, none, "r", "")),
		"Result":      second(durable.Run[string]{}.Result(ctx)),
		"Cancel":      durable.Run[string]{}.Cancel(ctx, ""),
		"Terminate":   durable.Run[string]{}.Terminate(ctx, ""),
		"Post":        letters.Post(ctx, none, "r", ""),
		"Post (step)": letters.Post(ctx, durable.EngineOf(ctx), "r", ""),
		"Call":        second(add.Call(ctx, none, "r", "", 1)),
		"Get":         second(progress.Get(ctx, none, "r")),
	} {
		require.ErrorContains(t, err, engine, what)
	}
	for _, err := range progress.Watch(ctx, none, "r") {
		require.ErrorContains(t, err, engine)
	}
	e := open(t, store.OpenMemory(), hello)
	_, err := nothing.Start(ctx, e, "r", "")
	require.EqualError(t, err,
		`durable: run "r" was started of a nil *Workflow; use one that Define returned`)
	_, err = durable.Open(durable.Config{Store: store.OpenMemory(), Workflows: []durable.Definition{nothing}})
	require.EqualError(t, err, "durable.Open: Config.Workflows: a workflow is nil; use one that Define returned")
	_, err = durable.Replay(durable.Journal{}, nil, nil)
	require.EqualError(t, err, "durable.Replay: a workflow is nil; use one that Define returned")
	other := durable.Define("other", func(durable.Context, string) (string, error) { return "", nil })
	_, err = other.Start(ctx, e, "r", "")
	require.ErrorIs(t, err, durable.ErrUnknownWorkflow)
	require.ErrorContains(t, err, `"r" was started as "other", which Config.Workflows does not list`)
	require.EqualError(t, e.Resume("r"),
		`durable: run "r" is neither parked nor paused; List tells which runs are, by their status`)
	j := durable.Journal{Run: "r", Entries: []durable.Entry{{Seq: 1, Event: durable.Event{
		Kind: durable.EventStarted, Start: &durable.Start{Workflow: "hello"},
	}}}}
	_, err = durable.Replay(j, other, nil)
	require.EqualError(t, err, `durable: run "r": its journal is not one of workflow "other"`)
	for want, misuse := range map[string]func(ctx durable.Context){
		"durable: NewCond needs the Mutex that protects the condition, got nil; make one with NewMutex": func(
			ctx durable.Context,
		) {
			durable.NewCond(ctx, nil, "c")
		},
		"durable: Receiving needs a function to call with the value, got nil": func(ctx durable.Context) {
			_, _ = durable.Select(ctx, durable.NewChan[int](ctx, "c", 1).Receiving(nil))
		},
		"durable: a child was started of a nil *Workflow; use one that Define returned": func(ctx durable.Context) {
			durable.StartChild(ctx, nothing, "")
		},
		"durable: Step(s) needs a function to run, got nil": func(ctx durable.Context) {
			_, _ = durable.Step[int, int](ctx, "s", nil, 1)
		},
		"durable: OnFailure(s) needs a function to run, got nil": func(ctx durable.Context) {
			durable.OnFailure[int, int](ctx, "s", nil, 1)
		},
	} {
		require.ErrorContains(t, inWorkflow(t, misuse), want)
	}
}

func second[T any](_ T, err error) error { return err }
