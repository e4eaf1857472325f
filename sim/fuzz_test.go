package sim_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/sim"
)

// FuzzBusy has a world that nothing breaks; its corpus runs with every go test.
func FuzzBusy(f *testing.F) { sim.Fuzz(f, everyFault, busy) }

// TestDrawFromRapid lets rapid draw a value and all choices of a world, and find the least of both.
func TestDrawFromRapid(t *testing.T) {
	ownModule(t)
	said := failing(t, func(rt *rapid.T) {
		items := rapid.IntRange(0, 9).Draw(rt, "items")
		cfg := memory
		cfg.NoFaults = true
		sim.Draw(rt, cfg, func(label string, n int) int {
			return rapid.IntRange(0, n-1).Draw(rt, label)
		}, func(w *sim.World) {
			for range items {
				w.Always("nothing costs 7 or more", w.Pick("price", 10) < 7)
			}
		})
	})
	require.Contains(t, said, `"nothing costs 7 or more" does not hold`)
	require.Contains(t, said, "draw items: 1\n")
	require.Equal(t, 1, strings.Count(said, "draw price: "))
	require.Regexp(t, "draw price: [789]$", said)
}

// failing runs a rapid property that must fail, and returns what it says about the least case.
func failing(t *testing.T, property func(rt *rapid.T)) string {
	t.Helper()
	r := &recordingTB{TB: t}
	func() {
		defer func() { _ = recover() }()
		rapid.Check(r, property)
	}()
	return strings.Join(r.log, "\n")
}

// recordingTB keeps what a test says instead of failing.
type recordingTB struct {
	testing.TB
	log []string
}

func (r *recordingTB) Helper()      {}
func (r *recordingTB) Name() string { return "TestInner" }
func (r *recordingTB) Failed() bool { return false }
func (r *recordingTB) Fail()        {}
func (r *recordingTB) Logf(format string, args ...any) {
	r.log = append(r.log, fmt.Sprintf(format, args...))
}
func (r *recordingTB) Errorf(format string, args ...any) { r.Logf(format, args...) }
func (r *recordingTB) Fatalf(format string, args ...any) { r.Logf(format, args...); r.FailNow() }
func (r *recordingTB) FailNow()                          { panic(errStopped) }

// TestLogger shows that records of slog become events.
func TestLogger(t *testing.T) {
	trace, failure := sim.Run(memory, "", func(w *sim.World) {
		log := w.Logger()
		w.Node("worker", func(*sim.Node) {
			log.With("run", "o-1").WithGroup("step").Info("begins", "name", "charge", slog.Group("at", "try", 1))
		})
		_ = w.Sleep(w.Context(), time.Second)
		log.WarnContext(context.Background(), "late", "why", "no reason", "empty", "")
	})
	require.Nil(t, failure, trace)
	golden.Assert(t, "trace/slog.txt", trace)

	ownModule(t)
	t.Setenv("REPRISE_TRACE", "json")
	t.Setenv("REPRISE_SEED", "1")
	out, failed := spied(t, "TestShop", memory, func(w *sim.World) { w.Logger().Info("begins") })
	require.False(t, failed, out)
	require.Contains(t, out, `{"event":1,"at_ns":0,"task":"main","text":"INFO begins"}`)
}

// TestProgress is told how a long sweep gets on.
func TestProgress(t *testing.T) {
	cfg := memory
	cfg.For = 100 * time.Millisecond
	sim.TellProgressEvery(t, 10*time.Millisecond)
	var said []sim.Result
	cfg.Progress = func(r sim.Result) { said = append(said, r) }
	r, err := sim.Sweep(cfg, busy)
	require.NoError(t, err)
	require.NotEmpty(t, said)
	require.Greater(t, said[0].Runs, 0)
	require.Greater(t, r.Runs, said[0].Runs)
	require.GreaterOrEqual(t, r.Elapsed, cfg.For)
}

// TestStall: a world that computes for long is not silent, and others are.
func TestStall(t *testing.T) {
	var told atomic.Int64
	cfg := sim.Stalled(t, memory, 50*time.Millisecond, func() { told.Add(1) })
	cfg.Runs = 1
	_, err := sim.Sweep(cfg, func(*sim.World) {
		for told.Load() == 0 {
		}
	})
	require.NoError(t, err)
	require.EqualValues(t, 1, told.Load())
}

// TestDrawAsks looks at what is drawn for a choice with a rate, and lets draw panic.
func TestDrawAsks(t *testing.T) {
	asked := map[string]int{}
	cfg := memory
	cfg.Faults = fault.MustParse("crash 2%")
	body := func(w *sim.World) {
		n := w.Node("worker", func(n *sim.Node) { n.Go("order", func(context.Context) {}) })
		w.Eventually("the node is up", time.Minute, n.Up)
	}
	sim.Draw(t, cfg, func(label string, n int) int {
		asked[label] = n
		return 0
	}, body)
	require.Equal(t, map[string]int{"worker/crash/spawn?": 50}, asked, "a rare fault is one case in 50")

	require.PanicsWithValue(t, "no more", func() {
		sim.Draw(t, cfg, func(string, int) int { panic("no more") }, body)
	})
}
