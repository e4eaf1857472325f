package eventloop

import "fmt"

// A Semaphore lets a bounded number of tasks in. It is FIFO-fair. Create one with [NewSemaphore].
type Semaphore struct {
	l       *Loop
	name    string
	free    int
	waiters waiters
}

// NewSemaphore is a semaphore with n free slots. The name is for reports.
func NewSemaphore(l *Loop, name string, n int) *Semaphore {
	if n < 0 {
		panic(fmt.Sprintf("eventloop: NewSemaphore %q needs 0 slots or more, got %d", name, n))
	}
	return &Semaphore{l: l, name: name, free: n}
}

// Acquire waits for a slot and takes it. On error, when the task is cancelled, it has none.
func (s *Semaphore) Acquire() error {
	t := s.l.task("Acquire")
	if s.free > 0 {
		s.free--
		return nil
	}
	return s.waiters.add(t, s)
}

// TryAcquire takes a slot if one is free. It reports whether it did.
func (s *Semaphore) TryAcquire() bool {
	s.l.enter("TryAcquire")
	if s.free == 0 {
		return false
	}
	s.free--
	return true
}

// Release gives a slot to the task that waits longest, or frees it.
func (s *Semaphore) Release() {
	s.l.enter("Release")
	if !s.waiters.wakeFirst() {
		s.free++
	}
}

// String says what the semaphore is, for reports.
func (s *Semaphore) String() string { return "a slot of semaphore " + quote(s.name) }
