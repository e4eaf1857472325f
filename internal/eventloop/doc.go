// Package eventloop runs tasks one at a time, in an order that nothing but their own actions decides.
//
// # Terms
//
//   - A [Task] is a function that runs as a coroutine. It has control until it waits or ends.
//   - The ready queue holds what may run: tasks that have not started, tasks that were woken, and callbacks.
//     It is FIFO, unless a picker ([Loop.SetPicker]) chooses otherwise.
//   - To wait is to give control back until woken: [Loop.Park] and everything built on it, such as
//     [Future.Await], [Chan.Recv], [Mutex.Lock] and [Loop.Sleep].
//   - A callback is a function on the ready queue that is no task. It may not wait.
//   - The thread of control of a loop is the goroutine that runs it, and the tasks it resumes. Everything
//     that is done to a loop is done there, or, while the loop is at rest, by whoever owns it.
//
// # An example
//
//	l := eventloop.New()
//	price := eventloop.Start(l, "price", func() (int, error) { return 42, l.Sleep(time.Second) })
//	l.Go("buyer", func() {
//		v, err := price.Await()
//		fmt.Println(v, err)
//	})
//	c := clock.NewVirtual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
//	l.SetClock(c)
//	err := l.Drive(c.Advance, 0)
//
// [Loop.Run] runs until nothing is ready; who moves time, and when, is the caller's affair. [Loop.Drive] is
// the simple answer.
//
// # What it promises
//
// The promises are those of Python's asyncio, in Go's terms; package looptest checks them.
//
//   - Tasks start in the order in which they were created, and not before their creator waits.
//   - What wakes goes to the tail of the ready queue; those who wait for the same thing wake in the order in
//     which they began to. Awaiting what is done does not yield.
//   - The channels, locks and queues are fair: first come, first served, and nobody gets in between.
//   - A task cancelled before its start never runs. Cancelling ends the current wait, or else the next one,
//     with the cause, once: cleanup may wait. A wake that came first is not lost. A task may refuse
//     ([Task.Uncancel]). A cancellation goes through to the task that is awaited, unless it is shielded.
//   - A panic is the outcome of its task, with the stack of the panic. A Goexit, as of t.FailNow, ends the
//     goroutine that runs the loop.
//   - A killed task unwinds at once, and nothing it does meanwhile has an effect on others.
//
// # Loops in loops
//
// A task may run another loop. The tasks of the inner loop can use the outer one, but not wait on it: the
// inner Run returns when they all wait, and the host waits for them.
//
// # Limits
//
//   - A task that blocks natively, on a channel or lock of Go's own, stops the loop. A [Watchdog] says which
//     and where.
//   - A goroutine that a task starts with the go statement is outside the loop. Calls from it are refused
//     while the loop runs; what it does to memory nobody orders. context.AfterFunc starts one, too.
//   - Contexts made by the standard library are looked at when the loop comes to rest; those that carry a
//     wall-clock deadline end when the wall clock says so.
//   - Coroutines are kept for the process when their task has ended ([DropIdle]). They must not be mixed with
//     runtime.LockOSThread, nor cross the border of a bubble of testing/synctest.
//   - A task that is left waiting by a loop that nobody closes is never collected.
package eventloop
