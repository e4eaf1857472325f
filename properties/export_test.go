package properties

import (
	"maps"
	"slices"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// Exhaustive is what Exhaust runs, and how.
func Exhaustive[In, Out any](cfg Config[In, Out], bounds Bounds) (sim.Config, func(*sim.World)) {
	return exhaustive(cfg, bounds)
}

// Unmerged are the bounds of an Exhaust that runs every schedule, also those that come to a state seen
// before.
func Unmerged(bounds Bounds) Bounds {
	bounds.unmerged = true
	return bounds
}

// WithHost puts something between the engine and its node.
func WithHost[In, Out any](
	cfg Config[In, Out], wrap func(durable.Host) durable.Host,
) Config[In, Out] {
	cfg.host = wrap
	return cfg
}

// WithStore puts something between the engine and its store.
func WithStore[In, Out any](
	cfg Config[In, Out], wrap func(store.Store) store.Store,
) Config[In, Out] {
	cfg.store = wrap
	return cfg
}

// Watch shows entries to the oracles as if they had become durable one after the other.
func Watch(w *sim.World, op string, begun bool, entries []durable.Entry) {
	v := watch{world: w, name: "doctored"}
	v.run("run").begun[op] = begun
	for i := range entries {
		v.committed("run", entries[i:i+1])
	}
}

// WatchRuns shows runs to the oracles that look at all of them.
func WatchRuns(w *sim.World, runs map[string][]durable.Entry) {
	v := watch{world: w, name: "doctored"}
	for _, id := range slices.Sorted(maps.Keys(runs)) {
		v.committed(id, runs[id])
	}
	v.sentAndReceived()
}

// WatchEnded shows a store to the oracle that looks for what a run has left that has ended.
func WatchEnded(w *sim.World, run string, st store.Store) {
	v := watch{world: w, name: "doctored"}
	v.run(run).ended = true
	v.nothingLeft(st)
}
