package main

import (
	"testing"

	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// numbered is the check of NewNumbered.
func numbered() properties.Config[Trip, string] {
	return properties.Config[Trip, string]{
		Inputs: rapid.Make[Trip](),
		World: func(*sim.World) properties.World[Trip, string] {
			return properties.World[Trip, string]{Boot: NewNumbered}
		},
	}
}

// TestNumberedIsFound: the second run, or one that a new process replays, gets another number.
func TestNumberedIsFound(t *testing.T) {
	cfg := sim.Config{Name: "TestNumbered", Runs: 1000, Disk: store.NewMemoryDisk}
	r, err := sim.Sweep(cfg, properties.Body(numbered()))
	require.NoError(t, err)
	require.NotNil(t, r.Failure, "not found: %s", r.Summary())
	golden.Report(t, "README.md", r.Report)
}
