package eventloop

import (
	"context"
	"errors"
	"fmt"
)

// ErrKilled is the outcome of a killed task, for those who wait for it.
var ErrKilled = errors.New("eventloop: task was killed")

// ErrExited is the outcome of a task that ended by runtime.Goexit, as t.FailNow does it.
var ErrExited = errors.New("eventloop: task ended by runtime.Goexit")

// A Task is a function that the loop runs as a coroutine: when it waits, others run.
type Task struct {
	// Owner is for the caller, who may set it to whatever the task belongs to. A task inherits it from
	// the task that created it.
	Owner any

	// What a switch touches comes first, to share as few cache lines as it can.
	l         *Loop
	w         pointer[worker] // nil before the start and after the end
	state     state
	killed    bool
	abandoned bool // its coroutine is left where it is: it would not die
	returned  bool // fn returned, it neither panicked nor exited
	typed     bool // fn has put the outcome into err itself
	refused   bool // Uncancel was called
	roused    bool // its wait ends in another way than by a plain Wake
	probing   bool // resumed only to say where it waits
	shielded  bool // it waits under a context of its own, which alone decides about cancelling

	pending error     // the cancellation that its next wait will return
	onWhat  describer // what it waits for, in words made when someone asks,
	on      string    // or this
	woken   error     // why its wait ended, nil for a Wake

	wait       waiter     // its place in what it waits for
	selecting  *selection // the cases that it waits for in Select
	linked     canceller  // what gets a cancellation in the task's stead while it waits
	prev, next *Task      // neighbours in the loop's list of unfinished tasks
	onDone     waiters    // those who wait for its end
	fn         func()
	err        error
	cause      error    // the first cause given to Cancel
	ctx        *Context // nil until asked for
	name       string
	id         int
	unwound    int // how often it was told to unwind
}

type state uint8

const (
	ready   state = iota // in the ready queue
	running              // has control, or resumed who has it
	parked
	done
)

// Go creates a task and puts it at the tail of the ready queue: tasks start in the order in which they were
// created, and not before their creator waits. The name is for reports and need not be unique.
func (l *Loop) Go(name string, fn func()) *Task {
	l.enter("Go")
	if l.closed {
		panic(fmt.Sprintf("eventloop: Go(%q) was called on a closed loop", name))
	}
	if fn == nil {
		panic(fmt.Sprintf("eventloop: Go(%q) needs a function to run, got nil", name))
	}
	l.lastID++
	t := &Task{l: l, name: name, id: l.lastID, fn: fn, prev: l.last}
	if parent := l.cur.get(); parent != nil {
		t.Owner = parent.Owner
	}
	if l.last == nil {
		l.first = t
	} else {
		l.last.next = t
	}
	l.last = t
	l.live++
	l.ready.push(entry{task: t})
	return t
}

// Name is the name given to Go.
func (t *Task) Name() string { return t.name }

// ID is 1 for the first task of its loop, 2 for the second, and so on.
func (t *Task) ID() int { return t.id }

// Loop is the loop that runs the task.
func (t *Task) Loop() *Loop { return t.l }

// Done reports whether the task has ended.
func (t *Task) Done() bool { return t.state == done }

// Err is the outcome of a task that has ended: nil, a [*PanicError], the cause of its cancellation,
// [ErrKilled] or [ErrExited]. A task cancelled while it ran counts as cancelled, unless it called
// [Task.Uncancel]; a task made by [Start] has the error that its function returned.
func (t *Task) Err() error { return t.err }

// OnDone puts fn on the ready queue when the task ends, or now if it has ended. Functions run in the order
// in which they were registered, among the tasks that wait for the same end.
func (t *Task) OnDone(fn func(*Task)) {
	t.l.enter("OnDone")
	run := func() { fn(t) }
	if t.state == done {
		t.l.soon(run)
		return
	}
	t.onDone.soon(run)
}

// Await waits for the task to end and returns its outcome, [Task.Err]. If it has ended, Await does not
// yield. A cancellation of the task that waits is passed on to the task it waits for, and comes back as
// that one's outcome; [Future.Await] and [Gather] do the same, and [Shield] prevents it.
func (t *Task) Await() error {
	if t.state != done {
		if err := t.onDone.addLinked(t.l.task("Await"), t, t); err != nil {
			return err
		}
	}
	return t.err
}

// Wake ends the wait of a task in [Loop.Park] or [Loop.ParkContext] and puts it at the tail of the ready
// queue. It does nothing to a task that is not parked there.
func (t *Task) Wake() {
	t.l.enter("Wake")
	if t.state == parked && t.onWhat == nil {
		t.state = ready
		t.l.ready.push(entry{task: t})
	}
}

func (t *Task) wake(why error) {
	if t.state != parked {
		return
	}
	t.state = ready
	if why != nil {
		t.woken, t.roused = why, true
		t.withdraw() // at once, or it would be given what it no longer takes
	}
	t.l.ready.push(entry{task: t})
}

// ended runs when the task's function is over, in whatever way.
func (t *Task) ended() {
	switch {
	case t.returned:
		t.finish(t.outcome())
	default:
		t.broke(recover())
	}
}

// outcome is the result of a function that returned.
func (t *Task) outcome() error {
	switch {
	case t.killed:
		return ErrKilled
	case t.typed:
		return t.err
	case t.cause != nil && !t.refused:
		return t.cause
	}
	return nil
}

// finish makes the task done and tells those who wait for that.
func (t *Task) finish(err error) {
	l := t.l
	t.state, t.err, t.fn, t.pending, t.woken = done, err, nil, nil, nil
	if t.prev == nil {
		l.first = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		l.last = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.prev, t.next = nil, nil
	l.live--
	t.onDone.fire(l)
	if t.ctx != nil {
		t.ctx.end(context.Canceled, context.Canceled)
	}
}

// withdraw takes the task out of the lists of those it waits for.
func (t *Task) withdraw() {
	t.wait.leave()
	if t.selecting != nil {
		t.selecting.leave()
		t.selecting = nil
	}
}

// String says which task it is, for reports.
func (t *Task) String() string { return "task " + quote(t.name) }

func (t *Task) waitsFor() *Task { return t }
func (t *Task) loop() *Loop     { return t.l }
func (t *Task) ends() *waiters  { return &t.onDone }
