package looptest

import (
	"errors"
	"strings"
)

// promises are those of the core.
var promises = []struct {
	name  string
	check func(*suite)
}{
	{"tasks start in creation order", startOrder},
	{"a task does not run before its creator waits", creatorFirst},
	{"run returns when nothing is ready, and can be called again", runAgain},
	{"callbacks and tasks share one queue", oneQueue},
	{"yield lets all others that are ready go first", yieldToAll},
	{"awaiting what is done does not yield", awaitDone},
	{"waiters wake in the order in which they began to wait", waitersInOrder},
	{"wake does nothing to a task that is not parked", wakeOnlyParked},
	{"done functions run in the order of their registration", doneInOrder},
	{"a task cancelled before its start never runs", cancelBeforeStart},
	{"cancelling wakes a waiting task with the cause", cancelWaiting},
	{"cleanup after a cancellation may wait", cleanupWaits},
	{"a cancellation that finds the task running ends its next wait", cancelRunning},
	{"a wake that came before the cancellation is not lost", wakeThenCancel},
	{"a cancellation is passed on to the awaited task", cancelPassedOn},
	{"a task may refuse to be cancelled", cancelRefused},
	{"a task that says that it refuses ends as if it had not been cancelled", uncancelled},
	{"an ended task cannot be cancelled", cancelEnded},
	{"a panic reaches who awaits, with its stack", panicReaches},
	{"a killed task unwinds before kill returns", killUnwinds},
	{"a killed task that has not started never runs", killBeforeStart},
	{"a killed task cannot be kept alive by recovering", killRecover},
	{"nothing that a dying task does has an effect", killSilent},
	{"close kills all tasks in creation order", closeKills},
	{"the current task is known", current},
	{"a picker chooses what goes next, when there is a choice", picked},
}

func startOrder(s *suite) {
	for i := range 5 {
		s.l.Go("task", func() {
			s.say("%d", i)
			_ = s.l.Yield()
			s.say("%d", i)
		})
	}
	s.l.Run()
	s.want("0 1 2 3 4 0 1 2 3 4")
}

func creatorFirst(s *suite) {
	s.l.Go("creator", func() {
		s.l.Go("child", func() { s.say("child") })
		s.say("creator")
		_ = s.l.Yield()
		s.say("creator-again")
	})
	s.check(len(s.log) == 0, "Go must not run the task")
	s.l.Run()
	s.want("creator child creator-again")
}

func runAgain(s *suite) {
	t := s.l.Go("task", func() {
		s.say("before")
		_ = s.l.Park("a wake")
		s.say("after")
	})
	s.check(s.l.Run() == 1, "the first Run runs one entry")
	s.check(s.l.Run() == 0, "a second Run finds nothing ready")
	s.check(len(s.l.Tasks()) == 1 && s.l.Tasks()[0] == t, "the parked task is unfinished")
	t.Wake()
	s.check(s.l.Run() == 1, "a Run after Wake runs one entry")
	s.want("before after")
	s.check(t.Done() && t.Err() == nil && len(s.l.Tasks()) == 0, "the task has ended")
}

func oneQueue(s *suite) {
	s.l.CallSoon(func() { s.say("callback-1") })
	s.l.Go("task", func() {
		s.say("task")
		s.l.CallSoon(func() { s.say("callback-3") })
		_ = s.l.Yield()
		s.say("task-again")
	})
	s.l.CallSoon(func() { s.say("callback-2") })
	s.check(s.l.Run() == 5, "Run counts callbacks and resumptions")
	s.want("callback-1 task callback-2 callback-3 task-again")
}

func yieldToAll(s *suite) {
	for _, name := range []string{"a", "b"} {
		s.l.Go(name, func() {
			for range 3 {
				s.say("%s", name)
				_ = s.l.Yield()
			}
		})
	}
	s.l.Run()
	s.want("a b a b a b")
}

