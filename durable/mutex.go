package durable

import "github.com/reprise-dst/reprise/internal/eventloop"

// Mutex is held by one branch of the run at a time. It is FIFO-fair: Unlock hands it to the branch that waits
// longest. It may be held over any wait. Branches run one at a time, so it is needed only where something
// must stay as it is while a branch waits.
type Mutex struct {
	shared
	mu *eventloop.Mutex
}

// NewMutex makes an unlocked mutex. The name is for reports.
func NewMutex(ctx Context, name string) *Mutex {
	b := ctx.enter("NewMutex")
	return &Mutex{shared: share(b, "mutex", name), mu: eventloop.NewMutex(b.m.loop, name)}
}

// Lock waits until the mutex is free and takes it. Its error is the cancellation of ctx; the mutex is not
// held then.
func (mu *Mutex) Lock(ctx Context) error {
	b := mu.in(ctx.enter("Mutex.Lock"), "Mutex.Lock")
	return b.waitNative(ctx.s, heldMutex{mu}, mu.mu.Lock)
}

// TryLock takes the mutex if it is free. It reports whether it did.
func (mu *Mutex) TryLock(ctx Context) bool {
	mu.in(ctx.enter("Mutex.TryLock"), "Mutex.TryLock")
	return mu.mu.TryLock()
}

// Unlock gives the mutex to the branch that waits longest, or frees it. Any branch may unlock it.
func (mu *Mutex) Unlock(ctx Context) {
	mu.in(ctx.enter("Mutex.Unlock"), "Mutex.Unlock")
	mu.mustBeHeld("Unlock")
	mu.mu.Unlock()
}

func (mu *Mutex) mustBeHeld(call string) {
	if mu.mu.Holder() == nil {
		panic("durable: " + call + " of " + mu.String() + ", which no branch holds; call Lock first")
	}
}

// heldMutex is a mutex that a branch waits for.
type heldMutex struct{ *Mutex }

// String says who holds it.
func (h heldMutex) String() string {
	return h.Mutex.String() + ", held by " + h.waitsFor().describe()
}

func (h heldMutex) waitsFor() *branch {
	if t := h.mu.Holder(); t != nil {
		return t.Owner.(*branch)
	}
	return nil
}

// Cond lets branches wait for a condition that a Mutex protects. It is FIFO-fair.
type Cond struct {
	shared
	mu *Mutex
	c  *eventloop.Cond
}

// NewCond makes a condition that mu protects. The name is for reports.
func NewCond(ctx Context, mu *Mutex, name string) *Cond {
	b := ctx.enter("NewCond")
	if mu == nil {
		panic("durable: NewCond needs the Mutex that protects the condition, got nil; make one with NewMutex")
	}
	mu.in(b, "NewCond")
	return &Cond{share(b, "condition", name), mu, eventloop.NewCond(mu.mu, name)}
}

// Wait unlocks the mutex, waits for Signal or Broadcast, and locks the mutex again, also when it returns the
// cancellation of ctx. No other branch gets between the unlocking and the waiting. Look at the condition
// again afterwards: another branch may have run first.
func (c *Cond) Wait(ctx Context) error {
	b := c.in(ctx.enter("Cond.Wait"), "Cond.Wait")
	c.mu.mustBeHeld("Cond.Wait")
	return b.waitNative(ctx.s, c, c.c.Wait)
}

// Signal wakes the branch that waits longest, if one does.
func (c *Cond) Signal(ctx Context) {
	c.in(ctx.enter("Cond.Signal"), "Cond.Signal")
	c.c.Signal()
}

// Broadcast wakes all branches that wait, in the order in which they began to.
func (c *Cond) Broadcast(ctx Context) {
	c.in(ctx.enter("Cond.Broadcast"), "Cond.Broadcast")
	c.c.Broadcast()
}
