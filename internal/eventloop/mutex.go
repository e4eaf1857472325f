package eventloop

import "fmt"

// A Mutex is held by one task at a time. It is FIFO-fair: Unlock hands it to the task that waits longest,
// and nobody gets in between. Unlike a sync.Mutex it may be held over a wait. Create one with [NewMutex].
type Mutex struct {
	l       *Loop
	name    string
	held    bool
	holder  *Task // nil when a callback locked it
	waiters waiters
}

// NewMutex is an unlocked mutex. The name is for reports.
func NewMutex(l *Loop, name string) *Mutex { return &Mutex{l: l, name: name} }

// Lock waits until the mutex is free and takes it. On error, when the task is cancelled, it is not held.
func (m *Mutex) Lock() error {
	t := m.l.task("Lock")
	if !m.held {
		m.held, m.holder = true, t
		return nil
	}
	return m.waiters.add(t, m)
}

// TryLock takes the mutex if it is free. It reports whether it did.
func (m *Mutex) TryLock() bool {
	m.l.enter("TryLock")
	if m.held {
		return false
	}
	m.held, m.holder = true, m.l.cur.get()
	return true
}

// Unlock gives the mutex to the task that waits longest, or frees it. Any task may unlock it.
func (m *Mutex) Unlock() {
	m.l.enter("Unlock")
	if !m.held {
		panic("eventloop: Unlock of mutex " + quote(m.name) + ", which nobody holds")
	}
	m.unlock()
}

func (m *Mutex) unlock() {
	w := m.waiters.pop()
	if w == nil {
		m.held, m.holder = false, nil
		return
	}
	m.holder = w.v.task
	m.holder.wake(nil)
}

// Holder is the task that holds the mutex; nil when it is free, or a callback locked it.
func (m *Mutex) Holder() *Task { return m.holder }

// lockAgain takes the mutex and does not let a cancellation cut the wait short: it is left for the next.
func (m *Mutex) lockAgain(t *Task) {
	if !m.held {
		m.held, m.holder = true, t
		return
	}
	pending := t.pending
	t.pending, t.shielded = nil, true
	_ = m.waiters.add(t, m) // shielded: ends only by a Wake
	t.shielded = false
	if t.pending == nil {
		t.pending = pending
	}
}

// String says what the mutex is and who holds it, for reports.
func (m *Mutex) String() string {
	switch {
	case !m.held:
		return fmt.Sprintf("mutex %q", m.name)
	case m.holder == nil:
		return fmt.Sprintf("mutex %q, locked outside a task", m.name)
	case m.holder.killed:
		return fmt.Sprintf("mutex %q, held by task %q, which was killed", m.name, m.holder.name)
	case m.holder.state == done:
		return fmt.Sprintf("mutex %q, held by task %q, which has ended", m.name, m.holder.name)
	}
	return fmt.Sprintf("mutex %q, held by task %q", m.name, m.holder.name)
}

func (m *Mutex) waitsFor() *Task { return m.holder }
