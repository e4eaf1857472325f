// Package program generates whole workflows, runs them, and prints them as the Go code that one would write.
//
// # Terms
//
// A Program is a list of operations, some of which have a body: steps, retries, transactions, timers,
// branches, ways to wait for several futures, messages, updates, child runs, cancellation, locks,
// channels, versions, what undoes a run that failed. Verbs lists them all. Whatever a program sees it adds
// to a log that its branches share, and the log is its result; so two runs that part in anything that
// workflow code can notice have different results. Programs, for rapid, and Pick, for the choices of a
// simulated world, generate them.
//
// # Example
//
// Any program survives any crash:
//
//	properties.Check(t, properties.Config[int, string]{
//		Inputs: rapid.IntRange(0, 3),
//		World: func(w *sim.World) properties.World[int, string] {
//			p := program.Pick(program.Config{}, w.Pick)
//			w.Explain(func() []string { return strings.Split(p.String(), "\n") })
//			out := program.Outside{Sleep: w.Sleep}
//			return properties.World[int, string]{
//				Boot: func() *durable.Workflow[int, string] {
//					main, _ := p.Workflow(out)
//					return main
//				},
//				Others: func() []durable.Definition {
//					_, children := p.Workflow(out)
//					return children
//				},
//			}
//		},
//	})
//
// It is for those who change what workflows run on: the engine, a Host, a Store, a Codec. A failure is shrunk
// to the smallest program, with the fewest faults in the plainest order, that still shows it, and the report
// has its code.
//
// # Limits
//
// Every program ends: a wait that might last for ever has a deadline, and a branch waits only for older ones.
// So a deadlock is never the program's fault, and deadlocks are not tried.
package program
