package eventloop

import "fmt"

// A WaitGroup waits for a number of tasks to be done. Create one with [NewWaitGroup].
type WaitGroup struct {
	l       *Loop
	name    string
	n       int
	waiters waiters
}

// NewWaitGroup is a group that waits for nothing yet. The name is for reports.
func NewWaitGroup(l *Loop, name string) *WaitGroup { return &WaitGroup{l: l, name: name} }

// Add changes what the group waits for by n. At zero, waiting tasks wake; below, it panics.
func (g *WaitGroup) Add(n int) {
	g.l.enter("Add")
	if g.n+n < 0 {
		panic(fmt.Sprintf("eventloop: wait group %q: Done was called more often than Add asked for", g.name))
	}
	g.n += n
	if g.n == 0 {
		g.waiters.fire(g.l)
	}
}

// Done is Add(-1).
func (g *WaitGroup) Done() { g.Add(-1) }

// Go starts a task that the group waits for.
func (g *WaitGroup) Go(name string, fn func()) *Task {
	t := g.l.Go(name, fn)
	g.Add(1)
	t.onDone.now(func() {
		g.n--
		if g.n == 0 {
			g.waiters.fire(g.l)
		}
	})
	return t
}

// Wait waits until the count is zero, and returns the cause when the task is cancelled.
func (g *WaitGroup) Wait() error {
	t := g.l.task("Wait")
	if g.n == 0 {
		return nil
	}
	return g.waiters.add(t, g)
}

// String says what the group waits for, for reports.
func (g *WaitGroup) String() string { return fmt.Sprintf("%d more of wait group %q", g.n, g.name) }
