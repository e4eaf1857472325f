package durable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// archive files letters, two in each part of its life, until one says "end".
var archive = durable.Define("archive", func(ctx durable.Context, files []string) (string, error) {
	plusFiles.Handle(ctx, nil, func(ctx durable.Context, n int) (int, error) {
		return n + len(files), ctx.Sleep(time.Millisecond)
	})
	for range 2 {
		s, err := letters.Receive(ctx)
		if err != nil {
			return "", err
		}
		if s == "end" {
			return strings.Join(files, ","), nil
		}
		name, err := durable.Step(ctx, "file", upper, s)
		if err != nil {
			return "", err
		}
		files = append(files, name)
		if err := filed.Publish(ctx, len(files)); err != nil {
			return "", err
		}
	}
	return durable.ContinueAsNew[string](ctx, files)
})

var (
	plusFiles = durable.NewUpdate[int, int]("plus files")
	filed     = durable.NewValue[int]("filed")
)

func TestARunContinuesAsNew(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{archive}
		e := openWith(t, cfg)
		run := start(t, archive, e, "r", nil)
		for i := range 5 { // all at once: what a part does not read moves along
			require.NoError(t, letters.PostOnce(t.Context(), e, "r", fmt.Sprint(i), fmt.Sprint(i)))
		}
		waitForEntries(t, cfg.Store, "r#2", 1)
		waitForEntries(t, cfg.Store, "r", 3)
		n, err := filed.Get(t.Context(), e, "r")
		require.NoError(t, err)
		require.Equal(t, 5, n, "what was published stays")
		got, err := plusFiles.Call(t.Context(), e, "r", "u", 10)
		require.NoError(t, err)
		require.Equal(t, 15, got, "the update reached the third part")

		require.NoError(t, letters.PostOnce(t.Context(), e, "r", "0", "0"), "the ids of messages are kept")
		_, err = archive.Start(t.Context(), e, "r", nil)
		require.NoError(t, err, "it is the same run")
		require.NoError(t, letters.Post(t.Context(), e, "r", "end"))
		require.Equal(t, "<0>,<1>,<2>,<3>,<4>", result(t, run), "the result is that of the last part")
		runs, _, err := e.List(durable.Filter{})
		require.NoError(t, err)
		var told []string
		for _, l := range runs {
			told = append(told, fmt.Sprintf("%s %s %d", l.Run, l.Status, l.Generation))
			j, err := durable.ReadJournal(cfg.Store, l.Run)
			require.NoError(t, err)
			done, err := durable.Replay(j, archive, nil)
			require.NoError(t, err)
			require.True(t, done.Ended)
		}
		require.Equal(t, []string{"r done 2", "r#1 continued 0", "r#2 continued 1"}, told)
		_, err = archive.Run(e, "r#1").Result(t.Context())
		require.ErrorIs(t, err, durable.ErrContinued)
		require.ErrorIs(t, e.Cancel(t.Context(), "r#1", ""), durable.ErrEnded)
		require.NoError(t, e.Delete(t.Context(), "r#1"))
		requireNoMail(t, cfg.Store, "r", "r#1", "r#2")
	})
}

func TestTheIDsOfAllPartsAreDifferent(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		var mu sync.Mutex
		seen := map[string]int{}
		note := func(ctx context.Context, id string) (int, error) {
			info, _ := durable.Info(ctx)
			mu.Lock()
			defer mu.Unlock()
			seen[info.IdempotencyKey()]++
			seen[id]++
			return 0, nil
		}
		child := durable.Define("child", func(ctx durable.Context, _ int) (string, error) {
			return letters.Receive(ctx)
		})
		w := durable.Define("w", func(ctx durable.Context, n int) (string, error) {
			if _, err := durable.Step(ctx, "note", note, ctx.NewID()); err != nil {
				return "", err
			}
			c := durable.StartChildWith(ctx, child, 0, durable.Child{Unawaited: durable.AbandonChild})
			if n > 0 {
				return durable.ContinueAsNew[string](ctx, n-1)
			}
			got, err := c.Await(ctx)
			return c.ID() + " " + got, err
		})
		cfg.Workflows = []durable.Definition{w, child}
		e := openWith(t, cfg)
		run := start(t, w, e, "r", 2)
		waitForEntries(t, cfg.Store, "r/3:2", 1)
		for _, id := range []string{"r/2", "r/2:2", "r/3:2"} { // the first two are strangers to the last part
			require.NoError(t, letters.Post(t.Context(), e, id, "to "+id))
			result(t, child.Run(e, id))
		}
		require.Equal(t, "r/3:2 to r/3:2", result(t, run))
		require.Len(t, seen, 6)
		for id, n := range seen {
			require.Equal(t, 1, n, id)
		}
		require.Contains(t, seen, "r/2:1")
	})
}

