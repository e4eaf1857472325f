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
)

// mistakes are what a body can do wrong. n is a node that is not the caller's.
var mistakes = []struct {
	name string
	make func(w *sim.World, n *sim.Node)
}{
	{"a seam call by a client", func(w *sim.World, n *sim.Node) {
		n.Go("x", func(context.Context) {})
	}},
	{"a seam call by another node", func(w *sim.World, n *sim.Node) {
		w.Node("other", func(*sim.Node) { n.NewSignal() })
		_ = w.Sleep(w.Context(), time.Second)
	}},
	{"the store of an earlier incarnation", keepAcrossCrash(func(n *sim.Node) func() {
		s := n.Store()
		return func() { _, _, _ = s.Get([]byte("k")) }
	})},
	{"the signal of an earlier incarnation", keepAcrossCrash(func(n *sim.Node) func() {
		return n.NewSignal().Fire
	})},
	{"two nodes of one name", func(w *sim.World, n *sim.Node) { w.Node("worker", func(*sim.Node) {}) }},
	{"a node without a name", func(w *sim.World, n *sim.Node) { w.Node("", func(*sim.Node) {}) }},
	{"a node without a boot function", func(w *sim.World, n *sim.Node) { w.Node("other", nil) }},
	{"a node whose labels are taken", func(w *sim.World, n *sim.Node) {
		w.Pick("other/fruit", 2)
		w.Node("other", func(*sim.Node) {})
	}},
	{"a negative sleep", func(w *sim.World, n *sim.Node) { _ = w.Sleep(w.Context(), -time.Second) }},
	{"a negative timeout", func(w *sim.World, n *sim.Node) { _, _ = w.WithTimeout(w.Context(), -1) }},
	{"a negative timer", func(w *sim.World, n *sim.Node) { w.AfterFunc(-1, func() {}) }},
	{"a negative time limit", func(w *sim.World, n *sim.Node) { _ = w.Timeout(-1, nil) }},
	{"a negative pause", func(w *sim.World, n *sim.Node) { n.Pause(-1) }},
	{"a future of another world, awaited", func(w *sim.World, n *sim.Node) { _, _ = elsewhereMade.Await() }},
	{"a future of another world, among others", func(w *sim.World, n *sim.Node) {
		_, _ = sim.Gather(sim.NewFuture[int](w), elsewhereMade)
	}},
	{"a future of another world, resolved", func(w *sim.World, n *sim.Node) { elsewhereMade.Resolve(1) }},
	{"a task without a function", func(w *sim.World, n *sim.Node) { w.Go("x", nil) }},
	{"a result without a function", func(w *sim.World, n *sim.Node) { sim.Start[int](w, "x", nil) }},
	{"a timer without a function", func(w *sim.World, n *sim.Node) { w.CallAt(w.Now(), nil) }},
	{"a time limit without a function", func(w *sim.World, n *sim.Node) { _ = w.Timeout(1, nil) }},
	{"a call without a function", func(w *sim.World, n *sim.Node) { _ = n.Call(w.Context(), "x", nil) }},
	{"seam calls without functions", func(w *sim.World, n *sim.Node) {
		w.Fail("shown", "", strings.Join([]string{
			onNode(w, n, func() { n.Go("x", nil) }), onNode(w, n, func() { n.AfterFunc(1, nil) }),
			onNode(w, n, func() { n.Offload("x", "x", func(context.Context) {}, nil) }),
		}, " / "))
	}},
	{"a choice of nothing", func(w *sim.World, n *sim.Node) { w.Pick("who", 0) }},
	{"a label of the simulator", func(w *sim.World, n *sim.Node) { w.Pick("worker/crash/commit", 2) }},
	{"a go statement in a task", func(w *sim.World, n *sim.Node) {
		w.Fail("shown", "", elsewhere(func() { _ = w.Sleep(context.Background(), 0) }))
	}},
	{"a go statement in a node's task", func(w *sim.World, n *sim.Node) {
		_ = n.Call(w.Context(), "start", func(context.Context) error {
			w.Fail("shown", "", elsewhere(func() { n.Go("x", func(context.Context) {}) }))
			return nil
		})
	}},
	{"a Check in a Check", func(w *sim.World, n *sim.Node) {
		sim.Check(&spy{name: "TestInner"}, memory, func(*sim.World) {})
	}},
	{"a drawn world in a Check", func(w *sim.World, n *sim.Node) {
		sim.Draw(&spy{name: "TestInner"}, memory, func(string, int) int { return 0 }, func(*sim.World) {})
	}},
	{"a sweep in a Check", func(w *sim.World, n *sim.Node) {
		_, _ = sim.Sweep(memory, func(*sim.World) {})
	}},
}

