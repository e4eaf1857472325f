package eventloop

// A waiter wants to know when something happens. Each task has one of its own, since a task waits in one
// place at a time; the others are callbacks.
type waiter = link[waiting]

type waiting struct {
	task *Task  // to be woken, or
	fn   func() // to be queued, or,
	now  bool   // for the package's own bookkeeping, called at once
	slot any    // what a waiting task offers or wants: a *offer of a Chan
}

// waiters is a FIFO of those who wait for the same thing.
type waiters struct{ list[waiting] }

// add puts the current task into the list and parks it there. On error it has left the list.
func (ws *waiters) add(t *Task, on describer) error {
	t.wait.v.task = t
	if t.pending != nil {
		return t.takePending()
	}
	ws.push(&t.wait)
	return t.parkOn(on)
}

// addLinked is add for a wait on other tasks, which get a cancellation in the waiting task's stead.
func (ws *waiters) addLinked(t *Task, on describer, others canceller) error {
	t.wait.v.task = t
	ws.push(&t.wait)
	return t.parkLinked(on, others)
}

// soon registers a callback that goes to the ready queue.
func (ws *waiters) soon(fn func()) { ws.push(&waiter{v: waiting{fn: fn}}) }

// now registers a callback that is called at once. It must not panic, nor call anyone else's code.
func (ws *waiters) now(fn func()) *waiter {
	w := &waiter{v: waiting{fn: fn, now: true}}
	ws.push(w)
	return w
}

// fire serves all waiters, in the order in which they began to wait.
func (ws *waiters) fire(l *Loop) {
	for w := ws.pop(); w != nil; w = ws.pop() {
		switch {
		case w.v.task != nil:
			w.v.task.wake(nil)
		case w.v.now:
			w.v.fn()
		default:
			l.soon(w.v.fn)
		}
	}
}

// wakeFirst wakes the task that waits longest. It reports false when none does.
func (ws *waiters) wakeFirst() bool {
	w := ws.pop()
	if w == nil {
		return false
	}
	w.v.task.wake(nil)
	return true
}
