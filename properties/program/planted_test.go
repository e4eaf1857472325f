package program_test

import (
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/properties/program"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// tried is a world that rapid has drawn: what it failed with, and the report.
type tried struct{ failed, report string }

func (v tried) GoString() string { return v.report }

// drawer is where a world reports to.
type drawer struct {
	*rapid.T
	tried
}

func (d *drawer) Log(args ...any)   { d.report = fmt.Sprint(args...) }
func (d *drawer) Fatal(args ...any) { d.failed = fmt.Sprint(args...) }

// worlds draws everything from rapid: the program, what it starts with, the faults and the order.
func worlds(
	cfg program.Config,
	world func(w *sim.World, p program.Program) properties.World[int, string],
) *rapid.Generator[tried] {
	programs := program.Programs(cfg)
	return rapid.Custom(func(t *rapid.T) tried {
		p := programs.Draw(t, "program")
		body := properties.Body(properties.Config[int, string]{
			Inputs: rapid.IntRange(0, 3), Runs: 2,
			World: func(w *sim.World) properties.World[int, string] { return world(w, p) },
		})
		d := &drawer{T: t}
		sim.Draw(d, sim.Config{Disk: store.NewMemoryDisk}, func(label string, n int) int {
			return rapid.IntRange(0, n-1).Draw(t, label)
		}, body)
		return d.tried
	})
}

// recorder is a test that may fail.
type recorder struct {
	*testing.T
	failed bool
	lines  []string
}

func (r *recorder) Errorf(string, ...any)   { r.failed = true }
func (r *recorder) Failed() bool            { return r.failed }
func (r *recorder) Fail()                   { r.failed = true }
func (r *recorder) FailNow()                { r.failed = true }
func (r *recorder) Fatal(...any)            { r.failed = true }
func (r *recorder) Fatalf(string, ...any)   { r.failed = true }
func (r *recorder) Logf(f string, a ...any) { r.lines = append(r.lines, fmt.Sprintf(f, a...)) }
func (r *recorder) Log(a ...any)            { r.lines = append(r.lines, fmt.Sprint(a...)) }

// shrunk is the report of the smallest world that fails.
func shrunk(t *testing.T, gen *rapid.Generator[tried]) string {
	t.Helper()
	flags := map[string]string{"rapid.seed": "1", "rapid.nofailfile": "true", "rapid.checks": "2000"}
	for name, value := range flags {
		old := flag.Lookup(name).Value.String()
		require.NoError(t, flag.Set(name, value))
		defer func() { require.NoError(t, flag.Set(name, old)) }()
	}
	r := &recorder{T: t}
	rapid.Check(r, func(rt *rapid.T) {
		if v := gen.Draw(rt, "world"); v.failed != "" {
			rt.Fatal(v.failed)
		}
	})
	require.True(t, r.failed, "not found")
	for _, line := range r.lines {
		if report, ok := strings.CutPrefix(line, "[rapid] draw world: "); ok {
			return report + "\n"
		}
	}
	t.Fatal("rapid printed no world:\n" + strings.Join(r.lines, "\n"))
	return ""
}

// report is the report of a sweep that must fail, up to the command, which depends on the seeds that are
// tried. The shrunk schedule has at most so many deviations.
func report(
	t *testing.T, deviations int, world func(*sim.World) properties.World[int, string],
) string {
	t.Helper()
	r := sweep(t, sim.Config{Runs: 5000}, world)
	require.NotNil(t, r.Failure, "not found")
	text, rest, _ := strings.Cut(r.Report, "\n    Reproduce:")
	require.LessOrEqual(t, strings.Count(rest, "\n      #"), deviations, r.Report)
	text = regexp.MustCompile(`planted_test\.go:\d+`).ReplaceAllString(text, "planted_test.go:LINE")
	return verdictAt.ReplaceAllString(text, "event #N") + "\n"
}

// verdictAt is where in the trace a property was seen not to hold.
var verdictAt = regexp.MustCompile(`event #\d+, \+\w+`)

// isPlain reports whether a verb is one of a few.
func isPlain(verb string) bool {
	return slices.Contains([]string{"step", "async", "race", "gather", "sleep", "version"}, verb)
}

// TestAWrongBeliefAboutRacesShrinks plants the belief that what lost a race has had no effect.
func TestAWrongBeliefAboutRacesShrinks(t *testing.T) {
	golden.Assert(t, "race.txt", report(t, 3, func(w *sim.World) properties.World[int, string] {
		p := program.Pick(program.Config{Depth: -1, Without: slices.DeleteFunc(program.Verbs(), isPlain)}, w.Pick)
		effects := map[string]bool{}
		world := playing(w, p, program.Outside{Did: func(s durable.StepInfo, _ int) {
			if s.Name == "work" {
				effects[s.IdempotencyKey()] = true
			}
		}})
		world.Holds = func(outcomes []properties.Outcome[int, string]) {
			raced, seen := 0, 0
			for _, o := range outcomes {
				seen += strings.Count(o.Result, "done") + strings.Count(o.Result, "odd")
				for line := range strings.Lines(o.Result) {
					if strings.HasPrefix(line, "0 done") {
						raced++
					}
				}
			}
			w.Always("an effect is seen", raced == 0 || len(effects) <= seen)
		}
		return world
	}))
}

// TestAStepThatCantBeRepeatedShrinks plants a step whose effect happens again with each attempt.
func TestAStepThatCantBeRepeatedShrinks(t *testing.T) {
	golden.Assert(t, "repeated.txt", report(t, 2, func(w *sim.World) properties.World[int, string] {
		effects := map[string]int{}
		return playing(w, program.Pick(program.Config{}, w.Pick), program.Outside{
			Did: func(s durable.StepInfo, _ int) {
				effects[s.IdempotencyKey()]++
				w.Always("a step has its effect once", effects[s.IdempotencyKey()] == 1, s.String())
			},
		})
	}))
}

// TestNamesFromProcessMemoryShrink plants names of steps that depend on what the process did before.
func TestNamesFromProcessMemoryShrink(t *testing.T) {
	cfg := program.Config{Length: 3, Depth: 1}
	spoiled := func(w *sim.World, p program.Program) properties.World[int, string] {
		world := playing(w, p, program.Outside{})
		world.Boot = func() *durable.Workflow[int, string] {
			calls := 0
			out := program.Outside{Sleep: w.Sleep}
			out.SpoilNames(func(step string) string {
				calls++
				if calls <= 2 {
					return step
				}
				return fmt.Sprint(step, calls)
			})
			main, _, _ := p.Workflow(out)
			return main
		}
		return world
	}
	text := shrunk(t, worlds(cfg, spoiled))
	golden.Assert(t, "names.txt", regexp.MustCompile(`verbs\.go:\d+`).ReplaceAllString(text, "verbs.go:LINE"))
}

// TestProgramsFromRapidSurvive is TestProgramsSurvive with everything drawn from rapid.
func TestProgramsFromRapidSurvive(t *testing.T) {
	gen := worlds(program.Config{}, func(w *sim.World, p program.Program) properties.World[int, string] {
		return playing(w, p, program.Outside{})
	})
	rapid.Check(t, func(rt *rapid.T) {
		if v := gen.Draw(rt, "world"); v.failed != "" {
			rt.Fatal(v.failed)
		}
	})
}
