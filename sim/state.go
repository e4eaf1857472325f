package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/eventloop"
	"github.com/reprise-dst/reprise/internal/explore"
)

// State says that what this world does from here on follows from the given content, from what the simulator
// knows by itself, and from choices yet to come. A strategy that has explored what follows from the same
// state then ends the world as passed, and State does not return; under all other strategies it does nothing.
//
// It is for a node's boot function, when the world has no other node that is up: the content must tell what
// the node's disk holds, what the memory of clients and of the test's own bookkeeping holds, and nothing may
// be left of the node's earlier life. What the simulator adds is the virtual time and what has happened
// outside of nodes: which steps began and ended, what they and the tasks of no node called the simulator for,
// what was picked, in this order and when. A world with a network, a dependency or several nodes is not
// merged with any other.
func (w *World) State(content []byte) {
	w.current("World.State")
	if w.merging == nil || len(w.links) > 0 || w.dialed > 0 || len(w.names) != 1 || len(w.nodes) != 1 {
		return
	}
	h := sha256.New()
	var fixed [24]byte
	binary.LittleEndian.PutUint64(fixed[:], uint64(w.offset()))
	binary.LittleEndian.PutUint64(fixed[8:], w.merging.history)
	binary.LittleEndian.PutUint64(fixed[16:], uint64(w.nodes[0].skew))
	h.Write(fixed[:])
	h.Write(content)
	if !w.merging.source.Known(explore.State(h.Sum(nil)), w.list.Len()) {
		return
	}
	w.event(evLog, nil, "", "goes on from a state that is explored already", 0)
	w.merged = true
	_ = w.loop.Park("the end of the world")
	panic("invariant: a task ran on after the world was merged")
}

// merging is what a world keeps for a strategy that remembers states.
type merging struct {
	source  explore.Merger
	history uint64                   // of what happened outside of nodes
	working map[*eventloop.Task]bool // tasks that do offloaded work
}

func newMerging(src choice.Source) *merging {
	m, ok := src.(explore.Merger)
	if !ok {
		return nil
	}
	return &merging{source: m, working: make(map[*eventloop.Task]bool)}
}

// acts adds a call of the simulator to the history if it is made by a step or by a task of no node. Such a
// task runs until its next call, so the order of these calls is the order of all that it does. A call to a
// node is left out: what a client learns by it belongs to the content of the state.
func (m *merging) acts(w *World, t *eventloop.Task, what string) {
	if t == nil || what == "Node.Call" || what == "World.State" {
		return
	}
	if _, of := t.Owner.(*incarnation); of && !m.working[t] {
		return
	}
	m.add(w, t.Name(), what)
}

// noted is what a task of no node does, in the history from its beginning.
func (m *merging) noted(w *World, name string, fn func()) func() {
	return func() {
		m.add(w, name, "begins")
		fn()
	}
}

func (m *merging) picked(w *World, label string, answer int) {
	if m != nil {
		m.add(w, label, strconv.Itoa(answer))
	}
}

func (m *merging) begins(w *World, group, name string) {
	if m != nil {
		m.working[w.loop.Current()] = true
		m.add(w, group, name)
	}
}

func (m *merging) ends(w *World) {
	if m != nil {
		delete(m.working, w.loop.Current())
	}
}

func (m *merging) add(w *World, who, what string) {
	m.history = mixString(mixString(mix(m.history, uint64(w.offset())), who), what)
}
