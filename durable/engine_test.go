package durable_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

func open(t *testing.T, st store.Store, workflows ...durable.Definition) *durable.Engine {
	t.Helper()
	return openWith(t, durable.Config{Store: st, Workflows: workflows})
}

func openWith(t *testing.T, cfg durable.Config) *durable.Engine {
	t.Helper()
	e, err := durable.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

func upper(_ context.Context, s string) (string, error) { return "<" + s + ">", nil }

var hello = durable.Define("hello", func(ctx durable.Context, name string) (string, error) {
	return durable.Step(ctx, "upper", upper, name)
})

func TestStartIsIdempotentOnTheID(t *testing.T) {
	var ran atomic.Int32
	count := durable.Define("count", func(ctx durable.Context, in string) (string, error) {
		return durable.Step(ctx, "once", func(context.Context, string) (string, error) {
			ran.Add(1)
			return in, nil
		}, in)
	})
	e := open(t, store.OpenMemory(), count, hello)
	for range 5 {
		run, err := count.Start(t.Context(), e, "id", "x")
		require.NoError(t, err)
		got, err := run.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "x", got)
	}
	require.EqualValues(t, 1, ran.Load())

	_, err := count.Start(t.Context(), e, "id", "y")
	require.ErrorIs(t, err, durable.ErrConflict)
	require.EqualError(t, err, `durable: the id belongs to another run: "id" (workflow "count") was started with `+
		`another input; use another id, or start it with the same input`)
	_, err = hello.Start(t.Context(), e, "id", "x")
	require.EqualError(t, err, `durable: the id belongs to another run: "id" was started as workflow "count", `+
		`now as "hello"; use another id`)
}

func TestConcurrentStartsOfOneIDRunItOnce(t *testing.T) {
	var ran atomic.Int32
	once := durable.Define("once", func(ctx durable.Context, in int) (int, error) {
		return durable.Step(ctx, "s", func(context.Context, int) (int, error) { return int(ran.Add(1)), nil }, in)
	})
	e := open(t, store.OpenMemory(), once)
	results := make(chan error, 32)
	for range cap(results) {
		go func() {
			run, err := once.Start(t.Context(), e, "same", 1)
			if err == nil {
				_, err = run.Result(t.Context())
			}
			results <- err
		}()
	}
	for range cap(results) {
		require.NoError(t, <-results)
	}
	require.EqualValues(t, 1, ran.Load())
}

func TestRunsGoOnWhereTheyWere(t *testing.T) {
	st := store.OpenMemory()
	release := make(chan struct{})
	var first, second atomic.Int32
	two := durable.Define("two", func(ctx durable.Context, in string) (string, error) {
		a, err := durable.Step(ctx, "first", func(context.Context, string) (string, error) {
			first.Add(1)
			return in + "1", nil
		}, in)
		if err != nil {
			return "", err
		}
		return durable.Step(ctx, "second", func(ctx context.Context, a string) (string, error) {
			second.Add(1)
			select {
			case <-release:
				return a + "2", nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}, a)
	})
	e, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{two}})
	require.NoError(t, err)
	_, err = two.Start(t.Context(), e, "r", "x")
	require.NoError(t, err)
	for second.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	expired, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, e.Close(expired)) // cancels the second step, which obeys

	close(release)
	e = open(t, st, two)
	got, err := two.Run(e, "r").Result(t.Context())
	require.NoError(t, err)
	require.Equal(t, "x12", got)
	require.EqualValues(t, 1, first.Load(), "a checkpointed step ran again")
	require.EqualValues(t, 2, second.Load(), "shutting down must not be recorded as the step's error")
}

func TestUnknownWorkflowAtRecoveryIsParkedNotFatal(t *testing.T) {
	st := store.OpenMemory()
	stop := make(chan struct{})
	defer close(stop)
	other := durable.Define("other", func(ctx durable.Context, in string) (string, error) {
		return durable.Step(ctx, "wait", func(ctx context.Context, s string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}, in)
	})
	e, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{other, hello}})
	require.NoError(t, err)
	_, err = other.Start(t.Context(), e, "o", "x")
	require.NoError(t, err)
	closeNow(t, e)

	e = open(t, st, hello)
	_, err = other.Run(e, "o").Result(t.Context())
	require.ErrorIs(t, err, durable.ErrUnknownWorkflow)
	require.EqualError(t, err, `run "o" is parked, unharmed, until the cause is mended and it is resumed: `+
		`durable: unknown workflow: run "o" belongs to workflow "other"; add its definition to Config.Workflows`)
	require.Len(t, e.Parked(), 1)
	_, err = hello.Start(t.Context(), e, "h", "x")
	require.NoError(t, err)
	_, err = other.Start(t.Context(), e, "o2", "x")
	require.ErrorIs(t, err, durable.ErrUnknownWorkflow)
	closeNow(t, e)

	e, err = durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{other, hello}})
	require.NoError(t, err)
	require.Empty(t, e.Parked())
	closeNow(t, e)
}

