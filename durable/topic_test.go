package durable_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

var (
	letters = durable.NewTopic[string]("letters")
	numbers = durable.NewTopic[int]("numbers")
)

// collector receives n letters and returns them in order.
var collector = durable.Define("collector", func(ctx durable.Context, n int) (string, error) {
	var got []string
	for range n {
		s, err := letters.Receive(ctx)
		if err != nil {
			return "", err
		}
		got = append(got, s)
	}
	return strings.Join(got, ","), nil
})

func start[In, Out any](
	t *testing.T, w *durable.Workflow[In, Out], e *durable.Engine, id string, in In,
) durable.Run[Out] {
	t.Helper()
	run, err := w.Start(t.Context(), e, id, in)
	require.NoError(t, err)
	return run
}

func result[Out any](t *testing.T, run durable.Run[Out]) Out {
	t.Helper()
	out, err := run.Result(t.Context())
	require.NoError(t, err)
	return out
}

// warmAndCold runs a test with engines that keep all runs in memory, one run, none that waits, and none at
// all.
func warmAndCold(t *testing.T, test func(t *testing.T, cfg durable.Config)) {
	for name, cfg := range map[string]durable.Config{
		"warm": {}, "lukewarm": {Warm: 1}, "cool": {Warm: -1}, "cold": {Cold: true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Store = store.OpenMemory()
			test(t, cfg)
		})
	}
}

func TestMessagesArriveInOrder(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{collector}
		e := openWith(t, cfg)
		run := start(t, collector, e, "r", 100)
		var want []string
		for i := range 100 {
			want = append(want, fmt.Sprint(i))
			require.NoError(t, letters.Post(t.Context(), e, "r", fmt.Sprint(i)))
		}
		require.Equal(t, strings.Join(want, ","), result(t, run))
		requireNoMail(t, cfg.Store, "r")
	})
}

func TestMessagesBeforeTheWaitAreKept(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		late := durable.Define("late", func(ctx durable.Context, n int) (string, error) {
			if _, err := numbers.Receive(ctx); err != nil {
				return "", err
			}
			var got []string
			for range n {
				s, err := letters.Receive(ctx)
				if err != nil {
					return "", err
				}
				got = append(got, s)
			}
			return strings.Join(got, ""), nil
		})
		cfg.Workflows = []durable.Definition{late}
		e := openWith(t, cfg)
		run := start(t, late, e, "r", 3)
		for _, s := range []string{"a", "b", "c"} {
			require.NoError(t, letters.Post(t.Context(), e, "r", s))
		}
		require.NoError(t, e.Close(t.Context()))
		e = openWith(t, cfg)
		require.NoError(t, numbers.Post(t.Context(), e, "r", 1))
		require.Equal(t, "abc", result(t, late.Run(e, run.ID())))
		requireNoMail(t, cfg.Store, "r")
	})
}

func TestMessagesToNobodyAndToTheDead(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		errs := durable.Define("errs", func(ctx durable.Context, to string) (string, error) {
			return "", letters.Send(ctx, to, "x")
		})
		cfg.Workflows = []durable.Definition{collector, errs}
		e := openWith(t, cfg)
		require.ErrorIs(t, letters.Post(t.Context(), e, "nobody", "x"), durable.ErrNotFound)
		result(t, start(t, collector, e, "done", 0))
		require.EqualError(t, letters.Post(t.Context(), e, "done", "x"), `durable: the run has ended: "done"`)
		_, err := start(t, errs, e, "e1", "done").Result(t.Context())
		require.ErrorIs(t, err, durable.ErrEnded)
		_, err = start(t, errs, e, "e2", "nobody").Result(t.Context())
		require.ErrorIs(t, err, durable.ErrNotFound)
		requireNoMail(t, cfg.Store, "done", "nobody")
	})
}

