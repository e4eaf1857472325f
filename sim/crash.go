package sim

import (
	"errors"
	"fmt"
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

// delays are how long a node may be down, after the answer 0: a millisecond. The answer behind them is never.
var delays = [...]time.Duration{
	time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute, 10 * time.Minute,
}

// mayCrash is a crash point: the world chooses whether the node dies here. Then it doesn't return.
func (inc *incarnation) mayCrash(at place, where, name string) {
	if inc.node.ask(at, 2) == 0 {
		return
	}
	inc.node.crashed(at, where, name)
	inc.crashHere(0)
}

// crashed puts a crash into the trace and among the deviations.
func (n *Node) crashed(at place, where, name string) {
	w := n.world
	w.hits[at]++
	w.event(evCrash, n, "", places[at].label, 0)
	if !w.trace.record {
		return
	}
	text := "CRASH " + where
	if name != "" {
		text += " " + strconv.Quote(name)
	}
	w.retext(text)
	w.deviate(n.point(at), n, "", text)
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
	if !inc.forGood {
		w.crashes++
	}
	for _, t := range w.loop.Tasks() {
		if t.Owner == inc {
			t.Kill()
			w.mustBeDead(t)
		}
	}
	w.arrivals -= len(inc.pending)
	inc.stopTimers()
	n.inc = nil
	n.crashDisk(inc.cut)
	for _, c := range inc.conns {
		c.reset()
	}
	for _, a := range inc.pending {
		if a.lost != nil {
			a.lost()
		}
	}
	switch {
	case n.damage != nil:
		n.lost()
	case !inc.forGood:
		n.scheduleReboot(inc.atOnce)
	}
}

// mustBeDead fails the world when a task recovered from its end again and again.
func (w *World) mustBeDead(t *eventloop.Task) {
	if err := t.Err(); err != eventloop.ErrKilled && errors.Is(err, eventloop.ErrKilled) {
		w.failed(&Failure{
			Property: propDies, Subject: fmt.Sprintf("task %q", t.Name()),
			Detail: []string{err.Error(), "a deferred function must not call the simulator in an endless loop"},
		})
	}
}

// crashDisk cuts the power of the disk. cut is what is torn off its end; when the last commit isn't
// acknowledged yet, it may be lost although the crash happened elsewhere.
func (n *Node) crashDisk(cut int) {
	w := n.world
	if n.disk == nil {
		return
	}
	n.opened = nil
	lost := n.damage != nil
	if !lost && cut == 0 && max(n.acknowledged, n.shown) < n.commits {
		if tail := n.disk.TailBytes(); tail > 0 && n.ask(atLost, 2) != 0 {
			cut = tail
			w.event(evFault, n, "", "the last commit is lost", n.commits)
			w.deviate(n.point(atLost), n, "",
				w.say("commit %d, not yet acknowledged, is lost in the crash", n.commits))
		}
	}
	n.acknowledged = n.commits
	if err := n.disk.Crash(cut); err != nil {
		w.failed(&Failure{Property: propDisk, Subject: n.name, Detail: strings.Split(err.Error(), "\n")})
		return
	}
	n.crashTwin(cut)
	if !lost {
		n.mayRot()
	}
}

// scheduleReboot sets the timer of the next boot.
func (n *Node) scheduleReboot(atOnce bool) {
	w := n.world
	n.staysDown, n.damage = false, nil
	if atOnce {
		n.stopReboot = w.clock.AfterFunc(0, n.start)
		return
	}
	k := 0
	if !w.faultless {
		k = n.point(atReboot).Chance(0.5, len(delays)+1)
	}
	if k == len(delays) {
		n.staysDown = true
		w.event(evReboot, n, "", "", never)
		w.deviate(n.point(atReboot), n, "", "stays down, until faults stop or nothing else is left to happen")
		return
	}
	w.event(evReboot, n, "", "", int64(delays[k]))
	if k != 0 {
		w.deviate(n.point(atReboot), n, "", w.say("boots again only after %v", delays[k]))
	}
	n.stopReboot = w.clock.AfterFunc(delays[k], n.start)
}

// never is the delay, in the trace, of a node that stays down.
const never = -1

// bootThoseDown boots the nodes that were chosen to stay down. It reports whether there are any.
func (w *World) bootThoseDown() bool {
	found := false
	for _, n := range w.nodes {
		if n.staysDown {
			found = true
			w.event(evReboot, n, "", "", 0)
			n.scheduleReboot(true)
		}
	}
	return found
}

// Crash kills the node, as a power cut would: its tasks unwind without effect, its disk keeps what was
// committed, and it boots again after a delay that the world chooses, which may be never: then it stays down
// until Restart, StopFaults, or nothing else is left to happen. Called from one of the node's own tasks it
// does not return. It does nothing to a node that is down.
func (n *Node) Crash() { n.crashOnDemand("Node.Crash", "CRASH, asked for by the test", false, false) }

// Stop is Crash without the boot: the node stays down until Restart.
func (n *Node) Stop() { n.crashOnDemand("Node.Stop", "STOP, asked for by the test", false, true) }

// Restart crashes the node, when it is up, and boots it without delay.
func (n *Node) Restart() {
	n.crashOnDemand("Node.Restart", "RESTART, asked for by the test", true, false)
	if n.inc == nil && n.stopReboot == nil {
		n.scheduleReboot(true)
	}
}

func (n *Node) crashOnDemand(what, text string, atOnce, forGood bool) {
	w := n.world
	t := w.current(what)
	inc := n.inc
	if inc == nil {
		if forGood {
			n.staysDown = false
		}
		if forGood && n.stopReboot != nil {
			n.stopReboot()
			n.stopReboot = nil
		}
		return
	}
	w.event(evCrash, n, "", text, 0)
	inc.atOnce, inc.forGood = atOnce, forGood
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
