package durable

import "time"

// Sleep waits until d has passed since Now, and returns nil then, or the cancellation when ctx is cancelled
// first. The deadline is recorded, so it is the same after a crash. A negative d is zero. The run holds no
// memory and no goroutine while it only sleeps.
func (ctx Context) Sleep(d time.Duration) error {
	b := ctx.enter("Sleep")
	return b.sleep(b.m.now.Add(max(d, 0)))
}

// SleepUntil is Sleep until a time; one that has passed is now.
func (ctx Context) SleepUntil(at time.Time) error {
	b := ctx.enter("SleepUntil")
	return b.sleep(later(at, b.m.now))
}

func (b *branch) sleep(due time.Time) error {
	op := b.newOperation(CommandTimer, "")
	b.issueTimer(op, due)
	if err := b.m.await(op); err != nil {
		return err
	}
	return op.err
}

// After starts a timer and does not wait for it: the future has the time when d has passed since Now. It can
// be cancelled, and a race with other futures.
func (ctx Context) After(d time.Duration) Future[time.Time] {
	b := ctx.enter("After")
	op := b.newOperation(CommandTimer, "")
	b.issueTimer(op, b.m.now.Add(max(d, 0)))
	return Future[time.Time]{op: op}
}

// issueTimer issues an operation that ends at due, which has not passed.
func (b *branch) issueTimer(op *operation, due time.Time) {
	op.due = due
	b.issue(op, Command{Fingerprint: uint64(due.Sub(b.m.now)), Deadline: due})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
