//go:build !race

package sim_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// TestWorldsMakeLittleGarbage bounds what worlds allocate, which is what keeps two cores from being twice as
// fast as one. It does not run under the race detector, which allocates too.
func TestWorldsMakeLittleGarbage(t *testing.T) {
	const worlds = 300
	cfg := sim.Config{Name: "bench", Runs: worlds, Disk: store.NewMemoryDisk, Workers: 1}
	sweep := func() (bytes, objects uint64) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := sim.Sweep(cfg, fiveSteps)
		runtime.ReadMemStats(&after)
		require.NoError(t, err)
		return (after.TotalAlloc - before.TotalAlloc) / worlds, (after.Mallocs - before.Mallocs) / worlds
	}
	sweep() // makes what all sweeps share
	bytes, objects := sweep()
	t.Logf("%d bytes, %d objects each", bytes, objects)
	require.Less(t, bytes, uint64(19_000))
	require.Less(t, objects, uint64(260))
}
