package looptest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// A TimeLoop has timers, on a clock that the suite gives it and moves.
type TimeLoop interface {
	Loop
	// SetClock gives the loop its clock, before anything else is done with it.
	SetClock(c Clock)
	// CallLater puts fn on the ready queue d from now.
	CallLater(d time.Duration, fn func()) Timer
	// CallAt puts fn on the ready queue at a time; one in the past is now.
	CallAt(at time.Time, fn func()) Timer
	// Sleep makes the running task wait for d.
	Sleep(d time.Duration) error
	// Timeout runs fn in the running task; a wait that is not over d later ends, once, with an error that is
	// a context.DeadlineExceeded.
	Timeout(d time.Duration, fn func() error) error
	// WithTimeout derives a context, from a task's or from one that never ends, that ends d from now.
	WithTimeout(parent context.Context, d time.Duration) (context.Context, context.CancelFunc)
	// ParkContext is Park under a context, whose cause it returns. A cancellation of the task reaches it only
	// through the context.
	ParkContext(ctx context.Context, on string) error
}

// A Timer is a callback that waits for its time.
type Timer interface {
	// Stop keeps the callback from running; false if it ran or was stopped.
	Stop() bool
}

// A Clock is what a loop is given: its callbacks come while the loop does not run.
type Clock interface {
	// Now is the current time.
	Now() time.Time
	// AfterFunc calls fn once, d from now, unless stop keeps it from that.
	AfterFunc(d time.Duration, fn func()) (stop func() bool)
}

// RunTime checks the promises about time against loops from open.
func RunTime[L TimeLoop](t *testing.T, open func() L, errs Errors) {
	hold(t, timePromises, errs, func(s *suite) TimeLoop { return timed(s, open()) })
}

