package eventloop

import "context"

// onCancel calls fn once ctx is cancelled: at that moment for a context of the loop, when the loop next
// comes to rest for another.
func (l *Loop) onCancel(ctx context.Context, fn func()) (stop func()) {
	if c := loopContext(ctx); c != nil {
		s := c.AfterFunc(fn)
		return func() { s() }
	}
	if ctx.Done() == nil {
		return func() {}
	}
	p := &polled{ctx: ctx, fn: fn}
	l.polled.push(p)
	return func() { l.polled.leave(p) }
}

// polled is one wait on a context of another kind. Asking such a context for a call back would start a
// goroutine, and with it an order of events that nobody decides; so the loop looks at it instead, whenever
// nothing is ready.
type polled struct {
	ctx        context.Context
	fn         func()
	prev, next *polled
	in         bool
}

// pollList is a FIFO. The zero value is empty.
type pollList struct{ first, last *polled }

func (l *pollList) push(p *polled) {
	p.in, p.prev = true, l.last
	if l.last == nil {
		l.first = p
	} else {
		l.last.next = p
	}
	l.last = p
}

func (l *pollList) leave(p *polled) {
	if !p.in {
		return
	}
	if p.prev == nil {
		l.first = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		l.last = p.prev
	} else {
		p.next.prev = p.prev
	}
	p.prev, p.next, p.in = nil, nil, false
}

// poll serves the waits whose context was cancelled, in the order in which they began. It reports whether
// something became ready.
func (l *Loop) poll() bool {
	if l.polled.first == nil {
		return false
	}
	var ended []*polled
	for p := l.polled.first; p != nil; p = p.next {
		if p.ctx.Err() != nil {
			ended = append(ended, p)
		}
	}
	for _, p := range ended {
		if p.in {
			l.polled.leave(p)
			p.fn()
		}
	}
	return l.ready.n > 0
}
