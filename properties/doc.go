// Package properties tries to break durable workflows, and says precisely how when it succeeds.
//
// # Terms
//
// A property is something that must hold. [Check] runs a workflow, unmodified and on the production engine,
// in one simulated world after another. In each, a client starts a few runs with generated inputs, while
// the node that runs them crashes at moments that nobody chose, loses or tears its last write, reboots,
// and learns of its completions in an unusual order. Half of the engines evict a run after each event, so
// that what they know comes from the journal.
//
// [Exhaust] draws nothing: it tries every crash, every pair of crashes and every order of arrival of one
// small example, does not run on from a state that it has seen, and says what that proves. [CheckService] is
// for several workflows on several nodes, with clients that start, post, ask, cancel and look at random.
//
// # What is watched
//
// An oracle is what watches a property. Each has a name, by which a failure is known while it shrinks:
//
//	ReplayIdentical  Workflow code, run again by a fresh process over the whole journal and over every prefix
//	                 of it, asks for the same operations with the same ids and arguments and comes to the
//	                 same result; so does a process that has replayed before.
//	FaultFreeResult  Each run ends as it does without faults, when steps, messages, updates, cancellations and
//	                 timers of all runs come in the same order. Only with Config.FaultFree; the summary says
//	                 how many runs were compared.
//	EntriesKept      No journal entry that was committed is lost or changed, whatever crashes.
//	StepRan          A step whose result is checkpointed has run at least once.
//	NoStepAgain      A step does not run again after its checkpoint.
//	EndsOnce         A step or transaction is checkpointed once.
//	TxWithEntry      What a transaction writes is committed together with its checkpoint: it takes effect
//	                 exactly once.
//	MessageOnce      A message with an id is received, and an update taken, at most once, and no run receives
//	                 more than was sent.
//	AckDurable       What clients were told stays so: starts, messages that were accepted, answers to updates,
//	                 ends and results.
//	EndFinal         Nothing happens to a run after its end, and how it ended does not change.
//	UndoneInReverse  A run that fails has undone what it did, once, in each branch the last step first; so
//	                 has a Scope that fails. Only for the steps in Config.Undo.
//	NothingLeft      A run that has ended leaves no timer, no place in a queue, no mail, no mark in an index,
//	                 no update without an answer; a run that was deleted, nothing at all.
//	EveryRunEnds     When faults stop, every run ends; if not, the report says what it waits for.
//	EngineOpens      The engine opens on whatever a crash has left.
//	TimeForward      No run sees time going back, whatever the clocks do.
//	LikeTheModel     What clients are answered is what a model of one's own answers, see Linearizable.
//
// And "the same schedule gives the same trace", which package sim sees to. Invariants of one's own go into
// World.Holds, and what should be reached at least once into [sim.World.Sometimes].
//
// # Example
//
//	func TestOrder(t *testing.T) {
//		properties.Check(t, properties.Config[Order, Receipt]{
//			Inputs: rapid.Make[Order](),
//			World: func(w *sim.World) properties.World[Order, Receipt] {
//				bank := NewBank() // the outside world outlives every crash
//				return properties.World[Order, Receipt]{
//					Boot: func() *durable.Workflow[Order, Receipt] { return NewOrder(bank) },
//				}
//			},
//		})
//	}
//
// What goes wrong is what fault.Default says: crashes, torn writes and slow answers. Config.Sim.Faults is
// another plan, such as one with dependency-error for a [sim.Dependency] that the steps call.
//
// A failure prints the smallest difference from a run without faults and in plain order that still breaks
// the property, and one command that reproduces it; see package sim for the report and for the flags.
// Exhaust takes the same Config:
//
//	properties.Exhaust(t, cfg, properties.Bounds{Crashes: 2})
//
// # Services and their clients
//
// CheckService takes Processes, and Actions from which clients choose: Starts, Posts, Asks, Cancels and the
// others that this package makes, or functions of one's own. A client repeats what a crash left unanswered,
// and gives up after an hour. Each of its choices, the pause before an action included, is one of the
// world's, so the smallest failing case has the fewest actions; the report lists them as the Go code of the
// calls, with what each was answered:
//
//	clients:
//		approval.Start(ctx, desk, "run-1", 3) // client 1 at +0s, 2 tries: done
//		desk.Cancel(ctx, "run-1", "id-2.1") // client 2 at +1s: durable: run not found: "run-1"
//
// A model says what clients must be answered: a function from a state and an action, with its answer, to the
// next state. Linearizable holds all answers against it, whatever order actions at the same time have
// happened in, and whether or not those without an answer have; what this package expects of its own actions
// is such a model, too. A sweep that passes says which actions were accepted, and which never were.
//
// # More checks
//
// CheckUpgrade tries a change of a workflow on the journals that the code before the change has recorded.
// Fuzz is Check under Go's native fuzzing. Package properties/program generates whole workflows, for those
// who change what workflows run on.
//
// # Limits
//
// The steps' world must not use goroutines, the wall clock or native blocking; it lives in the simulation
// (see package sim). Passing Check says that the schedules tried did not break the workflow, not that none
// does. What Exhaust proves holds for the inputs and bounds that it prints, and for the simulated disk and
// clock; its manual says what it takes for the same state. An oracle sees what becomes durable and what
// clients are told, not the memory of the engine.
package properties
