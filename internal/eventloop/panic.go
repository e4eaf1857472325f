package eventloop

import (
	"fmt"
	"runtime/debug"
)

// A PanicError is the outcome of a task that panicked.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // the stack at the panic, as debug.Stack prints it
	Task  string // the task's name
}

// Error names the task and the value; the stack follows on lines of its own.
func (e *PanicError) Error() string {
	return fmt.Sprintf("task %q panicked: %v\n\n%s", e.Task, e.Value, e.Stack)
}

// Unwrap is the value, if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// SetOnPanic makes the loop call fn, at once and inside the task that dies, for every panic of a task: also
// for those that nobody awaits.
func (l *Loop) SetOnPanic(fn func(*Task, *PanicError)) { l.onPanic = fn }

// broke ends a task that panicked with value r, or exited when r is nil. It runs on the stack of the panic.
func (t *Task) broke(r any) {
	_, unwinding := r.(unwinding)
	switch {
	case t.killed && r == nil:
		// An exit would go on through whoever resumed this task. Nothing of a killed task may.
		t.finish(ErrKilled)
		t.abandon()
	case t.killed || unwinding:
		t.finish(ErrKilled)
	case r == nil:
		t.finish(ErrExited)
	default:
		p := &PanicError{Value: r, Stack: debug.Stack(), Task: t.name}
		if t.l.onPanic != nil {
			t.l.onPanic(t, p)
		}
		t.finish(p)
	}
}