func TestContinuingEndsWhatThePartHadStarted(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		left, began := make(chan error, 1), make(chan bool)
		w := durable.Define("w", func(ctx durable.Context, again bool) (string, error) {
			if !again {
				return letters.Receive(ctx)
			}
			durable.OnFailure(ctx, "undo", upper, "never")
			durable.StartChildWith(ctx, trip, "Rome", durable.Child{ID: "child"})
			ctx.After(time.Hour)
			durable.Async(ctx, "slow", func(ctx context.Context, _ int) (int, error) {
				close(began)
				<-ctx.Done()
				left <- context.Cause(ctx)
				return 0, nil
			}, 0)
			if _, err := durable.Step(ctx, "wait", func(context.Context, int) (int, error) {
				<-began
				return 0, nil
			}, 0); err != nil {
				return "", err
			}
			return durable.ContinueAsNew[string](ctx, false)
		})
		parent := durable.Define("parent", func(ctx durable.Context, _ int) (string, error) {
			return durable.StartChildWith(ctx, w, true, durable.Child{ID: "r"}).Await(ctx)
		})
		cfg.Workflows = []durable.Definition{w, parent, trip}
		e := openWith(t, cfg)
		run := start(t, parent, e, "p", 0)
		waitForEntries(t, cfg.Store, "r#1", 2)
		require.ErrorIs(t, <-left, durable.ErrCancelled)
		_, err := trip.Run(e, "child").Result(t.Context())
		require.ErrorIs(t, err, durable.ErrCancelled)
		require.NoError(t, letters.Post(t.Context(), e, "r", "to the parent"))
		require.Equal(t, "to the parent", result(t, run), "the parent waits for the last part")
	})
}

func TestACancelledRunDoesNotContinue(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		w := durable.Define("w", func(ctx durable.Context, stubborn bool) (string, error) {
			_, err := letters.Receive(ctx)
			if stubborn {
				return durable.ContinueAsNew[string](ctx.Detached(), false)
			}
			_, refused := durable.ContinueAsNew[string](ctx, false)
			return "", errors.Join(err, refused)
		})
		cfg.Workflows = []durable.Definition{w}
		e := openWith(t, cfg)
		run := start(t, w, e, "r", true)
		require.NoError(t, run.Cancel(t.Context(), "once"))
		waitForEntries(t, cfg.Store, "r#1", 2)
		_, err := run.Result(t.Context())
		require.ErrorIs(t, err, durable.ErrCancelled)
		require.ErrorContains(t, err, "receive \"letters\" (id 1) was cancelled: once", "the new part sees it too")
		require.Equal(t, durable.Cancelled, statusOf(t, cfg.Store, "r"))
	})
}

func TestMisuseOfContinueAsNewSaysWhatToWrite(t *testing.T) {
	w := durable.Define("w", func(ctx durable.Context, _ int) (string, error) {
		return durable.ContinueAsNew[string](ctx, "text")
	})
	e := open(t, store.OpenMemory(), w)
	_, err := start(t, w, e, "r", 0).Result(t.Context())
	require.ErrorContains(t, err,
		`durable: ContinueAsNew was given a string; give it the input of workflow "w", a int`)

	dropped := durable.Define("dropped", func(ctx durable.Context, n int) (string, error) {
		_, err := durable.ContinueAsNew[string](ctx, 1)
		return err.Error(), nil
	})
	e = open(t, store.OpenMemory(), dropped)
	require.Equal(t, "durable: the run is to continue as new; return the error of ContinueAsNew from the "+
		"workflow function", result(t, start(t, dropped, e, "r", 0)))

	channels := durable.Define("channels", func(ctx durable.Context, c chan int) (string, error) {
		return durable.ContinueAsNew[string](ctx, make(chan int))
	})
	e = open(t, store.OpenMemory(), channels)
	_, err = channels.Start(t.Context(), e, "r", nil)
	require.ErrorIs(t, err, durable.ErrCodec)
}

// TestContinuingThroughCrashes: whatever crashes, and whenever letters and updates come, each reaches exactly
// one part, in order, and the chain of parts is complete.
func TestContinuingThroughCrashes(t *testing.T) {
	sweepPlant(t, 3000, func(w *sim.World) {
		p := newPlant(w, archive)
		startOn(w.Context(), p, archive, "r", nil)
		n := 1 + w.Pick("letters", 6)
		answered := 0
		client := func(i int) string { return fmt.Sprint("client ", i) }
		w.Concurrently(client, 2, func(ctx context.Context, i int) {
			for k := range n {
				_ = w.Sleep(ctx, time.Duration(w.Pick("pause of client", 3))*time.Millisecond)
				id := fmt.Sprint(k)
				require.NoError(w, p.insist(ctx, "ask "+id, func(ctx context.Context) error {
					if i == 0 {
						return letters.PostOnce(ctx, p.engine, "r", id, id)
					}
					m, err := plusFiles.Call(ctx, p.engine, "r", id, 100)
					if err == nil && m < 100 {
						err = errors.New("not the answer")
					}
					answered++
					return err
				}))
			}
		})
		require.NoError(w, p.insist(w.Context(), "post end", func(ctx context.Context) error {
			return letters.PostOnce(ctx, p.engine, "r", "end", "end")
		}))
		got, err := resultOn(w.Context(), p, archive, "r")
		require.NoError(w, err)
		var want []string
		for k := range n {
			want = append(want, fmt.Sprintf("<%d>", k))
		}
		require.Equal(w, strings.Join(want, ","), got)
		require.NoError(w, p.insist(w.Context(), "look", func(context.Context) error {
			parts := 0
			require.NoError(w, durable.List(p.node.Store(), func(l durable.Listing) bool {
				parts++
				return true
			}))
			require.Equal(w, 1+n/2, parts)
			return nil
		}))
		w.Sometimes("it has three parts", n >= 4)
		p.settled(named(archive))
	})
}
