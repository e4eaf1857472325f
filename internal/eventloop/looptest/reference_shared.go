package looptest

import (
	"errors"
	"fmt"
	"slices"
)

// ErrRefClosed is what a closed channel or queue of [Reference] answers.
var ErrRefClosed = errors.New("looptest: closed")

// refLine is a queue of tasks that wait for the same thing, each with a value that it offers or wants.
type refLine struct{ places []*refPlace }

type refPlace struct {
	t      *refTask
	v      int
	served bool
}

// wait parks the running task of the loop at the end of the line.
func (q *refLine) wait(l *Reference, on string, v int) (*refPlace, error) {
	p := &refPlace{t: l.cur, v: v}
	q.places = append(q.places, p)
	defer func() {
		q.places = slices.DeleteFunc(q.places, func(other *refPlace) bool { return other == p })
	}()
	return p, p.t.waitFor(on, nil)
}

// serve wakes the first in the line who still waits; nil if nobody does.
func (q *refLine) serve(served bool) *refPlace {
	for len(q.places) > 0 {
		p := q.places[0]
		q.places = q.places[1:]
		if p.t.state == "parked" {
			p.served = served
			p.t.wake(nil)
			return p
		}
	}
	return nil
}

func (q *refLine) serveAll() {
	for q.serve(false) != nil {
	}
}

// refChan is a channel, and a queue, too.
type refChan struct {
	l                           *Reference
	name                        string
	cap                         int
	buf                         []int
	senders, receivers, joiners refLine
	closed                      bool
	puts, dones                 int
}

// NewChan implements [SharedLoop].
func (l *Reference) NewChan(name string, capacity int) Chan {
	return &refChan{l: l, name: name, cap: capacity}
}

// NewQueue implements [SharedLoop].
func (l *Reference) NewQueue(name string, limit int) Queue {
	if limit == 0 {
		limit = 1 << 30
	}
	return &refChan{l: l, name: name, cap: limit}
}

// Send implements [Chan].
func (c *refChan) Send(v int) error {
	c.l.enter()
	if c.closed {
		return ErrRefClosed
	}
	if p := c.receivers.serve(true); p != nil {
		p.v = v
	} else if len(c.buf) < c.cap {
		c.buf = append(c.buf, v)
	} else {
		p, err := c.senders.wait(c.l, fmt.Sprintf("room in chan %q", c.name), v)
		if err == nil && !p.served {
			err = ErrRefClosed
		}
		return err
	}
	c.puts++
	return nil
}

// Recv implements [Chan].
func (c *refChan) Recv() (int, error) {
	c.l.enter()
	sender := c.senders.serve(true)
	if sender != nil {
		c.puts++
		c.buf = append(c.buf, sender.v)
	}
	if len(c.buf) > 0 {
		v := c.buf[0]
		c.buf = c.buf[1:]
		return v, nil
	}
	if c.closed {
		return 0, ErrRefClosed
	}
	p, err := c.receivers.wait(c.l, fmt.Sprintf("a value from chan %q", c.name), 0)
	if err == nil && !p.served {
		err = ErrRefClosed
	}
	return p.v, err
}

// Close implements [Chan].
func (c *refChan) Close() {
	c.l.enter()
	c.closed = true
	c.receivers.serveAll()
	c.senders.serveAll()
}

// Put implements [Queue].
func (c *refChan) Put(v int) error { return c.Send(v) }

// Get implements [Queue].
func (c *refChan) Get() (int, error) { return c.Recv() }

// TaskDone implements [Queue].
func (c *refChan) TaskDone() {
	c.l.enter()
	if c.dones++; c.dones == c.puts {
		c.joiners.serveAll()
	}
}

// Join implements [Queue].
func (c *refChan) Join() error {
	c.l.enter()
	if c.dones == c.puts {
		return nil
	}
	_, err := c.joiners.wait(c.l, fmt.Sprintf("all work of queue %q", c.name), 0)
	return err
}

// refSemaphore is a mutex, too, if it has one slot.
type refSemaphore struct {
	l    *Reference
	what string
	free int
	line refLine
}

// NewMutex implements [SharedLoop].
func (l *Reference) NewMutex(name string) Mutex {
	return &refSemaphore{l: l, what: fmt.Sprintf("mutex %q", name), free: 1}
}

// NewSemaphore implements [SharedLoop].
func (l *Reference) NewSemaphore(name string, n int) Semaphore {
	return &refSemaphore{l: l, what: fmt.Sprintf("a slot of semaphore %q", name), free: n}
}

// Acquire implements [Semaphore].
func (s *refSemaphore) Acquire() error {
	s.l.enter()
	if s.free > 0 {
		s.free--
		return nil
	}
	_, err := s.line.wait(s.l, s.what, 0)
	return err
}

// Release implements [Semaphore].
func (s *refSemaphore) Release() {
	s.l.enter()
	if s.line.serve(true) == nil {
		s.free++
	}
}

// Lock implements [Mutex].
func (s *refSemaphore) Lock() error { return s.Acquire() }

// Unlock implements [Mutex].
func (s *refSemaphore) Unlock() { s.Release() }

type refCond struct {
	m    *refSemaphore
	name string
	line refLine
}

// NewCond implements [SharedLoop].
func (l *Reference) NewCond(m Mutex, name string) Cond {
	return &refCond{m: m.(*refSemaphore), name: name}
}

// Wait implements [Cond].
func (c *refCond) Wait() error {
	t := c.m.l.cur
	c.m.Unlock()
	_, err := c.line.wait(c.m.l, fmt.Sprintf("condition %q", c.name), 0)
	t.guarded = true
	defer func() { t.guarded = false }()
	_ = c.m.Lock() // guarded: ends only when it has the lock
	return err
}

// Signal implements [Cond].
func (c *refCond) Signal() {
	c.m.l.enter()
	c.line.serve(true)
}

// Broadcast implements [Cond].
func (c *refCond) Broadcast() {
	c.m.l.enter()
	c.line.serveAll()
}

type refGroup struct {
	l    *Reference
	name string
	n    int
	line refLine
}

// NewWaitGroup implements [SharedLoop].
func (l *Reference) NewWaitGroup(name string) WaitGroup { return &refGroup{l: l, name: name} }

// Add implements [WaitGroup].
func (g *refGroup) Add(n int) {
	g.l.enter()
	if g.n += n; g.n == 0 {
		g.line.serveAll()
	}
}

// Done implements [WaitGroup].
func (g *refGroup) Done() { g.Add(-1) }

// Wait implements [WaitGroup].
func (g *refGroup) Wait() error {
	g.l.enter()
	if g.n == 0 {
		return nil
	}
	_, err := g.line.wait(g.l, fmt.Sprintf("%d more of wait group %q", g.n, g.name), 0)
	return err
}
