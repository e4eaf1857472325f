// Package program generates whole workflows, runs them, and prints them as the Go code that one would write.
//
// # Terms
//
// A Program is a list of operations, some of which have a body: steps, retries, heartbeats, transactions,
// timers, branches, ways to wait for several futures, messages, updates, child runs, queues, detached runs,
// cancellation, locks, conditions, channels, versions, continuing as new, what undoes a run that failed.
// Verbs lists them all. Whatever a program sees it adds to a log that its branches share, and the log is its
// result; so two runs that part in anything that workflow code can notice have different results. Programs,
// for rapid, and Pick, for the choices of a simulated world, generate them.
//
// # Example
//
// Any program survives any crash:
//
//	properties.Check(t, properties.Config[int, string]{
//		Inputs: rapid.IntRange(0, 3),
//		World: func(w *sim.World) properties.World[int, string] {
//			return program.Pick(program.Config{}, w.Pick).World(w, program.Outside{})
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
//
// Of what workflow code can use, these are left out: SleepUntil and WithDeadline, which are Sleep and
// WithTimeout with a time; Chan.All and Cap, Semaphores of other sizes, and what only reads:
// Context.Deadline, Parent, ScheduledFor; Logger, which a run can't see; TotalTimeout and Interruptions,
// whose limits a program does not reach; Topic.Receive without a time limit, and Lock, Acquire and the waits
// for conditions and groups without one, because nothing else might come. Schedules, Retention and
// interceptors are the engine's, not the code's. An error in the use of an operation panics, and parks the
// run; package durable's own tests see that.
package program
