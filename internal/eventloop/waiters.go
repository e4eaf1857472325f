package eventloop

// A waiter is one place in a list of those who wait for the same thing. Each task has one of its own, since
// a task waits in one place at a time.
type waiter struct {
	prev, next *waiter
	list       *waitList
	task       *Task  // to be woken
	fn         func() // to be queued,
	now        bool   // or called at once: for the package's own bookkeeping
}

// leave takes the waiter out of its list, if it is in one.
func (w *waiter) leave() {
	l := w.list
	if l == nil {
		return
	}
	if w.prev == nil {
		l.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.list = nil, nil, nil
}

// A waitList is a FIFO of waiters. The zero value is empty.
type waitList struct{ first, last *waiter }

func (l *waitList) push(w *waiter) {
	w.list, w.prev, w.next = l, l.last, nil
	if l.last == nil {
		l.first = w
	} else {
		l.last.next = w
	}
	l.last = w
}

// pop takes out who waits longest; nil when nobody does.
func (l *waitList) pop() *waiter {
	w := l.first
	if w != nil {
		w.leave()
	}
	return w
}

// fire serves all waiters, in the order in which they began to wait.
func (l *waitList) fire(loop *Loop) {
	for w := l.pop(); w != nil; w = l.pop() {
		switch {
		case w.task != nil:
			w.task.wake(nil)
		case w.now:
			w.fn()
		default:
			loop.soon(w.fn)
		}
	}
}
