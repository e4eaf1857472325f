package eventloop

import (
	"context"
	"sync"
	"time"
)

// A Context is a context.Context that belongs to a loop: it is cancelled on the loop's thread of control
// and starts no goroutine, not even for the children that the standard library derives from it. Tasks get
// theirs from [Task.Context]; [Loop.WithCancel], [Loop.WithDeadline] and [Loop.WithTimeout] derive others.
type Context struct {
	parent   context.Context // for values and the deadline
	l        *Loop
	deadline time.Time // zero: the parent's
	release  func()    // forgets the parent and the timer

	mu    sync.Mutex // goroutines outside the loop may look
	done  chan struct{}
	err   error
	cause error
	funcs list[func()] // what to call when cancelled
}

// Context is the task's context. It is cancelled by [Task.Cancel], with the same cause, and when the task
// ends.
func (t *Task) Context() context.Context {
	if t.ctx == nil {
		t.ctx = &Context{parent: context.Background(), l: t.l}
		switch {
		case t.state == done:
			t.ctx.cancel(context.Canceled, context.Canceled)
		case t.cause != nil:
			t.ctx.cancel(context.Canceled, t.cause)
		}
	}
	return t.ctx
}

// WithCancel derives a context that cancel ends, like [context.WithCancelCause] and without a goroutine
// whatever the parent is.
func (l *Loop) WithCancel(parent context.Context) (ctx context.Context, cancel context.CancelCauseFunc) {
	l.enter("WithCancel")
	c := l.child(parent)
	return c, func(cause error) {
		if cause == nil {
			cause = context.Canceled
		}
		c.cancelFromOutside(cause)
	}
}

// WithDeadline derives a context that ends at the given time of the loop's clock, with
// [context.DeadlineExceeded], unless it is cancelled before.
func (l *Loop) WithDeadline(parent context.Context, at time.Time) (context.Context, context.CancelFunc) {
	l.enter("WithDeadline")
	clock := l.mustHaveClock("WithDeadline")
	c := l.child(parent)
	if earlier, ok := parent.Deadline(); !ok || at.Before(earlier) {
		c.deadline = at
	}
	if c.Err() == nil {
		stop := clock.AfterFunc(at.Sub(clock.Now()), func() {
			c.cancel(context.DeadlineExceeded, context.DeadlineExceeded)
		})
		forget := c.release
		c.release = func() {
			forget()
			stop()
		}
	}
	return c, func() { c.cancelFromOutside(context.Canceled) }
}

// WithTimeout is [Loop.WithDeadline] for a time d from now.
func (l *Loop) WithTimeout(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	l.enter("WithTimeout")
	return l.WithDeadline(parent, l.mustHaveClock("WithTimeout").Now().Add(d))
}

// child follows its parent, whatever kind of context that is.
func (l *Loop) child(parent context.Context) *Context {
	c := &Context{parent: parent, l: l, release: func() {}}
	if parent.Err() != nil {
		c.cancel(parent.Err(), Cause(parent))
		return c
	}
	c.release = l.onCancel(parent, func() { c.cancel(parent.Err(), Cause(parent)) })
	return c
}

// Deadline is the context's own or its parent's, whichever comes first.
func (c *Context) Deadline() (time.Time, bool) {
	if !c.deadline.IsZero() {
		return c.deadline, true
	}
	return c.parent.Deadline()
}

// Done is closed when the context is cancelled. A task must not receive from it, that would stop the loop;
// it waits with [Loop.ParkContext].
func (c *Context) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

// Err is context.Canceled or context.DeadlineExceeded once the context is cancelled.
func (c *Context) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

type contextKey struct{}

// Value is the parent's.
func (c *Context) Value(key any) any {
	if key == (contextKey{}) {
		return c
	}
	return c.parent.Value(key)
}

// AfterFunc calls fn, on the loop's thread of control, when the context is cancelled; at once if it is.
// The standard library finds this method, and so needs no goroutine to follow the context. fn may not
// wait; [Loop.CallSoon] and [Loop.Go] start what may.
func (c *Context) AfterFunc(fn func()) (stop func() bool) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		fn()
		return func() bool { return false }
	}
	k := &link[func()]{v: fn}
	c.funcs.push(k)
	c.mu.Unlock()
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return k.leave()
	}
}

// cancelFromOutside is what a cancel function does. A killed task cancels nothing while it unwinds; it may
// have deferred the call, so it need not be unwound again.
func (c *Context) cancelFromOutside(cause error) {
	c.l.mustBeInside("a cancel function")
	if t := c.l.cur.get(); t != nil && t.killed {
		return
	}
	c.cancel(context.Canceled, cause)
}

func (c *Context) cancel(err, cause error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err, c.cause = err, cause
	if c.done != nil {
		close(c.done)
	}
	c.mu.Unlock()
	if c.release != nil {
		c.release()
	}
	for {
		c.mu.Lock()
		k := c.funcs.pop()
		c.mu.Unlock()
		if k == nil {
			return
		}
		k.v()
	}
}

// Cause is why ctx was cancelled, like [context.Cause], which does not know the loop's contexts. It finds
// their cause also through contexts that the standard library derived from them.
func Cause(ctx context.Context) error {
	cause := context.Cause(ctx)
	if cause == nil || cause != ctx.Err() {
		return cause
	}
	if c, _ := ctx.Value(contextKey{}).(*Context); c != nil && c.Err() == cause {
		return c.cause
	}
	return cause
}
