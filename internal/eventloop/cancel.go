package eventloop

import (
	"context"
	"errors"
)

// Cancel asks the task to end. If it waits, its wait ends with the cause; if it runs or was already woken,
// its next wait does; if it has not started, it never will. Its context is cancelled. The task may clean
// up, and may wait while it does; it may also refuse, see [Task.Uncancel]. A nil cause means
// context.Canceled. Cancel reports false when the task has ended.
func (t *Task) Cancel(cause error) bool {
	t.l.enter("Cancel")
	return t.cancel(cause)
}

func (t *Task) cancel(cause error) bool {
	if t.state == done || t.killed {
		return false
	}
	if cause == nil {
		cause = context.Canceled
	}
	if t.cause == nil {
		t.cause = cause
	}
	t.refused = false
	t.interrupt(cause)
	if t.ctx != nil {
		t.ctx.end(context.Canceled, cause)
	}
	return true
}

// interrupt ends the current wait, or the next one, with cause. If the task waits for other tasks, they get
// the cause first, and their end is the end of the wait.
func (t *Task) interrupt(cause error) {
	switch {
	case t.state != parked || t.shielded:
		t.pending = cause
	case t.linked != nil && t.passOn(cause):
	default:
		t.wake(cause)
	}
}

// A canceller is what can be cancelled; it reports false if there was nothing left to cancel.
type canceller interface{ cancel(cause error) bool }

// passOn gives the cause to those that the task waits for. When they in turn wait for this task, that is a
// cycle, and the cause ends this wait.
func (t *Task) passOn(cause error) bool {
	others := t.linked
	t.linked = nil
	ok := others.cancel(cause)
	if t.state == parked {
		t.linked = others
	}
	return ok && t.state == parked
}

// parkLinked is parkOn for a wait on other tasks. The caller has registered it.
func (t *Task) parkLinked(on describer, others canceller) error {
	if cause := t.pending; cause != nil {
		t.pending = nil
		if !others.cancel(cause) {
			t.wait.leave()
			return cause
		}
	}
	t.linked = others
	err := t.parkOn(on)
	t.linked = nil
	return err
}

// Cancelled is the cause of the first cancellation that was asked for, also while the task cleans up or
// after it refused; nil if none was.
func (t *Task) Cancelled() error { return t.cause }

// Uncancel says that the task refuses its cancellation: it goes on, and a normal end counts as one. A
// cancellation that was not delivered yet is dropped. The task's context stays cancelled.
func (t *Task) Uncancel() {
	t.l.enter("Uncancel")
	t.refused, t.pending = true, nil
}

// contextEnded is the error of a wait under a cancelled context. If that context carries the cancellation
// of the task itself, the cancellation counts as delivered.
func (t *Task) contextEnded(ctx context.Context) error {
	cause := context.Cause(ctx)
	if t.pending != nil && errors.Is(cause, t.pending) {
		t.pending = nil
	}
	return cause
}