func timed[L TimeLoop](s *suite, l L) L {
	s.clock = &manual{now: epoch}
	l.SetClock(s.clock)
	return l
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// manual is a clock that moves when it is told to.
type manual struct {
	now    time.Time
	timers []*alarm // in the order in which they were set
}

type alarm struct {
	at time.Time
	fn func()
}

// Now implements [Clock].
func (c *manual) Now() time.Time { return c.now }

// AfterFunc implements [Clock].
func (c *manual) AfterFunc(d time.Duration, fn func()) (stop func() bool) {
	a := &alarm{c.now.Add(max(d, 0)), fn}
	c.timers = append(c.timers, a)
	return func() bool {
		i := slices.Index(c.timers, a)
		if i >= 0 {
			c.timers = slices.Delete(c.timers, i, i+1)
		}
		return i >= 0
	}
}

// advance moves to the time of the next timer and calls those that are due; false if there is none.
func (c *manual) advance() bool {
	if len(c.timers) == 0 {
		return false
	}
	c.now = slices.MinFunc(c.timers, func(a, b *alarm) int { return a.at.Compare(b.at) }).at
	for {
		i := slices.IndexFunc(c.timers, func(a *alarm) bool { return !a.at.After(c.now) })
		if i < 0 {
			return true
		}
		fn := c.timers[i].fn
		c.timers = slices.Delete(c.timers, i, i+1)
		fn()
	}
}

// drive runs the loop, and moves time when nothing is ready, until there is nothing left to do.
func (s *suite) drive() {
	for s.l.Run(); s.clock.advance(); {
		s.l.Run()
	}
}

// at logs something with the time at which it happens.
func (s *suite) at(what string) { s.say("%v:%s", s.clock.now.Sub(epoch), what) }

var timePromises = []promise[TimeLoop]{
	{"timers run in the order of their times, and of their setting", timerOrder},
	{"a time in the past is now, through the queue", timerPast},
	{"a stopped timer does not run, also when it is on the queue", timerStop},
	{"a task sleeps until its time", sleeps},
	{"a sleep of no time lets the others go first", sleepsNot},
	{"cancelling ends a sleep at once", sleepCancelled},
	{"a timeout ends a wait once, at its time", timeoutStrikes},
	{"a timeout leaves alone what ends in time", timeoutSpares},
	{"timeouts nest, and the shorter one strikes first", timeoutsNest},
	{"a timeout is passed on to the awaited task", timeoutPassedOn},
	{"the context of a task is cancelled with it, and when it ends", contextOfTask},
	{"the deadline of a context ends a wait at its time", contextDeadline},
	{"the deadline of a parent counts for its children", contextChild},
	{"a wait under a context ends with that of the task", contextCancelled},
	{"cleanup may wait under a context that is detached", contextDetached},
	{"a killed task leaves no timer", killedTimer},
}

func timerOrder(s *suite, l TimeLoop) {
	for _, d := range []int{3, 1, 2, 1} {
		l.CallLater(time.Duration(d)*time.Second, func() { s.at("later") })
	}
	l.CallAt(epoch.Add(time.Second), func() { s.at("at") })
	l.CallLater(time.Second, func() { s.at("last") })
	s.drive()
	s.want("1s:later 1s:later 1s:at 1s:last 2s:later 3s:later")
}

func timerPast(s *suite, l TimeLoop) {
	l.CallLater(time.Hour, func() {
		l.CallAt(epoch, func() { s.at("past") })
		l.CallLater(-time.Second, func() { s.at("negative") })
		l.CallSoon(func() { s.at("soon") })
	})
	s.clock.advance()
	s.check(l.Run() == 2, "the first timer has put its callback on the queue, and that another one")
	s.want("1h0m0s:soon")
	s.clock.advance()
	s.want("1h0m0s:soon")
	l.Run()
	s.want("1h0m0s:soon 1h0m0s:past 1h0m0s:negative")
}

func timerStop(s *suite, l TimeLoop) {
	early := l.CallLater(time.Second, func() { s.at("stopped") })
	s.check(early.Stop(), "Stop reports that it stopped the timer")
	s.check(!early.Stop(), "twice it does not")
	var second Timer
	l.CallLater(time.Second, func() {
		s.at("first")
		s.check(second.Stop(), "the second is due, and on the queue")
	})
	second = l.CallAt(epoch.Add(time.Second), func() { s.at("second") })
	ran := l.CallLater(time.Second, func() { s.at("third") })
	s.drive()
	s.check(!ran.Stop(), "what ran cannot be stopped")
	s.want("1s:first 1s:third")
}

func sleeps(s *suite, l TimeLoop) {
	for _, d := range []time.Duration{2 * time.Second, time.Second, 365 * 24 * time.Hour, time.Second} {
		l.Go("task", func() {
			s.check(l.Sleep(d) == nil, "nothing cuts it short")
			s.at("woke")
		})
	}
	s.drive()
	s.want("1s:woke 1s:woke 2s:woke 8760h0m0s:woke")
}

func sleepsNot(s *suite, l TimeLoop) {
	for _, name := range []string{"a", "b"} {
		l.Go(name, func() {
			s.at(name)
			_ = l.Sleep(0)
			s.at(name)
			_ = l.Sleep(-time.Second)
			s.at(name)
		})
	}
	s.drive()
	s.want("0s:a 0s:b 0s:a 0s:b 0s:a 0s:b")
}

func sleepCancelled(s *suite, l TimeLoop) {
	t := l.Go("task", func() {
		s.check(errors.Is(l.Sleep(time.Hour), errStop), "it ends with the cause")
		s.at("cancelled")
		s.check(l.Sleep(time.Second) == nil, "the next sleep is a whole one")
		s.at("clean")
	})
	l.CallLater(time.Minute, func() { t.Cancel(errStop) })
	s.drive()
	s.want("1m0s:cancelled 1m1s:clean")
}

func timeoutStrikes(s *suite, l TimeLoop) {
	t := l.Go("task", func() {
		err := l.Timeout(time.Second, func() error {
			err := l.Park("a wake")
			s.at("timeout")
			s.check(l.Sleep(time.Second) == nil, "cleanup may wait")
			return err
		})
		s.check(errors.Is(err, context.DeadlineExceeded), "it is a deadline that passed")
		s.check(l.Sleep(time.Second) == nil, "the task goes on")
		s.at("went-on")
	})
	s.drive()
	s.want("1s:timeout 3s:went-on")
	s.check(t.Done() && t.Err() == nil, "a timeout is no cancellation of the task")
}

func timeoutSpares(s *suite, l TimeLoop) {
	l.Go("task", func() {
		s.check(l.Timeout(time.Minute, func() error { return l.Sleep(time.Second) }) == nil, "it is in time")
		s.check(errors.Is(l.Timeout(time.Minute, func() error { return errStop }), errStop), "its error comes back")
		s.at("in-time")
		s.check(l.Sleep(time.Hour) == nil, "the timeout is forgotten")
		s.at("slept")
	})
	s.drive()
	s.want("1s:in-time 1h0m1s:slept")
}

func timeoutsNest(s *suite, l TimeLoop) {
	nested := func(outer, inner time.Duration) {
		err := l.Timeout(outer, func() error {
			err := l.Timeout(inner, func() error { return l.Sleep(time.Hour) })
			s.at("inner")
			s.check(errors.Is(err, context.DeadlineExceeded), "one of them struck")
			return l.Sleep(time.Second)
		})
		s.at("outer")
		s.check(errors.Is(err, context.DeadlineExceeded) == (outer == 90*time.Second), "each strikes once")
	}
	l.Go("task", func() {
		nested(time.Minute, 2*time.Minute)
		nested(90*time.Second, 90*time.Second-time.Millisecond)
	})
	s.drive()
	s.want("1m0s:inner 1m1s:outer 2m30.999s:inner 2m31s:outer")
}

func timeoutPassedOn(s *suite, l TimeLoop) {
	inner := l.Go("inner", func() {
		s.check(errors.Is(l.Park("work"), context.DeadlineExceeded), "the inner task gets it")
		s.at("inner")
		_ = l.Sleep(time.Second)
	})
	l.Go("outer", func() {
		_ = l.Timeout(time.Second, inner.Await)
		s.at("outer")
	})
	s.drive()
	s.want("1s:inner 2s:outer")
}

func contextOfTask(s *suite, l TimeLoop) {
	var before context.Context
	t := l.Go("task", func() {
		before = l.Current().Context()
		_ = l.Park("a wake")
		s.check(context.Cause(before) == errStop, "the cause is known")
		s.say("cancelled")
	})
	l.Run()
	s.check(before.Err() == nil, "it is open while the task is")
	t.Cancel(errStop)
	s.check(before.Err() == context.Canceled, "it is cancelled with the task")
	l.Run()
	s.want("cancelled")
	t = l.Go("other", func() { before = l.Current().Context() })
	l.Run()
	s.check(before.Err() == context.Canceled && t.Err() == nil, "it is cancelled when the task ends")
	s.check(t.Context().Err() == context.Canceled, "also for who asks later")
}

func contextDeadline(s *suite, l TimeLoop) {
	l.Go("task", func() {
		ctx, cancel := l.WithTimeout(l.Current().Context(), time.Second)
		defer cancel()
		at, ok := ctx.Deadline()
		s.check(ok && at.Equal(epoch.Add(time.Second)), "the deadline is known")
		err := l.ParkContext(ctx, "work")
		s.at("deadline")
		s.check(errors.Is(err, context.DeadlineExceeded), "the wait says what happened")
		s.check(ctx.Err() == context.DeadlineExceeded, "so does the context")
		s.check(errors.Is(l.ParkContext(ctx, "more"), context.DeadlineExceeded), "no wait under it begins")
		s.check(l.Sleep(time.Second) == nil, "another wait is none of its concern")
		s.at("slept")

		ctx, cancel = l.WithTimeout(context.Background(), time.Second)
		cancel()
		s.check(l.ParkContext(ctx, "work") == context.Canceled, "it can be cancelled before")
		s.at("cancelled")
	})
	s.drive()
	s.want("1s:deadline 2s:slept 2s:cancelled")
}

func contextChild(s *suite, l TimeLoop) {
	l.Go("task", func() {
		parent, cancel := l.WithTimeout(l.Current().Context(), time.Second)
		defer cancel()
		child, cancelChild := l.WithTimeout(parent, time.Hour)
		defer cancelChild()
		at, _ := child.Deadline()
		s.check(at.Equal(epoch.Add(time.Second)), "the earlier deadline is the child's")
		err := l.ParkContext(child, "work")
		s.check(errors.Is(err, context.DeadlineExceeded), "the wait says what happened")
		s.at("deadline")
		s.check(l.Sleep(2*time.Hour) == nil, "nothing comes later")
	})
	s.drive()
	s.want("1s:deadline")
}

func contextCancelled(s *suite, l TimeLoop) {
	t := l.Go("task", func() {
		ctx, cancel := l.WithTimeout(l.Current().Context(), time.Hour)
		defer cancel()
		s.check(errors.Is(l.ParkContext(ctx, "work"), errStop), "the cause comes through")
		s.at("cancelled")
		s.check(l.Sleep(time.Second) == nil, "and comes once")
		s.at("clean")
	})
	l.CallLater(time.Minute, func() { t.Cancel(errStop) })
	s.drive()
	s.want("1m0s:cancelled 1m1s:clean")
}

func contextDetached(s *suite, l TimeLoop) {
	t := l.Go("task", func() {
		ctx := context.WithoutCancel(l.Current().Context())
		s.check(l.ParkContext(ctx, "cleanup") == nil, "a cancellation does not end it")
		s.at("clean")
		s.check(errors.Is(l.Sleep(time.Hour), errStop), "it ends the next wait")
		s.at("cancelled")
	})
	l.CallLater(time.Minute, func() { t.Cancel(errStop) })
	l.CallLater(2*time.Minute, t.Wake)
	s.drive()
	s.want("2m0s:clean 2m0s:cancelled")
}

func killedTimer(s *suite, l TimeLoop) {
	t := l.Go("task", func() {
		_ = l.Timeout(time.Hour, func() error { return l.Sleep(time.Minute) })
	})
	l.Run()
	t.Kill()
	s.check(len(s.clock.timers) == 0, "neither the sleep's nor the timeout's is left")
}
