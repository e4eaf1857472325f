package eventloop

// An Event is a flag that tasks wait for. Create one with [NewEvent].
type Event struct {
	l       *Loop
	name    string
	set     bool
	waiters waiters
}

// NewEvent is an event that is not set. The name is for reports.
func NewEvent(l *Loop, name string) *Event { return &Event{l: l, name: name} }

// Set sets the flag and wakes all waiting tasks, in the order in which they began to wait.
func (e *Event) Set() {
	e.l.enter("Set")
	e.set = true
	e.waiters.fire(e.l)
}

// Clear takes the flag back: later waits wait for the next Set.
func (e *Event) Clear() {
	e.l.enter("Clear")
	e.set = false
}

// IsSet reports whether the flag is set.
func (e *Event) IsSet() bool { return e.set }

// Wait waits for the flag. If it is set, it does not yield. It returns the cause when the task is cancelled.
func (e *Event) Wait() error {
	t := e.l.task("Wait")
	if e.set {
		return nil
	}
	return e.waiters.add(t, e)
}

// String says what the event is, for reports.
func (e *Event) String() string { return "event " + quote(e.name) }
