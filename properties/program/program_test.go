package program_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/properties/program"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// playing is the world of a program.
func playing(w *sim.World, p program.Program, out program.Outside) properties.World[int, string] {
	world := p.World(w, out)
	world.Holds = func(outcomes []properties.Outcome[int, string]) { holds(w, p, outcomes) }
	return world
}

// holds compares the results with what is known of every run of the program.
func holds(w *sim.World, p program.Program, outcomes []properties.Outcome[int, string]) {
	var counts []string
	for _, o := range outcomes {
		if o.Err == nil {
			if missing := p.Missing(o.Input, o.Result); missing != "" {
				w.Fail("the result is one that the program can have", o.ID, "it lacks "+missing+" in",
					o.Result)
			}
		}
		for line := range strings.Lines(o.Result) {
			if strings.HasPrefix(line, "count ") {
				counts = append(counts, strings.Fields(line)[1])
			}
		}
	}
	if p.Uses("child", "queued") { // whose results are in the parent's log, as often as it awaits them
		return
	}
	slices.Sort(counts)
	if len(slices.Compact(slices.Clone(counts))) != len(counts) {
		w.Fail("a transaction takes effect exactly once", "the counter", counts...)
	}
}

// drawn plays a program that the world picks.
func drawn(w *sim.World) properties.World[int, string] {
	return playing(w, program.Pick(program.Config{}, w.Pick), program.Outside{})
}

func sweep(t *testing.T, cfg sim.Config, world func(*sim.World) properties.World[int, string]) sim.Result {
	t.Helper()
	cfg.Name, cfg.ShrinkTime = t.Name(), time.Hour // what is left must not depend on how fast a machine is
	if cfg.Disk == nil {
		cfg.Disk = store.NewMemoryDisk
	}
	r, err := sim.Sweep(cfg, properties.Body(properties.Config[int, string]{
		Inputs: rapid.IntRange(0, 3), World: world, Runs: 2,
	}))
	require.NoError(t, err)
	return r
}

// try is sweep for tests that -sim.runs and the other flags make longer.
func try(t *testing.T, cfg sim.Config, world func(*sim.World) properties.World[int, string]) {
	t.Helper()
	properties.Check(t, properties.Config[int, string]{
		Inputs: rapid.IntRange(0, 3), World: world, Runs: 2, FaultFree: true, Sim: cfg,
	})
}

// TestProgramsSurvive runs generated programs through crashes and every order of completions. What a program
// saw, in order, is its result, so the oracles compare it word by word.
func TestProgramsSurvive(t *testing.T) {
	try(t, sim.Config{Runs: 1500, Disk: store.NewMemoryDisk}, drawn)
}

func TestProgramsSurviveOnPebble(t *testing.T) {
	try(t, sim.Config{Runs: 100, Flushes: true}, drawn)
}

// TestProgramsEndInTime looks for wake-ups that are lost: only a fault may hold a program up.
func TestProgramsEndInTime(t *testing.T) {
	try(t, sim.Config{
		Runs: 700, Disk: store.NewMemoryDisk, NoFaults: true,
	}, func(w *sim.World) properties.World[int, string] {
		world, began := drawn(w), w.Now()
		also := world.Holds
		world.Holds = func(outcomes []properties.Outcome[int, string]) {
			also(outcomes)
			if took := w.Now().Sub(began); took > time.Hour {
				w.Fail("every program ends in time", "program", took.String())
			}
		}
		return world
	})
}

// TestProgramsUpgradeToThemselves sees that CheckUpgrade finds nothing where nothing has changed.
func TestProgramsUpgradeToThemselves(t *testing.T) {
	properties.CheckUpgrade(t, properties.Config[int, string]{
		Inputs: rapid.IntRange(0, 3), Runs: 2, Sim: sim.Config{Runs: 500, Disk: store.NewMemoryDisk},
		World: func(w *sim.World) properties.World[int, string] {
			world := drawn(w)
			world.Old = world.Boot
			return world
		},
	})
}
