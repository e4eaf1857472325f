package looptest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A ReportLoop says why it does not get on.
type ReportLoop interface {
	TimeLoop
	FutureLoop
	SharedLoop
	// Drive runs the loop to its end and calls advance, which moves time, whenever nothing is ready. It
	// returns nil when all tasks have ended, and what is wrong when some wait and no timer is set (advance
	// returns false) or after limit steps at one instant.
	Drive(advance func() bool, limit int) *Stuck
}

// Stuck is what keeps a loop from ending.
type Stuck struct {
	Livelock bool      // tasks keep running while time stands still; else all wait
	Waiting  []Waiting // in creation order: all tasks, or, in a livelock, those that are ready
}

// Waiting is what is said about one task.
type Waiting struct {
	Task      string // its name
	On        string // what it waits for: has the name of that
	At        string // where: has file:line of the call
	Cancelled error  // the cause, if it was cancelled and goes on all the same
}

// RunReports checks the promises about reports against loops from open.
func RunReports[L ReportLoop](t *testing.T, open func() L, errs Errors) {
	hold(t, reportPromises, errs, func(s *suite) ReportLoop { return timed(s, open()) })
}

var reportPromises = []promise[ReportLoop]{
	{"a loop whose tasks end is not stuck", notStuck},
	{"a deadlock says who waits on what, and where", deadlock},
	{"the report of a deadlock says that a task refused to be cancelled", deadlockRefused},
	{"who uncancelled itself is still known to have been cancelled", deadlockUncancelled},
	{"a livelock says who keeps running", livelock},
	{"timers that are due at once, for ever, are a livelock", livelockTimers},
	{"any number of steps is allowed while time moves", noLivelock},
}

func notStuck(s *suite, l ReportLoop) {
	l.Go("task", func() {
		_ = l.Sleep(time.Hour)
		s.at("end")
	})
	s.check(l.Drive(s.clock.advance, 100) == nil, "all tasks ended")
	s.want("1h0m0s:end")
}

func deadlock(s *suite, l ReportLoop) {
	orders, jobs := l.NewChan("orders", 0), l.NewQueue("jobs", 0)
	stock, slots := l.NewMutex("stock"), l.NewSemaphore("slots", 0)
	ready, all := l.NewCond(stock, "ready"), l.NewWaitGroup("all")
	all.Add(1)
	line := 0
	waits := []struct {
		on   string
		wait func()
	}{
		{"an answer", func() { _ = l.Park("an answer") }},
		{"orders", func() { _, _ = orders.Recv() }},
		{"jobs", func() { _, _ = jobs.Get() }},
		{"ready", func() { _, _ = stock.Lock(), ready.Wait() }},
		{"slots", func() { _ = slots.Acquire() }},
		{"all", func() { _ = all.Wait() }},
		{"future", func() { _, _ = l.NewFuture().Await() }},
		{"stock", func() { _, _ = stock.Lock(), stock.Lock() }},
		{"task-0", func() { _ = l.Tasks()[0].Await() }},
		{"here", func() {
			_, _, line, _ = runtime.Caller(0)
			_ = l.Park("here") // on the line after
		}},
	}
	for i, w := range waits {
		l.Go("task-"+string(rune('0'+i)), func() {
			_ = l.Sleep(time.Second)
			w.wait()
		})
	}
	stuck := l.Drive(s.clock.advance, 1000)
	if stuck == nil || stuck.Livelock || len(stuck.Waiting) != len(waits) {
		s.Fatalf("want a deadlock of all tasks, got %+v", stuck)
	}
	for i, w := range stuck.Waiting {
		s.check(w.Task == "task-"+string(rune('0'+i)), "tasks are in creation order, got "+w.Task)
		s.check(strings.Contains(w.On, waits[i].on), "what "+w.Task+" waits for is named, got "+w.On)
		s.check(strings.Contains(w.At, "report.go:"), "where "+w.Task+" waits is known, got "+w.At)
		s.check(w.Cancelled == nil, "nobody was cancelled")
	}
	last := stuck.Waiting[len(waits)-1]
	s.check(strings.HasSuffix(last.At, fmt.Sprintf(":%d", line+1)), "it is the place of the call, got "+last.At)
}

func deadlockRefused(s *suite, l ReportLoop) {
	t := l.Go("stubborn", func() {
		for {
			_ = l.Park("an answer")
		}
	})
	l.CallLater(time.Minute, func() { t.Cancel(errStop) })
	stuck := l.Drive(s.clock.advance, 100)
	if stuck == nil || len(stuck.Waiting) != 1 {
		s.Fatalf("want a deadlock of one task, got %+v", stuck)
	}
	s.check(stuck.Waiting[0].Cancelled == errStop, "the cause of the cancellation is in the report")
}

func deadlockUncancelled(s *suite, l ReportLoop) {
	t := l.Go("stubborn", func() {
		_ = l.Park("an answer")
		l.Current().Uncancel()
		_ = l.Park("an answer")
	})
	l.CallLater(time.Minute, func() { t.Cancel(errStop) })
	stuck := l.Drive(s.clock.advance, 100)
	s.check(stuck != nil && stuck.Waiting[0].Cancelled == errStop, "the report can say that it refused")
}

func livelock(s *suite, l ReportLoop) {
	for _, name := range []string{"ping", "pong"} {
		l.Go(name, func() {
			for n := 0; n < 10_000 && l.Yield() == nil; n++ { // for as long as it matters
				s.log = nil
			}
		})
	}
	l.Go("bystander", func() { _ = l.Park("a wake") })
	stuck := l.Drive(s.clock.advance, 100)
	if stuck == nil || !stuck.Livelock {
		s.Fatalf("want a livelock, got %+v", stuck)
	}
	for _, w := range stuck.Waiting {
		s.say("%s", w.Task)
		s.check(strings.Contains(w.At, "report.go:"), "where it is, is known, got "+w.At)
	}
	s.want("ping pong")
}

func livelockTimers(s *suite, l ReportLoop) {
	n := 0
	var again func()
	again = func() {
		if n++; n < 10_000 { // for ever is for as long as it matters
			l.CallLater(0, again)
		}
	}
	again()
	stuck := l.Drive(s.clock.advance, 100)
	s.check(stuck != nil && stuck.Livelock, "time stands still")
}

func noLivelock(s *suite, l ReportLoop) {
	l.Go("task", func() {
		for range 1000 {
			_ = l.Sleep(1)
		}
		s.at("end")
	})
	s.check(l.Drive(s.clock.advance, 100) == nil, "time moves")
	s.want("1µs:end")
}
