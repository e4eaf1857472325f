package main

import (
	"testing"

	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// TestTheHastyOrderIsFound: the planted bug shows when crashes and completion orders come together, with a
// short schedule, and never without crashes.
func TestTheHastyOrderIsFound(t *testing.T) {
	cfg := shop(NewHastyOrder)
	opt := sim.Config{Name: "TestHastyOrder", Runs: 2000, Disk: store.NewMemoryDisk}
	r, err := sim.Sweep(opt, properties.Body(cfg))
	require.NoError(t, err)
	require.NotNil(t, r.Failure, "not found: %s", r.Summary())
	require.Equal(t, "every order is shipped or compensated", r.Failure.Property)
	golden.Report(t, "README.md", r.Report)

	opt.NoFaults = true
	r, err = sim.Sweep(opt, properties.Body(cfg))
	require.NoError(t, err)
	require.Nil(t, r.Failure, "it should take a crash: %s", r.Report)
}
