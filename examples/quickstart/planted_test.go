//go:build planted

package main

import (
	"testing"

	"github.com/reprise-dst/reprise/properties"
)

// TestNumbered fails, and is meant to: it shows the report of a planted bug (see NewNumbered).
//
//	go test -tags planted ./examples/quickstart -run TestNumbered
func TestNumbered(t *testing.T) {
	cfg := numbered()
	cfg.Sim.Runs = 1000
	properties.Check(t, cfg)
}
