package main

import (
	"fmt"
	"slices"
	"strings"
)

// table is where the figures are kept.
const table = "docs/MUTANTS.md"

// columns are the strategies of the table.
var columns = []string{"random", "uniform", "pct:3", "deviations:1", "portfolio"}

// page is the table with its explanation.
func page(all []mutant, found []verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Mutants of the engine

Does the simulator see? Each line is a fault that is put into the engine, one at a time, by compiling it with
changed pieces of its source (internal/mutants); production code has no marks for it. The figures are worlds until
the first failure, the median of %d sweeps from different seeds, on the in-memory disk with default settings;
"–" means that the sweep ended after %s worlds of each prey without one. The last column is the property
that does not hold, and the prey, the small world in which that shows first.

    make mutants                            # every mutant must die, by the random strategy
    go run ./internal/mutants -write        # all strategies; writes this page

| mutant | what goes wrong | family |`, sweeps, thousands(most))
	for _, c := range columns {
		fmt.Fprintf(&b, " %s |", c)
	}
	b.WriteString(" seen as |\n|---|---|---|" + strings.Repeat("--:|", len(columns)) + "---|\n")
	for i, m := range all {
		fmt.Fprintf(&b, "| %s | %s | %s |", m.name, m.about, m.family)
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", median(found[i].runs[c]))
		}
		fmt.Fprintf(&b, " %s (%s) |\n", found[i].property, found[i].prey)
	}
	return b.String()
}

// median is the middle one of the sweeps' worlds; those that ended without a failure count as the largest.
func median(runs []int) string {
	if len(runs) == 0 {
		return "–"
	}
	order := slices.SortedFunc(slices.Values(runs), func(a, b int) int {
		switch {
		case a == b:
			return 0
		case a == 0:
			return 1
		case b == 0:
			return -1
		}
		return a - b
	})
	if m := order[len(order)/2]; m > 0 {
		return thousands(m)
	}
	return "–"
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
