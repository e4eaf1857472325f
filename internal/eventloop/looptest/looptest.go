// Package looptest checks what an event loop promises, whichever loop it is.
//
// What a loop offers comes in parts, each behind a small interface and with a check of its own, which runs
// one subtest for each promise:
//
//   - [Run] checks the core, [Loop]: tasks, their order, their end and their cancellation.
//   - [RunFutures] checks [FutureLoop]: values that come later, and waits for several of them.
//   - [RunTime] checks [TimeLoop]: timers, sleeping, time limits and contexts.
//   - [RunShared] checks [SharedLoop]: channels, queues, locks.
//   - [RunReports] checks [ReportLoop]: what is said about tasks that wait for ever, or never wait.
//
// A loop that offers less is held to the checks of what it offers; that is decided by whoever calls them,
// and not by looking, so that nothing is left out unseen.
//
// [Reference] is a second loop, written for plainness, on goroutines and channels, with all parts: the suite
// holds it to the same promises, and programs drawn at random must give the same order on both.
//
// What the suite does not ask for: work outside of the loop whose completion order is a choice, which
// belongs to the simulator; and select, events and the contexts of other packages, which go beyond what
// asyncio has.
package looptest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A Loop is what the suite needs of an event loop.
type Loop interface {
	// Go creates a task at the tail of the ready queue.
	Go(name string, fn func()) Task
	// CallSoon puts a callback at the tail of the ready queue.
	CallSoon(fn func())
	// Run runs what is ready until nothing is, and returns how many entries it ran.
	Run() int
	// Park makes the running task wait for Wake (nil) or Cancel (the cause).
	Park(on string) error
	// Yield puts the running task at the tail of the ready queue.
	Yield() error
	// Current is the running task; nil outside of one.
	Current() Task
	// Tasks lists the unfinished tasks in creation order.
	Tasks() []Task
	// SetPicker lets pick choose among two or more ready entries; nil is FIFO.
	SetPicker(pick func(ready int) int)
	// Close kills all tasks in creation order.
	Close()
}

// A Task is what the suite needs of a task.
type Task interface {
	// Name is the name given to Go.
	Name() string
	// Wake ends a Park; it does nothing to a task that is not parked.
	Wake()
	// Cancel asks the task to end; false if it has.
	Cancel(cause error) bool
	// Uncancel is how the running task refuses its cancellation.
	Uncancel()
	// Kill unwinds the task before it returns.
	Kill()
	// Await waits for the end of the task, in another one, and returns its outcome.
	Await() error
	// OnDone puts fn on the ready queue when the task ends.
	OnDone(fn func())
	// Done reports whether the task has ended.
	Done() bool
	// Err is the outcome of a task that has ended.
	Err() error
	// Context is cancelled with the task.
	Context() context.Context
}

// Errors are the loop's own errors that the suite asks for.
type Errors struct {
	Killed error                                          // the outcome of a killed task
	Panic  func(error) (value any, stack []byte, is bool) // takes apart the outcome of a panic
	Closed error                                          // what a closed channel or queue answers
}

// Run checks the promises of the core against loops from open.
func Run[L Loop](t *testing.T, open func() L, errs Errors) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			l := open()
			defer l.Close()
			p.check(&suite{T: t, l: l, errs: errs})
		})
	}
}

// A promise is one subtest of a part. The order is the one in which they are worth reading.
type promise[L Loop] struct {
	name  string
	check func(*suite, L)
}

// hold checks promises of a part against one loop each.
func hold[Part Loop](t *testing.T, promises []promise[Part], errs Errors, open func(*suite) Part) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			s := &suite{T: t, errs: errs}
			l := open(s)
			defer l.Close()
			s.l = l
			p.check(s, l)
		})
	}
}

// suite is one subtest: a loop, and a log of what happened on it.
type suite struct {
	*testing.T
	l     Loop
	clock *manual // of loops that have one
	errs  Errors
	log   []string
}

func (s *suite) say(format string, args ...any) { s.log = append(s.log, fmt.Sprintf(format, args...)) }

// want compares the log with the words of the text.
func (s *suite) want(text string) {
	s.Helper()
	if want := strings.Fields(text); !slices.Equal(s.log, want) {
		s.Errorf("the order of events is wrong\n got: %s\nwant: %s", strings.Join(s.log, " "), text)
	}
}

func (s *suite) check(ok bool, what string) {
	s.Helper()
	if !ok {
		s.Error(what)
	}
}

var errStop = errors.New("stop")
