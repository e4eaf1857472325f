package durable

import (
	"fmt"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// Semaphore lets a bounded number of branches in. It is FIFO-fair.
type Semaphore struct {
	shared
	s    *eventloop.Semaphore
	held int
}

// NewSemaphore makes a semaphore with n slots, at least 1. The name is for reports.
func NewSemaphore(ctx Context, name string, n int) *Semaphore {
	b := ctx.enter("NewSemaphore")
	if n < 1 {
		panic(fmt.Sprintf("durable: NewSemaphore %q needs 1 slot or more, got %d", name, n))
	}
	return &Semaphore{shared: share(b, "semaphore", name), s: eventloop.NewSemaphore(b.m.loop, name, n)}
}

// Acquire waits for a slot and takes it. Its error is the cancellation of ctx; no slot was taken then.
func (s *Semaphore) Acquire(ctx Context) error {
	b := s.in(ctx.enter("Semaphore.Acquire"), "Semaphore.Acquire")
	err := b.waitNative(ctx.s, wanted{"a slot of", s}, s.s.Acquire)
	if err == nil {
		s.held++
	}
	return err
}

// TryAcquire takes a slot if one is free. It reports whether it did.
func (s *Semaphore) TryAcquire(ctx Context) bool {
	s.in(ctx.enter("Semaphore.TryAcquire"), "Semaphore.TryAcquire")
	if !s.s.TryAcquire() {
		return false
	}
	s.held++
	return true
}

// Release gives a slot to the branch that waits longest, or frees it.
func (s *Semaphore) Release(ctx Context) {
	s.in(ctx.enter("Semaphore.Release"), "Semaphore.Release")
	if s.held == 0 {
		panic("durable: Release of " + s.String() + ", of which no branch holds a slot; call Acquire first")
	}
	s.held--
	s.s.Release()
}
