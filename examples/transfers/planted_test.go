//go:build planted

package main

import (
	"testing"

	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// TestCarelessTransfer fails, and is meant to: it shows the report of a planted bug.
// See NewCarelessTransfer.
//
//	go test -tags planted ./examples/transfers -run TestCarelessTransfer
func TestCarelessTransfer(t *testing.T) {
	cfg := bank(NewCarelessTransfer)
	cfg.Sim = sim.Config{Runs: 1000, Disk: store.NewMemoryDisk}
	properties.Check(t, cfg)
}
