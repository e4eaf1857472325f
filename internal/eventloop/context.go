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
	foreign  bool            // the parent belongs to no loop, so its end is noticed late
	l        *Loop
	deadline time.Time // zero: the parent's
	release  func()    // forgets the parent and the timer

	mu    sync.Mutex // goroutines outside the loop may look
	err   error      // nil until it is cancelled
	cause error
	funcs list[func()]

	// Contexts of the standard library that are derived from this one must find a parent that they know, also
	// through context.WithValue; so it makes one once they ask.
	std *stdContext
}

// stdContext is a context of the standard library that ends with one of a loop.
type stdContext struct {
	context.Context
	cancel context.CancelCauseFunc
	source source
}

// A source ends the context of the standard library that hangs on it, with an error of our choice.
type source struct {
	context.Context // for the deadline
	err             error
	end             func() // what the standard library registered
}

// never is open for ever. A source has a Done channel only so that it counts as one that can end.
var never = make(chan struct{})

func (s *source) Done() <-chan struct{} { return never }
func (s *source) Err() error            { return s.err }
func (s *source) Value(any) any         { return nil }

func (s *source) AfterFunc(fn func()) (stop func() bool) {
	s.end = fn
	return func() bool { return true }
}

func newContext(l *Loop, parent context.Context) *Context {
	return &Context{parent: parent, l: l, release: func() {}}
}

// standard makes the context of the standard library unless there is one.
func (c *Context) standard() *stdContext {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.std == nil {
		c.std = &stdContext{source: source{Context: c}}
		c.std.Context, c.std.cancel = context.WithCancelCause(&c.std.source)
		if c.err != nil {
			c.std.end(c.err, c.cause)
		}
	}
	return c.std
}

func (s *stdContext) end(err, cause error) {
	if err == context.Canceled {
		s.cancel(cause)
		return
	}
	s.source.err = err
	s.source.end()
}

// Context is the task's context. It is cancelled by [Task.Cancel], with the same cause, and when the task
// ends.
func (t *Task) Context() context.Context {
	if t.ctx == nil {
		t.ctx = newContext(t.l, context.Background())
		switch {
		case t.state == done:
			t.ctx.end(context.Canceled, context.Canceled)
		case t.cause != nil:
			t.ctx.end(context.Canceled, t.cause)
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
			c.end(context.DeadlineExceeded, context.DeadlineExceeded)
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
	c := newContext(l, parent)
	if parent.Err() != nil {
		c.end(parent.Err(), context.Cause(parent))
		return c
	}
	c.foreign = loopContext(parent) == nil && parent.Done() != nil
	c.release = l.onCancel(parent, func() { c.end(parent.Err(), context.Cause(parent)) })
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
func (c *Context) Done() <-chan struct{} { return c.standard().Done() }

// Err is context.Canceled or context.DeadlineExceeded once the context is cancelled. The cause is found by
// [context.Cause].
func (c *Context) Err() error {
	err := c.ended()
	if err == nil && c.foreign {
		return c.parent.Err() // the loop has not looked yet
	}
	return err
}

func (c *Context) ended() error {
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
	if v := c.standard().Value(key); v != nil {
		return v // the standard library asks whether it knows this kind
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

// cancelFromOutside is what a cancel function does. A killed task, which may have deferred the call, cancels
// nothing for others while it unwinds; but its own timer it takes along.
func (c *Context) cancelFromOutside(cause error) {
	c.l.mustBeInside("a cancel function")
	if t := c.l.cur.get(); t == nil || !t.killed {
		c.end(context.Canceled, cause)
		return
	}
	c.mu.Lock()
	alone := c.funcs.first == nil
	c.mu.Unlock()
	if alone {
		c.release()
	}
}

func (c *Context) end(err, cause error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err, c.cause = err, cause
	std := c.std
	c.mu.Unlock()
	if std != nil {
		std.end(err, cause)
	}
	c.release()
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
