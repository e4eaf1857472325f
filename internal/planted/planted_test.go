package planted_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/internal/planted"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// strategies are the columns of the table.
var strategies = []string{"random", "uniform", "pct:2", "pct:3", "deviations:2", "portfolio"}

const (
	most  = 2000 // worlds until a sweep gives up
	tries = 5    // sweeps for each entry, of which the table gives the median
)

func sweep(t *testing.T, b planted.Bug, strategy string, seed uint64, runs int, mended bool) sim.Result {
	t.Helper()
	r, err := sim.Sweep(sim.Config{
		Name: b.Name, Explore: strategy, Seed: seed, Runs: runs, Faults: b.Plan, Disk: store.NewMemoryDisk,
		SelfCheck: -1, MaxEvents: 10_000, ShrinkTime: time.Hour,
	}, func(w *sim.World) { b.Body(w, mended) })
	require.NoError(t, err)
	return r
}

// TestMended: what the bugs are, and nothing else, makes the worlds fail.
func TestMended(t *testing.T) {
	for _, b := range planted.Bugs() {
		t.Run(b.Name, func(t *testing.T) {
			for _, strategy := range []string{"random", "deviations:2"} {
				r := sweep(t, b, strategy, 1, most, true)
				require.Nil(t, r.Failure, r.Report)
			}
		})
	}
}

const page = `# Strategies, measured

How many worlds each strategy runs until it finds a planted bug: the median of five sweeps, each from seeds of its
own, on the in-memory disk with default settings. The last column is how many deviations from the FIFO, fault-free
run are left after shrinking. The services with the bugs are in internal/planted; each has a mended twin, which
passes. This page is written by a test and compared in every later one, since worlds depend on nothing but their
seeds:

    go test ./internal/planted -run TestStrategies -update

- **random** (the default) draws rates and mixes anew for each seed, so that some seeds crash a lot and some not at
  all. It is a good first choice for everything.
- **uniform** takes every answer with the same probability within the plan's rates.
- **pct:d** gives priorities to what is pending and changes them d-1 times: it prints a lower bound on the
  probability that one run finds a bug that needs d steps in a certain order.
- **deviations:k** runs every schedule with at most k deviations, smallest first, and prints what it has covered. It
  finds what is shallow at once, misses what is deep, and is the one that can say "there is none".
- **portfolio** takes turns.

`

// TestStrategies writes the table of docs/STRATEGIES.md: how many worlds each strategy needs.
func TestStrategies(t *testing.T) {
	var table strings.Builder
	table.WriteString(page)
	fmt.Fprintf(&table, "| bug | needs | %s | deviations left |\n", strings.Join(strategies, " | "))
	table.WriteString("|---|---|" + strings.Repeat("---:|", len(strategies)+1) + "\n")
	for _, b := range planted.Bugs() {
		row := []string{b.Name, b.Needs}
		smallest := 0
		for _, strategy := range strategies {
			runs, left := firstFailures(t, b, strategy)
			row = append(row, median(runs))
			smallest = cmp.Or(smallest, left)
		}
		require.Positive(t, smallest, "no strategy finds %q", b.Name)
		fmt.Fprintf(&table, "| %s | %d |\n", "| "+strings.Join(row, " | "), smallest)
	}
	got := strings.ReplaceAll(table.String(), "| | ", "| ")
	const file = "../../docs/STRATEGIES.md"
	if golden.Updating() {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run the test with -update and read the difference")
}

// firstFailures returns after how many worlds each of the sweeps failed, and how many deviations shrinking
// left of the first.
func firstFailures(t *testing.T, b planted.Bug, strategy string) (runs []int, left int) {
	for try := range tries {
		r := sweep(t, b, strategy, uint64(1000*try+1), most, false)
		if r.Failure == nil {
			runs = append(runs, most+1)
			continue
		}
		runs = append(runs, r.Runs)
		left = cmp.Or(left, deviations(r.Report))
	}
	return runs, left
}

func deviations(report string) (n int) {
	_, after, _ := strings.Cut(report, "Reproduce:")
	for line := range strings.Lines(after) {
		if _, err := fmt.Sscanf(strings.TrimSpace(line), "%d deviation", &n); err == nil {
			return n
		}
	}
	return 0
}

func median(runs []int) string {
	slices.Sort(runs)
	if m := runs[len(runs)/2]; m <= most {
		return fmt.Sprint(m)
	}
	return fmt.Sprintf("> %d", most)
}
