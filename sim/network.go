package sim

import (
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/fault"
)

// message is on its way from one node to another; a nil node is the outside, where clients are.
type message struct {
	from, to *Node
	name     string
	stream   bool // a part of a connection: it is never lost, doubled or overtaken, only late
	// arrived is called when the receiver learns of it; the incarnation is nil for the outside.
	arrived func(to *incarnation)
	// failed is called when the receiver is down, or goes down before it learns of it; it may be nil.
	failed func()
}

// link is one direction between two nodes.
type link struct {
	world                          *World
	from, to                       *Node
	drop, duplicate, reorder, slow site
	partition                      site
	severed                        bool      // by the test
	cutUntil                       time.Time // by choice
	held                           bool
	waiting                        []message // held back, or parts of connections during a partition
}

// cuts are how long a partition by choice lasts, after the answer 0: there is none.
var cuts = [...]time.Duration{time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour}

// outside names the end of a link where clients are.
const outside = "outside"

func endName(n *Node) string {
	if n == nil {
		return outside
	}
	return n.name
}

// link is the link between two nodes, made when it is first used.
func (w *World) link(from, to *Node) *link {
	for _, l := range w.links {
		if l.from == from && l.to == to {
			return l
		}
	}
	name := endName(from)
	at := func(kind fault.Kind, what string) site {
		if !w.cfg.Faults.Has(kind) {
			return site{}
		}
		label := name + "->" + endName(to) + "/" + what
		return site{w.list.Point(label), w.faults.Site(kind, name, label)}
	}
	l := &link{
		world: w, from: from, to: to,
		drop: at(fault.Drop, "drop"), duplicate: at(fault.Duplicate, "duplicate"),
		reorder: at(fault.Reorder, "reorder"), slow: at(fault.Slow, "slow"),
		partition: at(fault.Partition, "partition"),
	}
	w.links = append(w.links, l)
	return l
}

// post sends a message. What happens to it on the way is chosen here.
func (w *World) post(m message) {
	l := w.link(m.from, m.to)
	if k := l.ask(&l.partition, len(cuts)+1); k != 0 {
		l.cutFor(cuts[k-1])
	}
	if l.held || m.stream && l.cut() {
		l.waiting = append(l.waiting, m)
		return
	}
	if l.cut() {
		l.note(m.name, "is lost in the partition")
		return
	}
	if !m.stream {
		if l.ask(&l.drop, 2) != 0 {
			l.chosen(&l.drop, m.name, "is lost")
			return
		}
		if l.ask(&l.duplicate, 2) != 0 {
			l.chosen(&l.duplicate, m.name, "arrives twice")
			w.travel(m, 0)
		}
		if l.ask(&l.reorder, 2) != 0 {
			l.chosen(&l.reorder, m.name, "may be overtaken")
			w.travel(m, time.Millisecond)
			return
		}
	}
	var latency time.Duration
	if k := l.ask(&l.slow, len(latencies)+1); k != 0 {
		latency = latencies[k-1]
		l.chosen(&l.slow, m.name, "takes "+latency.String())
	}
	w.travel(m, latency)
}

// travel lets a message arrive after a latency.
func (w *World) travel(m message, latency time.Duration) {
	if latency > 0 {
		w.clock.AfterFunc(latency, func() { w.reach(m) })
		return
	}
	w.reach(m)
}

// reach puts a message among what its receiver is yet to learn.
func (w *World) reach(m message) {
	switch {
	case m.to == nil:
		m.arrived(nil)
	case m.to.inc == nil || m.to.inc.dead:
		if m.failed != nil {
			m.failed()
		}
	default:
		inc := m.to.inc
		inc.enqueue(arrival{
			kind: evMessage, group: endName(m.from), name: m.name,
			learn: func() { m.arrived(inc) }, lost: m.failed,
		})
	}
}

func (l *link) ask(s *site, n int) int {
	if s.faults == nil {
		return 0
	}
	return s.faults.Ask(n)
}

// cut reports whether a partition separates the two.
func (l *link) cut() bool {
	return l.severed || !l.cutUntil.IsZero() && l.world.clock.Now().Before(l.cutUntil)
}

// cutFor separates the two, in both directions, for a while.
func (l *link) cutFor(d time.Duration) {
	w := l.world
	l.event("a partition of " + d.String())
	w.deviate(l.partition.point, nil, l.subject(), w.say("a partition of %v", d))
	for _, one := range [...]*link{l, w.link(l.to, l.from)} {
		one.cutUntil = w.clock.Now().Add(d)
		w.clock.AfterFunc(d, one.flush)
	}
}

// flush sends what waited, once nothing holds it back any more.
func (l *link) flush() {
	if l.held || l.cut() {
		return
	}
	waiting := l.waiting
	l.waiting = nil
	for _, m := range waiting {
		l.world.post(m)
	}
}

func (l *link) subject() string { return endName(l.from) + "->" + endName(l.to) }

func (l *link) event(text string) { l.world.event(evFault, nil, l.subject(), text, 0) }

// note puts what happens to a message into the trace.
func (l *link) note(name, what string) {
	l.world.event(evFault, nil, l.subject(), what, int64(len(name)))
	l.world.retext(l.subject() + ": " + fmt.Sprintf("%q %s", name, what))
}

// chosen puts what a choice does to a message into the trace and among the deviations.
func (l *link) chosen(s *site, name, what string) {
	l.note(name, what)
	l.world.deviate(s.point, nil, l.subject(), l.world.say("%q %s", name, what))
}

// Partition separates two nodes until Repair: what they send each other is lost, connections stall. A nil
// node is the outside.
func (w *World) Partition(a, b *Node) {
	w.both("World.Partition", "are separated", a, b, func(l *link) { l.severed = true })
}

// Repair ends what Partition began, and partitions by choice.
func (w *World) Repair(a, b *Node) {
	w.both("World.Repair", "reach each other again", a, b, func(l *link) {
		l.severed, l.cutUntil = false, time.Time{}
		l.flush()
	})
}

// Hold keeps back what two nodes send each other until Release: nothing is lost. A nil node is the outside.
func (w *World) Hold(a, b *Node) {
	w.both("World.Hold", "are held back", a, b, func(l *link) { l.held = true })
}

// Release lets what Hold kept back arrive, in the order in which it was sent.
func (w *World) Release(a, b *Node) {
	w.both("World.Release", "are let go", a, b, func(l *link) {
		l.held = false
		l.flush()
	})
}

// both changes the links between two nodes.
func (w *World) both(what, text string, a, b *Node, change func(*link)) {
	w.current(what)
	w.event(evFault, nil, endName(a)+"<->"+endName(b), text, 0)
	change(w.link(a, b))
	change(w.link(b, a))
}

// repairChosen ends the partitions that were chosen.
func (w *World) repairChosen() {
	for _, l := range w.links {
		l.cutUntil = time.Time{}
		l.flush()
	}
}
