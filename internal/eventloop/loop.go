package eventloop

import "fmt"

// A Loop runs tasks and callbacks one at a time, in the order in which they became ready. Create one with
// [New]. Everything that reaches a loop or its tasks happens on one thread of control: inside a task or
// callback of the loop, or, while it does not run, on whatever goroutine owns it.
type Loop struct {
	cur    pointer[Task] // the task that runs; nil in callbacks and outside
	on     cell          // the goroutine that has control; 0 while the loop does not run
	steps  cell          // switches and callbacks so far
	runner uintptr       // the goroutine that called Run; 0 while the loop does not run

	ready  ring[entry]
	dead   int // entries of ready whose task was killed
	picker func(ready int) int

	first, last *Task // the unfinished tasks, in creation order
	live        int
	lastID      int
	idle        []*worker // coroutines at hand, given back to spare when the loop comes to rest
	spare       *Idle
	polled      list[polled] // waits on contexts that the loop can only poll
	batch       int          // how many of them it took last
	clock       Clock
	answer      []uintptr // of a task that was asked where it waits
	onPanic     func(*Task, *PanicError)
	watched     bool
	closed      bool
}

// New is an empty loop. It allocates nothing else before it is used.
func New() *Loop { return &Loop{spare: &idle} }

// CallSoon puts fn at the tail of the ready queue. It runs on the goroutine that runs the loop and may not
// wait; a panic in it leaves [Loop.Run].
func (l *Loop) CallSoon(fn func()) {
	l.enter("CallSoon")
	if fn == nil {
		panic("eventloop: CallSoon needs a function to call, got nil")
	}
	l.soon(fn)
}

func (l *Loop) soon(fn func()) {
	if l.closed {
		return
	}
	l.ready.push(entry{fn: fn})
}

// Run resumes what is ready until nothing is, and returns how many entries it ran. It may be called again
// and again and from any goroutine, but not by two at once, nor from inside the loop itself. A Goexit in a
// task or callback, as of t.FailNow, ends the goroutine that called Run.
func (l *Loop) Run() int { return l.run(-1) }

// RunMax is [Loop.Run] with a bound: it stops after n entries even when more are ready. [Loop.Ready] tells.
func (l *Loop) RunMax(n int) int { return l.run(max(n, 0)) }

// RunOne runs the entry at the head of the ready queue. It reports false when nothing is ready.
func (l *Loop) RunOne() bool { return l.run(1) == 1 }

func (l *Loop) run(limit int) (ran int) {
	g := goroutine()
	host, outer := l.takeControl(g)
	defer l.giveControl(host, outer)
	// The switch is written out here rather than in functions: after a switch, the processor mispredicts
	// each return on the way out.
	for ran != limit {
		if l.ready.n == 0 || l.picker != nil {
			l.outside(g)
			if l.ready.n == 0 && !l.poll() {
				break
			}
		}
		var e entry
		if l.picker == nil {
			e = l.ready.pop()
		} else {
			e = l.choose()
		}
		t := e.task
		if t == nil || t.state != ready || t.w.get() == nil {
			l.outside(g)
			switch {
			case t == nil && e.fn == nil: // the queue held only killed tasks
				continue
			case t == nil:
				l.steps.set(l.steps.get() + 1)
				l.callback(e.fn)
				ran++
				continue
			case t.state != ready: // killed before its turn
				l.dead--
				continue
			case !l.begin(t): // cancelled before its start
				ran++
				continue
			}
		}
		w := t.w.get()
		l.cur.set(t)
		l.on.set(w.g)
		l.steps.set(l.steps.get() + 1)
		t.state = running
		w.next()
		ran++
		if t.state == done {
			l.finished(t, w)
		}
	}
	return ran
}

// takeControl makes g the goroutine that runs the loop. If g is a task's, then this loop is nested, and that
// task is its host; outer is what the host ran before, if it ran something.
func (l *Loop) takeControl(g uintptr) (host *worker, outer *Loop) {
	if l.closed || !l.on.take(g) {
		l.refuseRun()
	}
	l.runner = g
	if host = workerOf(g); host != nil {
		l.watched = l.watched || host.task.l.watched
		outer = host.nested.get()
		host.nested.set(l)
	}
	return host, outer
}

