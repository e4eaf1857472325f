// Package kernels holds small programs that each carry one bug of a kind that real durable systems have had,
// and beside each its twin in which the bug is mended. They are a yardstick: a tool that looks for bugs of
// timing, crashes and order should find every one, and complain about none of the twins.
//
// # Terms
//
// A kernel is one such program, a few dozen lines long. It has a buggy and a fixed form, which differ in one
// parameter or a few lines. Each is a function of a simulated world, and makes all it needs in there, so that
// worlds share nothing. A kernel belongs to a family: the kind of bug. The bugs of engines can't be expressed
// in workflows on an engine that is right; so most kernels are little services written directly on a node
// and its store, as one would test a service of one's own: an engine, a queue, a mailbox, a scheduler, a
// cache. The others are workflows on package durable, with the mistakes that its users can make.
//
// No kernel fails in the run in which nothing goes wrong and everything completes in the order in which it
// began. Each needs something in particular to come together: Kernel.Needs says what.
//
// # Example
//
//	for _, k := range kernels.All() {
//		result, err := sim.Sweep(sim.Config{Name: k.Name, Disk: store.NewMemoryDisk, Runs: 1000}, k.Buggy())
//		// result.Failure.Property is k.Property
//	}
//
// A tool that is not package sim's own can run a kernel by sim.Draw or by the bytes of sim.Fuzz.
//
// # Limits
//
// The kernels are made for the default fault plan: crashes, torn writes and slow answers. What else they need
// (a clock that is set back, a deployment) is a choice of their own, made with World.Chance. Their fixed
// forms do not cope with a disk that fails or a network that loses: there they are not right.
package kernels

import (
	"slices"

	"github.com/reprise-dst/reprise/sim"
)

// Kernel is one bug.
type Kernel struct {
	Name     string // unique
	Family   string // the kind of bug
	About    string // what the program does, what is wrong with it, and where such a bug comes from
	Needs    string // what has to come together for it to show
	Property string // what the buggy form breaks

	build func(fixed bool) func(w *sim.World)
}

// Buggy is the program with its bug, as the body of a world.
func (k Kernel) Buggy() func(w *sim.World) { return k.build(false) }

// Fixed is the program without it.
func (k Kernel) Fixed() func(w *sim.World) { return k.build(true) }

// All lists the kernels, by family.
func All() []Kernel {
	return slices.Concat(ids(), races(), coldAndWarm(), messages(), doubles(), halves(), clocks(),
		cancellation(), encoding(), detection(), queues())
}

// onNodes is the build function of a kernel that is written on nodes.
func onNodes(body func(w *sim.World, fixed bool)) func(fixed bool) func(*sim.World) {
	return func(fixed bool) func(*sim.World) { return func(w *sim.World) { body(w, fixed) } }
}

// noDeadlock is the property of package sim that waiting for ever breaks.
const noDeadlock = "the world does not deadlock"
