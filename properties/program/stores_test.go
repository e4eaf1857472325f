package program_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// contents lists all that a store holds.
func contents(t require.TestingT, st store.Store) string {
	var b strings.Builder
	require.NoError(t, st.Scan(nil, nil, func(key, value []byte) bool {
		fmt.Fprintf(&b, "%q %x\n", key, value)
		return true
	}))
	return b.String()
}

// TestStoresAreAlike runs the same schedules on the in-memory store and on Pebble: all that is in the store
// at the end is the same, byte for byte, journals included, and so is what clients were told.
func TestStoresAreAlike(t *testing.T) {
	for seed := range uint64(60) {
		var held, told [2]string
		var results [2]sim.Result
		for side, open := range []func() store.Disk{store.NewMemoryDisk, store.NewPebbleDisk} {
			var disk store.Disk
			cfg := sim.Config{Name: t.Name(), Seed: 1 + seed, Runs: 1, Workers: 1, Disk: func() store.Disk {
				disk = open()
				return disk
			}}
			r, err := sim.Sweep(cfg, properties.Body(properties.Config[int, string]{
				Inputs: rapid.IntRange(0, 3), Runs: 2,
				World: func(w *sim.World) properties.World[int, string] {
					world := drawn(w)
					world.Holds = func(outcomes []properties.Outcome[int, string]) {
						told[side] = fmt.Sprintln(outcomes, w.Now())
					}
					return world
				},
			}))
			require.NoError(t, err)
			require.Nil(t, r.Failure, r.Report)
			st, err := disk.Open()
			require.NoError(t, err)
			results[side], held[side] = r, contents(t, st)
			require.NoError(t, st.Close())
		}
		require.NotEmpty(t, held[0])
		require.Equal(t, held[0], held[1], "seed %d", seed)
		require.Equal(t, told[0], told[1], "seed %d", seed)
		require.Equal(t, results[0].Crashes, results[1].Crashes)
		require.Equal(t, results[0].Events, results[1].Events)
		require.Equal(t, results[0].Virtual, results[1].Virtual)
	}
}
