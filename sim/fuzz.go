package sim

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/explore"
)

// corpus is how many seeds a fuzzing corpus begins with.
const corpus = 8

// Fuzz runs the body under Go's native fuzzing: the choices of a world are the bytes of an input, and the
// empty input is the run without deviations. A plain go test runs the corpus, after the saved schedules as in
// Check. It begins with the runs of a few seeds, and with what go test -fuzz has added to testdata/fuzz. Of
// the flags that choose runs, -sim.schedule alone has an effect.
func Fuzz(f *testing.F, cfg Config, body func(w *World)) {
	f.Helper()
	refuseNested("Fuzz")
	c := configured(f, cfg)
	if c.schedule != "" {
		checkSchedule(f, &c, body)
		f.Skip("no other input was run") //tidy:skip the flag asks for the schedule alone
	}
	checkSaved(f, &c, body)
	if fuzzing := flag.Lookup("test.fuzzworker"); fuzzing != nil && fuzzing.Value.String() == "true" {
		c.Dir = "" // Go keeps the input, once it has made it smaller
	}
	f.Add([]byte(nil))
	for i := range corpus {
		w := newWorld(&c, 0, explore.Swarm(choice.NewStream(baseSeed(c.Name), "corpus").At(i)), false)
		performAlone(w, body)
		if !w.hangs {
			f.Add(explore.Encode(w.list.Choices()))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if out := once(&c, explore.Bytes(data), body); out != nil {
			out.input = inputName(t.Name(), data)
			t.Fatal(out.String())
		}
	})
}

// inputName is the name by which go test -run knows an input. One that fuzzing has just made does not have it
// yet: Go names the file that it will be in after the file's hash.
func inputName(test string, data []byte) string {
	if strings.Contains(test, "/") {
		return test
	}
	file := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", data)
	return fmt.Sprintf("%s/%x", test, sha256.Sum256([]byte(file)))[:len(test)+1+16]
}

// Drawer is what Draw needs of a test: *testing.T and *rapid.T are drawers.
type Drawer interface {
	// Helper says that the line of the caller counts.
	Helper()
	// Log keeps the report of a failure.
	Log(args ...any)
	// Fatal ends the test as failed. Its message is the same for each failure of one property, so that who
	// draws can tell whether a smaller case fails in the same way.
	Fatal(args ...any)
}

// Draw runs one world whose choices come from draw, which answers 0 to n-1 for a label. With rapid, a world
// becomes a part of a property, and values, faults and order shrink together:
//
//	rapid.Check(t, func(rt *rapid.T) {
//		order := orders.Draw(rt, "order")
//		sim.Draw(rt, cfg, func(label string, n int) int {
//			return rapid.IntRange(0, n-1).Draw(rt, label)
//		}, func(w *sim.World) { … })
//	})
//
// A panic of draw ends the world and goes on in the caller, as rapid needs it.
func Draw(t Drawer, cfg Config, draw func(label string, n int) int, body func(w *World)) {
	t.Helper()
	refuseNested("Draw")
	c, err := cfg.resolved()
	if err != nil {
		t.Fatal(err)
	}
	c.ShrinkRuns = -1 // who draws, shrinks
	d := &drawn{draw: draw}
	out := once(&c, d, body)
	if d.panicked != nil {
		panic(d.panicked)
	}
	if out != nil {
		t.Log(out.String())
		t.Fatal(fmt.Sprintf("reprise: %q does not hold", out.failure.Property))
	}
}

// once runs one world and reports its failure; nil when it passes.
func once(c *Config, source choice.Source, body func(*World)) *report {
	w := newWorld(c, 0, source, true)
	performAlone(w, body)
	if d, ok := source.(*drawn); ok && d.panicked != nil || w.failure == nil {
		return nil
	}
	v := &investigation{cfg: c, body: body, expired: deadline(c.ShrinkTime), finding: &finding{
		failure: w.failure, hash: w.trace.hash, devs: w.list.Deviations(), blocked: w.hangs,
	}}
	return v.investigate()
}

// drawn is the source of answers that someone draws.
type drawn struct {
	draw     func(label string, n int) int
	panicked any // what draw panicked with; from then on all answers are 0
}

// Answer draws twice for a choice with a rate: whether to deviate, and how.
func (d *drawn) Answer(q choice.Query) (answer int) {
	if d.panicked != nil {
		return 0
	}
	defer func() { d.panicked = recover() }()
	if q.Rate == 0 {
		return d.draw(q.Label, q.N)
	}
	if q.Rate < 0 {
		return 0
	}
	oneIn := int(math.Ceil(1 / q.Rate))
	if oneIn > 1 && d.draw(q.Label+"?", oneIn) != oneIn-1 {
		return 0
	}
	if q.N == 2 {
		return 1
	}
	return 1 + d.draw(q.Label, q.N-1)
}
