//go:build planted

package main

import (
	"testing"

	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// TestSpendthrift fails, and is meant to: it shows the report of a planted bug. See NewSpendthrift.
//
//	go test -tags planted ./examples/agent -run TestSpendthrift
func TestSpendthrift(t *testing.T) {
	cfg := desk(NewSpendthrift)
	cfg.Sim = sim.Config{Runs: 1000, Disk: store.NewMemoryDisk}
	properties.Check(t, cfg)
}