func awaitDone(s *suite) {
	done := s.l.Go("done", func() {})
	s.l.Run()
	s.l.Go("first", func() {
		s.say("first")
		s.check(done.Await() == nil, "the outcome is nil")
		s.say("still-first")
	})
	s.l.Go("second", func() { s.say("second") })
	s.l.Run()
	s.want("first still-first second")
}

func waitersInOrder(s *suite) {
	slow := s.l.Go("slow", func() { _ = s.l.Park("a wake") })
	for _, name := range []string{"a", "b", "c"} {
		s.l.Go(name, func() {
			if name == "a" {
				_ = s.l.Yield() // a was created first and begins to wait last
			}
			_ = slow.Await()
			s.say("%s", name)
		})
	}
	s.l.Run()
	slow.Wake()
	s.l.CallSoon(func() { s.say("queued-before-they-woke") })
	s.l.Run()
	s.want("queued-before-they-woke b c a")
}

func wakeOnlyParked(s *suite) {
	t := s.l.Go("task", func() {
		s.say("started")
		_ = s.l.Park("a wake")
		s.say("woke")
		_ = s.l.Park("another")
		s.say("twice")
	})
	t.Wake() // has not started
	s.l.Run()
	t.Wake()
	t.Wake() // is woken already
	s.l.Run()
	s.want("started woke")
}

func doneInOrder(s *suite) {
	t := s.l.Go("task", func() { s.say("ran") })
	for i := range 3 {
		t.OnDone(func() { s.say("done-%d", i) })
	}
	s.l.CallSoon(func() { s.say("queued-before") })
	s.l.Run()
	t.OnDone(func() { s.say("done-late") })
	s.check(len(s.log) == 5, "OnDone of an ended task goes through the queue, too")
	s.l.Run()
	s.want("ran queued-before done-0 done-1 done-2 done-late")
}

func cancelBeforeStart(s *suite) {
	t := s.l.Go("task", func() { s.say("ran") })
	s.l.Go("waiter", func() { s.check(errors.Is(t.Await(), errStop), "who awaits gets the cause") })
	s.check(t.Cancel(errStop), "Cancel reports that there was something to cancel")
	s.l.Run()
	s.want("")
	s.check(t.Done() && errors.Is(t.Err(), errStop), "the task has ended with the cause")
}

func cancelWaiting(s *suite) {
	t := s.l.Go("task", func() {
		err := s.l.Park("a wake")
		s.check(errors.Is(err, errStop), "Park returns the cause")
		s.say("cancelled")
	})
	s.l.Run()
	s.l.CallSoon(func() { s.say("queued-before") })
	s.check(t.Cancel(errStop), "Cancel reports that there was something to cancel")
	s.check(len(s.log) == 0, "Cancel must not run the task")
	s.l.Run()
	s.want("queued-before cancelled")
	s.check(errors.Is(t.Err(), errStop), "the outcome is the cause")
}

func cleanupWaits(s *suite) {
	t := s.l.Go("task", func() {
		s.check(s.l.Park("work") != nil, "the wait is cancelled")
		s.say("cleans-up")
		s.check(s.l.Park("cleanup") == nil, "one cancellation ends one wait")
		s.say("clean")
	})
	s.l.Run()
	t.Cancel(errStop)
	s.l.Run()
	s.check(!t.Done(), "the cleanup waits")
	t.Wake()
	s.l.Run()
	s.want("cleans-up clean")
	s.check(errors.Is(t.Err(), errStop), "the outcome is the cause")
}

func cancelRunning(s *suite) {
	var t Task
	t = s.l.Go("task", func() {
		t.Cancel(errStop)
		s.say("goes-on")
		s.check(errors.Is(s.l.Park("anything"), errStop), "the next wait returns the cause")
		t.Cancel(errStop)
		s.check(errors.Is(s.l.Yield(), errStop), "a yield is a wait")
		s.say("cancelled")
	})
	s.l.Run()
	s.want("goes-on cancelled")
}

