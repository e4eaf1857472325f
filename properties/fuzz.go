package properties

import (
	"testing"

	"github.com/reprise-dst/reprise/sim"
)

// Fuzz is Check under Go's native fuzzing: the bytes of an input decide what the workflow starts with, what
// the world picks, the faults and the order of completions. A plain go test runs the corpus: the run without
// deviations, those of a few seeds, and what go test -fuzz has added to testdata/fuzz.
func Fuzz[In, Out any](f *testing.F, cfg Config[In, Out]) {
	f.Helper()
	refuse(f, cfg.wrong())
	sim.Fuzz(f, cfg.Sim, Body(cfg))
}
