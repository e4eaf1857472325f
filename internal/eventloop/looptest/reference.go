package looptest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
)

// Reference is an event loop on goroutines and channels: one goroutine per task, of which at most one is
// not blocked. It is meant to be read, and to be compared with.
type Reference struct {
	ready  []refEntry
	picker func(ready int) int
	tasks  []*refTask
	cur    *refTask
	clock  Clock
	closed bool
}

// refEntry is one entry of the ready queue: a task, or a callback.
type refEntry struct {
	t  *refTask
	fn func()
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
	refused bool
	typed   bool  // its function returned
	result  error // this
	kills   int
	woken   error
	pending error
	cause   error
	err     error
	done    []func()
	awaits  func(cause error) bool // gets a cancellation in the task's stead
	guarded bool                   // its wait is not ended by a cancellation
	ctx     *refContext
	on, at  string // what it waits for, and where
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
	l.ready = append(l.ready, refEntry{fn: fn})
}

// SetPicker implements [Loop].
func (l *Reference) SetPicker(pick func(ready int) int) { l.picker = pick }

// Run implements [Loop].
func (l *Reference) Run() int {
	ran := 0
	for l.runOne() {
		ran++
	}
	return ran
}

func (l *Reference) runOne() bool {
	l.ready = slices.DeleteFunc(l.ready, func(e refEntry) bool {
		return e.t != nil && e.t.state != "ready" // killed before its turn
	})
	if len(l.ready) == 0 {
		return false
	}
	i := 0
	if l.picker != nil && len(l.ready) > 1 {
		i = l.picker(len(l.ready))
	}
	e := l.ready[i]
	l.ready = slices.Delete(l.ready, i, i+1)
	switch {
	case e.t == nil:
		e.fn()
	case !e.t.started && e.t.pending != nil: // cancelled before its start
		e.t.finish(e.t.pending)
	default:
		e.t.run()
	}
	return true
}

// Park implements [Loop].
func (l *Reference) Park(on string) error {
	l.enter()
	l.cur.inPark = true
	defer func(t *refTask) { t.inPark = false }(l.cur)
	return l.cur.waitFor(on, nil)
}

// Yield implements [Loop].
func (l *Reference) Yield() error {
	l.enter()
	t := l.cur
	if t.pending != nil {
		return t.takePending()
	}
	l.enqueue(t)
	return t.wait("its turn")
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
	t.state = "ready"
	l.ready = append(l.ready, refEntry{t: t})
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
		case t.typed:
			t.finish(t.result)
		case t.refused:
			t.finish(nil)
		default:
			t.finish(t.cause)
		}
		t.yielded <- struct{}{}
	}()
	t.fn()
}

// waitFor parks the running task until it is woken. A cancellation goes to cancel, if that takes it.
func (t *refTask) waitFor(on string, cancel func(cause error) bool) error {
	if t.pending != nil && !t.guarded {
		if cause := t.takePending(); cancel == nil || !cancel(cause) {
			return cause
		}
	}
	t.state, t.awaits = "parked", cancel
	defer func() { t.awaits = nil }()
	return t.wait(on)
}

func (t *refTask) wait(on string) error {
	t.on, t.at = on, userPlace()
	t.yielded <- struct{}{}
	<-t.resume
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
	if t.ctx != nil {
		t.ctx.end(context.Canceled)
	}
}

func (t *refTask) wake(err error) {
	if t.state == "parked" {
		t.woken = err
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
	t.refused = false
	t.interrupt(cause)
	if t.ctx != nil {
		t.ctx.end(cause)
	}
	return true
}

// interrupt ends the current wait of the task, or its next one, or the wait of those that it awaits.
func (t *refTask) interrupt(cause error) {
	if t.state != "parked" || t.guarded {
		t.pending = cause
		return
	}
	if pass := t.awaits; pass != nil {
		t.awaits = nil // a cycle ends here
		ok := pass(cause)
		if t.state != "parked" {
			return
		}
		if t.awaits = pass; ok {
			return
		}
	}
	t.wake(cause)
}

// Uncancel implements [Task].
func (t *refTask) Uncancel() {
	t.l.enter()
	t.refused, t.pending = true, nil
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
	waiting := true
	t.done = append(t.done, func() {
		if waiting {
			me.wake(nil)
		}
	})
	defer func() { waiting = false }()
	if err := me.waitFor("task "+strconv.Quote(t.name), t.cancel); err != nil {
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
