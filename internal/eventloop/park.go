package eventloop

import (
	"context"
	"errors"
)

// errContextEnded wakes a wait under a context; its caller never sees it.
var errContextEnded = errors.New("eventloop: the context of a wait ended")

// Park makes the current task wait until someone calls its Wake, and returns nil then. When the task is
// cancelled instead, it returns the cause; one cancellation ends one wait, so that cleanup may wait again.
// on says what the task waits for, for the deadlock report.
func (l *Loop) Park(on string) error {
	t := l.task("Park")
	if t.pending != nil {
		return t.takePending()
	}
	t.on, t.state = on, parked
	t.w.get().yield(struct{}{}) // here and below not in a function of its own: see Loop.run
	if t.roused {
		return t.rouse()
	}
	return nil
}

// Yield puts the current task at the tail of the ready queue, so that all others that are ready run first.
// It returns the cause when the task is cancelled.
func (l *Loop) Yield() error {
	t := l.task("Yield")
	if t.pending != nil {
		return t.takePending()
	}
	t.on, t.state = "its turn", ready
	l.ready.push(entry{task: t})
	t.w.get().yield(struct{}{})
	if t.roused {
		return t.rouse()
	}
	return nil
}

// A describer says what a task waits for, when someone asks.
type describer interface{ String() string }

// parkOn is the rest of a wait of the package's own primitives, which have looked for a pending
// cancellation themselves.
func (t *Task) parkOn(on describer) error {
	t.onWhat, t.state = on, parked
	t.w.get().yield(struct{}{})
	var err error
	if t.roused {
		err = t.rouse()
	}
	t.onWhat = nil
	return err
}

// rouse is the rest of a wait that did not end by a plain Wake: the task is asked where it waits, and
// waits on; or it was killed, and unwinds; or its wait was cut short.
func (t *Task) rouse() error {
	for t.probing {
		t.answerProbe()
		t.w.get().yield(struct{}{})
	}
	t.roused = false
	if t.killed {
		t.unwind()
	}
	err := t.woken
	if err != nil {
		t.woken = nil
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
	defer l.onCancel(ctx, func() { t.wake(errContextEnded) })()
	t.on, t.shielded, t.state = on, true, parked
	t.w.get().yield(struct{}{})
	var err error
	if t.roused {
		err = t.rouse()
	}
	t.shielded = false
	if err == errContextEnded {
		return t.contextEnded(ctx)
	}
	return err
}
