// Package durable runs workflows that survive crashes.
//
// # Terms
//
// A workflow is an ordinary Go function that is known by a name (Define). A run is one execution of it,
// known by an id of the caller's choice (Workflow.Start). Within a run, workflow code asks for operations:
// steps (Step, Async), which do the work in the outside world and whose results are checkpointed; branches
// (Go), which are concurrent lines of workflow code; timers (Context.Sleep). What the run observes (that it
// started, that a step ended and how, that a timer fired) are events, and the journal of a run is the list
// of its events in the order in which it saw them.
//
// # How a run survives
//
// A run is a fold over its journal. When a process dies, another opens an Engine on the same store and
// replays the journal: the workflow function runs again from its first line, and each operation that the
// journal has a result for returns that result without running. The code arrives where it had been, with
// the same values in the same variables, and goes on.
//
// For that the code must be deterministic, and this package helps it to be: a workflow gets a Context and
// not a context.Context, its time (Context.Now) and its random numbers (Context.Rand) are functions of the
// journal, and its branches run one at a time on a FIFO event loop. Ids are given by place: the second
// operation of the branch that was operation 2 is 2.2, whatever completes first; what a run observes of
// races is fixed by the order of its journal.
//
// An event and everything that follows from it (the next steps, timers, the final result) are committed in
// one atomic, synced batch; the outside world hears of it only afterwards. So a step runs at least once, its
// checkpointed result is never lost and never changes, and after its checkpoint it never runs again. A crash
// between a step's effect and its checkpoint runs the step again: pass its idempotency key along (Info).
//
// # Example
//
//	var order = durable.Define("order", func(ctx durable.Context, o Order) (Receipt, error) {
//		charge := durable.Async(ctx, "charge", bank.Charge, o)
//		label := durable.Async(ctx, "label", printer.Label, o)
//		paid, err := charge.Await(ctx)
//		if err != nil {
//			return Receipt{}, err
//		}
//		parcel, err := label.Await(ctx)
//		if err != nil {
//			return Receipt{}, err
//		}
//		return durable.Step(ctx, "ship", depot.Ship, Shipment{o, paid, parcel})
//	})
//
//	st, err := store.OpenPebble("orders.db", store.PebbleOptions{})
//	engine, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{order}})
//	run, err := order.Start(ctx, engine, "order-17", o)
//	receipt, err := run.Result(ctx)
//
// # Doing several things at once
//
// Branches and operations run side by side: Gather, Settle, Wait, Race and Completed wait for them, Chan,
// Select, Mutex, Semaphore, WaitGroup and Cond let branches work together. All of it is decided by the
// journal's order, is FIFO-fair, and is part of the run's memory only: replay does it again.
//
// Every Context is in a scope, and scopes form a tree: a branch is one, Scope, WithCancel, WithTimeout and
// WithDeadline make more. Cancelling a scope ends what was asked for in it, in the order of creation: the
// context of a step is cancelled and its late result dropped; a timer leaves the store in the same commit;
// a branch that has not started never does, and one that waits wakes with an error that is ErrCancelled or
// ErrTimeout. Cancelling is cooperative: the branch cleans up, with operations on a Detached context, and
// returns. In a cancelled scope, what asks for something or would have to wait is refused with that error;
// what needs no wait, as awaiting what has ended, is done. Whoever comes first decides: a wait that has
// ended is not cancelled any more, and one that was cancelled does not end well.
//
// Nothing outlives what it was started in. When a branch, a Scope or the workflow function returns, what it
// has asked for and not awaited is cancelled, and its branches are waited for. Shield and Detached make
// exceptions, which the run waits for at its end.
//
// # Steps that fail, and transactions
//
// Step and Async try once. StepWith and AsyncWith try again as a Retry says and within time limits, and what
// is left of both survives crashes; a long step saves its progress with Heartbeat. Transact runs a
// transaction on the engine's own store, whose writes commit with its checkpoint. OnFailure names what
// undoes a step when the run fails. A step's error says in the workflow what it says in the step, once
// RegisterError or RegisterErrorType has made it known.
//
// # Talking to a run
//
// A Topic carries messages, from clients, steps and other runs; what a run waits for, of whatever topics and
// children, it receives in the order in which it was sent. A Value is what a run publishes, to be read
// at any time. An Update is a request that a run checks, works on and answers. StartChild starts a run of
// another workflow and tells its end, StartDetached one that nobody waits for.
//
// # Looking on
//
// Context.Logger is a log/slog logger for workflow code: what it gets is written once, when the events that
// led to it are durable, and never on replay. Logger is one for steps, with the attempt. An Interceptor
// stands around each start of a run and each attempt at a step, and is told what becomes of runs; package
// durable/oteldurable makes OpenTelemetry traces and metrics of that. A run's journal can be read with
// ReadJournal, printed (Journal.Print) and marshalled as JSON.
//
// # The life of a run
//
// A run ends when its code returns. From outside it can be asked to end (Run.Cancel), be ended (Terminate),
// be set aside and let go on (Pause, Engine.Resume), be opened again at its failure (Retry), be the beginning
// of another run (Engine.Fork), listed (Engine.List) and deleted. One that lives long begins its journal anew
// under its id (ContinueAsNew). Version guards a change of the code of runs that are under way. What a failed
// run has done, or a Scope of it, is undone by the steps that OnFailure was told. docs/LIFECYCLE.md has the
// states.
//
// # Queues and schedules
//
// A Queue starts runs of a workflow when their turn has come: so many at once, so many in any window of time,
// one after the other for each key, the urgent first, keys in turn. What is put into it, with Enqueue from
// outside and in steps or EnqueueChild in workflow code, is a run from then on, in the state Queued; its
// journal begins when its turn comes. Its slot is taken by the commit that begins the journal and given back
// by the one that ends it, or that parks the run, so none is ever lost. A schedule (Workflow.Schedule) starts
// runs at the times of a cron line in a time zone.
//
// # When code and journal part
//
// Every entry also records the commands that the code answered the event with. Replay compares them one by
// one; when today's code asks for something else, for less or for more, the run is parked: unharmed,
// reported with the journal entry and the position in the code (NonDeterminismError), and resumed when the
// engine opens with code that replays, or by Engine.Resume. The same happens to runs of unknown workflows,
// and when workflow code panics or cannot decode a recorded result. A parked run is never retried in a loop.
//
// # Limits
//
// Code that ranges over a map to issue operations, reads time.Now, uses package-level variables or starts
// goroutines can differ from one replay to the next. Replay detects the difference where it changes what the
// code asks for. What only changes a value inside of the workflow is seen when it reaches an operation's
// argument or the result. Package properties hunts for both.
//
// Random numbers come from a recorded seed that is derived from the run's id and start time: they are not
// secret. A step's panic becomes its error; a step that never returns keeps its run waiting. A branch that
// refuses its cancellation, or cleans up for ever, keeps waiting whoever waits for its end; code that goes
// on asking on a cancelled Context without waiting is stopped, and its run parked.
package durable
