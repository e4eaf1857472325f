package sim

import (
	"context"
	"iter"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// The tools for tasks. All of them are FIFO-fair: who waits longest goes first. They belong to the world that
// they were made in, and are for its tasks only.
type (
	// Task is a function that the world runs when it is its turn, until it waits.
	Task = eventloop.Task
	// Future is a value that comes later: someone resolves it once, others await it.
	Future[T any] = eventloop.Future[T]
	// Outcome is what became of one future: a value or an error.
	Outcome[T any] = eventloop.Outcome[T]
	// Chan is a channel for tasks, with a buffer or without.
	Chan[T any] = eventloop.Chan[T]
	// Queue is a queue of work, whose Join waits until every item is done.
	Queue[T any] = eventloop.Queue[T]
	// Mutex is a lock that a task holds while others wait.
	Mutex = eventloop.Mutex
	// Semaphore lets a number of tasks in at a time.
	Semaphore = eventloop.Semaphore
	// Cond lets tasks wait for a condition under a Mutex.
	Cond = eventloop.Cond
	// WaitGroup waits for a number of tasks.
	WaitGroup = eventloop.WaitGroup
	// Flag is set once or again and again; tasks wait until it is.
	Flag = eventloop.Event
	// Awaitable is a *Future or a *Task.
	Awaitable = eventloop.Awaitable
	// WaitMode says when Wait has waited long enough.
	WaitMode = eventloop.WaitMode
)

// The modes of Wait.
const (
	AllCompleted   = eventloop.AllCompleted   // all are done
	FirstCompleted = eventloop.FirstCompleted // at least one is done
	FirstError     = eventloop.FirstError     // at least one has failed, or all are done
)

var (
	// ErrClosed is what a closed Chan or Queue answers: to senders at once, to receivers when it is empty.
	ErrClosed = eventloop.ErrClosed
	// ErrKilled is the outcome of a task whose node crashed, for those of other nodes who await it.
	ErrKilled = eventloop.ErrKilled
)

// Start starts a task that has a result. Inside a node's task it belongs to that node. An error is an outcome
// that someone may await; a panic fails the world.
func Start[T any](w *World, name string, fn func(ctx context.Context) (T, error)) *Future[T] {
	t := w.current("Start")
	mustHave("Start", fn != nil)
	w.event(evSpawn, nodeOf(t), "", name, 0)
	return eventloop.Start(w.loop, name, func() (T, error) { return fn(w.loop.Current().Context()) })
}

// NewFuture is an unresolved future.
func NewFuture[T any](w *World) *Future[T] { return eventloop.NewFuture[T](w.toolLoop("NewFuture")) }

// NewChan is a channel with a buffer of that capacity; with 0, a sender waits for its receiver. The name is
// for reports.
func NewChan[T any](w *World, name string, capacity int) *Chan[T] {
	return eventloop.NewChan[T](w.toolLoop("NewChan"), name, capacity)
}

// NewQueue is a queue that holds at most limit items; 0 is any number. The name is for reports.
func NewQueue[T any](w *World, name string, limit int) *Queue[T] {
	return eventloop.NewQueue[T](w.toolLoop("NewQueue"), name, limit)
}

// NewMutex is an unlocked mutex. The name is for reports.
func NewMutex(w *World, name string) *Mutex { return eventloop.NewMutex(w.toolLoop("NewMutex"), name) }

// NewSemaphore lets n tasks in at a time. The name is for reports.
func NewSemaphore(w *World, name string, n int) *Semaphore {
	return eventloop.NewSemaphore(w.toolLoop("NewSemaphore"), name, n)
}

// NewCond is a condition under the mutex. The name is for reports.
func NewCond(m *Mutex, name string) *Cond { return eventloop.NewCond(m, name) }

// NewWaitGroup waits for nothing yet. The name is for reports.
func NewWaitGroup(w *World, name string) *WaitGroup {
	return eventloop.NewWaitGroup(w.toolLoop("NewWaitGroup"), name)
}

// NewFlag is a flag that isn't set. The name is for reports.
func NewFlag(w *World, name string) *Flag { return eventloop.NewEvent(w.toolLoop("NewFlag"), name) }

// Gather waits for all futures and returns their values in the order of the arguments. The first error is
// returned at once; the others keep running.
func Gather[T any](fs ...*Future[T]) ([]T, error) { return eventloop.Gather(fs...) }

// Settle waits for all futures, whether they fail or not, and returns their outcomes in the order of the
// arguments.
func Settle[T any](fs ...*Future[T]) ([]Outcome[T], error) { return eventloop.Settle(fs...) }

// Wait waits until the mode is satisfied, and returns what is done and what is not, in the order of the
// arguments. It cancels nothing.
func Wait[A Awaitable](mode WaitMode, items ...A) (done, pending []A, err error) {
	return eventloop.Wait(mode, items...)
}

// Completed yields the items in the order in which they are done, each once.
func Completed[A Awaitable](items ...A) iter.Seq2[A, error] { return eventloop.Completed(items...) }

// Shield makes a future with the outcome of f through which no cancellation passes: the task behind f keeps
// running.
func Shield[T any](f *Future[T]) *Future[T] { return eventloop.Shield(f) }

// toolLoop is the loop for a tool made by the running task.
func (w *World) toolLoop(what string) *eventloop.Loop {
	w.current(what)
	return w.loop
}

// Yield lets all other tasks that are ready run first. It returns the cause when the task is cancelled.
func (w *World) Yield() error {
	w.current("World.Yield")
	return w.loop.Yield()
}
