// Package plantedtest is for examples that carry a bug on purpose, to show what a report looks like.
//
// Such a bug lies in a test file, beside the one line that tests it:
//
//	func TestCarelessTransfer(t *testing.T) {
//		plantedtest.Found(t, properties.Body(bank(NewCarelessTransfer)))
//	}
//
// In a plain build the test passes when the bug is found and the example's README shows its report. Built
// with -tags planted it is what a user would see of such a bug: a test that fails with the report.
//
// # Limits
//
// What a page shows is compared but for numbers and the command that reproduces it, see golden.Report.
package plantedtest

import (
	"testing"
	"time"

	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// shown says that the bug's test is to fail, as that of any bug.
var shown = false

// Found is the whole test of a planted bug; properties.Body, ServiceBody and UpgradeBody make the body.
func Found(t *testing.T, body func(w *sim.World)) {
	t.Helper()
	cfg := sim.Config{Name: t.Name(), Runs: 2000, Disk: store.NewMemoryDisk}
	if shown {
		sim.Check(t, cfg, body)
		return
	}
	cfg.ShrinkTime = time.Hour // what is left must not depend on how fast a machine is
	r, err := sim.Sweep(cfg, body)
	require.NoError(t, err)
	require.NotNil(t, r.Failure, "not found: %s", r.Summary())
	golden.Report(t, "README.md", r.Report)
}