func (l *Loop) giveControl(host *worker, outer *Loop) {
	if host != nil {
		host.nested.set(outer)
	}
	l.cur.set(nil)
	l.runner = 0
	l.on.set(0)
	if l.live == 0 {
		l.giveBack()
	}
}

// outside says that no task runs: what follows happens on goroutine g, which called Run.
func (l *Loop) outside(g uintptr) {
	l.cur.set(nil)
	l.on.set(g)
}

// callback is a function of its own so that stack dumps show it.
//
//go:noinline
func (l *Loop) callback(fn func()) { fn() }

// resume gives control to a started task out of turn, and comes back when it waits or ends.
func (l *Loop) resume(t *Task) {
	w := t.w.get()
	cur, on := l.cur.get(), l.on.get()
	l.cur.set(t)
	l.on.set(w.g)
	l.steps.set(l.steps.get() + 1)
	before := t.state
	t.state = running
	w.next()
	l.cur.set(cur)
	l.on.set(on)
	if t.state == done {
		l.finished(t, w)
	} else {
		t.state = before // it was only asked where it waits
	}
}

// SetPicker lets pick choose which of the ready entries goes next: 0 is the head of the queue, and the
// others keep their order. It is asked only when there are at least two. Nil, the default, is FIFO.
func (l *Loop) SetPicker(pick func(ready int) int) { l.picker = pick }

// choose lets the picker take an entry off the queue; the zero entry when only killed tasks were in it.
func (l *Loop) choose() entry {
	if l.dead > 0 {
		l.ready.keep(func(e entry) bool { return e.task == nil || e.task.state == ready })
		l.dead = 0
	}
	if l.ready.n == 0 {
		return entry{}
	}
	i := 0
	if l.ready.n > 1 {
		i = l.picker(l.ready.n)
	}
	if i < 0 || i >= l.ready.n {
		panic(fmt.Sprintf("eventloop: the picker answered %d, want 0 to %d", i, l.ready.n-1))
	}
	return l.ready.take(i)
}

// ReadyTask is the task that is i-th in the queue, for a picker to tell of; nil for a callback.
func (l *Loop) ReadyTask(i int) *Task { return l.ready.peek(i).task }

// Ready is the number of entries that wait for their turn.
func (l *Loop) Ready() int { return l.ready.n - l.dead }

// Steps is the number of switches and callbacks so far. Any goroutine may ask, also while the loop runs: a
// watchdog sees by it whether the loop gets on.
func (l *Loop) Steps() uint64 { return uint64(l.steps.watch()) }

// Current is the running task; nil in a callback and while the loop does not run. Asked by a goroutine that
// is not part of the loop, while a task runs, it panics.
func (l *Loop) Current() *Task {
	l.mustBeInside("Current")
	return l.cur.get()
}

// Tasks lists the unfinished tasks in creation order.
func (l *Loop) Tasks() []*Task {
	l.mustBeInside("Tasks")
	if l.live == 0 {
		return nil
	}
	tasks := make([]*Task, 0, l.live)
	for t := l.first; t != nil; t = t.next {
		tasks = append(tasks, t)
	}
	return tasks
}

// Close kills all tasks in creation order and drops what is ready. Afterwards the loop is dead: it starts
// and runs nothing more. Closing twice does nothing.
func (l *Loop) Close() {
	l.mustBeInside("Close")
	if l.closed {
		return
	}
	if t := l.cur.get(); t != nil {
		panic(fmt.Sprintf("eventloop: Close was called by task %q of the same loop", t.name))
	}
	l.closed = true
	for l.first != nil {
		l.kill(l.first)
	}
	l.ready, l.dead, l.polled = ring[entry]{}, 0, list[polled]{}
	l.giveBack()
}
