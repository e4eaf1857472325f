//go:build planted

package main

import (
	"testing"

	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// TestForgetfulApproval fails, and is meant to: it shows the report of a planted bug. See
// NewForgetfulApproval.
//
//	go test -tags planted ./examples/approval -run TestForgetfulApproval
func TestForgetfulApproval(t *testing.T) {
	service := office(NewForgetfulApproval)
	service.Sim = sim.Config{Runs: 1000, Disk: store.NewMemoryDisk}
	properties.CheckService(t, service)
}
