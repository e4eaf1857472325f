package sim

import (
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// arrival is something that has happened outside of a node's tasks and that one of them waits to learn: a
// step has ended, a commit is on disk. The order in which a node learns of its arrivals is a choice.
type arrival struct {
	task        *eventloop.Task // who waits for it, or
	learn       func()          // what to do when its turn comes
	lost        func()          // what to do if the node dies before; may be nil
	group, name string
	seq         int64
	number      int64 // of a commit
	kind        eventKind
}

// latencies are what a slow arrival may take, after the answer 0: no time at all.
var latencies = [...]time.Duration{
	time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second,
	time.Minute, 10 * time.Minute, time.Hour,
}

// commitLatencies is how many of them the acknowledgement of a commit may take: up to a second.
const commitLatencies = 4

// labelArrives is the point at which the world chooses between nodes.
const labelArrives = "world/arrives"

// arrive puts an arrival among the pending ones and waits for its delivery.
func (inc *incarnation) arrive(a arrival) {
	w := inc.node.world
	a.task = w.loop.Current()
	slow, slowest := atSlow, len(latencies)
	if a.kind == evAcknowledged {
		slow, slowest = atSlowCommit, commitLatencies
	}
	if k := inc.node.ask(slow, slowest+1); k != 0 {
		inc.arriveLate(a, slow, latencies[k-1])
	} else {
		inc.enqueue(a)
	}
	w.mustPark(a.task, "delivery of what has ended")
}

// mustPark parks a task until it is woken. What it waits for isn't undone by cancelling it; the
// cancellation ends its next wait.
func (w *World) mustPark(t *eventloop.Task, on string) {
	var cancelled error
	for {
		err := w.loop.Park(on)
		if err == nil {
			break
		}
		cancelled = err
	}
	if cancelled != nil {
		t.Cancel(cancelled)
	}
}

func (inc *incarnation) enqueue(a arrival) {
	w := inc.node.world
	w.arrived++
	a.seq = w.arrived
	inc.pending = append(inc.pending, a)
	w.arrivals++
}

// arriveLate makes an arrival pending only after a latency, so that timers may overtake it.
func (inc *incarnation) arriveLate(a arrival, at place, latency time.Duration) {
	n := inc.node
	w := n.world
	w.event(evFault, n, a.group, "slow", int64(latency))
	if w.trace.record {
		text := fmt.Sprintf("%s takes %v to arrive", a.what(), latency)
		w.retext(text)
		w.deviate(n.point(at), n, a.group, text)
	}
	w.clock.AfterFunc(latency, func() {
		if !inc.dead {
			inc.enqueue(a)
		}
	})
}

// deliver hands one pending arrival to its node: the oldest, unless the choice says otherwise. It reports
// false when every node that something waits for stands still.
func (w *World) deliver() bool {
	inc := w.chooseIncarnation()
	if inc == nil {
		return false
	}
	n := inc.node
	k := 0
	if len(inc.pending) > 1 {
		k = n.point(atCompletes).Pick(len(inc.pending))
	}
	a := inc.pending[k]
	if k != 0 {
		first := inc.pending[0]
		w.deviate(n.point(atCompletes), n, a.group, w.say("%s %s before %s", a.what(), a.verb(), first.what()))
	}
	inc.pending = append(inc.pending[:k], inc.pending[k+1:]...)
	w.arrivals--
	w.moved = true
	w.event(a.kind, n, a.group, a.name, a.number)
	switch a.kind {
	case evComplete:
		w.order = mixString(mixString(w.order, a.group), a.name)
	case evAcknowledged:
		n.acknowledged = max(n.acknowledged, a.number)
	}
	if a.learn != nil {
		a.learn()
	} else {
		a.task.Wake()
	}
	return true
}

// chooseIncarnation picks the node that learns of an arrival next: the one with the oldest arrival, unless
// the choice says otherwise; nil when all of them stand still.
func (w *World) chooseIncarnation() *incarnation {
	var buf [16]*incarnation
	waiting := buf[:0]
	for _, n := range w.nodes {
		if n.inc == nil || len(n.inc.pending) == 0 || n.inc.standsStill() {
			continue
		}
		i := len(waiting)
		for i > 0 && waiting[i-1].pending[0].seq > n.inc.pending[0].seq {
			i--
		}
		waiting = append(waiting, nil)
		copy(waiting[i+1:], waiting[i:])
		waiting[i] = n.inc
	}
	switch len(waiting) {
	case 0:
		return nil
	case 1:
		return waiting[0]
	}
	if w.arrivesPoint == nil {
		w.arrivesPoint = w.list.Point(labelArrives)
	}
	k := w.arrivesPoint.Pick(len(waiting))
	if k != 0 {
		w.deviate(w.arrivesPoint, waiting[k].node, "", w.say("learns of its arrivals before %s does",
			waiting[0].node.name))
	}
	return waiting[k]
}

// what names the arrival in a report.
func (a arrival) what() string {
	switch a.kind {
	case evAcknowledged:
		return fmt.Sprintf("commit %d", a.number)
	case evMessage:
		return fmt.Sprintf("%q from %s", a.name, a.group)
	}
	return fmt.Sprintf("%q", a.name)
}

func (a arrival) verb() string {
	switch a.kind {
	case evAcknowledged:
		return "is acknowledged"
	case evMessage:
		return "arrives"
	}
	return "completes"
}
