//go:build planted

package main

import (
	"testing"

	"github.com/reprise-dst/reprise/properties"
)

// TestHoarder fails, and is meant to: it shows the report of a planted bug (see NewHoarder).
//
//	go test -tags planted ./examples/crawler -run TestHoarder
func TestHoarder(t *testing.T) {
	cfg := web(NewHoarder)
	cfg.Sim.Runs = 1000
	properties.Check(t, cfg)
}
