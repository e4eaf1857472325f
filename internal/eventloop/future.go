package eventloop

import "context"

// A Future is a value that comes later: someone resolves it once, others await it. The future of a task,
// made by [Start], is resolved by the end of the task.
type Future[T any] struct {
	l       *Loop
	task    *Task // nil for a bare future
	shields *Task // whose result it passes on
	value   T
	err     error
	done    bool
	waiters waiters
}

// NewFuture is an unresolved future of the loop.
func NewFuture[T any](l *Loop) *Future[T] { return &Future[T]{l: l} }

// Start creates a task like [Loop.Go], whose result is the future's.
func Start[T any](l *Loop, name string, fn func() (T, error)) *Future[T] {
	if fn == nil {
		l.Go(name, nil) // refuses, with the name
	}
	f := &Future[T]{l: l}
	f.task = l.Go(name, func() {
		f.value, f.task.err = fn()
		f.task.typed = true
	})
	f.task.onDone.now(func() { f.settle(f.value, f.task.err) })
	return f
}

// Resolve gives the future its value. It reports false, and changes nothing, when the future has its
// outcome already.
func (f *Future[T]) Resolve(v T) bool {
	f.l.enter("Resolve")
	return f.settle(v, nil)
}

// Reject gives the future an error as its outcome. It reports false, and changes nothing, when the future
// has its outcome already.
func (f *Future[T]) Reject(err error) bool {
	f.l.enter("Reject")
	if err == nil {
		panic("eventloop: Reject needs an error, got nil; Resolve is for success")
	}
	var zero T
	return f.settle(zero, err)
}

func (f *Future[T]) settle(v T, err error) bool {
	if f.done {
		return false
	}
	f.value, f.err, f.done = v, err, true
	f.waiters.fire(f.l)
	return true
}

// Done reports whether the future has its outcome.
func (f *Future[T]) Done() bool { return f.done }

// Task is the task whose result the future is; nil for a bare future.
func (f *Future[T]) Task() *Task { return f.task }

// Err is the error of the outcome; nil on success and while there is no outcome.
func (f *Future[T]) Err() error { return f.err }

// Result is the outcome so far: the zero value and nil while there is none.
func (f *Future[T]) Result() (T, error) { return f.value, f.err }

// OnDone puts fn on the ready queue when the future has its outcome, or now if it has. Functions run in the
// order in which they were registered, among the tasks that await the future.
func (f *Future[T]) OnDone(fn func(*Future[T])) {
	f.l.enter("OnDone")
	run := func() { fn(f) }
	if f.done {
		f.l.soon(run)
		return
	}
	f.waiters.soon(run)
}

// Await waits for the outcome. If there is one, it does not yield. Several tasks may await one future; they
// wake in the order in which they began to.
func (f *Future[T]) Await() (T, error) {
	if !f.done {
		if err := f.wait(); err != nil {
			var zero T
			return zero, err
		}
	}
	return f.value, f.err
}

func (f *Future[T]) wait() error {
	t := f.l.task("Await")
	if f.task == nil {
		return f.waiters.add(t, f)
	}
	return f.waiters.addLinked(t, f, f.task)
}

// Cancel cancels the task whose result the future is; a bare future gets the cause as its outcome. It
// reports false when there is an outcome already.
func (f *Future[T]) Cancel(cause error) bool {
	f.l.enter("Cancel")
	if f.task != nil {
		return f.task.cancel(cause)
	}
	if cause == nil {
		cause = context.Canceled
	}
	var zero T
	return f.settle(zero, cause)
}

// cancel passes on the cancellation of one who waits. A bare future has nobody to pass it on to, and may
// have others who wait.
func (f *Future[T]) cancel(cause error) bool { return f.task != nil && f.task.cancel(cause) }

// String says what the future is, for reports.
func (f *Future[T]) String() string {
	switch {
	case f.task != nil:
		return f.task.String()
	case f.shields != nil:
		return "shielded " + f.shields.String()
	}
	return "a future"
}

func (f *Future[T]) waitsFor() *Task {
	if f.task != nil {
		return f.task
	}
	return f.shields
}

func (f *Future[T]) loop() *Loop    { return f.l }
func (f *Future[T]) ends() *waiters { return &f.waiters }