// elsewhereMade is a future of a world that has ended.
var elsewhereMade *sim.Future[int]

// keepAcrossCrash keeps something of one incarnation in a variable, and uses it in the next one.
func keepAcrossCrash(make func(n *sim.Node) (use func())) func(*sim.World, *sim.Node) {
	return func(w *sim.World, n *sim.Node) {
		var use func()
		call := func(context.Context) error {
			if use == nil {
				use = make(n)
			}
			use()
			return nil
		}
		_ = n.Call(w.Context(), "keep", call)
		n.Crash()
		_ = n.Call(w.Context(), "use", call)
	}
}

// onNode calls f in a task of the node and returns what it panicked with.
func onNode(w *sim.World, n *sim.Node, f func()) (message string) {
	_ = n.Call(w.Context(), "misuse", func(context.Context) error {
		defer func() { message = fmt.Sprint(recover()) }()
		f()
		return nil
	})
	return message
}

// elsewhere calls f in a goroutine of its own and returns what it panicked with.
func elsewhere(f func()) (message string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { message = fmt.Sprint(recover()) }()
		f()
	}()
	<-done
	return message
}

// TestMisuse shows the message of every mistake that the simulator can see.
func TestMisuse(t *testing.T) {
	_, failure := sim.Run(memory, "", func(w *sim.World) { elsewhereMade = sim.NewFuture[int](w) })
	require.Nil(t, failure)
	var said strings.Builder
	for _, c := range mistakes {
		_, failure := sim.Run(memory, "", func(w *sim.World) {
			c.make(w, w.Node("worker", func(*sim.Node) {}))
		})
		require.NotNil(t, failure, c.name)
		fmt.Fprintf(&said, "%s\n    %s; %s\n", c.name, failure.Property, failure.Detail[0])
	}
	var escaped *sim.World
	_, failure = sim.Run(memory, "", func(w *sim.World) { escaped = w })
	require.Nil(t, failure)
	late := elsewhere(func() { escaped.Go("x", func(context.Context) {}) })
	fmt.Fprintf(&said, "a world that has ended\n    %s\n", late)
	golden.Assert(t, "misuse.txt", said.String())
}

// A mistake that shows in every run is no finding: the report has neither a seed nor a schedule. One that
// shows in some is: what leads to it matters.
func TestMisuseInEveryRunIsNoFinding(t *testing.T) {
	always := report(t, memory, func(w *sim.World) {
		w.Pick("fruit", 3)
		w.Go("x", nil)
	})
	require.Equal(t, "reprise: sim: World.Go got no function, but nil; give it what is to be done\n"+
		"    at shop_test.go:N", always)
	sometimes := report(t, memory, func(w *sim.World) {
		_ = w.Sleep(w.Context(), -time.Duration(w.Pick("jump", 3)))
	})
	require.Contains(t, sometimes, `panic: sim: World.Sleep got the negative duration -1ns; pass zero or more`)
	require.Contains(t, sometimes, "1 deviation from the FIFO, fault-free run")
}

// TestBadConfig shows the message of every Config that makes no sense.
func TestBadConfig(t *testing.T) {
	var said []string
	for _, cfg := range []sim.Config{
		{Runs: -1},
		{For: -1},
		{AtMost: -1},
		{Workers: -1},
		{MaxEvents: -1},
		{MaxSpin: -1},
		{MaxTime: -1},
		{ShrinkTime: -1},
		{SelfCheck: 2},
		{Explore: "luck"},
		{Explore: "pct:0"},
		{Shard: 3, Shards: 2},
		{Shard: -1},
	} {
		_, err := sim.Sweep(cfg, func(*sim.World) {})
		require.Error(t, err)
		said = append(said, err.Error())
	}
	golden.Assert(t, "config.txt", strings.Join(said, "\n")+"\n")
}
