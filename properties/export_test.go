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
	config, body, _ := exhaustive(cfg, bounds)
	return config, body
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
	return opening(cfg, func(c *durable.Config) { c.Host = wrap(c.Host) })
}

// WithStore puts something between the engine and its store.
func WithStore[In, Out any](
	cfg Config[In, Out], wrap func(store.Store) store.Store,
) Config[In, Out] {
	return opening(cfg, func(c *durable.Config) { c.Store = wrap(c.Store) })
}

// opening changes what engines are opened with.
func opening[In, Out any](cfg Config[In, Out], change func(c *durable.Config)) Config[In, Out] {
	world := cfg.World
	cfg.World = func(w *sim.World) World[In, Out] {
		in := world(w)
		in.Open = func(c durable.Config) (*durable.Engine, error) {
			change(&c)
			return durable.Open(c)
		}
		return in
	}
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

// Took is a call on a run, begun and answered at these moments, or never answered when ended is 0.
func Took(run, action string, sent, answer any, began, ended int) Did {
	return Did{
		Action: action, Run: run, Sent: sent, Answer: answer, Open: ended == 0,
		action: &Action{start: action}, began: began, ended: ended,
	}
}

// Linearize is Linearizable without a world.
func Linearize[S comparable](did []Did, next func(state S, d Did) (S, bool)) (why []string) {
	return linearize(did, next)
}

// HoldStarts holds actions against what CheckService knows of each run's id.
func HoldStarts(w *sim.World, did []Did) {
	one := &played{process: process{watch: watch{world: w}}}
	for i := range did {
		one.watch.run(did[i].Run)
	}
	p := &play{processes: []*played{one}}
	p.explain(did)
}

// Missed reports whether a message that the run got without faults had surely come before commit 9 with
// faults, when these entries of the run were made by commits 1, 2 and so on.
func Missed(ev durable.Event, entries ...durable.Event) bool {
	t := &twin{}
	for i := range entries {
		t.order = append(t.order, moment{run: "run", when: 1 + i, entry: durable.Entry{Event: entries[i]}})
	}
	return t.onItsWay(&ev, "run", 9)
}
