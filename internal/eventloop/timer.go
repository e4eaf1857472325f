package eventloop

import (
	"fmt"
	"time"
)

// A Clock tells a loop the time and calls it back. The callback must come on the loop's thread of control:
// while the loop does not run, or from inside it. clock.Virtual is one.
type Clock interface {
	// Now is the current time.
	Now() time.Time
	// AfterFunc calls fn once, d from now, unless stop keeps it from that.
	AfterFunc(d time.Duration, fn func()) (stop func() bool)
}

// SetClock gives the loop its clock. Without one, whatever needs time panics.
func (l *Loop) SetClock(c Clock) { l.clock = c }

func (l *Loop) mustHaveClock(op string) Clock {
	if l.clock == nil {
		panic(fmt.Sprintf("eventloop: %s needs a clock, and the loop has none; give it one with SetClock", op))
	}
	return l.clock
}

// A Timer is a callback that waits for its time.
type Timer struct {
	l    *Loop
	fn   func() // nil once it ran or was stopped
	stop func() bool
}

// CallLater puts fn on the ready queue, as [Loop.CallSoon] does, d from now.
func (l *Loop) CallLater(d time.Duration, fn func()) *Timer {
	l.enter("CallLater")
	return l.timer("CallLater", d, fn)
}

// CallAt is [Loop.CallLater] for a time of the loop's clock. A time in the past means now.
func (l *Loop) CallAt(at time.Time, fn func()) *Timer {
	l.enter("CallAt")
	return l.timer("CallAt", at.Sub(l.mustHaveClock("CallAt").Now()), fn)
}

func (l *Loop) timer(op string, d time.Duration, fn func()) *Timer {
	if fn == nil {
		panic(fmt.Sprintf("eventloop: %s needs a function to call, got nil", op))
	}
	t := &Timer{l: l, fn: fn}
	t.stop = l.mustHaveClock(op).AfterFunc(d, t.due)
	return t
}

func (t *Timer) due() { t.l.soon(t.run) }

func (t *Timer) run() {
	if fn := t.fn; fn != nil {
		t.fn = nil
		fn()
	}
}

// Stop keeps the callback from running, also when it is already on the ready queue. It reports false when
// it ran or was stopped before.
func (t *Timer) Stop() bool {
	t.l.enter("Stop")
	if t.fn == nil {
		return false
	}
	t.fn = nil
	t.stop()
	return true
}

// Sleep makes the current task wait for d. Zero or less is [Loop.Yield].
func (l *Loop) Sleep(d time.Duration) error {
	t := l.task("Sleep")
	if d <= 0 {
		return l.Yield()
	}
	if t.pending != nil {
		return t.takePending()
	}
	defer l.mustHaveClock("Sleep").AfterFunc(d, func() { t.wake(nil) })() // a killed sleeper leaves no timer
	return t.parkOn(sleeping(d))
}

type sleeping time.Duration

func (d sleeping) String() string { return "a sleep of " + time.Duration(d).String() }
