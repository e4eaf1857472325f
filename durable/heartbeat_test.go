package durable_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// progressOf reads how far earlier attempts have come; -1 for not at all.
func progressOf(t require.TestingT, ctx context.Context) int {
	n, ok, err := durable.Progress[int](ctx)
	require.NoError(t, err)
	if !ok {
		return -1
	}
	return n
}

func TestTheNextAttemptReadsTheProgressOfAFailedOne(t *testing.T) {
	calm(t, func(w *sim.World) {
		var seen []int
		wf := asks(func(ctx context.Context, _ string) (string, error) {
			seen = append(seen, progressOf(w, ctx))
			for i := range 5 {
				require.NoError(w, durable.Heartbeat(ctx, len(seen)*10+i))
			}
			require.Equal(w, len(seen)*10+4, progressOf(w, ctx), "its own")
			if len(seen) < 3 {
				return "", errBusy
			}
			return "done", nil
		}, durable.StepOptions{Retry: durable.Retry{Attempts: 3}})
		p := newPlant(w, wf)
		_, err := outcome(w, p, wf)
		require.NoError(w, err)
		require.Equal(w, []int{-1, 14, 24}, seen)
		p.settled(named(wf))
	})
}

func TestTheNextAttemptReadsTheProgressOfAnInterruptedOne(t *testing.T) {
	for name, c := range map[string]struct {
		work func(w *sim.World, ctx context.Context) // of the first attempt
		want []int
	}{
		"throttled": {func(w *sim.World, ctx context.Context) {
			for i := range 35 {
				_ = durable.Heartbeat(ctx, i)
				_ = w.Sleep(ctx, 100*time.Millisecond)
			}
		}, []int{20, 29, 30, 31}}, // saved after 0, 1, 2 and 3 seconds, but for overtaken commits
		"at the end of a burst": {func(w *sim.World, ctx context.Context) {
			for i := range 7 {
				_ = durable.Heartbeat(ctx, i)
			}
			_ = w.Sleep(ctx, 1500*time.Millisecond)
		}, []int{6}},
		"none": {func(w *sim.World, ctx context.Context) {}, []int{-1}},
	} {
		t.Run(name, func(t *testing.T) {
			calm(t, func(w *sim.World) {
				var p *plant
				var seen []int
				wf := asks(func(ctx context.Context, _ string) (string, error) {
					seen = append(seen, progressOf(w, ctx))
					if len(seen) == 1 {
						c.work(w, ctx)
						p.node.Crash()
					}
					return "done", nil
				}, durable.StepOptions{})
				p = newPlant(w, wf)
				_, err := outcome(w, p, wf)
				require.NoError(w, err)
				require.Contains(w, c.want, seen[1])
				p.settled(named(wf))
			})
		})
	}
}

// TestProgressOutlivesCrashes: a long step starts each attempt where an earlier one was, never further
// back than one before it did, and never from something that was not sent.
func TestProgressOutlivesCrashes(t *testing.T) {
	sweepPlant(t, 3000, func(w *sim.World) {
		from, sent := -1, -1
		resumed, late := false, 0
		wf := asks(func(ctx context.Context, _ string) (string, error) {
			info, _ := durable.Info(ctx)
			if info.Attempt < late {
				return "", errBusy
			}
			late = info.Attempt
			at := progressOf(w, ctx)
			require.GreaterOrEqual(w, at, from)
			require.LessOrEqual(w, at, sent)
			resumed = resumed || at > 0
			for from = at; at < 20; {
				at++
				sent = max(sent, at)
				if durable.Heartbeat(ctx, at) != nil {
					return "", errBusy
				}
				_ = w.Sleep(ctx, 300*time.Millisecond)
				if w.Pick("fails", 30) == 1 {
					return "", errBusy
				}
			}
			return fmt.Sprint(at), nil
		}, durable.StepOptions{Retry: durable.Retry{Attempts: 1000, Factor: 1}})
		p := newPlant(w, wf)
		got, err := outcome(w, p, wf)
		require.NoError(w, err)
		require.Equal(w, "20", got)
		w.Sometimes("an attempt starts from progress", resumed)
		p.settled(named(wf))
	})
}

// TestSavedProgressCountsInterruptionsAnew: a long step that comes forward may be interrupted for ever.
func TestSavedProgressCountsInterruptionsAnew(t *testing.T) {
	calm(t, func(w *sim.World) {
		var p *plant
		wf := asks(func(ctx context.Context, _ string) (string, error) {
			at := progressOf(w, ctx) + 1
			if at == 10 {
				return "done", nil
			}
			require.NoError(w, durable.Heartbeat(ctx, at))
			_ = w.Sleep(ctx, 100*time.Millisecond)
			p.node.Crash()
			return "", nil
		}, durable.StepOptions{Interruptions: 2})
		p = newPlant(w, wf)
		got, err := outcome(w, p, wf)
		require.NoError(w, err)
		require.Equal(w, "done", got)
	})
}

func TestCloseSavesTheLatestProgress(t *testing.T) {
	st := store.OpenMemory()
	beats := make(chan struct{}, 100)
	wf := asks(func(ctx context.Context, _ string) (string, error) {
		if n := progressOf(t, ctx); n >= 0 {
			return fmt.Sprint("from ", n), nil
		}
		for i := 0; ; i++ {
			if err := durable.Heartbeat(ctx, i); err != nil {
				return "", err
			}
			beats <- struct{}{}
			if i == 50 {
				<-ctx.Done()
				return "", ctx.Err()
			}
		}
	}, durable.StepOptions{})
	e, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{wf}})
	require.NoError(t, err)
	start(t, wf, e, "r", "q")
	for range 51 {
		<-beats
	}
	closeNow(t, e)
	e = open(t, st, wf)
	got, err := wf.Run(e, "r").Result(t.Context())
	require.NoError(t, err)
	require.Equal(t, "from 50", got)
}

func TestProgressThatCantBeSaysSo(t *testing.T) {
	require.EqualError(t, durable.Heartbeat(t.Context(), 1),
		"durable: Heartbeat was called outside of a step; call "+
			"it with the context.Context that the step's function was given, or one derived from it")
	_, _, err := durable.Progress[int](context.Background())
	require.ErrorContains(t, err, "durable: Progress was called outside of a step")
	wf := asks(func(ctx context.Context, _ string) (string, error) {
		require.ErrorContains(t, durable.Heartbeat(ctx, make(chan int)),
			`the progress of step "ask" (id 1) of run "r" does not fit the type chan int`)
		err := durable.Heartbeat(ctx, strings.Repeat("x", 16<<20))
		require.ErrorContains(t, err, "at most 16777216 are allowed")
		derived, cancel := context.WithCancel(ctx)
		defer cancel()
		require.NoError(t, durable.Heartbeat(derived, "text"))
		_, _, err = durable.Progress[int](derived)
		require.ErrorContains(t, err, `the saved progress of step "ask" (id 1) of run "r" does not fit the type int`)
		require.ErrorIs(t, err, durable.ErrCodec)
		cancel()
		require.ErrorIs(t, durable.Heartbeat(derived, "text"), context.Canceled)
		return "", nil
	}, durable.StepOptions{})
	_, err = ended1(t, wf)
	require.NoError(t, err)
}
