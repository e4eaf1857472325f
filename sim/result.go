package sim

import (
	"fmt"
	"maps"
	"slices"
)

// result is the tally as users see it.
func (t *tally) result() Result {
	r := Result{
		Runs: t.runs, Virtual: t.virtual, Events: t.events, Choices: t.choices, Crashes: t.crashes,
		Orders: len(t.orders), Faults: t.faults,
	}
	for _, property := range slices.Sorted(maps.Keys(t.reached)) {
		r.Sometimes = append(r.Sometimes, *t.reached[property])
	}
	return r
}

// Summary is the result in one line.
func (r *Result) Summary() string {
	return fmt.Sprintf("reprise: %d runs, %.0f seeds/s, %d crashes, %d completion orders, %v of virtual time",
		r.Runs, r.SeedsPerSecond(), r.Crashes, r.Orders, r.Virtual)
}
