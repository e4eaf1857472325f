package durable_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

var (
	add      = durable.NewUpdate[int, int]("add")
	errFull  = errors.New("full")
	errOddly = errors.New("odd")
)

func init() { durable.RegisterError(errFull, errOddly) }

// basket takes numbers up to a total of 100, and ends when it gets a letter.
var basket = durable.Define("basket", func(ctx durable.Context, _ int) (int, error) {
	total := 0
	add.Handle(ctx, func(n int) error {
		if total+n > 100 {
			return fmt.Errorf("%d and %d: %w", total, n, errFull)
		}
		return nil
	}, func(ctx durable.Context, n int) (int, error) {
		total += n
		if n%2 != 0 {
			return 0, errOddly
		}
		_, err := durable.Step(ctx, "upper", upper, fmt.Sprint(n))
		return total, err
	})
	_, err := letters.Receive(ctx)
	return total, err
})

func TestUpdatesAreCheckedAndAnswered(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{basket}
		e := openWith(t, cfg)
		_, err := add.Call(t.Context(), e, "b", "u1", 1)
		require.ErrorIs(t, err, durable.ErrNotFound)
		run := start(t, basket, e, "b", 0)
		n, err := add.Call(t.Context(), e, "b", "u1", 40)
		require.NoError(t, err)
		require.Equal(t, 40, n)
		n, err = add.Call(t.Context(), e, "b", "u1", 40)
		require.NoError(t, err)
		require.Equal(t, 40, n, "the same update again")
		_, err = add.Call(t.Context(), e, "b", "u1", 41)
		require.ErrorIs(t, err, durable.ErrConflict)
		require.ErrorContains(t, err, `run "b" has got another update with the id "u1"; give each update an id of its own`)

		before, err := durable.ReadJournal(cfg.Store, "b")
		require.NoError(t, err)
		for range 2 {
			_, err = add.Call(t.Context(), e, "b", "u2", 70)
			require.ErrorIs(t, err, durable.ErrRejected)
			require.ErrorIs(t, err, errFull)
			require.EqualError(t, err,
				`durable: the update was rejected: update "add" (id "u2") of run "b": 40 and 70: full`)
		}
		after, err := durable.ReadJournal(cfg.Store, "b")
		require.NoError(t, err)
		require.Len(t, after.Entries, len(before.Entries), "a rejected update left a trace")

		_, err = add.Call(t.Context(), e, "b", "u3", 3)
		var failed *durable.UpdateError
		require.ErrorAs(t, err, &failed)
		require.ErrorIs(t, err, errOddly)
		require.EqualError(t, err, `update "add" (id "u3") of run "b" failed: odd`)
		n, err = add.Call(t.Context(), e, "b", "", 2)
		require.NoError(t, err)
		require.Equal(t, 45, n)

		require.NoError(t, letters.Post(t.Context(), e, "b", "enough"))
		require.Equal(t, 45, result(t, run))
		n, err = add.Call(t.Context(), e, "b", "u1", 40)
		require.NoError(t, err)
		require.Equal(t, 40, n, "answered before the end")
		_, err = add.Call(t.Context(), e, "b", "u3", 3)
		require.ErrorIs(t, err, errOddly)
		_, err = add.Call(t.Context(), e, "b", "u4", 1)
		require.ErrorIs(t, err, durable.ErrEnded)
	})
}

func TestOneUpdateAskedForManyTimesAtOnce(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{basket}
		e := openWith(t, cfg)
		run := start(t, basket, e, "b", 0)
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				n, err := add.Call(t.Context(), e, "b", fmt.Sprint("u", i%4), 2)
				if err != nil || n > 8 {
					t.Error(n, err)
				}
			})
		}
		wg.Wait()
		require.NoError(t, letters.Post(t.Context(), e, "b", "enough"))
		require.Equal(t, 8, result(t, run))
	})
}

func TestUpdatesWaitForTheirHandler(t *testing.T) {
	late := durable.Define("late", func(ctx durable.Context, _ int) (int, error) {
		got := 0
		if _, err := letters.Receive(ctx); err != nil {
			return 0, err
		}
		within, cancel := ctx.WithCancel()
		add.Handle(within, nil, func(_ durable.Context, n int) (int, error) { got += n; return got, nil })
		_, err := letters.Receive(ctx)
		cancel(nil)
		if err == nil {
			_, err = letters.Receive(ctx)
		}
		return got, err
	})
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{late}
		e := openWith(t, cfg)
		run := start(t, late, e, "r", 0)
		answers := make(chan int)
		go func() {
			n, err := add.Call(t.Context(), e, "r", "u1", 5)
			if err != nil {
				t.Error(err)
			}
			answers <- n
		}()
		select {
		case <-answers:
			t.Fatal("answered before there was a handler")
		case <-time.After(10 * time.Millisecond):
		}
		require.NoError(t, letters.Post(t.Context(), e, "r", "handle"))
		require.Equal(t, 5, <-answers)
		require.NoError(t, letters.Post(t.Context(), e, "r", "stop handling"))
		for j, err := durable.ReadJournal(cfg.Store, "r"); len(j.Entries) < 4; {
			require.NoError(t, err)
			j, err = durable.ReadJournal(cfg.Store, "r")
		}
		short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := add.Call(short, e, "r", "u2", 5)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		ended := make(chan error)
		go func() {
			_, err := add.Call(t.Context(), e, "r", "u2", 5)
			ended <- err
		}()
		time.Sleep(5 * time.Millisecond)
		require.NoError(t, letters.Post(t.Context(), e, "r", "end"))
		require.Equal(t, 5, result(t, run))
		require.ErrorIs(t, <-ended, durable.ErrEnded)
	})
}

