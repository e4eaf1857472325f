package eventloop

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrTimeout is what a wait returns when it is cut short by [Loop.Timeout]. It is a
// context.DeadlineExceeded to errors.Is.
var ErrTimeout = fmt.Errorf("eventloop: timed out: %w", context.DeadlineExceeded)

// overrun is one timeout that passed. Its identity tells nested timeouts apart.
type overrun struct{ after time.Duration }

func (o *overrun) Error() string { return fmt.Sprintf("eventloop: timed out after %v", o.after) }
func (o *overrun) Unwrap() error { return ErrTimeout }

// Timeout runs fn inside the current task. If fn still waits d later, that wait returns [ErrTimeout], once;
// fn may clean up and should pass the error on. Timeouts nest.
func (l *Loop) Timeout(d time.Duration, fn func() error) error {
	t := l.task("Timeout")
	over := &overrun{after: d}
	stop := l.mustHaveClock("Timeout").AfterFunc(d, func() {
		if t.pending == nil { // a cancellation that waits to be delivered is stronger
			t.interrupt(over)
		}
	})
	defer func() {
		stop()
		if t.pending == error(over) {
			t.pending = nil // fn ended without another wait
		}
	}()
	return fn()
}

// Under runs fn inside the current task, and makes every wait in it a wait under ctx: when ctx is
// cancelled, the wait returns the cause, once.
func (l *Loop) Under(ctx context.Context, fn func() error) error {
	t := l.task("Under")
	if ctx.Err() != nil {
		return t.contextEnded(ctx)
	}
	var cut *cutShort
	stop := l.onCancel(ctx, func() {
		cause := context.Cause(ctx)
		if t.cause != nil && errors.Is(cause, t.cause) {
			return // the task's own cancellation, which reaches the wait by itself
		}
		cut = &cutShort{cause}
		t.interrupt(cut)
	})
	defer func() {
		stop()
		if cut != nil && t.pending == error(cut) {
			t.pending = nil
		}
	}()
	err := fn()
	if cut != nil && err == error(cut) {
		return cut.cause
	}
	return err
}

// cutShort is one context that ended.
type cutShort struct{ cause error }

func (c *cutShort) Error() string { return c.cause.Error() }
func (c *cutShort) Unwrap() error { return c.cause }
