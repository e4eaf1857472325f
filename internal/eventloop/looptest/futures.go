package looptest

import (
	"errors"
	"iter"
	"testing"
)

// A FutureLoop has values that come later, and waits for several of them. All values are ints: what is
// promised does not depend on the type.
type FutureLoop interface {
	Loop
	// NewFuture is a bare future, which somebody resolves.
	NewFuture() Future
	// Start creates a task whose result is the future's.
	Start(name string, fn func() (int, error)) Future
	// Gather waits for all, or for the first error; it gives the values in the order of the arguments.
	Gather(fs ...Future) ([]int, error)
	// Settle waits for all and gives the outcomes in the order of the arguments.
	Settle(fs ...Future) ([]Outcome, error)
	// Wait waits as the mode says; it gives both lists in the order of the arguments.
	Wait(mode WaitMode, fs ...Future) (done, pending []Future, err error)
	// Completed yields the futures as they get their outcomes.
	Completed(fs ...Future) iter.Seq2[Future, error]
	// Shield is a future with the outcome of f that passes no cancellation on to it.
	Shield(f Future) Future
}

// A Future is what the suite needs of a future. Two are equal if they are the same one.
type Future interface {
	// Resolve gives it its value; false if it has an outcome.
	Resolve(v int) bool
	// Reject gives it an error as its outcome; false if it has one.
	Reject(err error) bool
	// Await waits for the outcome.
	Await() (int, error)
	// OnDone puts fn on the ready queue when it has its outcome.
	OnDone(fn func())
	// Cancel cancels the task behind it, or rejects a bare future; false if it has an outcome.
	Cancel(cause error) bool
	// Done reports whether it has its outcome.
	Done() bool
}

// An Outcome is what became of a future.
type Outcome struct {
	Value int
	Err   error
}

// A WaitMode says when Wait has waited long enough.
type WaitMode int

// The modes of Wait.
const (
	AllCompleted   WaitMode = iota // all are done
	FirstCompleted                 // at least one is done
	FirstError                     // at least one has failed, or all are done
)

// RunFutures checks the promises about futures, and about waits for several, against loops from open.
func RunFutures[L FutureLoop](t *testing.T, open func() L, errs Errors) {
	hold(t, futurePromises, errs, func(*suite) FutureLoop { return open() })
	hold(t, severalPromises, errs, func(*suite) FutureLoop { return open() })
}

var futurePromises = []promise[FutureLoop]{
	{"a future wakes all who await it, in the order in which they began to", futureOrder},
	{"awaiting a future that is done does not yield", futureDone},
	{"a future has one outcome", futureOnce},
	{"a future's done functions run in the order of their registration, among those who await it", futureOnDone},
	{"the future of a task has what its function returned", futureOfTask},
	{"the future of a task cannot miss a panic or a cancellation", futureOfFailure},
	{"cancelling who awaits a bare future leaves the future to the others", futureCancelWaiter},
	{"cancelling the future of a task cancels the task, that of a bare one ends it", futureCancel},
	{"cancelling who awaits the future of a task cancels the task", futurePassOn},
	{"a shielded task is not cancelled with who awaits it", shieldHolds},
	{"a shield lets the outcome through", shieldOutcome},
}

func futureOrder(s *suite, l FutureLoop) {
	f := l.NewFuture()
	for _, name := range []string{"a", "b", "c"} {
		l.Go(name, func() {
			if name == "a" {
				_ = l.Yield() // a was created first and begins to wait last
			}
			v, err := f.Await()
			s.say("%s=%d,%v", name, v, err)
		})
	}
	l.Run()
	s.want("")
	l.CallSoon(func() { s.say("queued-before") })
	s.check(f.Resolve(7), "Resolve reports that it gave the outcome")
	s.check(len(s.log) == 0, "Resolve runs nobody")
	l.Run()
	s.want("queued-before b=7,<nil> c=7,<nil> a=7,<nil>")
}

func futureDone(s *suite, l FutureLoop) {
	good, bad := l.NewFuture(), l.NewFuture()
	good.Resolve(1)
	bad.Reject(errStop)
	l.Go("first", func() {
		v, err := good.Await()
		s.check(v == 1 && err == nil, "the value is there")
		_, err = bad.Await()
		s.check(errors.Is(err, errStop), "so is the error")
		vs, err := l.Gather(good, good)
		s.check(len(vs) == 2 && err == nil, "gather has nothing to wait for")
		_, err = l.Gather(good, bad)
		s.check(errors.Is(err, errStop), "and sees an error at once")
		_, err = l.Settle(good, bad)
		s.check(err == nil, "nor has settle")
		for _, mode := range []WaitMode{AllCompleted, FirstCompleted, FirstError} {
			_, _, err = l.Wait(mode, good, bad)
			s.check(err == nil, "nor wait")
		}
		for range l.Completed(bad, good) {
			s.say("item")
		}
		s.say("still-first")
	})
	l.Go("second", func() { s.say("second") })
	l.Run()
	s.want("item item still-first second")
}

func futureOnce(s *suite, l FutureLoop) {
	f := l.NewFuture()
	s.check(!f.Done(), "it has none at first")
	s.check(f.Resolve(1) && f.Done(), "the first one counts")
	s.check(!f.Resolve(2) && !f.Reject(errStop) && !f.Cancel(errStop), "the others are refused")
	l.Go("task", func() {
		v, err := f.Await()
		s.say("%d,%v", v, err)
	})
	l.Run()
	s.want("1,<nil>")
}

