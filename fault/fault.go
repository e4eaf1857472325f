// Package fault says what may go wrong in a simulated world, how often, and for whom.
//
// A kind is one sort of fault ("crash", "torn", "slow"). A rule allows one kind: with a rate, a budget,
// and the nodes that it holds for. A plan is a list of rules, and it is text:
//
//	crash 2% max 3; torn 1%; slow 5% on worker*
//
// reads: at each crash point a node dies with a probability of 2%, at most three times in a run; besides, it
// dies in the middle of 1% of all writes, of which a part is left; answers are slow in 5%, on nodes whose
// name begins with worker. Rules are separated by semicolons or line ends, # begins a comment, and "none" is
// the plan without faults. [Parse] reads the text, [Plan.String] prints it back.
//
//	plan, err := fault.Parse("crash 2% max 3; slow 5% on worker*")
//	faults := plan.Injector(list)       // one for each run
//	faults.Ask(fault.Crash, "worker-1", point, 2)
//
// When two rules of a kind hold for a node, the first one counts. The rate guides random sources only:
// exploration tries, and reproduction repeats, whatever a rule allows, so "crash 0%" means that no random
// run crashes, yet exhaustive ones do. Budgets bind every source. Without a rule for its kind a fault is
// never asked for.
//
// Every fault is a choice in the run's list: recorded, reproduced and shrunk with all the others. An
// injector counts how often each kind could have fired and how often it did, because a fault that never
// fires tests nothing.
package fault

import "slices"

// Kind is one sort of fault.
type Kind string

// The kinds of fault. What a kind does precisely is said where the simulator applies it.
const (
	Crash           Kind = "crash"            // a node dies and starts again from what its disk holds
	Torn            Kind = "torn"             // a node dies, and its last write is torn, or lost
	Slow            Kind = "slow"             // something takes longer, so that others overtake it
	IOError         Kind = "io-error"         // a read or a write of a disk fails
	SyncError       Kind = "sync-error"       // making a write durable fails; final for the store
	DiskFull        Kind = "disk-full"        // a disk has no room left
	BitRot          Kind = "bit-rot"          // a bit of what a disk holds flips while its node is down
	Pause           Kind = "pause"            // a node stands still for a while, and does not notice
	ClockJump       Kind = "clock-jump"       // a node's clock is set forwards or backwards
	Drop            Kind = "drop"             // the network loses a message
	Duplicate       Kind = "duplicate"        // the network delivers a message twice
	Reorder         Kind = "reorder"          // the network delivers a message before an earlier one
	Partition       Kind = "partition"        // the network separates nodes for a while
	DependencyError Kind = "dependency-error" // a named dependency answers with an error
)

// kinds holds all kinds in the order in which they are listed everywhere.
var kinds = []Kind{
	Crash, Torn, Slow, IOError, SyncError, DiskFull, BitRot, Pause, ClockJump, Drop, Duplicate, Reorder,
	Partition, DependencyError,
}

// Kinds returns all kinds, in a fixed order.
func Kinds() []Kind { return slices.Clone(kinds) }
