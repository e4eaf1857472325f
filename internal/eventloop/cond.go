package eventloop

// A Cond lets tasks wait for a condition that a [Mutex] protects. It is FIFO-fair. Create one with [NewCond].
type Cond struct {
	// L is held while the condition is looked at or changed.
	L *Mutex

	name    string
	waiters waiters
}

// NewCond is a condition protected by m. The name is for reports.
func NewCond(m *Mutex, name string) *Cond { return &Cond{L: m, name: name} }

// Wait unlocks L, waits for a Signal or Broadcast, and locks L again, also when it returns the cause of a
// cancellation. No other task gets between the unlocking and the waiting. The caller looks at the
// condition again: another task may have run first.
func (c *Cond) Wait() error {
	t := c.L.l.task("Wait")
	c.L.Unlock()
	err := c.waiters.add(t, c)
	c.L.lockAgain(t)
	return err
}

// Signal wakes the task that waits longest, if one does.
func (c *Cond) Signal() {
	c.L.l.enter("Signal")
	c.waiters.wakeFirst()
}

// Broadcast wakes all waiting tasks, in the order in which they began to wait.
func (c *Cond) Broadcast() {
	c.L.l.enter("Broadcast")
	c.waiters.fire(c.L.l)
}

// String says what the condition is, for reports.
func (c *Cond) String() string { return "condition " + quote(c.name) }
