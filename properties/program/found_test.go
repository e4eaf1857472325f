package program_test

import (
	"testing"

	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/properties/program"
	"github.com/reprise-dst/reprise/sim"
	"github.com/stretchr/testify/require"
)

// TestFoundPrograms runs programs that showed faults of the engine, as they were shrunk.
func TestFoundPrograms(t *testing.T) {
	for name, p := range map[string]program.Program{
		// The branch relied on the deadline around it, of which Shield then deprived it.
		"a shielded branch keeps its deadlines": {{Verb: "timeout", N: 1, Body: program.Program{
			{Verb: "go", Body: program.Program{{Verb: "recv", N: 1}}},
			{Verb: "step"},
			{Verb: "shield"},
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := sweep(t, sim.Config{Runs: 100}, func(w *sim.World) properties.World[int, string] {
				return playing(w, p, program.Outside{})
			})
			require.Nil(t, r.Failure, r.Report)
		})
	}
}
