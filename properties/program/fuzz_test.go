package program_test

import (
	"testing"

	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"pgregory.net/rapid"
)

// FuzzPrograms lets the bytes decide the program, its inputs, the faults and the order of completions.
func FuzzPrograms(f *testing.F) {
	properties.Fuzz(f, properties.Config[int, string]{
		Inputs: rapid.IntRange(0, 3), World: drawn, Runs: 2, Sim: sim.Config{Disk: store.NewMemoryDisk},
	})
}
