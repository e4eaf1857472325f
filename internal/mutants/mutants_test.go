package main

import (
	"go/parser"
	"go/token"
	"os"
	"testing"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/mutants/prey"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// TestMutantsAreUpToDate: each still finds its pieces in the engine, changes something, and is Go. Whether it
// compiles and is killed, `make mutants` shows.
func TestMutantsAreUpToDate(t *testing.T) {
	root := os.DirFS("../..")
	all, err := load(root)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), 30)
	for _, m := range all {
		t.Run(m.name, func(t *testing.T) {
			read := func(file string) ([]byte, error) { return os.ReadFile("../../" + file) }
			changed, err := m.apply(read)
			require.NoError(t, err)
			for file, data := range changed {
				was, err := read(file)
				require.NoError(t, err)
				require.NotEqual(t, string(was), string(data))
				_, err = parser.ParseFile(token.NewFileSet(), file, data, 0)
				require.NoError(t, err)
			}
		})
	}
}

// TestPreyIsSound: on the engine as it is, every prey passes, on the in-memory disk and on Pebble.
func TestPreyIsSound(t *testing.T) {
	for _, p := range prey.All() {
		t.Run(p.Name, func(t *testing.T) {
			for i, disk := range []func() store.Disk{store.NewMemoryDisk, store.NewPebbleDisk} {
				cfg := sim.Config{Name: p.Name, Disk: disk, Runs: []int{60, 20}[i]}
				if p.Faults != "" {
					cfg.Faults = fault.MustParse(p.Faults)
				}
				r, err := sim.Sweep(cfg, p.Body)
				require.NoError(t, err)
				require.Nil(t, r.Failure, r.Report)
				require.Positive(t, r.Crashes)
			}
		})
	}
}

// TestStaleMutantSaysSo: a mutant whose piece is gone, or occurs twice, is no mutant.
func TestStaleMutantSaysSo(t *testing.T) {
	text := "family\nabout\n-- old a.go --\nx := 1\n-- new a.go --\nx := 2\n"
	m, err := parse("list/stale.txtar", []byte(text))
	require.NoError(t, err)
	for source, times := range map[string]string{"y := 1": "0 times", "x := 1\nx := 1": "2 times"} {
		_, err = m.apply(func(string) ([]byte, error) { return []byte(source), nil })
		require.ErrorContains(t, err, "mutant stale: a.go has "+times+", not once")
	}
	for _, bad := range []string{"", "family\n", "family\nabout\n", "family\nabout\n-- new a.go --\nx\n"} {
		_, err = parse("list/bad.txtar", []byte(bad))
		require.ErrorContains(t, err, "list/bad.txtar")
	}
}