func closeNow(t *testing.T, e *durable.Engine) {
	t.Helper()
	expired, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, e.Close(expired))
}

func TestChangedCodeParksTheRunAndOldCodeResumesIt(t *testing.T) {
	st := store.OpenMemory()
	version := func(second string) *durable.Workflow[string, string] {
		return durable.Define("w", func(ctx durable.Context, in string) (string, error) {
			a, err := durable.Step(ctx, "first", upper, in)
			if err != nil {
				return "", err
			}
			return durable.Step(ctx, second, func(ctx context.Context, s string) (string, error) {
				if second == "second" {
					<-ctx.Done()
					return "", ctx.Err()
				}
				return "!", nil
			}, a)
		})
	}
	e, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{version("second")}})
	require.NoError(t, err)
	_, err = version("second").Start(t.Context(), e, "r", "x")
	require.NoError(t, err)
	waitForEntries(t, st, "r", 2)
	closeNow(t, e)

	changed := version("2nd")
	e = open(t, st, changed)
	_, err = changed.Run(e, "r").Result(t.Context())
	var nd *durable.NonDeterminismError
	require.ErrorAs(t, err, &nd)
	require.ErrorIs(t, err, durable.ErrNonDeterminism)
	require.ErrorIs(t, err, durable.ErrParked)
	require.Equal(t, 2, nd.Entry)
	require.Equal(t, `step "second" (id 2)`, nd.Recorded)
	require.Equal(t, `step "2nd" (id 2)`, nd.Replayed)
	require.Regexp(t, `^engine_test\.go:\d+$`, nd.Position)
	before, err := durable.ReadJournal(st, "r")
	require.NoError(t, err)
	require.Len(t, before.Entries, 2, "a parked run is left as it was")
	closeNow(t, e)

	e = open(t, st, version("second"))
	require.NoError(t, e.Close(expiredContext()))
	require.Empty(t, e.Parked(), "the old code resumes it")
}

func expiredContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func waitForEntries(t *testing.T, st store.Store, run string, n int) {
	t.Helper()
	for {
		j, err := durable.ReadJournal(st, run)
		if err == nil && len(j.Entries) >= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestPanicInAStepIsItsError(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, in string) (string, error) {
		_, err := durable.Step(ctx, "bad", func(context.Context, string) (string, error) { panic("ouch") }, in)
		var p *durable.PanicError
		if !errors.As(err, &p) {
			return "", fmt.Errorf("want a *PanicError, got %w", err)
		}
		return p.Value, nil
	})
	e := open(t, store.OpenMemory(), w)
	run, err := w.Start(t.Context(), e, "r", "x")
	require.NoError(t, err)
	got, err := run.Result(t.Context())
	require.NoError(t, err)
	require.Equal(t, "ouch", got)
}

func TestPanicInWorkflowCodeParksAndTheResultThatCausedItIsKept(t *testing.T) {
	st := store.OpenMemory()
	var ran atomic.Int32
	version := func(fixed bool) *durable.Workflow[string, string] {
		return durable.Define("w", func(ctx durable.Context, in string) (string, error) {
			a, err := durable.Step(ctx, "s", func(context.Context, string) (string, error) {
				ran.Add(1)
				return "result", nil
			}, in)
			if !fixed {
				panic("can't cope with " + a)
			}
			return a, err
		})
	}
	e := open(t, st, version(false))
	run, err := version(false).Start(t.Context(), e, "r", "x")
	require.NoError(t, err)
	_, err = run.Result(t.Context())
	var p *durable.PanicError
	require.ErrorAs(t, err, &p)
	require.ErrorContains(t, err, "can't cope with result")
	require.Contains(t, p.Stack, "engine_test.go")
	closeNow(t, e)

	fixed := version(true)
	e = open(t, st, fixed)
	got, err := fixed.Run(e, "r").Result(t.Context())
	require.NoError(t, err)
	require.Equal(t, "result", got)
	require.EqualValues(t, 1, ran.Load(), "the step ran again although its result had arrived")
	j, err := durable.ReadJournal(st, "r")
	require.NoError(t, err)
	done, err := durable.Replay(j, fixed, nil)
	require.NoError(t, err)
	require.True(t, done.Ended)
}

