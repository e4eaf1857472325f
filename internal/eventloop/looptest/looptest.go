// Package looptest checks what an event loop promises, whichever loop it is.
//
// [Run] takes a loop behind the small interface [Loop] and runs one subtest for each promise. [Reference] is
// a second loop, written for plainness, on goroutines and channels: the suite holds it to the same
// promises, and programs drawn at random must give the same order on both.
package looptest

import "testing"

// A Loop is what the suite needs of an event loop.
type Loop interface {
	// Go creates a task at the tail of the ready queue.
	Go(name string, fn func()) Task
	// CallSoon puts a callback at the tail of the ready queue.
	CallSoon(fn func())
	// Run runs what is ready until nothing is, and returns how many entries it ran.
	Run() int
	// Park makes the running task wait for Wake (nil) or Cancel (the cause).
	Park(on string) error
	// Yield puts the running task at the tail of the ready queue.
	Yield() error
	// Current is the running task; nil outside of one.
	Current() Task
	// Tasks lists the unfinished tasks in creation order.
	Tasks() []Task
	// Close kills all tasks in creation order.
	Close()
}

// A Task is what the suite needs of a task.
type Task interface {
	// Name is the name given to Go.
	Name() string
	// Wake ends a Park; it does nothing to a task that is not parked.
	Wake()
	// Cancel asks the task to end; false if it has.
	Cancel(cause error) bool
	// Kill unwinds the task before it returns.
	Kill()
	// Await waits for the end of the task, in another one, and returns its outcome.
	Await() error
	// OnDone puts fn on the ready queue when the task ends.
	OnDone(fn func())
	// Done reports whether the task has ended.
	Done() bool
	// Err is the outcome of a task that has ended.
	Err() error
}

// Errors are the loop's own errors that the suite asks for.
type Errors struct {
	Killed error                                          // the outcome of a killed task
	Panic  func(error) (value any, stack []byte, is bool) // takes apart the outcome of a panic
}

// Run checks every promise against loops from open.
func Run(t *testing.T, open func() Loop, errs Errors) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			l := open()
			defer l.Close()
			p.check(&suite{T: t, l: l, errs: errs})
		})
	}
}

// promises are the subtests, in the order in which they are worth reading.
var promises = []struct {
	name  string
	check func(*suite)
}{
	{"tasks start in creation order", startOrder},
	{"a task does not run before its creator waits", creatorFirst},
	{"run returns when nothing is ready, and can be called again", runAgain},
	{"callbacks and tasks share one queue", oneQueue},
	{"yield lets all others that are ready go first", yieldToAll},
	{"awaiting what is done does not yield", awaitDone},
	{"waiters wake in the order in which they began to wait", waitersInOrder},
	{"wake does nothing to a task that is not parked", wakeOnlyParked},
	{"done functions run in the order of their registration", doneInOrder},
	{"a task cancelled before its start never runs", cancelBeforeStart},
	{"cancelling wakes a waiting task with the cause", cancelWaiting},
	{"cleanup after a cancellation may wait", cleanupWaits},
	{"a cancellation that finds the task running ends its next wait", cancelRunning},
	{"a wake that came before the cancellation is not lost", wakeThenCancel},
	{"a cancellation is passed on to the awaited task", cancelPassedOn},
	{"a task may refuse to be cancelled", cancelRefused},
	{"an ended task cannot be cancelled", cancelEnded},
	{"a panic reaches who awaits, with its stack", panicReaches},
	{"a killed task unwinds before kill returns", killUnwinds},
	{"a killed task that has not started never runs", killBeforeStart},
	{"a killed task cannot be kept alive by recovering", killRecover},
	{"nothing that a dying task does has an effect", killSilent},
	{"close kills all tasks in creation order", closeKills},
	{"the current task is known", current},
}
