// Package properties tries to break durable workflows, and says precisely how when it succeeds.
//
// # Terms
//
// A property is something that must hold. Check runs a workflow, unmodified and on the production engine,
// in one simulated world after another. In each, a client starts a few runs with generated inputs, while
// the node that runs them crashes at moments that nobody chose, loses or tears its last write, reboots,
// and learns of its completions in an unusual order. The oracles watch:
//
//   - "replay is identical": workflow code, run again by a fresh process over the whole journal and over
//     every prefix of it, asks for the same operations with the same ids and arguments and comes to the
//     same result.
//   - "recorded entries are kept": no committed journal entry is lost or changed, whatever crashes.
//   - "a checkpointed step does not run again".
//   - "what was acknowledged is durable": a start that was answered is never forgotten, and a result that
//     a client was told stays the result.
//   - "an ended run leaves nothing behind": no timer, no mark that there is work to do.
//   - "when faults stop, every run ends", with the reason when one doesn't.
//   - "the same schedule gives the same trace", which package sim sees to.
//
// Invariants of one's own go into World.Holds.
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
// A failure prints the smallest difference from a run without faults and in plain order that still breaks
// the property, and one command that reproduces it; see package sim for the report and for the flags.
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
// (see package sim). Passing says that the schedules tried did not break the workflow, not that none does.
package properties
