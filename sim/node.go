package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/reprise-dst/reprise/internal/eventloop"
	"github.com/reprise-dst/reprise/store"
)

// ErrCrashed is what Call returns when the node died before it could answer. Whether the call had its
// effect is unknown, as it is with a real process.
var ErrCrashed = errors.New("sim: the node crashed")

// Node is a simulated process: a boot function, tasks that die with it, and a disk that survives. Its
// methods, other than Call, Crash, Restart and Name, are for the node's own tasks; an engine that takes its
// time, tasks and storage through them runs in simulation as it runs in production.
type Node struct {
	world  *World
	name   string
	index  int
	boot   func(*Node)
	inc    *incarnation // nil while the node is down
	boots  int64
	disk   store.Disk
	opened store.Store // the open store of the running incarnation

	commits      int64 // over all incarnations
	acknowledged int64 // the last one that its caller knows of
	shown        int64 // the last one that a read may have shown; a store never takes that back

	skew time.Duration // what its clock shows beyond virtual time

	beingUp, answer string // what callers wait for, in the words of a report

	waiters []*eventloop.Task // callers that wait for the node to be up
	sites   [placeCount]site

	rotted    string // what has flipped on its disk last; empty if nothing has
	damage    error  // what its store said of that, until it boots again
	onDamage  func(error)
	reference store.Disk // holds what the disk should hold; nil unless it may rot
	twin      *twin      // the open store, beside the reference

	stopReboot func() bool // of the boot that is due, nil when none is
	staysDown  bool        // it was chosen not to boot again
}

// incarnation is one life of a node, from boot to crash.
type incarnation struct {
	node    *Node
	dead    bool
	up      bool // boot has returned
	cut     int  // what the crash tears off the disk
	atOnce  bool // it is to boot again without delay
	forGood bool // it is not to boot again by itself

	pausedUntil time.Time // zero if it never was

	pending   []arrival
	timers    *nodeTimer // the timers that are set, in a ring
	handlers  map[string]handler
	listeners []*listener
	conns     []*conn
	store     *nodeStore
}

// Node makes a node and boots it: boot runs as the first task of each incarnation, and the node is up when
// it has returned. Names must be unique within a world.
func (w *World) Node(name string, boot func(n *Node)) *Node {
	w.current("World.Node")
	if boot == nil {
		panic(misuse("World.Node", "got no boot function for "+name, "give it what the process does first"))
	}
	w.takeName("World.Node", name)
	n := &Node{world: w, name: name, index: len(w.nodes), boot: boot}
	n.beingUp, n.answer = "node "+name+" to be up", "an answer of node "+name
	w.nodes = append(w.nodes, n)
	n.start()
	return n
}

// takeName refuses a name that something else in the world has, or that labels of the test's begin with.
func (w *World) takeName(what, name string) {
	if name == "" {
		panic(misuse(what, "got an empty name", "name it: choices and traces refer to it"))
	}
	if slices.Contains(w.names, name) || name == "world" {
		panic(misuse(what, fmt.Sprintf("got the name %q, which is taken", name), "give each thing its own name"))
	}
	for _, label := range slices.Sorted(maps.Keys(w.picks)) {
		if ownedBy(label, name) {
			panic(misuse(what, fmt.Sprintf("got the name %q, with which the label %q begins", name, label),
				"rename one of them"))
		}
	}
	w.names = append(w.names, name)
}

// start boots a new incarnation.
func (n *Node) start() {
	if n.inc != nil || n.world.ended {
		return
	}
	if n.stopReboot != nil {
		n.stopReboot()
		n.stopReboot = nil
	}
	n.boots++
	inc := &incarnation{node: n}
	n.inc = inc
	n.world.event(evBoot, n, "", "", n.boots)
	n.world.spawn(inc, "boot", func() {
		n.boot(n)
		n.enter("the boot function") // it may have recovered from its end
		inc.up = true
		n.world.event(evUp, n, "", "", 0)
		n.wakeWaiters()
	})
}

func (n *Node) wakeWaiters() {
	for _, t := range n.waiters {
		t.Wake()
	}
	n.waiters = n.waiters[:0]
}

// enter is the door of the seam: it returns the incarnation that the running task belongs to. A task of a
// dead incarnation unwinds here, so nothing that it still does reaches the world.
func (n *Node) enter(what string) *incarnation {
	w := n.world
	t := w.running(what)
	if t != nil {
		inc, ok := t.Owner.(*incarnation)
		if ok && inc.dead || w.ended {
			w.unwind(t)
		}
		if ok && inc.node == n {
			return inc
		}
	}
	panic(n.stranger(what, t))
}

