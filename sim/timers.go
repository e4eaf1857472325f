package sim

import "time"

// nodeTimer is a timer of an incarnation. The timers that are set form a ring, so that a crash can stop
// them all without a table.
type nodeTimer struct {
	inc        *incarnation
	fn         func()
	d          time.Duration
	halt       func() bool
	next, prev *nodeTimer
}

// AfterFunc runs fn as a task of the node once d has passed; a negative d is zero. stop reports whether it
// prevented that. The timer dies with the incarnation that set it.
func (n *Node) AfterFunc(d time.Duration, fn func()) (stop func() bool) {
	inc := n.enter("Node.AfterFunc")
	mustHave("Node.AfterFunc", fn != nil)
	t := &nodeTimer{inc: inc, fn: fn, d: max(d, 0)}
	inc.link(t)
	t.halt = n.world.clock.AfterFunc(t.d, t.fire)
	return t.stop
}

// fire is called by the clock. The moment before the timer's task begins is a crash point.
func (t *nodeTimer) fire() {
	inc := t.inc
	if inc.dead {
		return
	}
	if inc.standsStill() {
		t.halt = inc.node.world.clock.AfterFunc(inc.pausedUntil.Sub(inc.node.world.clock.Now()), t.fire)
		return
	}
	inc.unlink(t)
	n := inc.node
	w := n.world
	if n.ask(atTimer, 2) != 0 {
		n.crashed(atTimer, w.say("before the timer of %s fires", offsetText(t.d)), "")
		inc.condemn(0)
		return
	}
	w.event(evTimer, n, "", "", int64(t.d))
	w.spawn(inc, "timer", t.fn)
}

func (t *nodeTimer) stop() bool {
	if t.inc.dead || t.next == nil {
		return false
	}
	t.inc.unlink(t)
	return t.halt()
}

// link adds a timer to the ring.
func (inc *incarnation) link(t *nodeTimer) {
	if inc.timers == nil {
		t.next, t.prev = t, t
		inc.timers = t
		return
	}
	first := inc.timers
	t.next, t.prev = first, first.prev
	first.prev.next = t
	first.prev = t
}

// unlink takes a timer out of the ring.
func (inc *incarnation) unlink(t *nodeTimer) {
	if t.next == nil {
		return
	}
	if t.next == t {
		inc.timers = nil
	} else {
		t.prev.next, t.next.prev = t.next, t.prev
		if inc.timers == t {
			inc.timers = t.next
		}
	}
	t.next, t.prev = nil, nil
}

// stopTimers stops all timers of a dead incarnation, so that they move time no more.
func (inc *incarnation) stopTimers() {
	for inc.timers != nil {
		t := inc.timers
		inc.unlink(t)
		t.halt()
	}
}
