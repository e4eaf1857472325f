package sim

import (
	"fmt"
	"strings"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/store"
)

// nodeStore is what an incarnation sees of its node's disk. Each Commit is a crash point, and its
// acknowledgement is an arrival, which completions of steps may overtake.
type nodeStore struct {
	inc    *incarnation
	real   store.Store
	broken error // what every call returns after a failed write
}

// Store is the node's store: what survives a crash. It belongs to the incarnation that asks for it. A disk
// that does not open fails the world, unless the world has let it rot: see OnDamage.
func (n *Node) Store() store.Store {
	inc := n.enter("Node.Store")
	if inc.store != nil {
		return inc.store
	}
	if n.disk == nil {
		n.disk = n.world.cfg.Disk()
	}
	mayRot := n.world.cfg.Faults.Has(fault.BitRot)
	if _, rots := n.disk.(store.Rotter); mayRot && !rots {
		panic(misuse("Node.Store", fmt.Sprintf("got a %T from Config.Disk, which can't rot", n.disk),
			"make it a store.Rotter, or take the rule for bit-rot out of the fault plan"))
	}
	opened, err := n.disk.Open()
	if n.rotSeen(err) {
		inc.lose(err)
	}
	if err != nil {
		n.world.Fail("the store opens", n.name, err.Error())
	}
	if mayRot {
		opened = inc.openTwin(opened)
	}
	n.opened = opened
	inc.store = &nodeStore{inc: inc, real: opened}
	return inc.store
}

// closeStore closes what the last incarnation left open when the world ends.
func (n *Node) closeStore() {
	if n.opened != nil {
		_ = n.opened.Close()
		n.opened = nil
	}
}

func (s *nodeStore) Get(key []byte) ([]byte, bool, error) {
	s.enter("Store.Get")
	if err := s.mayFailRead("a read"); err != nil {
		return nil, false, err
	}
	s.inc.node.shown = s.inc.node.commits
	return s.real.Get(key)
}

func (s *nodeStore) Scan(from, to []byte, visit func(key, value []byte) bool) error {
	s.enter("Store.Scan")
	if err := s.mayFailRead("a scan"); err != nil {
		return err
	}
	s.inc.node.shown = s.inc.node.commits
	return s.real.Scan(from, to, visit)
}

func (s *nodeStore) Close() error {
	s.enter("Store.Close")
	s.inc.node.opened, s.inc.store = nil, nil
	return s.real.Close()
}

// enter refuses tasks that don't belong to the incarnation that opened the store.
func (s *nodeStore) enter(what string) {
	n := s.inc.node
	if n.enter(what) != s.inc {
		panic(misuse(what, "was called on the store of an earlier incarnation of node "+n.name,
			"take Node.Store() anew in the boot function"))
	}
}

// Commit writes the batch and returns when its acknowledgement arrives. The node may die just before, just
// after, or in the middle of the write.
func (s *nodeStore) Commit(b *store.Batch) error {
	s.enter("Store.Commit")
	inc, n := s.inc, s.inc.node
	w := n.world
	if w.cfg.Flushes {
		s.mayFlush()
	}
	answer, torn := n.ask(atCommit, crashAnswers), n.ask(atTorn, 2)
	if answer == crashBefore {
		n.crashed(atCommit, w.say("before commit %d", n.commits+1), "")
		inc.crashHere(0)
	}
	if err := s.mayFailWrite(b); err != nil {
		return err
	}
	if err := s.real.Commit(b); err != nil {
		n.shown = n.commits
		w.event(evRefused, n, "", "", 0)
		if w.trace.record {
			w.retext("a commit is refused: " + err.Error())
		}
		return err
	}
	n.commits++
	number := n.commits
	w.event(evCommit, n, "", "", number)
	switch {
	case answer == crashAfter:
		n.shown = number // all of it is left
		n.crashed(atCommit, w.say("after commit %d, before the engine knew", number), "")
		inc.crashHere(0)
	case torn != 0:
		inc.crashTorn(number)
	}
	inc.arrive(arrival{kind: evAcknowledged, number: number})
	return nil
}

// flushRate is how often a random run flushes at a commit.
const flushRate = 0.02

// mayFlush lets the world choose whether the disk moves its log into its tables.
func (s *nodeStore) mayFlush() {
	n := s.inc.node
	w := n.world
	if n.point(atFlush).Chance(flushRate, 2) == 0 || s.broken != nil {
		return
	}
	w.event(evFault, n, "", "the disk flushes its log into tables", 0)
	w.deviate(n.point(atFlush), n, "", "the disk flushes its log into tables")
	err := n.disk.Flush()
	if n.rotSeen(err) {
		s.inc.lose(err)
	}
	if err != nil {
		w.failed(&Failure{
			Property: "the simulated disk flushes", Subject: n.name,
			Detail: strings.Split(err.Error(), "\n"),
		})
	}
}

// crashTorn ends the node in the middle of a commit: a part of its log record is missing.
func (inc *incarnation) crashTorn(number int64) {
	n := inc.node
	w := n.world
	tail := n.disk.TailBytes()
	if tail == 0 { // the commit wrote nothing that could be torn
		n.crashed(atTorn, w.say("after commit %d, before the engine knew", number), "")
		inc.crashHere(0)
	}
	cut := 1 + n.point(atTornBytes).Pick(tail)
	n.crashed(atTorn, w.say("in commit %d: the last %d of %d bytes are torn off", number, cut, tail), "")
	if cut > 1 {
		w.deviate(n.point(atTornBytes), n, "", w.say("%d bytes are torn off", cut))
	}
	inc.crashHere(cut)
}