func TestAMessageWithAnIDIsAcceptedOnce(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{collector}
		e := openWith(t, cfg)
		run := start(t, collector, e, "r", 2)
		for range 3 {
			require.NoError(t, letters.PostOnce(t.Context(), e, "r", "m1", "a"))
		}
		err := letters.PostOnce(t.Context(), e, "r", "m1", "b")
		require.ErrorIs(t, err, durable.ErrConflict)
		require.ErrorContains(t, err, `run "r" has got message "m1" of topic "letters" with another content; `+
			`give each message an id of its own`)
		require.NoError(t, letters.PostOnce(t.Context(), e, "r", "m2", "b"))
		require.Equal(t, "a,b", result(t, run))
		require.NoError(t, letters.PostOnce(t.Context(), e, "r", "m1", "a"), "it was accepted before the end")
		require.ErrorIs(t, letters.PostOnce(t.Context(), e, "r", "m3", "a"), durable.ErrEnded)
	})
}

func TestWaitersAreServedInTheirOrder(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		w := durable.Define("w", func(ctx durable.Context, n int) (string, error) {
			var waits []durable.Future[string]
			for range n {
				waits = append(waits, letters.Next(ctx))
			}
			all, err := durable.Gather(ctx, waits...)
			return strings.Join(all, ""), err
		})
		cfg.Workflows = []durable.Definition{w}
		e := openWith(t, cfg)
		run := start(t, w, e, "r", 4)
		for _, s := range []string{"a", "b", "c", "d"} {
			require.NoError(t, letters.Post(t.Context(), e, "r", s))
		}
		require.Equal(t, "abcd", result(t, run))
	})
}

func TestReceiveTimeout(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		w := durable.Define("w", func(ctx durable.Context, d time.Duration) (string, error) {
			got, err := letters.ReceiveTimeout(ctx, d)
			if err != nil {
				return "", fmt.Errorf("giving up: %w", err)
			}
			return got, nil
		})
		cfg.Workflows = []durable.Definition{w}
		e := openWith(t, cfg)
		_, err := start(t, w, e, "r1", 20*time.Millisecond).Result(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, `giving up: durable: no message of topic "letters" came in time`)
		_, err = start(t, w, e, "r2", 0).Result(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		run := start(t, w, e, "r3", time.Hour)
		require.NoError(t, letters.Post(t.Context(), e, "r3", "x"))
		require.Equal(t, "x", result(t, run))
		requireNoMail(t, cfg.Store, "r1", "r2", "r3")
		require.NoError(t, cfg.Store.Scan([]byte("t"), []byte("u"), func(k, _ []byte) bool {
			t.Errorf("timer left behind: %q", k)
			return true
		}))
	})
}

// ping sends n balls to pong and waits for each to come back.
var ping = durable.Define("ping", func(ctx durable.Context, n int) (int, error) {
	for i := range n {
		if err := numbers.Send(ctx, "pong", i); err != nil {
			return i, err
		}
		if back, err := numbers.Receive(ctx); err != nil || back != i {
			return i, fmt.Errorf("got %d for %d: %w", back, i, err)
		}
	}
	return n, nil
})

var pong = durable.Define("pong", func(ctx durable.Context, n int) (int, error) {
	for range n {
		ball, err := numbers.Receive(ctx)
		if err != nil {
			return 0, err
		}
		if err := numbers.Send(ctx, "ping", ball); err != nil {
			return 0, err
		}
	}
	return n, nil
})

// counting counts the commits of a store.
type counting struct {
	store.Store
	mu      sync.Mutex
	commits int
}

func (c *counting) Commit(b *store.Batch) error {
	c.mu.Lock()
	c.commits++
	c.mu.Unlock()
	return c.Store.Commit(b)
}

