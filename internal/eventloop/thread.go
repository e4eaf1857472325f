package eventloop

import "fmt"

// enter is called first by everything that changes the loop. It refuses foreign goroutines, and unwinds a
// killed task, so that nothing it does while it dies has an effect.
func (l *Loop) enter(op string) {
	if on := l.on.get(); on != 0 && on != goroutine() {
		l.enterElsewhere(op)
	}
	if t := l.cur.get(); t != nil && t.killed {
		t.unwind()
	}
	if l.closed {
		l.refuseStranger(op)
	}
}

// task is the running task, for what only a task can do.
func (l *Loop) task(op string) *Task {
	t := l.cur.get()
	if l.on.get() != goroutine() || t == nil {
		l.refuseWait(op)
	}
	if t.killed {
		t.unwind()
	}
	return t
}

func (l *Loop) mustBeInside(op string) {
	if on := l.on.get(); on != 0 && on != goroutine() {
		l.enterElsewhere(op)
	}
}

// Here returns what Current does, and inside is false, instead of a panic, when the caller is a goroutine
// that is not a task of this loop while one runs.
func (l *Loop) Here() (t *Task, inside bool) {
	if on := l.on.get(); on != 0 && on != goroutine() && l.on.get() != 0 && !l.hosts(goroutine()) {
		return nil, false
	}
	return l.cur.get(), true
}

// enterElsewhere decides about a goroutine that does not have this loop's control itself: it may still be
// a task of a loop that a task of this one runs, or of one nested deeper.
func (l *Loop) enterElsewhere(op string) {
	if l.on.get() == 0 {
		return // the loop came to rest meanwhile
	}
	if l.hosts(goroutine()) {
		return
	}
	l.refuseStranger(op)
	panic(fmt.Sprintf("eventloop: %s was called from a goroutine that is not a task of this loop, "+
		"while %s; start concurrent work with Go of the loop, not with the go statement", op, l.doing()))
}

// hosts reports whether g is, at some depth, a task of a loop that runs on the goroutine in control.
func (l *Loop) hosts(g uintptr) bool {
	for w := workerOf(g); w != nil; w = workerOf(g) {
		if g = w.task.l.runner; g == 0 {
			return false
		}
		if g == l.on.get() {
			return true
		}
	}
	return false
}

// refuseStranger refuses a task of a loop that has nothing to do with this one: in simulation, of another
// world.
func (l *Loop) refuseStranger(op string) {
	if w := workerOf(goroutine()); w != nil && w.task.l != l {
		panic(fmt.Sprintf("eventloop: %s was called by task %q of another loop; futures, channels and locks "+
			"are for the tasks of the loop, or world, that they were made in: make them anew in each",
			op, w.task.name))
	}
}

func (l *Loop) refuseWait(op string) {
	switch {
	case l.on.get() == 0:
		l.refuseStranger(op)
		panic(fmt.Sprintf("eventloop: %s waits, so it must be called by a task of the loop; "+
			"the loop does not run", op))
	case l.on.get() != goroutine() && !l.hosts(goroutine()):
		l.enterElsewhere(op)
	case l.on.get() != goroutine():
		panic(fmt.Sprintf("eventloop: %s waits on an outer loop, called by a task of a loop nested in it; "+
			"wait on the inner loop, whose Run returns when all its tasks wait", op))
	}
	panic(fmt.Sprintf("eventloop: %s waits, so it must be called by a task; a callback may not wait, "+
		"start a task with Go instead", op))
}

func (l *Loop) refuseRun() {
	if l.closed {
		panic("eventloop: Run was called on a closed loop")
	}
	panic("eventloop: Run was called while the loop runs already (" + l.doing() +
		"); a task waits with Park, Await or a primitive, it does not run its own loop")
}

// doing says what the loop runs at the moment. A foreign goroutine may ask.
func (l *Loop) doing() string {
	if t := l.cur.watch(); t != nil {
		return fmt.Sprintf("task %q runs", t.name)
	}
	return "a callback runs"
}
