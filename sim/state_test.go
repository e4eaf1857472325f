package sim_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/explore"
	"github.com/reprise-dst/reprise/sim"
)

// states is a source that keeps the states that it is told.
type states struct {
	choice.Source
	told  []explore.State
	known bool // it says that it knows them
}

func (s *states) Known(state explore.State, _ int) bool {
	s.told = append(s.told, state)
	return s.known
}

// stateOf is the state that a world tells when its node boots again, after what happens in the meantime.
func stateOf(t *testing.T, happens func(w *sim.World, n *sim.Node)) explore.State {
	t.Helper()
	source := &states{Source: choice.FIFO()}
	_, failure := sim.RunWith(memory, source, func(w *sim.World) {
		boots := 0
		n := w.Node("worker", func(n *sim.Node) {
			if boots++; boots > 1 {
				w.State([]byte("content"))
			}
		})
		_ = w.Sleep(w.Context(), 1)
		happens(w, n)
		n.Crash()
		_ = w.Sleep(w.Context(), 1e9)
	})
	require.Nil(t, failure)
	require.Len(t, source.told, 1)
	return source.told[0]
}

// work is something that a node lets be done outside.
func work(name string, fn func(ctx context.Context)) func(*sim.World, *sim.Node) {
	return func(w *sim.World, n *sim.Node) {
		_ = n.Call(w.Context(), "work", func(context.Context) error {
			n.Offload("steps", name, fn, func() {})
			return nil
		})
		_ = w.Sleep(w.Context(), 1)
	}
}

func TestStatesTellApartWhatLasts(t *testing.T) {
	nothing := func(*sim.World, *sim.Node) {}
	none := func(context.Context) {}
	all := map[string]explore.State{
		"nothing":    stateOf(t, nothing),
		"later":      stateOf(t, func(w *sim.World, _ *sim.Node) { _ = w.Sleep(w.Context(), 1) }),
		"work":       stateOf(t, work("charge", none)),
		"other work": stateOf(t, work("refund", none)),
		"twice": stateOf(t, func(w *sim.World, n *sim.Node) {
			_ = n.Call(w.Context(), "work", func(context.Context) error {
				n.Offload("steps", "charge", none, func() {})
				n.Offload("steps", "charge", none, func() {})
				return nil
			})
			_ = w.Sleep(w.Context(), 1)
		}),
		"clock": stateOf(t, func(_ *sim.World, n *sim.Node) { n.SkewClock(1) }),
		"pick":  stateOf(t, func(w *sim.World, _ *sim.Node) { w.Pick("x", 1) }),
	}
	seen := map[explore.State]string{}
	for name, state := range all {
		require.NotContains(t, seen, state, "%s is taken for %s", name, seen[state])
		seen[state] = name
	}
	require.Equal(t, all["nothing"], stateOf(t, nothing))
	require.Equal(t, all["nothing"], stateOf(t, func(w *sim.World, n *sim.Node) {
		_ = n.Call(context.Background(), "look", func(context.Context) error { return nil })
	}), "what a client learns is for the content to tell")
}

func TestAKnownStateEndsTheWorld(t *testing.T) {
	source := &states{Source: choice.FIFO(), known: true}
	after := false
	trace, failure := sim.RunWith(memory, source, func(w *sim.World) {
		w.Node("worker", func(*sim.Node) {
			w.State(nil)
			after = true
		})
		_ = w.Sleep(w.Context(), 1)
		w.Fail("it goes on", "")
	})
	require.Nil(t, failure)
	require.False(t, after)
	require.Contains(t, trace, "goes on from a state that is explored already")

	sim.RunWith(memory, source, func(w *sim.World) {
		w.Node("other", func(*sim.Node) {})
		w.Node("worker", func(*sim.Node) { w.State(nil) })
		_ = w.Sleep(w.Context(), 1)
		after = true
	})
	require.True(t, after, "a world of several nodes is not merged")
}

func TestASweepEndsInTime(t *testing.T) {
	cfg := memory
	cfg.AtMost = 1
	r, err := sim.Sweep(cfg, func(*sim.World) {})
	require.NoError(t, err)
	require.Zero(t, r.Runs)
}

func TestCoveredSaysWhatWasHit(t *testing.T) {
	cfg := memory
	cfg.Runs = 300
	r, err := sim.Sweep(cfg, func(w *sim.World) {
		n := w.Node("worker", func(n *sim.Node) { n.Go("idle", func(context.Context) {}) })
		_ = n.Call(w.Context(), "x", func(context.Context) error { return nil })
	})
	require.NoError(t, err)
	require.Regexp(t, `^covered: crash/spawn \d+, crash/answer \d+; `+
		`never: crash/commit, crash/start, crash/end, crash/timer, torn, slow$`, r.Covered())
}
