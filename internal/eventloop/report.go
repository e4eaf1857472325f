package eventloop

import (
	"fmt"
	"strings"
)

// A Waiting is one line of a report: a task, what it waits for and where.
type Waiting struct {
	Task      string
	ID        int
	On        string // what it waits for; "its turn" if it is ready, "its start" if it has not started
	At        Place
	Cancelled error // the cause, if it was cancelled and goes on all the same
	waitsFor  *Task
	self      *Task
}

// String is the line as the report prints it.
func (w Waiting) String() string {
	text := fmt.Sprintf("task %d %q", w.ID, w.Task)
	if w.At.File != "" {
		text += " at " + w.At.String()
	}
	text += " waits for " + w.On
	if w.Cancelled != nil {
		text += fmt.Sprintf(" (it was cancelled: %v)", w.Cancelled)
	}
	return text
}

// Waiting lists the unfinished tasks in creation order, with what each waits for and where.
func (l *Loop) Waiting() []Waiting {
	var all []Waiting
	for _, t := range l.Tasks() {
		all = append(all, t.waiting())
	}
	return all
}

func (t *Task) waiting() Waiting {
	w := Waiting{Task: t.name, ID: t.id, At: t.Where(), Cancelled: t.cause, self: t}
	switch {
	case t.state == running:
		w.On = "nothing, it runs"
	case t.w.get() == nil:
		w.On = "its start"
	case t.state == ready:
		w.On = "its turn"
	case t.onWhat != nil:
		w.On = t.onWhat.String()
		if other, ok := t.onWhat.(interface{ waitsFor() *Task }); ok {
			w.waitsFor = other.waitsFor()
		}
	default:
		w.On = t.on
	}
	return w
}

// A DeadlockError says that tasks wait and nothing can wake them.
type DeadlockError struct {
	Waiting []Waiting
	Cycle   []string // names of tasks of which each waits for the next and the last for the first; if any
}

// Deadlock is what to report when nothing is ready and no timer is set: nil if no task is left.
func (l *Loop) Deadlock() *DeadlockError {
	all := l.Waiting()
	if len(all) == 0 {
		return nil
	}
	return &DeadlockError{Waiting: all, Cycle: cycle(all)}
}

// Error lists who waits for what, and where.
func (e *DeadlockError) Error() string {
	var b strings.Builder
	b.WriteString("eventloop: deadlock: no task can run and no timer is set")
	for _, w := range e.Waiting {
		b.WriteString("\n  " + w.String())
	}
	if len(e.Cycle) > 0 {
		b.WriteString("\n  a cycle:")
		for _, name := range append(e.Cycle, e.Cycle[0]) {
			fmt.Fprintf(&b, " %q ->", name)
		}
		return strings.TrimSuffix(b.String(), " ->")
	}
	return b.String()
}

// cycle finds tasks that wait for one another in a ring.
func cycle(all []Waiting) []string {
	waitsFor := make(map[*Task]*Task, len(all))
	for _, w := range all {
		if w.waitsFor != nil {
			waitsFor[w.self] = w.waitsFor
		}
	}
	for _, w := range all {
		names := []string{w.Task}
		for t := waitsFor[w.self]; t != nil && len(names) <= len(all); t = waitsFor[t] {
			if t == w.self {
				return names
			}
			names = append(names, t.name)
		}
	}
	return nil
}

// A LivelockError says that tasks keep running while time stands still.
type LivelockError struct {
	Steps int       // how many were made at this instant
	Ready []Waiting // the tasks that want to go on
}

// Livelock is what to report after that many steps without progress.
func (l *Loop) Livelock(steps int) *LivelockError {
	e := &LivelockError{Steps: steps}
	for t := l.first; t != nil; t = t.next {
		if t.state == ready {
			e.Ready = append(e.Ready, t.waiting())
		}
	}
	return e
}

// Error lists the tasks that keep the loop busy, and where they are.
func (e *LivelockError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "eventloop: livelock: %d steps and time has not moved", e.Steps)
	for _, w := range e.Ready {
		b.WriteString("\n  " + w.String())
	}
	return b.String()
}
