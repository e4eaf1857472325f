package eventloop

import (
	"context"
	"errors"
	"time"
)

var errContextEnded = errors.New("eventloop: internal: the context of a wait ended")

// A Context is a context.Context that belongs to a loop: it is cancelled on the loop's thread of control
// and starts no goroutine, not even for the children that the standard library derives from it.
type Context struct {
	parent context.Context
	l      *Loop
	done   chan struct{} // made when asked for
	err    error
	cause  error
	funcs  waitList // what to call when cancelled
}

// Context is the task's context. It is cancelled by Cancel, and when the task ends.
func (t *Task) Context() context.Context {
	if t.ctx == nil {
		t.ctx = &Context{parent: context.Background(), l: t.l}
		switch {
		case t.state == done:
			t.ctx.end()
		case t.cause != nil:
			t.ctx.cancel(t.cause)
		}
	}
	return t.ctx
}

// Deadline is the parent's.
func (c *Context) Deadline() (time.Time, bool) { return c.parent.Deadline() }

// Done is closed when the context is cancelled. A task must not receive from it, that would stop the loop;
// it waits with [Loop.ParkContext].
func (c *Context) Done() <-chan struct{} {
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

// Err is context.Canceled or context.DeadlineExceeded once the context is cancelled.
func (c *Context) Err() error { return c.err }

type contextKey struct{}

// Value is the parent's.
func (c *Context) Value(key any) any {
	if key == (contextKey{}) {
		return c
	}
	return c.parent.Value(key)
}

// AfterFunc calls fn, on the loop's thread of control, when the context is cancelled; at once if it is.
// The standard library finds this method, and so needs no goroutine to follow the context.
func (c *Context) AfterFunc(fn func()) (stop func() bool) {
	if c.err != nil {
		fn()
		return func() bool { return false }
	}
	w := &waiter{fn: fn, now: true}
	c.funcs.push(w)
	return func() bool {
		in := w.list != nil
		w.leave()
		return in
	}
}

func (c *Context) end() { c.cancel(context.Canceled) }

func (c *Context) cancel(cause error) {
	if c.err != nil {
		return
	}
	c.err, c.cause = context.Canceled, cause
	if errors.Is(cause, context.DeadlineExceeded) {
		c.err = context.DeadlineExceeded
	}
	if c.done != nil {
		close(c.done)
	}
	c.funcs.fire(c.l)
}

// loopContext is the loop's context that decides when ctx is cancelled; nil if another kind decides.
func loopContext(ctx context.Context) *Context {
	if c, ok := ctx.(*Context); ok {
		return c
	}
	c, _ := ctx.Value(contextKey{}).(*Context)
	if c != nil && ctx.Done() == c.Done() {
		return c
	}
	return nil
}

// Cause is why ctx was cancelled, like [context.Cause], which does not know the loop's contexts. It finds
// their cause also through contexts that the standard library derived from them.
func Cause(ctx context.Context) error {
	if c, ok := ctx.(*Context); ok {
		return c.cause
	}
	cause := context.Cause(ctx)
	if cause == nil || cause != ctx.Err() {
		return cause
	}
	if c, _ := ctx.Value(contextKey{}).(*Context); c != nil && c.err == cause {
		return c.cause
	}
	return cause
}
