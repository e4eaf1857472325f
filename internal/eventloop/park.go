package eventloop

import (
	"context"
	"fmt"
)

// Park makes the current task wait until someone calls its Wake, and returns nil then. When the task is
// cancelled instead, it returns the cause; one cancellation ends one wait, so that cleanup may wait again.
// on says what the task waits for, for the deadlock report.
func (l *Loop) Park(on string) error {
	t := l.task("Park")
	if t.pending != nil {
		return t.takePending()
	}
	t.on = on
	return t.suspend()
}

// parkOn is Park for the package's own waits, with a description made only when someone asks.
func (t *Task) parkOn(on fmt.Stringer) error {
	if t.pending != nil {
		return t.takePending()
	}
	t.onWhat = on
	err := t.suspend()
	t.onWhat = nil
	return err
}

// Yield puts the current task at the tail of the ready queue, so that all others that are ready run first.
// It returns the cause when the task is cancelled.
func (l *Loop) Yield() error {
	t := l.task("Yield")
	if t.pending != nil {
		return t.takePending()
	}
	t.on = "its turn"
	t.state = parked
	t.wake(nil)
	return t.switchAway()
}

// suspend parks the task until it is woken or killed.
func (t *Task) suspend() error {
	t.state = parked
	return t.switchAway()
}

// switchAway gives control back. A task that is resumed only to be asked where it waits, answers and waits
// on.
func (t *Task) switchAway() error {
	w := t.w.get()
	w.yield(struct{}{})
	for t.probing {
		t.answerProbe()
		w.yield(struct{}{})
	}
	if t.killed {
		t.unwind()
	}
	err := t.woken
	if err != nil {
		t.woken = nil
		t.wait.leave()
	}
	return err
}

func (t *Task) takePending() error {
	err := t.pending
	t.pending = nil
	return err
}

// ParkContext is [Loop.Park] under a context: it returns the context's cause as soon as that is cancelled. A
// cancellation of the task itself reaches such a wait only through the context, so that cleanup can wait
// under one that is detached ([context.WithoutCancel]).
func (l *Loop) ParkContext(ctx context.Context, on string) error {
	t := l.task("ParkContext")
	if ctx.Err() != nil {
		return t.contextEnded(ctx)
	}
	stop := l.onCancel(ctx, func() { t.wake(errContextEnded) })
	t.on, t.shielded = on, true
	t.state = parked
	err := t.switchAway()
	t.shielded = false
	stop()
	if err == errContextEnded {
		return t.contextEnded(ctx)
	}
	return err
}
