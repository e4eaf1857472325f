package program_test

import (
	"testing"

	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/properties/program"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestMostProgramsAreCompared sees that the oracle for results without faults is not blind: most runs of
// programs with a child, messages and an update can have the same order without faults.
func TestMostProgramsAreCompared(t *testing.T) {
	cfg := sim.Config{Name: t.Name(), Runs: 300, Disk: store.NewMemoryDisk}
	r, err := sim.Sweep(cfg, properties.Body(properties.Config[int, string]{
		Inputs: rapid.IntRange(0, 3), Runs: 2, FaultFree: true,
		World: func(w *sim.World) properties.World[int, string] {
			letters := program.Program{{Verb: "letter", N: 1}, {Verb: "letter", N: 2}, {Verb: "ask"}}
			p := program.Program{
				{Verb: "child", N: w.Pick("policy", 3), Body: program.Pick(program.Config{}, w.Pick)},
				{Verb: "go", Body: letters},
				{Verb: "receive", N: 3},
				{Verb: "handle", Body: letters},
			}
			return playing(w, p, program.Outside{})
		},
	}))
	require.NoError(t, err)
	require.Nil(t, r.Failure, r.Report)
	t.Log(r.Summary())
	require.Greater(t, r.Counts[0].Count, 2*r.Counts[1].Count, "compared, and left out")
}
