package sim_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// TestMisuse shows the message of every mistake that the simulator can see.
func TestMisuse(t *testing.T) {
	var escaped *sim.World
	_, failure := sim.Run(memory, "", func(w *sim.World) { escaped = w })
	require.Nil(t, failure)

	elsewhere := func(f func()) (message string) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { message = fmt.Sprint(recover()) }()
			f()
		}()
		<-done
		return message
	}
	inTask := func(body func(w *sim.World, n *sim.Node)) func() string {
		return func() string {
			_, failure := sim.Run(memory, "", func(w *sim.World) {
				body(w, w.Node("worker", func(*sim.Node) {}))
			})
			if failure == nil {
				return "no failure"
			}
			return failure.Property + "; " + failure.Detail[0]
		}
	}
	var said []string
	for _, c := range []struct {
		mistake string
		make    func() string
	}{
		{"a seam call by a client", inTask(func(w *sim.World, n *sim.Node) {
			n.Go("x", func(context.Context) {})
		})},
		{"a seam call by another node", inTask(func(w *sim.World, n *sim.Node) {
			w.Node("other", func(*sim.Node) { n.NewSignal() })
			_ = w.Sleep(w.Context(), time.Second)
		})},
		{"the store of an earlier incarnation", inTask(func(w *sim.World, n *sim.Node) {
			var old store.Store
			keep := func(context.Context) error {
				if old == nil {
					old = n.Store()
				}
				_, _, err := old.Get([]byte("k"))
				return err
			}
			_ = n.Call(w.Context(), "keep", keep)
			n.Crash()
			_ = n.Call(w.Context(), "use", keep)
		})},
		{"the signal of an earlier incarnation", inTask(func(w *sim.World, n *sim.Node) {
			var fire func()
			keep := func(context.Context) error {
				if fire == nil {
					fire = n.NewSignal().Fire
				}
				fire()
				return nil
			}
			_ = n.Call(w.Context(), "keep", keep)
			n.Crash()
			_ = n.Call(w.Context(), "use", keep)
		})},
		{"two nodes of one name", inTask(func(w *sim.World, n *sim.Node) { w.Node("worker", nil) })},
		{"a node without a name", inTask(func(w *sim.World, n *sim.Node) { w.Node("", nil) })},
		{"a node without a boot function", inTask(func(w *sim.World, n *sim.Node) { w.Node("other", nil) })},
		{"a negative sleep", inTask(func(w *sim.World, n *sim.Node) { _ = w.Sleep(w.Context(), -time.Second) })},
		{"a negative timeout", inTask(func(w *sim.World, n *sim.Node) { _, _ = w.WithTimeout(w.Context(), -1) })},
		{"a choice of nothing", inTask(func(w *sim.World, n *sim.Node) { w.Pick("who", 0) })},
		{"a label of the simulator", inTask(func(w *sim.World, n *sim.Node) { w.Pick("worker/crash/commit", 2) })},
		{"a world that has ended", func() string {
			return elsewhere(func() { escaped.Go("x", func(context.Context) {}) })
		}},
		{"a go statement in a task", inTask(func(w *sim.World, n *sim.Node) {
			w.Fail("shown", "", elsewhere(func() { _ = w.Sleep(context.Background(), 0) }))
		})},
		{"a go statement in a node's task", inTask(func(w *sim.World, n *sim.Node) {
			_ = n.Call(w.Context(), "start", func(context.Context) error {
				w.Fail("shown", "", elsewhere(func() { n.Go("x", func(context.Context) {}) }))
				return nil
			})
		})},
		{"a Check in a Check", inTask(func(w *sim.World, n *sim.Node) {
			sim.Check(&spy{TB: t, name: "TestInner"}, memory, func(*sim.World) {})
		})},
	} {
		said = append(said, c.mistake+"\n    "+scrub(c.make()))
	}
	golden.Assert(t, "misuse.txt", strings.Join(said, "\n")+"\n")
}

// TestBadConfig shows the message of every Config that makes no sense.
func TestBadConfig(t *testing.T) {
	var said []string
	for _, cfg := range []sim.Config{
		{Runs: -1}, {For: -1}, {Workers: -1}, {MaxEvents: -1}, {MaxSpin: -1}, {MaxTime: -1}, {ShrinkTime: -1},
		{SelfCheck: 2}, {Explore: "luck"}, {Explore: "pct:0"}, {Shard: 3, Shards: 2}, {Shard: -1},
	} {
		_, err := sim.Sweep(cfg, func(*sim.World) {})
		require.Error(t, err)
		said = append(said, err.Error())
	}
	golden.Assert(t, "config.txt", strings.Join(said, "\n")+"\n")
}
