package eventloop

import "time"

// A Clock tells a loop the time and calls it back. The callback must come while the loop does not run, or
// from inside it. clock.Virtual is one.
type Clock interface {
	Now() time.Time
	AfterFunc(d time.Duration, fn func()) (stop func() bool)
}

// SetClock gives the loop its clock. Without one, whatever needs time panics.
func (l *Loop) SetClock(c Clock) { l.clock = c }