// stranger is the message for a seam call from a task that doesn't belong to the node.
func (n *Node) stranger(what string, t *eventloop.Task) string {
	who := "outside of the world's tasks"
	if t != nil {
		who = fmt.Sprintf("task %q, which belongs to no node", t.Name())
		if inc, ok := t.Owner.(*incarnation); ok {
			who = fmt.Sprintf("task %q of node %q", t.Name(), inc.node.name)
		}
	}
	return misuse(what, fmt.Sprintf("of node %q was called from %s", n.name, who),
		fmt.Sprintf("use Node.Call to run code on %q", n.name))
}

// Name is the name the node was made with.
func (n *Node) Name() string { return n.name }

// World is the world the node belongs to.
func (n *Node) World() *World { return n.world }

// label is the name for the trace; a nil node is the world.
func (n *Node) label() string {
	if n == nil {
		return ""
	}
	return n.name
}

// Go starts fn as a task of the node. It begins when its creator waits, after the tasks started before it.
func (n *Node) Go(name string, fn func(ctx context.Context)) {
	inc := n.enter("Node.Go")
	mustHave("Node.Go", fn != nil)
	w := n.world
	inc.mayCrash(atSpawn, "before task", name)
	w.event(evSpawn, n, "", name, 0)
	w.spawn(inc, name, func() { fn(w.loop.Current().Context()) })
}

// Offload runs work, which happens outside of the code under test, as a task. When it has ended, its
// completion is one of the node's pending arrivals; done is called when its turn comes. Which of the
// pending arrivals comes first is a choice, and it may be slow.
func (n *Node) Offload(group, name string, work func(ctx context.Context), done func()) {
	inc := n.enter("Node.Offload")
	mustHave("Node.Offload", work != nil && done != nil)
	w := n.world
	inc.mayCrash(atStart, "before step", name)
	w.spawn(inc, name, func() {
		w.event(evStart, n, group, name, 0)
		w.merging.begins(w, group, name)
		work(w.loop.Current().Context())
		n.enter("Node.Offload")
		w.merging.ends(w)
		w.event(evEnd, n, group, name, 0)
		inc.mayCrash(atEnd, "after step", name)
		inc.arrive(arrival{kind: evComplete, group: group, name: name})
		done()
	})
}

// Call runs fn as a task of the node and waits for its end: it is how a client, or another node, reaches
// the code on this node. It first waits for the node to be up. It returns ErrCrashed, wrapped, when the node
// dies meanwhile, and the cause of ctx when that is done first; fn's task is then cancelled. A node that
// stays down because its disk is damaged, see OnDamage, answers with store.ErrDamaged, wrapped.
func (n *Node) Call(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	w := n.world
	caller := w.current("Node.Call")
	mustHave("Node.Call", fn != nil)
	for !n.Up() || n.inc.paused() {
		if n.damage != nil {
			return n.damage
		}
		n.waiters = append(n.waiters, caller)
		if err := w.loop.ParkContext(ctx, n.beingUp); err != nil {
			n.waiters = without(n.waiters, caller)
			return err
		}
	}
	w.event(evCall, n, "", name, 0)
	inc := n.inc
	var err error
	answered, ended, gone := false, false, false
	t := w.spawn(inc, name, func() {
		err = fn(w.loop.Current().Context())
		n.enter("Node.Call")
		inc.mayCrash(atAnswer, "before the answer to call", name)
		answered = true
	})
	t.OnDone(func(*eventloop.Task) {
		ended = true
		if !gone {
			caller.Wake()
		}
	})
	for !ended {
		if err := w.loop.ParkContext(ctx, n.answer); err != nil {
			gone = true
			t.Cancel(err)
			return err
		}
	}
	if !answered {
		w.event(evReturn, n, "is lost", name, 0)
		return fmt.Errorf("%w: node %q, during call %q", ErrCrashed, n.name, name)
	}
	w.event(evReturn, n, "is answered", name, 0)
	return err
}

// without is the list without the task, in the same memory.
func without(tasks []*eventloop.Task, t *eventloop.Task) []*eventloop.Task {
	return slices.DeleteFunc(tasks, func(other *eventloop.Task) bool { return other == t })
}

// Up reports whether the node runs and its boot function has returned.
func (n *Node) Up() bool { return n.inc != nil && n.inc.up }

func nodeOf(t *eventloop.Task) *Node {
	if inc, ok := t.Owner.(*incarnation); ok {
		return inc.node
	}
	return nil
}
