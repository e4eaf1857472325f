package kernels_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/properties/kernels"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

const (
	most  = 1000 // worlds until a sweep gives up
	tries = 5    // sweeps for each entry, of which the table gives the median
)

// strategies are the columns of the table. The first is the default.
var strategies = []string{"random", "uniform", "pct:3", "deviations:2", "portfolio"}

func TestKernelsAreDescribed(t *testing.T) {
	all := kernels.All()
	require.GreaterOrEqual(t, len(all), 30)
	names := map[string]bool{}
	for _, k := range all {
		require.False(t, names[k.Name], "two kernels are called %q", k.Name)
		names[k.Name] = true
		for _, text := range []string{k.Name, k.Family, k.Needs, k.Property} {
			require.NotEmpty(t, text, k.Name)
			require.NotContains(t, text, "|", "the table can't show it")
		}
		require.Greater(t, len(k.About), 100, k.Name)
	}
}

// TestFixed: the bug, and nothing else, makes the worlds of a kernel fail. make kernels runs 10,000 seeds.
func TestFixed(t *testing.T) {
	for _, k := range kernels.All() {
		t.Run(k.Name, func(t *testing.T) {
			sim.Check(t, sim.Config{Runs: 200, Disk: store.NewMemoryDisk}, k.Fixed())
		})
	}
}

// TestDullRunPasses: no kernel fails where nothing goes wrong.
func TestDullRunPasses(t *testing.T) {
	for _, k := range kernels.All() {
		r := sweep(t, k, "fifo", 0, -1)
		require.Nil(t, r.Failure, "%s: %s", k.Name, r.Report)
	}
}

// sweep looks for the bug. Seed 0 is the default.
func sweep(t *testing.T, k kernels.Kernel, strategy string, seed uint64, shrinkRuns int) sim.Result {
	t.Helper()
	r, err := sim.Sweep(sim.Config{
		Name: k.Name, Explore: strategy, Seed: seed, Runs: most, Disk: store.NewMemoryDisk,
		ShrinkRuns: shrinkRuns, ShrinkTime: time.Hour,
	}, k.Buggy())
	require.NoError(t, err)
	if r.Failure != nil {
		require.Equal(t, k.Property, r.Failure.Property, "%s fails otherwise: %s", k.Name, r.Report)
	}
	return r
}

// firstFailure is the median of the number of worlds that sweeps run until one fails.
func firstFailure(t *testing.T, k kernels.Kernel, strategy string) string {
	t.Helper()
	var runs []int
	for try := range tries {
		r := sweep(t, k, strategy, uint64(1000*try), -1)
		if r.Failure == nil {
			require.False(t, try == 0 && strategy == strategies[0], "%s is not found", k.Name)
			r.Runs = most + 1
		}
		runs = append(runs, r.Runs)
	}
	slices.Sort(runs)
	if m := runs[tries/2]; m <= most {
		return fmt.Sprint(m)
	}
	return fmt.Sprintf("> %d", most)
}

const page = `# Bug kernels, and how soon they are found

Package properties/kernels holds small workflows and services, each with one bug of a kind that real durable systems
have had, and a twin in which it is mended. This page says how many worlds each strategy runs until it finds the
bug: the median of five sweeps, each from seeds of its own, with default settings, on the in-memory disk. The last
column is how many deviations from the FIFO, fault-free run are left after shrinking. Every twin passes 10,000
seeds. All of it is a function of the seeds, so a test compares this page with what the code gives, and writes it:

    go test ./properties/kernels -run TestBuggy -update
    make kernels    # also runs 10,000 seeds of each twin

- **random** (the default) draws rates and mixes anew for each seed, so that some seeds crash a lot and some not at
  all. It is a good first choice for everything.
- **uniform** takes every answer with the same probability within the plan's rates.
- **pct:d** gives priorities to what is pending and changes them d-1 times: it prints a lower bound on the
  probability that one run finds a bug that needs d steps in a certain order.
- **deviations:k** runs every schedule with at most k deviations, smallest first, and prints what it has covered. It
  finds what is shallow at once, misses what is deep, and is the one that can say "there is none".
- **portfolio** takes turns.

`

const file = "../../docs/KERNELS.md"

// TestBuggy finds every bug at default settings, and compares docs/KERNELS.md with what the sweeps give.
func TestBuggy(t *testing.T) {
	var table strings.Builder
	table.WriteString(page)
	fmt.Fprintf(&table, "| family | kernel | needs | %s | deviations left |\n", strings.Join(strategies, " | "))
	table.WriteString("|---|---|---|" + strings.Repeat("---:|", len(strategies)+1) + "\n")
	var sizes []int
	for _, k := range kernels.All() {
		fmt.Fprintf(&table, "| %s | %s | %s |", k.Family, k.Name, k.Needs)
		for _, strategy := range strategies {
			fmt.Fprintf(&table, " %s |", firstFailure(t, k, strategy))
		}
		r := sweep(t, k, strategies[0], 0, 0)
		require.Positive(t, r.Deviations, r.Report)
		sizes = append(sizes, r.Deviations)
		fmt.Fprintf(&table, " %d |\n", r.Deviations)
	}
	slices.Sort(sizes)
	require.LessOrEqual(t, sizes[len(sizes)/2], 3, "the median of the shrunk schedules")
	if golden.Updating() {
		require.NoError(t, os.WriteFile(file, []byte(table.String()), 0o644))
	}
	committed, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(committed), table.String(), "run the test with -update, and read git diff")
}
