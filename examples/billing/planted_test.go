//go:build planted

package main

import (
	"testing"

	"github.com/reprise-dst/reprise/properties"
)

// TestDrifter fails, and is meant to: it shows the report of a planted bug (see NewDrifter).
//
//	go test -tags planted ./examples/billing -run TestDrifter
func TestDrifter(t *testing.T) {
	cfg := anyYear(NewDrifter)
	cfg.Sim.Runs = 1000
	properties.Check(t, cfg)
}