func TestARoundTripTakesTwoCommits(t *testing.T) {
	const trips = 50
	st := &counting{Store: store.OpenMemory()}
	e := openWith(t, durable.Config{Store: st, Workflows: []durable.Definition{ping, pong}})
	other := start(t, pong, e, "pong", trips)
	before := st.commits
	require.Equal(t, trips, result(t, start(t, ping, e, "ping", trips)))
	require.Equal(t, trips, result(t, other))
	require.LessOrEqual(t, st.commits-before, 2*trips+2)
	requireNoMail(t, st, "ping", "pong")
}

func TestRunsSendToThemselves(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		w := durable.Define("w", func(ctx durable.Context, n int) (int, error) {
			sum := 0
			for i := range n {
				if err := numbers.Send(ctx, ctx.RunID(), i); err != nil {
					return 0, err
				}
			}
			for range n {
				i, err := numbers.Receive(ctx)
				if err != nil {
					return 0, err
				}
				sum += i
			}
			return sum, numbers.Send(ctx, ctx.RunID(), 1) // dropped at the end
		})
		cfg.Workflows = []durable.Definition{w}
		e := openWith(t, cfg)
		require.Equal(t, 499500, result(t, start(t, w, e, "r", 1000)))
		requireNoMail(t, cfg.Store, "r")
	})
}

// requireNoMail checks that ended runs have left nothing of their mailboxes.
func requireNoMail(t *testing.T, st store.Store, runs ...string) {
	t.Helper()
	require.NoError(t, st.Scan([]byte("q"), []byte("r"), func(k, _ []byte) bool {
		t.Errorf("letter left behind: %q", k)
		return true
	}))
	for _, run := range runs {
		require.NoError(t, st.Scan([]byte("r"+run+"\x00q"), []byte("r"+run+"\x00z"), func(k, _ []byte) bool {
			t.Errorf("left behind: %q", k)
			return true
		}))
	}
}

// TestStepsPostAndAskOnce: what the first attempt at a step posted and asked for counts, although the second
// would post and ask for something else.
func TestStepsPostAndAskOnce(t *testing.T) {
	var attempts atomic.Int32
	poster := durable.Define("poster", func(ctx durable.Context, to string) (int, error) {
		return durable.Step(ctx, "post", func(ctx context.Context, to string) (int, error) {
			attempt := attempts.Add(1)
			e := durable.EngineOf(ctx)
			sum, err := add.Call(ctx, e, "b", "", int(10*attempt))
			if err != nil {
				return 0, err
			}
			for i := range 3 {
				if err := letters.Post(ctx, e, to, fmt.Sprint(attempt, "-", i)); err != nil {
					return 0, err
				}
				if attempt == 1 && i == 1 {
					<-ctx.Done() // the engine closes, the step runs again
					return 0, ctx.Err()
				}
			}
			return int(attempt) + sum, nil
		}, to)
	})
	require.Nil(t, durable.EngineOf(t.Context()))
	st := store.OpenMemory()
	workflows := []durable.Definition{poster, collector, basket}
	e := openWith(t, durable.Config{Store: st, Workflows: workflows})
	start(t, basket, e, "b", 0)
	start(t, collector, e, "c", 4)
	start(t, poster, e, "p", "c")
	waitForEntries(t, st, "c", 3)
	closeNow(t, e)
	e = openWith(t, durable.Config{Store: st, Workflows: workflows})
	require.Equal(t, 2+10, result(t, poster.Run(e, "p")))
	require.NoError(t, letters.Post(t.Context(), e, "c", "last"))
	require.Equal(t, "1-0,1-1,2-2,last", result(t, collector.Run(e, "c")))
}

const blockTime = 20 * time.Millisecond

// waitUntilPast lets the timers of this length fire.
func waitUntilPast(t *testing.T, d time.Duration) {
	t.Helper()
	time.Sleep(2 * d)
}

// listOnce is a step that returns a list of its argument.
func listOnce(ran *atomic.Int32) func(context.Context, string) ([]string, error) {
	return func(_ context.Context, s string) ([]string, error) {
		ran.Add(1)
		return []string{s}, nil
	}
}