func TestResultThatDoesNotDecodeParks(t *testing.T) {
	st := store.OpenMemory()
	text := durable.Define("w", func(ctx durable.Context, in string) (string, error) {
		a, err := durable.Step(ctx, "s", upper, in)
		if err != nil {
			return "", err
		}
		return durable.Step(ctx, "wait", func(ctx context.Context, s string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}, a)
	})
	e, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{text}})
	require.NoError(t, err)
	_, err = text.Start(t.Context(), e, "r", "x")
	require.NoError(t, err)
	waitForEntries(t, st, "r", 2)
	closeNow(t, e)

	number := durable.Define("w", func(ctx durable.Context, in string) (int, error) {
		return durable.Step(ctx, "s", func(context.Context, string) (int, error) { return 1, nil }, in)
	})
	e = open(t, st, number)
	_, err = number.Run(e, "r").Result(t.Context())
	require.ErrorIs(t, err, durable.ErrCodec)
	require.ErrorContains(t, err, `the recorded result of step "s" (id 1) does not fit the type int`)
}

func TestResultThatDoesNotEncodeIsTheStepsError(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, in string) (string, error) {
		_, err := durable.Step(ctx, "s", func(context.Context, string) (chan int, error) { return nil, nil }, in)
		return "", err
	})
	e := open(t, store.OpenMemory(), w)
	run, err := w.Start(t.Context(), e, "r", "x")
	require.NoError(t, err)
	_, err = run.Result(t.Context())
	require.ErrorContains(t, err, `the result of step "s" (id 1) does not fit the type chan int`)
}

type shortOf struct{ Item string }

func (e *shortOf) Error() string { return "short of " + e.Item }

func TestErrorsKeepTheirIdentity(t *testing.T) {
	durable.RegisterError(io.ErrShortWrite)
	durable.RegisterErrorType[*shortOf]()
	for name, err := range map[string]error{
		"plain":    errors.New("plain"),
		"sentinel": io.ErrShortWrite,
		"wrapped":  fmt.Errorf("writing: %w", io.ErrShortWrite),
		"typed":    fmt.Errorf("packing: %w", &shortOf{"screws"}),
		"joined":   errors.Join(errors.New("a"), fmt.Errorf("b: %w", io.ErrShortWrite), &shortOf{"nails"}),
	} {
		t.Run(name, func(t *testing.T) {
			st := store.OpenMemory()
			is := func(err error) string {
				var short *shortOf
				as := errors.As(err, &short)
				return fmt.Sprint(err, errors.Is(err, io.ErrShortWrite), as, short)
			}
			want := is(err)
			w := durable.Define("w", func(ctx durable.Context, in string) (string, error) {
				_, got := durable.Step(ctx, "s", func(context.Context, string) (int, error) { return 0, err }, in)
				return is(got), got
			})
			e := open(t, st, w)
			run, startErr := w.Start(t.Context(), e, "r", "x")
			require.NoError(t, startErr)
			_, failed := run.Result(t.Context())
			var runErr *durable.RunError
			require.ErrorAs(t, failed, &runErr)
			require.Equal(t, want, is(runErr.Cause))
			j, readErr := durable.ReadJournal(st, "r")
			require.NoError(t, readErr)
			done, replayErr := durable.Replay(j, w, nil)
			require.NoError(t, replayErr)
			require.Equal(t, want, is(done.Err))
		})
	}
}

func TestCloseNamesStepsThatIgnoreTheirContext(t *testing.T) {
	running, release := make(chan struct{}), make(chan struct{})
	w := durable.Define("w", func(ctx durable.Context, in string) (string, error) {
		return durable.Step(ctx, "deaf", func(context.Context, string) (string, error) {
			close(running)
			<-release
			return "", nil
		}, in)
	})
	e, err := durable.Open(durable.Config{Store: store.OpenMemory(), Workflows: []durable.Definition{w}})
	require.NoError(t, err)
	_, err = w.Start(t.Context(), e, "r", "x")
	require.NoError(t, err)
	<-running
	err = e.Close(expiredContext())
	var still *durable.StillRunningError
	require.ErrorAs(t, err, &still)
	require.Equal(t, []string{`step "deaf" (id 1) of run "r"`}, still.Steps)
	close(release)
	_, err = w.Start(t.Context(), e, "r2", "x")
	require.ErrorIs(t, err, durable.ErrClosed)
}

