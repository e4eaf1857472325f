package sim

import (
	"time"

	"github.com/reprise-dst/reprise/fault"
)

// pauses are how long a node stands still, after the answer 0: not at all.
var pauses = [...]time.Duration{
	time.Second, 100 * time.Millisecond, 10 * time.Second, time.Minute, 10 * time.Minute,
}

// Pause makes the node stand still for d of virtual time without noticing it, as a stopped virtual machine
// or a long collection of garbage does: meanwhile none of its timers fires, it learns of nothing that
// arrives, and calls wait. A task that is already running goes on until it waits.
func (n *Node) Pause(d time.Duration) {
	w := n.world
	w.current("Node.Pause")
	if d < 0 {
		panic(misuse("Node.Pause", "got the negative duration "+d.String(), "pass zero or more"))
	}
	if n.inc != nil {
		w.event(evFault, n, "", "pause", int64(d))
		w.retext("stands still for " + d.String())
		n.inc.pause(d)
	}
}

func (inc *incarnation) pause(d time.Duration) {
	w := inc.node.world
	inc.pausedUntil = w.clock.Now().Add(d)
	w.clock.AfterFunc(d, func() {
		if !inc.paused() {
			inc.node.wakeWaiters()
		}
	})
}

// paused reports whether the incarnation stands still.
func (inc *incarnation) paused() bool {
	return !inc.pausedUntil.IsZero() && inc.node.world.clock.Now().Before(inc.pausedUntil)
}

// standsStill is asked where the node is about to notice something: it reports whether the node is paused, or
// begins to be by choice.
func (inc *incarnation) standsStill() bool {
	if inc.paused() {
		return true
	}
	n := inc.node
	w := n.world
	k := n.ask(atPause, len(pauses)+1)
	if k == 0 {
		return false
	}
	d := pauses[k-1]
	w.event(evFault, n, "", "pause", int64(d))
	if w.trace.record {
		w.retext("stands still for " + d.String())
		w.deviate(n.point(atPause), n, "", "stands still for "+d.String())
	}
	inc.pause(d)
	return true
}

// resumeAll ends all pauses.
func (w *World) resumeAll() {
	for _, n := range w.nodes {
		if n.inc != nil && n.inc.paused() {
			n.inc.pausedUntil = w.clock.Now()
			n.wakeWaiters()
		}
	}
}

// wakeLater calls wake after d, for a task of the incarnation, or of none. A node that stands still does not
// notice the end of a sleep.
func (w *World) wakeLater(inc *incarnation, d time.Duration, wake func()) (stop func() bool) {
	if inc == nil {
		return w.clock.AfterFunc(d, wake)
	}
	var halt func() bool
	var due func()
	due = func() {
		if inc.paused() {
			halt = w.clock.AfterFunc(inc.pausedUntil.Sub(w.clock.Now()), due)
			return
		}
		wake()
	}
	halt = w.clock.AfterFunc(d, due)
	return func() bool { return halt() }
}

// jumps are by how much a node's clock is set, after the answer 0: not at all.
var jumps = [...]time.Duration{
	time.Second, -time.Second, time.Minute, -time.Minute, time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour,
}

// Now is what the node's clock shows: virtual time, but for what SkewClock and clock jumps have added. The
// durations of timers are not affected by the clock.
func (n *Node) Now() time.Time {
	if n.world.cfg.allowed[atClock] {
		n.mayJump()
	}
	return n.world.clock.Now().Add(n.skew)
}

// mayJump lets the world choose whether somebody sets the node's clock.
func (n *Node) mayJump() {
	inc, w := n.enter("Node.Now"), n.world
	k := inc.node.ask(atClock, len(jumps)+1)
	if k == 0 {
		return
	}
	n.jumpClock(jumps[k-1])
	if w.trace.record {
		w.deviate(n.point(atClock), n, "", w.say("its clock jumps by %v", jumps[k-1]))
	}
}

// SkewClock sets the node's clock forwards by d, or backwards when d is negative. The clock belongs to the
// machine: it survives crashes.
func (n *Node) SkewClock(d time.Duration) {
	n.world.current("Node.SkewClock")
	n.jumpClock(d)
}

func (n *Node) jumpClock(d time.Duration) {
	n.skew += d
	n.world.event(evFault, n, "", string(fault.ClockJump), int64(d))
	if n.world.trace.record {
		n.world.retext("its clock jumps by " + d.String())
	}
}
