package eventloop

import "context"

// polled is one wait on a context of another kind. Asking such a context for a call back would start a
// goroutine, and with it an order of events that nobody decides; so the loop looks at it instead, whenever
// nothing is ready.
type polled struct {
	ctx context.Context
	fn  func()
}

// onCancel calls fn once ctx is cancelled: at that moment for a context of a loop, when the loop next
// comes to rest for another.
func (l *Loop) onCancel(ctx context.Context, fn func()) (stop func()) {
	if c := loopContext(ctx); c != nil {
		s := c.AfterFunc(fn)
		return func() { s() }
	}
	if ctx.Done() == nil {
		return func() {}
	}
	p := &link[polled]{v: polled{ctx: ctx, fn: fn}}
	l.polled.push(p)
	return func() { p.leave() }
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

// poll serves the waits whose context was cancelled, in the order in which they began. It reports whether
// something became ready.
func (l *Loop) poll() bool {
	if l.polled.first == nil {
		return false
	}
	var ended []*link[polled]
	for p := l.polled.first; p != nil; p = p.next {
		if p.v.ctx.Err() != nil {
			ended = append(ended, p)
		}
	}
	for _, p := range ended {
		if p.leave() {
			p.v.fn()
		}
	}
	return l.ready.n > 0
}