func TestTheNewestEngineOwnsTheStore(t *testing.T) {
	st := store.OpenMemory()
	old := open(t, st, hello)
	open(t, st, hello)
	_, err := hello.Start(t.Context(), old, "r", "x")
	require.ErrorIs(t, err, durable.ErrFenced)
	_, err = durable.ReadJournal(st, "r")
	require.ErrorIs(t, err, durable.ErrNotFound, "a fenced engine wrote something")
	_, err = hello.Run(old, "r").Result(t.Context())
	require.ErrorIs(t, err, durable.ErrFenced)
}

func TestSleepersHoldNothingAndWakeAfterARestart(t *testing.T) {
	st := store.OpenMemory()
	sleeper := durable.Define("sleeper", func(ctx durable.Context, d time.Duration) (string, error) {
		before := ctx.Now()
		ctx.Sleep(d)
		return fmt.Sprint(ctx.Now().Sub(before) >= d), nil
	})
	e, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{sleeper}})
	require.NoError(t, err)
	_, err = sleeper.Start(t.Context(), e, "r", 50*time.Millisecond)
	require.NoError(t, err)
	require.NoError(t, e.Close(t.Context()))

	e = open(t, st, sleeper)
	got, err := sleeper.Run(e, "r").Result(t.Context())
	require.NoError(t, err)
	require.Equal(t, "true", got)
	require.NoError(t, st.Scan([]byte("t"), []byte("u"), func(k, _ []byte) bool {
		t.Errorf("timer left behind: %q", k)
		return true
	}))
}

// ended drops a result that a test has no use for.
func ended[T any](_ T, err error) error { return err }

func TestMisuseOfAContextSaysWhatToWrite(t *testing.T) {
	bad := map[string]func(ctx durable.Context) error{
		"durable: Now was called on the Context of another branch; inside durable.Go use the Context that the " +
			"branch function was given": func(outer durable.Context) error {
			return ended(durable.Go(outer, "b", func(durable.Context) (int, error) {
				outer.Now()
				return 0, nil
			}).Await(outer))
		},
		"durable: the step's name is empty; give it a name of 1 to 512 bytes": func(ctx durable.Context) error {
			return ended(durable.Step(ctx, "", upper, ""))
		},
		"durable: Await was called on an empty Future; use one that Async or Go returned": func(
			ctx durable.Context,
		) error {
			return ended(durable.Future[int]{}.Await(ctx))
		},
	}
	for message, misuse := range bad {
		w := durable.Define("w", func(ctx durable.Context, in string) (string, error) { return "", misuse(ctx) })
		e := open(t, store.OpenMemory(), w)
		run, err := w.Start(t.Context(), e, "r", "x")
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.ErrorIs(t, err, durable.ErrParked)
		require.ErrorContains(t, err, message)
	}
	in := durable.Define("w", func(ctx durable.Context, in string) (string, error) {
		return durable.Step(ctx, "s", func(context.Context, string) (string, error) {
			return ctx.RunID(), nil
		}, in)
	})
	e := open(t, store.OpenMemory(), in)
	run, err := in.Start(t.Context(), e, "r", "x")
	require.NoError(t, err)
	_, err = run.Result(t.Context())
	require.ErrorContains(t, err, "RunID was called on a workflow's Context outside of the workflow")
}

func TestBadIDs(t *testing.T) {
	e := open(t, store.OpenMemory(), hello)
	for id, want := range map[string]string{
		"":                        "durable: the run's id is empty; give it a name of 1 to 512 bytes",
		"a\x00b":                  `durable: the run's id "a\x00b" contains a zero byte, which ends ids in the store`,
		string(make([]byte, 513)): "durable: the run's id is 513 bytes long, at most 512 are allowed:",
	} {
		_, err := hello.Start(t.Context(), e, id, "x")
		require.ErrorContains(t, err, want)
	}
	_, err := hello.Run(e, "nobody").Result(t.Context())
	require.EqualError(t, err, `durable: run not found: "nobody"`)
}

func TestOpenRefusesAConfigurationThatCantWork(t *testing.T) {
	_, err := durable.Open(durable.Config{})
	require.EqualError(t, err, "durable.Open: Config.Store is nil; open one with store.OpenPebble")
	_, err = durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{hello, hello},
	})
	require.ErrorContains(t, err, `two workflows named "hello"`)
	require.PanicsWithValue(t, `durable.Define: workflow "x" needs a function to run, got nil`, func() {
		durable.Define[int, int]("x", nil)
	})
}
