package sim

import (
	"strconv"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// The answers at the crash point of a commit.
const (
	crashNot    = iota
	crashBefore // nothing of the commit is left
	crashAfter  // all of it is left, its caller doesn't know
	crashAnswers
)

// delays are how long a node may be down, after the answer 0: a millisecond.
var delays = [...]time.Duration{
	time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute, 10 * time.Minute,
}

// mayCrash is a crash point: the world chooses whether the node dies here. Then it doesn't return.
func (inc *incarnation) mayCrash(s *site, where, name string) {
	if s.Ask(2) == 0 {
		return
	}
	inc.node.crashed(s, where, name)
	inc.crashHere(0)
}

// crashed puts a crash into the trace and among the deviations.
func (n *Node) crashed(s *site, where, name string) {
	w := n.world
	w.event(evCrash, n, "", s.point.Label(), 0)
	if !w.trace.record {
		return
	}
	text := "CRASH " + where
	if name != "" {
		text += " " + strconv.Quote(name)
	}
	w.retext(text)
	w.deviate(s.point, n, "", text)
}

// crashHere ends the running task's incarnation. The world carries it out as soon as the task has parked,
// which it does here for the last time.
func (inc *incarnation) crashHere(cut int) {
	w := inc.node.world
	inc.condemn(cut)
	w.unwindLater(inc)
}

// condemn marks an incarnation as dead; the world carries it out before it does anything else.
func (inc *incarnation) condemn(cut int) {
	if inc.dead {
		return
	}
	inc.dead = true
	inc.cut = cut
	inc.node.world.crashing = append(inc.node.world.crashing, inc)
}

// unwindLater parks the running task for good: it is killed in its turn, with its node's other tasks.
func (w *World) unwindLater(inc *incarnation) {
	_ = w.loop.Park("the crash of node " + inc.node.name)
	panic("invariant: a task of a crashed node ran on")
}

// carryOutCrashes kills what has been condemned: tasks in creation order, then the disk; then the node is
// set to boot again.
func (w *World) carryOutCrashes() {
	for len(w.crashing) > 0 {
		inc := w.crashing[0]
		w.crashing = append(w.crashing[:0], w.crashing[1:]...)
		w.carryOut(inc)
	}
}

func (w *World) carryOut(inc *incarnation) {
	n := inc.node
	w.crashes++
	for _, t := range w.loop.Tasks() {
		if t.Owner == inc {
			t.Kill()
		}
	}
	w.arrivals -= len(inc.pending)
	inc.pending = nil
	inc.stopTimers()
	n.inc = nil
	n.crashDisk(inc.cut)
	n.scheduleReboot()
}

// crashDisk cuts the power of the disk. cut is what is torn off its end; when the last commit isn't
// acknowledged yet, it may be lost although the crash happened elsewhere.
func (n *Node) crashDisk(cut int) {
	w := n.world
	if n.disk == nil {
		return
	}
	n.opened = nil
	if cut == 0 && max(n.acknowledged, n.shown) < n.commits {
		if tail := n.disk.TailBytes(); tail > 0 && n.points.lost.Ask(2) != 0 {
			cut = tail
			w.event(evFault, n, "", "the last commit is lost", n.commits)
			w.deviate(n.points.lost.point, n, "",
				w.say("commit %d, not yet acknowledged, is lost in the crash", n.commits))
		}
	}
	n.acknowledged = n.commits
	if err := n.disk.Crash(cut); err != nil {
		w.failed(&Failure{Property: "the simulated disk survives a crash", Subject: n.name,
			Detail: strings.Split(err.Error(), "\n")})
	}
}

// scheduleReboot sets the timer of the next boot.
func (n *Node) scheduleReboot() {
	w := n.world
	k := n.points.reboot.Chance(0.5, len(delays))
	w.event(evReboot, n, "", "", int64(delays[k]))
	if k != 0 {
		w.deviate(n.points.reboot, n, "", w.say("boots again only after %v", delays[k]))
	}
	n.stopReboot = w.clock.AfterFunc(delays[k], n.start)
}

// Crash kills the node, as a power cut would: its tasks unwind without effect, its disk keeps what was
// committed, and it boots again. Called from one of the node's own tasks it does not return. A node that is
// down stays down.
func (n *Node) Crash() {
	w := n.world
	t := w.current("Node.Crash")
	inc := n.inc
	if inc == nil || inc.dead {
		return
	}
	w.event(evCrash, n, "", "CRASH, asked for by the test", 0)
	inc.condemn(0)
	if t.Owner == inc {
		w.unwindLater(inc)
	}
	w.yield(t)
}

// yield lets the world do what is due before the running task goes on.
func (w *World) yield(t *eventloop.Task) {
	w.loop.CallSoon(t.Wake)
	w.mustPark(t, "its turn")
}

// Restart crashes the node, when it is up, and boots it at once.
func (n *Node) Restart() {
	n.Crash()
	n.start()
}
