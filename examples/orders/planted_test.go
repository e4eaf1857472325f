//go:build planted

package main

import (
	"testing"

	"github.com/reprise-dst/reprise/properties"
)

// TestHastyOrder fails, and is meant to: it shows the report of a planted bug (see NewHastyOrder).
//
//	go test -tags planted ./examples/orders -run TestHastyOrder
func TestHastyOrder(t *testing.T) {
	cfg := shop(NewHastyOrder)
	cfg.Sim.Runs = 5000
	properties.Check(t, cfg)
}