func futureOnDone(s *suite, l FutureLoop) {
	f := l.NewFuture()
	f.OnDone(func() { s.say("function-1") })
	l.Go("task", func() {
		_, _ = f.Await()
		s.say("task")
	})
	l.Run()
	f.OnDone(func() { s.say("function-2") })
	f.Resolve(1)
	f.OnDone(func() { s.say("late") })
	s.check(len(s.log) == 0, "they go through the queue")
	l.Run()
	s.want("function-1 task function-2 late")
}

func futureOfTask(s *suite, l FutureLoop) {
	good := l.Start("good", func() (int, error) { return 5, l.Yield() })
	bad := l.Start("bad", func() (int, error) { return 6, errStop })
	l.Go("waiter", func() {
		v, err := good.Await()
		s.say("%d,%v", v, err)
		_, err = bad.Await()
		s.check(errors.Is(err, errStop), "the error is the one that was returned")
		s.say("told")
	})
	s.check(!good.Done(), "Start does not run the task")
	l.Run()
	s.want("5,<nil> told")
}

func futureOfFailure(s *suite, l FutureLoop) {
	broken := l.Start("broken", func() (int, error) { placeOfThePanic(); return 1, nil })
	never := l.Start("never", func() (int, error) { s.say("ran"); return 1, nil })
	killed := l.Start("killed", func() (int, error) { return 1, l.Park("a wake") })
	never.Cancel(errStop)
	l.Go("waiter", func() {
		_, err := broken.Await()
		value, _, is := s.errs.Panic(err)
		s.check(is && value == "boom", "the panic is the outcome")
		_, err = never.Await()
		s.check(errors.Is(err, errStop), "the cause is the outcome")
		_, err = killed.Await()
		s.check(errors.Is(err, s.errs.Killed), "the end by Kill is the outcome")
		s.say("told")
	})
	l.Run()
	for _, t := range l.Tasks() {
		if t.Name() == "killed" {
			t.Kill()
		}
	}
	l.Run()
	s.want("told")
}

func futureCancelWaiter(s *suite, l FutureLoop) {
	f := l.NewFuture()
	gone := l.Go("gone", func() {
		_, err := f.Await()
		s.check(errors.Is(err, errStop), "the wait ends with the cause")
		s.say("gone")
	})
	l.Go("stays", func() {
		v, err := f.Await()
		s.say("stays=%d,%v", v, err)
	})
	l.Run()
	gone.Cancel(errStop)
	l.Run()
	s.check(!f.Done(), "the future is not cancelled")
	f.Resolve(3)
	l.Run()
	s.want("gone stays=3,<nil>")
}

func futureCancel(s *suite, l FutureLoop) {
	bare := l.NewFuture()
	task := l.Start("task", func() (int, error) {
		err := l.Park("a wake")
		s.say("cleans-up")
		return 0, err
	})
	l.Go("waiter", func() {
		_, err := bare.Await()
		s.check(errors.Is(err, errStop), "a bare future has the cause as its outcome")
		_, err = task.Await()
		s.check(errors.Is(err, errStop), "so has the task, by its own doing")
		s.say("told")
	})
	l.Run()
	s.check(bare.Cancel(errStop) && task.Cancel(errStop), "Cancel reports that it did something")
	s.check(bare.Done() && !task.Done(), "the task must run to end")
	l.Run()
	s.want("cleans-up told")
	s.check(!task.Cancel(errStop), "Cancel reports that it did nothing")
}

func futurePassOn(s *suite, l FutureLoop) {
	inner := l.Start("inner", func() (int, error) {
		s.check(errors.Is(l.Park("work"), errStop), "the inner task gets the cause")
		s.say("inner")
		return 9, nil // it refuses, and its value is what counts
	})
	outer := l.Go("outer", func() {
		v, err := inner.Await()
		s.say("outer=%d,%v", v, err)
	})
	l.Run()
	outer.Cancel(errStop)
	l.Run()
	s.want("inner outer=9,<nil>")
}

func shieldHolds(s *suite, l FutureLoop) {
	var working Task
	inner := l.Start("inner", func() (int, error) {
		working = l.Current()
		err := l.Park("work")
		s.say("inner=%v", err)
		return 4, err
	})
	outer := l.Go("outer", func() {
		_, err := l.Shield(inner).Await()
		s.check(errors.Is(err, errStop), "the wait is cancelled")
		s.say("outer")
	})
	l.Run()
	outer.Cancel(errStop)
	l.Run()
	s.want("outer")
	s.check(!inner.Done() && len(l.Tasks()) == 1, "the shielded task goes on")
	working.Wake()
	l.Run()
	s.want("outer inner=<nil>")
}

func shieldOutcome(s *suite, l FutureLoop) {
	inner := l.Start("inner", func() (int, error) { return 4, l.Park("work") })
	l.Go("outer", func() {
		v, err := l.Shield(inner).Await()
		s.check(errors.Is(err, errStop), "cancelling the shielded task itself is seen")
		s.say("%d", v)
	})
	l.Run()
	inner.Cancel(errStop)
	l.Run()
	l.Go("late", func() {
		v, err := l.Shield(inner).Await()
		s.check(errors.Is(err, errStop), "also when it is done already")
		s.say("%d", v)
	})
	l.Run()
	s.want("4 4")
}
