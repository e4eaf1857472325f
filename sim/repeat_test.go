package sim_test

import (
	"testing"

	"github.com/reprise-dst/reprise/sim"
	"github.com/stretchr/testify/require"
)

// What a world was made with can be made once more.
func TestChoicesAreRepeated(t *testing.T) {
	r, err := sim.Sweep(sim.Config{Name: t.Name(), Runs: 50}, func(w *sim.World) {
		made := func() (picks []any) {
			for range 3 {
				picks = append(picks, w.Pick("size", 100), w.Chance("broken", 0.5))
			}
			w.Explain(func() []string { return nil })
			return append(picks, w.Dependency("bank"))
		}
		first := made()
		w.Repeat()
		require.Equal(w, first, made())
		w.Sometimes("a further choice is free", w.Pick("size", 100) != first[0])
		require.PanicsWithValue(w, `sim: World.Node got the name "bank", which is taken; give each thing its own name`,
			func() { w.Node("bank", func(*sim.Node) {}) })
	})
	require.NoError(t, err)
	require.Nil(t, r.Failure, r.Report)
	require.Empty(t, r.Unreached)
}

func TestCountsAreInTheSummary(t *testing.T) {
	r, err := sim.Sweep(sim.Config{Name: t.Name(), Runs: 700, NoFaults: true}, func(w *sim.World) {
		w.Count("orders shipped", 2)
		w.Count("orders lost", 0)
		w.Count("orders shipped", 1)
	})
	require.NoError(t, err)
	require.Contains(t, r.Summary(), " of virtual time; 0 orders lost; 2,100 orders shipped")
}
