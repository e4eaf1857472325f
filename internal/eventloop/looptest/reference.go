package looptest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// Reference is an event loop on goroutines and channels: one goroutine per task, of which at most one is
// not blocked. It is meant to be read, and to be compared with.
type Reference struct {
	ready  []func() bool // each runs one entry; false if its task was killed before its turn
	tasks  []*refTask
	cur    *refTask
	closed bool
}

// ErrRefKilled is the outcome of a task that [Reference] killed.
var ErrRefKilled = errors.New("looptest: killed")

// A RefPanic is the outcome of a task of [Reference] that panicked.
type RefPanic struct {
	Value any
	Stack []byte
}

// Error says what the task panicked with.
func (e *RefPanic) Error() string { return fmt.Sprint("looptest: panic: ", e.Value) }

// NewReference is an empty loop.
func NewReference() *Reference { return &Reference{} }

type refTask struct {
	l       *Reference
	name    string
	fn      func()
	resume  chan struct{}
	yielded chan struct{}
	state   string // "new", "ready", "running", "parked", "done"
	started bool
	inPark  bool // parked by Park, not by Await
	killed  bool
	kills   int
	woken   error
	pending error
	cause   error
	err     error
	done    []func()
	awaits  *refTask
}

type refUnwind struct{}

// Go implements [Loop].
func (l *Reference) Go(name string, fn func()) Task {
	l.enter()
	t := &refTask{
		l: l, name: name, fn: fn, state: "ready",
		resume: make(chan struct{}), yielded: make(chan struct{}),
	}
	l.tasks = append(l.tasks, t)
	l.enqueue(t)
	return t
}

// CallSoon implements [Loop].
func (l *Reference) CallSoon(fn func()) {
	l.enter()
	l.soon(fn)
}

func (l *Reference) soon(fn func()) {
	l.ready = append(l.ready, func() bool { fn(); return true })
}

// Run implements [Loop].
func (l *Reference) Run() int {
	ran := 0
	for len(l.ready) > 0 {
		next := l.ready[0]
		l.ready = l.ready[1:]
		if next() {
			ran++
		}
	}
	return ran
}

// Park implements [Loop].
func (l *Reference) Park(string) error {
	l.enter()
	t := l.cur
	if t.pending != nil {
		return t.takePending()
	}
	t.state, t.inPark = "parked", true
	return t.wait()
}

// Yield implements [Loop].
func (l *Reference) Yield() error {
	l.enter()
	t := l.cur
	if t.pending != nil {
		return t.takePending()
	}
	t.state = "ready"
	l.enqueue(t)
	return t.wait()
}

// Current implements [Loop].
func (l *Reference) Current() Task {
	if l.cur == nil {
		return nil
	}
	return l.cur
}

// Tasks implements [Loop].
func (l *Reference) Tasks() []Task {
	var all []Task
	for _, t := range l.tasks {
		if t.state != "done" {
			all = append(all, t)
		}
	}
	return all
}

// Close implements [Loop].
func (l *Reference) Close() {
	l.closed = true
	for i := 0; i < len(l.tasks); i++ {
		l.tasks[i].kill()
	}
	l.ready = nil
}

func (l *Reference) enter() {
	if l.cur != nil && l.cur.killed {
		l.cur.unwind()
	}
}

func (l *Reference) enqueue(t *refTask) {
	l.ready = append(l.ready, func() bool {
		if t.state != "ready" {
			return false
		}
		if !t.started && t.pending != nil {
			t.finish(t.pending)
			return true
		}
		t.run()
		return true
	})
}

// run gives control to the task until it waits or ends.
func (t *refTask) run() {
	before := t.l.cur
	t.l.cur, t.state = t, "running"
	if !t.started {
		t.started = true
		go t.main()
	} else {
		t.resume <- struct{}{}
	}
	<-t.yielded
	t.l.cur = before
}

func (t *refTask) main() {
	defer func() {
		r := recover()
		switch {
		case t.killed:
			t.finish(ErrRefKilled)
		case r != nil:
			t.finish(&RefPanic{r, debug.Stack()})
		default:
			t.finish(t.cause)
		}
		t.yielded <- struct{}{}
	}()
	t.fn()
}

func (t *refTask) wait() error {
	t.yielded <- struct{}{}
	<-t.resume
	t.inPark = false
	if t.killed {
		t.unwind()
	}
	err := t.woken
	t.woken = nil
	return err
}

func (t *refTask) unwind() {
	if t.kills++; t.kills > 1000 {
		t.finish(ErrRefKilled)
		t.yielded <- struct{}{}
		select {} // it would not die; leave it
	}
	panic(refUnwind{})
}

func (t *refTask) takePending() error {
	err := t.pending
	t.pending = nil
	return err
}

func (t *refTask) finish(err error) {
	t.state, t.err = "done", err
	for _, fn := range t.done {
		fn()
	}
	t.done = nil
}

func (t *refTask) wake(err error) {
	if t.state == "parked" {
		t.state, t.woken = "ready", err
		t.l.enqueue(t)
	}
}

// Name implements [Task].
func (t *refTask) Name() string { return t.name }

// Done implements [Task].
func (t *refTask) Done() bool { return t.state == "done" }

// Err implements [Task].
func (t *refTask) Err() error { return t.err }

// Wake implements [Task].
func (t *refTask) Wake() {
	t.l.enter()
	if t.inPark {
		t.wake(nil)
	}
}

// Cancel implements [Task].
func (t *refTask) Cancel(cause error) bool {
	t.l.enter()
	if cause == nil {
		cause = context.Canceled
	}
	return t.cancel(cause)
}

func (t *refTask) cancel(cause error) bool {
	if t.state == "done" || t.killed {
		return false
	}
	if t.cause == nil {
		t.cause = cause
	}
	if t.state != "parked" {
		t.pending = cause
		return true
	}
	if inner := t.awaits; inner != nil {
		t.awaits = nil // a cycle ends here
		ok := inner.cancel(cause)
		if t.state != "parked" {
			return true
		}
		if t.awaits = inner; ok {
			return true
		}
	}
	t.wake(cause)
	return true
}

// Kill implements [Task].
func (t *refTask) Kill() {
	t.l.enter()
	t.kill()
}

func (t *refTask) kill() {
	if t.state == "done" || t.killed {
		return
	}
	t.killed = true
	switch {
	case t.state == "running":
	case !t.started:
		t.finish(ErrRefKilled)
	default:
		t.run()
	}
}

// Await implements [Task].
func (t *refTask) Await() error {
	if t.state == "done" {
		return t.err
	}
	t.l.enter()
	me := t.l.cur
	if cause := me.pending; cause != nil {
		me.pending = nil
		if !t.cancel(cause) {
			return cause
		}
	}
	waiting := true
	t.done = append(t.done, func() {
		if waiting {
			me.wake(nil)
		}
	})
	me.state, me.awaits = "parked", t
	defer func() { waiting = false }()
	err := me.wait()
	me.awaits = nil
	if err != nil {
		return err
	}
	return t.err
}

// OnDone implements [Task].
func (t *refTask) OnDone(fn func()) {
	t.l.enter()
	if t.state == "done" {
		t.l.soon(fn)
		return
	}
	t.done = append(t.done, func() { t.l.soon(fn) })
}
