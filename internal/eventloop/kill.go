package eventloop

import "fmt"

// unwinding is what a killed task panics with.
type unwinding struct{ task *Task }

func (u unwinding) String() string {
	return fmt.Sprintf("eventloop: task %q was killed and unwinds (let this panic pass)", u.task.name)
}

// IsKill reports whether a recovered panic value is that of a killed task. Code that turns panics into
// errors must panic with such a value again.
func IsKill(recovered any) bool {
	_, ok := recovered.(unwinding)
	return ok
}

// maxUnwinds bounds how often a killed task may recover and wait again. It is then left where it is.
const maxUnwinds = 1000

// Kill ends the task as if its process had died. A waiting task unwinds before Kill returns: its wait
// panics with a private value, deferred functions run, and each further call of this package panics again,
// also when the code recovers; so nothing it does while it unwinds has an effect on others. A task that has
// not started never does. A task that is running, such as the caller, goes on until its next call of this
// package. Those who wait for the task get [ErrKilled].
func (t *Task) Kill() {
	t.l.enter("Kill")
	t.l.kill(t)
}

func (l *Loop) kill(t *Task) {
	if t.state == done {
		return
	}
	t.killed, t.roused = true, true
	switch {
	case t.state == running:
	case t.w.get() == nil:
		l.dead++
		t.finish(ErrKilled)
	default:
		if t.state == ready {
			l.dead++
		}
		t.withdraw()
		l.resume(t)
	}
}

// Killed reports whether the task was killed; it may still be unwinding.
func (t *Task) Killed() bool { return t.killed }

// Unwind makes a killed task that is running unwind at once. It does nothing if the task was not killed. A
// simulator calls it wherever a task could reach the world, also on the task of an outer loop.
func (t *Task) Unwind() {
	if t.killed && t.state != done {
		t.unwind()
	}
}

func (t *Task) unwind() {
	t.unwound++
	if t.unwound > maxUnwinds && t.state == running && t.w.get().g == goroutine() {
		t.finish(fmt.Errorf("%w, but recovered from that %d times and would not end", ErrKilled, maxUnwinds))
		t.abandon()
	}
	panic(unwinding{t})
}

// abandon gives control back for good: the coroutine stays where it is, out of everyone's way.
func (t *Task) abandon() {
	t.abandoned = true
	w := t.w.get()
	for {
		w.yield(struct{}{})
	}
}