func wakeThenCancel(s *suite) {
	t := s.l.Go("task", func() {
		s.check(s.l.Park("a wake") == nil, "the wake came first")
		s.check(errors.Is(s.l.Park("another"), errStop), "the cancellation ends the next wait")
	})
	s.l.Run()
	t.Wake()
	t.Cancel(errStop)
	s.l.Run()
	s.check(t.Done(), "the task has ended")
}

func cancelPassedOn(s *suite) {
	inner := s.l.Go("inner", func() {
		s.check(errors.Is(s.l.Park("work"), errStop), "the inner task gets the cause")
		s.say("inner-cleans-up")
		_ = s.l.Park("cleanup")
		s.say("inner-clean")
	})
	outer := s.l.Go("outer", func() {
		s.check(errors.Is(inner.Await(), errStop), "it comes back as the outcome")
		s.say("outer")
	})
	s.l.Run()
	outer.Cancel(errStop)
	s.l.Run()
	s.check(!outer.Done(), "the outer task waits for the inner one's cleanup")
	inner.Wake()
	s.l.Run()
	s.want("inner-cleans-up inner-clean outer")
}

func cancelRefused(s *suite) {
	t := s.l.Go("task", func() {
		for range 3 {
			if s.l.Park("a wake") == nil {
				s.say("woke")
			} else {
				s.say("refused")
			}
		}
	})
	s.l.Run()
	t.Cancel(errStop)
	s.l.Run()
	t.Wake()
	s.l.Run()
	t.Cancel(errStop)
	s.l.Run()
	s.want("refused woke refused")
	s.check(t.Done(), "the task has ended in its own time")
}

func uncancelled(s *suite) {
	var t Task
	t = s.l.Go("task", func() {
		s.check(errors.Is(s.l.Park("a wake"), errStop), "the wait is cancelled")
		t.Uncancel()
		s.check(s.l.Park("a wake") == nil, "it goes on")
		t.Cancel(errStop)
		t.Uncancel()
		s.check(s.l.Yield() == nil, "a cancellation that was not delivered is dropped")
		s.say("went-on")
	})
	s.l.Run()
	s.check(t.Cancel(errStop), "Cancel cannot know")
	s.l.Run()
	t.Wake()
	s.l.Run()
	s.want("went-on")
	s.check(t.Done() && t.Err() == nil, "its end is a normal one")
}

func cancelEnded(s *suite) {
	t := s.l.Go("task", func() {})
	s.l.Run()
	s.check(!t.Cancel(errStop), "Cancel reports that there was nothing to cancel")
	s.check(t.Err() == nil, "the outcome stays")
}

func panicReaches(s *suite) {
	t := s.l.Go("task", func() { placeOfThePanic() })
	s.l.Go("waiter", func() {
		value, stack, is := s.errs.Panic(t.Await())
		s.check(is, "the outcome is a panic")
		s.check(value == "boom", "it has the value")
		s.check(strings.Contains(string(stack), "placeOfThePanic"), "it has the original stack")
		s.say("told")
	})
	s.l.Go("bystander", func() { s.say("lives") })
	s.l.Run()
	s.want("told lives")
}

//go:noinline
func placeOfThePanic() { panic("boom") }

func picked(s *suite) {
	for _, name := range []string{"a", "b", "c"} {
		s.l.Go(name, func() {
			s.say("%s", name)
			_ = s.l.Yield()
			s.say("%s", name)
		})
	}
	asked := 0
	s.l.SetPicker(func(ready int) int {
		s.check(ready >= 2, "a picker is not asked when there is no choice")
		asked++
		return ready - 1
	})
	s.l.Run()
	s.want("c c b b a a")
	s.check(asked == 4, "it is asked whenever there is one")
	s.l.SetPicker(nil)
	s.l.CallSoon(func() { s.say("first") })
	s.l.CallSoon(func() { s.say("second") })
	s.l.Run()
	s.want("c c b b a a first second")
}
