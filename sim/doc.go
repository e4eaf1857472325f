// Package sim runs Go code in simulated worlds in which a seed decides everything that is undetermined: which
// completion arrives first, how long things take, when a process crashes and what its disk then holds.
//
// # Terms
//
// A world is one run of a test's body, with virtual time. It is made of tasks, which run one at a time: each
// until it waits. Tasks start in the order in which they were created. A node is a simulated process: a boot
// function, tasks that die when it crashes, and a disk that survives. Code on a node reaches time, spawning,
// waiting and storage through the node's methods, the seam; each call through it is a crash point. What
// happens outside of a node's tasks, the end of a step or the acknowledgement of a commit, becomes an
// arrival, and in which order the arrivals are learned is a choice.
//
// A choice is one answered question, known by its label and its occurrence under that label, such as
// worker/crash/commit#7. The answer 0 is always the dullest one: no fault, the oldest arrival. An answer
// that isn't 0 is a deviation. A seed fills in all answers; a schedule lists the deviations of one run,
// and is a file of a few readable lines.
//
// # Example
//
// A counter that must survive crashes. Count answers only after its commit:
//
//	func TestCounter(t *testing.T) {
//		sim.Check(t, sim.Config{Disk: store.NewMemoryDisk}, func(w *sim.World) {
//			var counter *Counter
//			n := w.Node("counter", func(n *sim.Node) { counter = OpenCounter(n.Store()) })
//			answered := 0
//			for range 3 {
//				err := n.Call(w.Context(), "count", func(context.Context) error { return counter.Count() })
//				if err == nil {
//					answered++
//				}
//			}
//			w.StopFaults()
//			err := n.Call(w.Context(), "read", func(context.Context) error {
//				w.Always("no answered count is lost", counter.Value() >= answered)
//				return nil
//			})
//			require.NoError(w, err)
//		})
//	}
//
// Check runs the body for many seeds, on all cores. When a property does not hold, it runs the failing
// seed twice more to see that it fails alike, turns deviations off until only those are left that are
// needed, writes the schedule and the trace to testdata/sim/<test>/, and fails the test with a report: the
// verdict, one command that reproduces it, and the few deviations that matter. Saved schedules run first
// the next time, so a schedule that is committed is a regression test. A wrong call of this module that shows
// in every run, such as a node without a name, is no finding: the test fails with the reason alone.
//
// # What a body may do
//
// World.Go, Sleep, Now, WithTimeout and the tools for tasks (Start, Future, Chan, Mutex, Queue, …) replace
// the go statement, package time, context.WithTimeout and package sync. A World is what require and assert
// want as their first argument: require.NoError(w, err). Properties have names, so that a report can say
// which one does not hold: Fail, Always, Eventually; Sometimes and Reachable say what a whole sweep must
// see at least once. World.Pick is a choice of the test's own. StopFaults ends the phase in which things
// go wrong; what does not end after it is reported, with who waits on what.
//
// Who knows Python's asyncio finds its promises here, under these names:
//
//	create_task, TaskGroup        World.Go, Start, Concurrently; WaitGroup.Go
//	await, Future, add_done_callback   Future.Await, NewFuture, Future.OnDone
//	gather, return_exceptions     Gather, Settle
//	wait, as_completed, shield    Wait with FirstCompleted, FirstError or AllCompleted; Completed; Shield
//	cancel, uncancel              Future.Cancel, Task.Uncancel
//	call_soon, call_later, call_at     World.Go, AfterFunc, CallAt
//	sleep, timeout, wait_for      World.Sleep, Yield, Timeout, WithTimeout
//	to_thread, run_in_executor    Node.Offload: in which order such work completes is a choice
//	Queue, Lock, Semaphore, Condition, Event   Queue, Mutex, Semaphore, Cond, Flag; and Chan
//
// # What can go wrong
//
// The fault plan says what may happen by choice, and how often (see package fault); most of it can also be
// asked for. Each kind, and where it is asked:
//
//	crash             at every call through the seam of a node; the node boots again after a chosen delay,
//	                  or stays down until faults stop; Node.Crash, Stop, Restart
//	torn              at a commit: the node dies and a part of the record is left, which is no commit; at
//	                  a crash of another kind: the last commit is lost, if it was not acknowledged yet
//	slow              the end of a step, the acknowledgement of a commit, messages, dependencies
//	pause             before a node learns of something; Node.Pause
//	clock-jump        at Node.Now; Node.SkewClock
//	io-error          at reads, which may succeed later, and at commits, after which the store is failed
//	sync-error        at commits, whether they are then on disk or not; the store is failed
//	disk-full         at commits; the store is failed until it is opened again
//	bit-rot           after a crash, at a bit of the disk: the store shows what it held, or the node is lost
//	drop, duplicate, reorder   requests and answers between nodes
//	partition         between two nodes; World.Partition, Repair; Hold and Release lose nothing
//	dependency-error  at Dependency.Do, before the operation or after it; Dependency.Break, Repair
//
// A node whose store notices that the disk has rotted, with store.ErrDamaged, dies there and stays down, and
// the world ends as passed, since no other copy was promised; with Node.OnDamage it goes on without the node.
// A store that shows anything else than what it held breaks the property "a store notices bit rot". The disk
// must be a store.Rotter, as those of package store are.
//
// Nodes talk by Serve and Request, by connections (Node.Listen, World.Dial), or by net/http over these
// (Node.ServeHTTP, World.HTTPClient).
//
// Package database/sql runs in tasks, with a driver whose connections come from World.Dial: statements,
// transactions and the pool, with deadlines in virtual time if the driver gives its connections those of its
// contexts. A pool belongs to the incarnation that dialed, so open it in the boot function. These parts of
// the package work in goroutines of its own, which no world knows of; keep away from them:
//
//   - A context that can end, given to BeginTx or to a query, is watched by a goroutine, which rolls back, or
//     closes the rows. Give BeginTx context.WithoutCancel(ctx), and close rows before ctx ends and before
//     their transaction does. Each statement of a transaction may have a context that ends.
//   - A pool that is full lets callers wait on a native channel: leave SetMaxOpenConns alone.
//   - SetConnMaxLifetime and SetConnMaxIdleTime count wall time.
//   - Each Tx, Rows, Stmt and Conn has native locks: use one from one task at a time.
//   - Each pool has a goroutine that waits until DB.Close, and so has each transaction until it ends. Those
//     of a node that crashed wait for ever, without effect.
//
// A driver that starts goroutines itself, as those for MySQL and PostgreSQL do to watch a context or to read
// ahead, is no driver for a world.
//
// # Other ways to explore
//
// Sweep is Check without a test, and returns what it has seen. Fuzz joins a body to Go's native fuzzing. Draw
// takes the choices from a library such as rapid. Config.RandomStarts also makes the order in which ready
// tasks run a choice.
//
// # Flags
//
// Each flag is also a variable: -sim.runs is REPRISE_RUNS. The flag counts when both are given, and both
// count more than the test's Config.
//
//	-sim.seed=S        run the world of one seed
//	-sim.runs=N        run N worlds
//	-sim.for=30m       keep going for this long
//	-sim.schedule=FILE run the schedule in a file
//	-sim.explore=NAME  the strategy: random (the default: each seed draws its own rates), uniform, fifo,
//	                   pct:D, deviations:K (every schedule with at most K deviations), exhaust:K (every
//	                   schedule with at most K crashes), portfolio
//	-sim.starts=random let a choice decide which of the ready tasks runs next, instead of FIFO
//	-sim.shard=1/4     run the first quarter of the sweep; what exhaust:K tries, the first runs whole
//	-sim.faults=PLAN   another fault plan, such as 'crash 2% max 3; slow 5%'
//	-sim.shrink=30s    what shrinking may cost: a time, a number of runs, or off
//	-sim.selfcheck=1   the share of passing seeds that run twice
//	-sim.trace=text    print the trace of the failing run; json also writes it as JSON lines
//
// Without flags the seeds are a fixed function of the test's name, so a plain go test always does the same.
// A test whose Config.Explore is exhaust:K, as that of properties.Exhaust, has no seeds: seed, runs, for,
// explore, starts and faults don't change what it proves.
//
// # Limits
//
// All tasks of a world share one thread of control. A go statement, a native channel or a lock held over a
// seam call stops it; a watchdog finds that within seconds, names the task and the place, and fails the
// test. A range over a map that reaches something observable, time.Now, math/rand and package-level state
// escape the seed; the self-check finds many such cases, since a failing seed and a share of the passing
// ones run twice, and reports the first event at which two runs part.
//
// One thing at a time happens on a disk: commits of one node don't overlap. A crash keeps every commit that
// was acknowledged or shown by a read; the last one before a crash may be lost, torn or kept.
//
// A node that was chosen to stay down boots when nothing else is left to happen, so a call that waits for it
// ends. Where other tasks go on for ever, with a ticker or by polling, that moment never comes: give calls a
// context that ends, or call StopFaults from a task of its own.
//
// While a sweep runs, the garbage collector's target is 400 percent, unless the variable GOGC is set.
//
// A test that calls Check twice shares one folder of schedules between the two; use subtests, or Config.Name.
package sim
