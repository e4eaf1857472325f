package sim_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// A sweep runs one body in many worlds. This one passes.
func ExampleSweep() {
	result, err := sim.Sweep(sim.Config{Runs: 500, Disk: store.NewMemoryDisk}, func(w *sim.World) {
		n := w.Node("greeter", func(n *sim.Node) {})
		err := n.Call(w.Context(), "greet", func(context.Context) error { return nil })
		w.Sometimes("the greeter crashes before it answers", err != nil)
	})
	fmt.Println(err, result.Failure, result.Runs, "runs")
	fmt.Println(len(result.Unreached), "things never reached")
	// Output:
	// <nil> <nil> 500 runs
	// 0 things never reached
}

// A counter answers before it has committed. The report names the crash that shows it.
func ExampleSweep_failing() {
	result, _ := sim.Sweep(sim.Config{Name: "TestCounter", Disk: store.NewMemoryDisk}, func(w *sim.World) {
		var value int
		n := w.Node("counter", func(n *sim.Node) {
			_, stored, _ := n.Store().Get([]byte("one"))
			value = 0
			if stored {
				value = 1
			}
		})
		answered := n.Call(w.Context(), "count", func(context.Context) error {
			value++
			n.Go("write behind", func(context.Context) {
				var b store.Batch
				b.Set([]byte("one"), nil)
				_ = n.Store().Commit(&b)
			})
			return nil
		}) == nil
		_ = w.Sleep(w.Context(), time.Second)
		_ = n.Call(w.Context(), "read", func(context.Context) error {
			if answered {
				w.Always("no answered count is lost", value == 1)
			}
			return nil
		})
	})
	fmt.Println(result.Failure.Property)
	deviations := strings.SplitAfter(result.Report, "fault-free run")[1]
	fmt.Println(strings.Split(deviations, "\n")[1])
	// Output:
	// no answered count is lost
	//       #5  +0s  counter  CRASH before commit 1
}

// Time is virtual: it moves only when no task can run.
func ExampleWorld_Sleep() {
	_, _ = sim.Sweep(sim.Config{Runs: 1}, func(w *sim.World) {
		_ = w.Sleep(w.Context(), 365*24*time.Hour)
		fmt.Println(w.Now().Format(time.DateOnly))
	})
	// Output:
	// 2027-01-01
}

// Tasks start in the order in which they were created, and not before their creator waits.
func ExampleWorld_Go() {
	_, _ = sim.Sweep(sim.Config{Runs: 1}, func(w *sim.World) {
		for _, name := range []string{"first", "second"} {
			w.Go(name, func(ctx context.Context) { fmt.Println(name) })
		}
		fmt.Println("creator")
		_ = w.Sleep(w.Context(), 0)
	})
	// Output:
	// creator
	// first
	// second
}

// Pick is a choice of the test's own. Strategies decide it, reports name it, shrinking turns it to 0.
func ExampleWorld_Pick() {
	seen := map[string]int{}
	_, _ = sim.Sweep(sim.Config{Runs: 100, Workers: 1}, func(w *sim.World) {
		fruit := []string{"apple", "pear", "plum"}
		seen[fruit[w.Pick("fruit", len(fruit))]]++
	})
	fmt.Println(len(seen), "kinds of fruit")
	// Output:
	// 3 kinds of fruit
}

// The strategy deviations:1 tries every schedule that deviates at most once from the dullest run.
func ExampleConfig() {
	result, _ := sim.Sweep(sim.Config{
		Runs:    1000,
		Explore: "deviations:1",
		Disk:    store.NewMemoryDisk,
		Faults:  fault.MustParse("crash 1% max 1"),
	}, func(w *sim.World) {
		n := w.Node("worker", func(n *sim.Node) { n.Store() })
		for _, key := range []string{"a", "b"} {
			_ = n.Call(w.Context(), "set "+key, func(context.Context) error {
				var b store.Batch
				b.Set([]byte(key), nil)
				return n.Store().Commit(&b)
			})
		}
	})
	fmt.Println(result.Failure == nil, result.Crashes, "crashes")
	fmt.Println(result.Coverage)
	// Output:
	// true 6 crashes
	// deviations:1: all 7 schedules within 1 deviation
}

// A disk rots while its node is down. The node is lost; the world goes on without it.
func ExampleNode_OnDamage() {
	cfg := sim.Config{Runs: 200, Disk: store.NewMemoryDisk, Faults: fault.MustParse("bit-rot 50%")}
	result, err := sim.Sweep(cfg, func(w *sim.World) {
		n := w.Node("archive", func(n *sim.Node) {
			var b store.Batch
			b.RequireAbsent([]byte("order"))
			b.Set([]byte("order"), []byte("paid"))
			_ = n.Store().Commit(&b)
		})
		lost := false
		n.OnDamage(func(err error) { lost = true })
		_ = w.Sleep(w.Context(), time.Second)
		n.Restart()
		_ = w.Sleep(w.Context(), time.Second)
		w.Always("a node is up, or known to be lost", n.Up() != lost)
	})
	fmt.Println(err, result.Failure, result.Faults[0].Fired > 0)
	// Output: <nil> <nil> true
}