func TestOpenUpdatesAreAnsweredAtTheEnd(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, _ int) (int, error) {
		add.Handle(ctx, nil, func(ctx durable.Context, n int) (int, error) {
			return numbers.Receive(ctx) // which nobody sends
		})
		_, err := letters.Receive(ctx)
		return 1, err
	})
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{w}
		e := openWith(t, cfg)
		start(t, w, e, "r", 0)
		answers := make(chan error)
		go func() {
			_, err := add.Call(t.Context(), e, "r", "u1", 5)
			answers <- err
		}()
		waitForEntries(t, cfg.Store, "r", 2)
		require.NoError(t, e.Close(t.Context()))
		require.ErrorIs(t, <-answers, durable.ErrClosed)
		e = openWith(t, cfg)
		go func() {
			_, err := add.Call(t.Context(), e, "r", "u1", 5)
			answers <- err
		}()
		time.Sleep(5 * time.Millisecond)
		require.NoError(t, letters.Post(t.Context(), e, "r", "end"))
		err := <-answers
		require.ErrorIs(t, err, durable.ErrCancelled)
		require.ErrorContains(t, err, `update "add" (id "u1") of run "r" failed: `)
		requireNoMail(t, cfg.Store, "r")
	})
}

func TestOpenUpdatesOfATerminatedRunAreAnswered(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, _ int) (int, error) {
		add.Handle(ctx, nil, func(ctx durable.Context, n int) (int, error) { return numbers.Receive(ctx) })
		_, err := letters.Receive(ctx)
		return 1, err
	})
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{w}
		e := openWith(t, cfg)
		run := start(t, w, e, "r", 0)
		answers := make(chan error)
		go func() {
			_, err := add.Call(t.Context(), e, "r", "u1", 5)
			answers <- err
		}()
		waitForEntries(t, cfg.Store, "r", 2)
		require.NoError(t, run.Terminate(t.Context(), "fire"))
		require.ErrorIs(t, <-answers, durable.ErrTerminated)
		_, err := add.Call(t.Context(), e, "r", "u1", 5)
		require.ErrorIs(t, err, durable.ErrTerminated)
		_, err = add.Call(t.Context(), e, "r", "u2", 5)
		require.ErrorIs(t, err, durable.ErrEnded)
	})
}

func TestMisuseOfUpdatesSaysWhatToWrite(t *testing.T) {
	answer := func(durable.Context, int) (int, error) { return 0, nil }
	for message, misuse := range map[string]func(ctx durable.Context){
		"durable: an Update without a name was used; make updates with NewUpdate": func(ctx durable.Context) {
			durable.Update[int, int]{}.Handle(ctx, nil, answer)
		},
		`durable: Handle of update "add" needs a function that answers, got nil`: func(ctx durable.Context) {
			add.Handle(ctx, nil, nil)
		},
		`durable: the run handles update "add" already; end the first handler, with the Context that it was given, ` +
			`before another begins`: func(ctx durable.Context) {
			add.Handle(ctx, nil, answer)
			add.Handle(ctx, nil, answer)
		},
	} {
		w := durable.Define("w", func(ctx durable.Context, _ int) (int, error) { misuse(ctx); return 0, nil })
		e := open(t, store.OpenMemory(), w)
		_, err := start(t, w, e, "r", 0).Result(t.Context())
		require.ErrorIs(t, err, durable.ErrParked)
		require.ErrorContains(t, err, message)
		_, err = add.Call(t.Context(), e, "r", "u", 1)
		require.ErrorIs(t, err, durable.ErrParked)
	}
	peeks := durable.Define("w", func(ctx durable.Context, _ int) (int, error) {
		add.Handle(ctx, func(int) error { ctx.Now(); return nil }, answer)
		_, err := letters.Receive(ctx)
		return 0, err
	})
	e := open(t, store.OpenMemory(), peeks)
	start(t, peeks, e, "r", 0)
	_, err := add.Call(t.Context(), e, "r", "u", 1)
	require.ErrorIs(t, err, durable.ErrRejected)
	require.ErrorContains(t, err, "Now was called on a workflow's Context outside of the workflow")
	_, err = durable.NewUpdate[string, int]("add").Call(t.Context(), e, "r", "u", "x")
	require.ErrorIs(t, err, durable.ErrRejected)
	require.ErrorContains(t, err, `durable: the input of update "add" does not fit the type int`)
	require.PanicsWithValue(t, "durable: the update's name is empty; give it a name of 1 to 512 bytes", func() {
		durable.NewUpdate[int, int]("")
	})
	_, err = add.Call(t.Context(), e, "", "u", 1)
	require.ErrorContains(t, err, "the run's id is empty")
	_, err = add.Call(t.Context(), e, "r", "a\x00b", 1)
	require.ErrorContains(t, err, `the update's id "a\x00b" contains a zero byte`)
}
