package looptest

import (
	"context"
	"fmt"
	"time"
)

// SetClock implements [TimeLoop].
func (l *Reference) SetClock(c Clock) { l.clock = c }

type refTimer struct {
	l    *Reference
	fn   func() // nil once it ran or was stopped
	stop func() bool
}

// CallLater implements [TimeLoop].
func (l *Reference) CallLater(d time.Duration, fn func()) Timer {
	l.enter()
	t := &refTimer{l: l, fn: fn}
	t.stop = l.clock.AfterFunc(d, func() {
		l.soon(func() {
			if fn := t.fn; fn != nil {
				t.fn = nil
				fn()
			}
		})
	})
	return t
}

// CallAt implements [TimeLoop].
func (l *Reference) CallAt(at time.Time, fn func()) Timer {
	return l.CallLater(at.Sub(l.clock.Now()), fn)
}

// Stop implements [Timer].
func (t *refTimer) Stop() bool {
	t.l.enter()
	was := t.fn != nil
	t.fn = nil
	t.stop()
	return was
}

// Sleep implements [TimeLoop].
func (l *Reference) Sleep(d time.Duration) error {
	if d <= 0 {
		return l.Yield()
	}
	l.enter()
	t := l.cur
	defer l.clock.AfterFunc(d, func() { t.wake(nil) })()
	return t.waitFor(fmt.Sprint("a sleep of ", d), nil)
}

// refCut is one wait cut short: its identity tells nested ones apart.
type refCut struct{ error }

func (c *refCut) Unwrap() error { return c.error }

// Timeout implements [TimeLoop].
func (l *Reference) Timeout(d time.Duration, fn func() error) error {
	l.enter()
	t, cut := l.cur, &refCut{context.DeadlineExceeded}
	stop := l.clock.AfterFunc(d, func() {
		if t.pending == nil {
			t.interrupt(cut)
		}
	})
	defer func() {
		stop()
		if t.pending == error(cut) {
			t.pending = nil // fn did not wait again
		}
	}()
	return fn()
}

// ParkContext implements [TimeLoop].
func (l *Reference) ParkContext(ctx context.Context, on string) error {
	l.enter()
	t := l.cur
	end := &refCut{}
	ended := func() error {
		cause := context.Cause(ctx)
		if t.pending == cause {
			t.pending = nil // it is delivered now
		}
		return cause
	}
	if ctx.Err() != nil {
		return ended()
	}
	defer after(ctx, func() { t.wake(end) })()
	t.guarded, t.inPark = true, true
	defer func() { t.guarded, t.inPark = false, false }()
	if err := t.waitFor(on, nil); err != error(end) {
		return err
	}
	return ended()
}

// refContext is a context of the standard library that calls back when the loop ends it.
type refContext struct {
	context.Context
	deadline time.Time // zero: the parent's
	cancel   context.CancelCauseFunc
	then     []*func()
}

func newRefContext(parent context.Context) *refContext {
	c := &refContext{}
	c.Context, c.cancel = context.WithCancelCause(parent)
	return c
}

// Context implements [Task].
func (t *refTask) Context() context.Context {
	if t.ctx == nil {
		t.ctx = newRefContext(context.Background())
		switch {
		case t.cause != nil:
			t.ctx.end(t.cause)
		case t.state == "done":
			t.ctx.end(context.Canceled)
		}
	}
	return t.ctx
}

// WithTimeout implements [TimeLoop].
func (l *Reference) WithTimeout(
	parent context.Context, d time.Duration,
) (context.Context, context.CancelFunc) {
	l.enter()
	c := newRefContext(parent)
	c.deadline = l.clock.Now().Add(d)
	if earlier, ok := parent.Deadline(); ok && earlier.Before(c.deadline) {
		c.deadline = earlier
	}
	if c.Err() == nil {
		forget := after(parent, func() { c.end(context.Cause(parent)) })
		stop := l.clock.AfterFunc(d, func() { c.end(context.DeadlineExceeded) })
		after(c, func() { forget(); stop() })
	}
	return c, func() { l.enter(); c.end(context.Canceled) }
}

func (c *refContext) end(cause error) {
	c.cancel(cause)
	then := c.then
	c.then = nil
	for _, fn := range then {
		(*fn)()
	}
}

// after calls fn when the loop ends ctx, unless it is told to forget that.
func after(ctx context.Context, fn func()) (forget func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	c := ctx.Value(refContextKey{}).(*refContext) // the reference knows no others
	c.then = append(c.then, &fn)
	return func() { fn = func() {} }
}

type refContextKey struct{}

// Value implements context.Context.
func (c *refContext) Value(key any) any {
	if key == (refContextKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// Deadline implements context.Context.
func (c *refContext) Deadline() (time.Time, bool) {
	if c.deadline.IsZero() {
		return c.Context.Deadline()
	}
	return c.deadline, true
}

// Err implements context.Context.
func (c *refContext) Err() error {
	if context.Cause(c.Context) == context.DeadlineExceeded {
		return context.DeadlineExceeded
	}
	return c.Context.Err()
}
