package sim

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/reprise-dst/reprise/store"
)

// propNotices is what bit rot tests: a store may refuse what has rotted, but not show something else.
const propNotices = "a store notices bit rot"

// mayRot lets the world choose whether a bit of a disk flips while its node is down, and which.
func (n *Node) mayRot() {
	w := n.world
	if !w.cfg.allowed[atRot] {
		return
	}
	d := n.disk.(store.Rotter) // Node.Store has seen to that
	size := d.Size()
	if n.ask(atRot, 1+min(size, 1)) == 0 {
		return
	}
	k := n.point(atRotPlace).Pick(8 * size)
	where, err := d.Rot(k/8, uint8(k%8))
	if err != nil {
		w.failed(&Failure{Property: propDisk, Subject: n.name, Detail: []string{err.Error()}})
		return
	}
	n.rotted = where
	w.event(evFault, n, "", "BIT ROT", int64(k))
	w.retext("BIT ROT in " + where)
	w.deviate(n.point(atRot), n, "", w.say("BIT ROT in its disk, while it is down"))
	if k != 0 {
		w.deviate(n.point(atRotPlace), n, "", "it is "+where)
	}
}

// rotSeen reports whether err says that the node's disk has rotted.
func (n *Node) rotSeen(err error) bool { return n.rotted != "" && errors.Is(err, store.ErrDamaged) }

// lose ends an incarnation because its disk is damaged. It doesn't return.
func (inc *incarnation) lose(err error) {
	n := inc.node
	w := n.world
	n.damage = fmt.Errorf("sim: node %q stays down, since %s has flipped: %w", n.name, n.rotted, err)
	w.event(evLost, n, "", "the disk is damaged; the node stays down", 0)
	w.retext("its store notices the damage, and the node stays down: " + err.Error())
	inc.forGood = true
	inc.condemn(0)
	w.unwindLater(inc)
}

// lost says what becomes of the world when a node's disk is damaged.
func (n *Node) lost() {
	w := n.world
	n.wakeWaiters()
	if told, err := n.onDamage, n.damage; told != nil {
		w.spawn(nil, "damage of "+n.name, func() { told(err) })
		return
	}
	w.event(evLog, nil, "", "the world ends here, as passed: no other copy was promised", 0)
	w.over = true
}

// OnDamage says what happens when the node's store notices that the disk has rotted, by returning
// store.ErrDamaged. The node itself never sees that error: it dies, and stays down, whatever else its code
// might have done. With OnDamage the world then goes on without it, and calls damaged in a task of no node;
// Node.Call returns what damaged was told. Without OnDamage, or when damaged is nil, the world ends there
// and counts as passed, because nobody can promise what only one disk held; Result.Damaged counts these.
func (n *Node) OnDamage(damaged func(err error)) {
	n.world.current("Node.OnDamage")
	n.onDamage = damaged
}

// twin is a store on a disk that may rot, beside the reference, which never does. As soon as something has
// rotted, all that the store shows is compared.
type twin struct {
	inc       *incarnation
	real      store.Store
	reference store.Store
}

// openTwin puts the reference beside a store that was opened.
func (inc *incarnation) openTwin(real store.Store) store.Store {
	n := inc.node
	if n.reference == nil {
		n.reference = store.NewMemoryDisk()
	}
	reference, err := n.reference.Open()
	if err != nil {
		panic("invariant: the reference does not open: " + err.Error())
	}
	n.twin = &twin{inc, real, reference}
	return n.twin
}

// crashTwin lets the reference lose what the real disk loses.
func (n *Node) crashTwin(cut int) {
	if n.reference == nil {
		return
	}
	n.twin = nil
	if cut > 0 {
		cut = n.reference.TailBytes()
	}
	if err := n.reference.Crash(cut); err != nil {
		panic("invariant: the reference does not crash: " + err.Error())
	}
}

func (s *twin) Get(key []byte) ([]byte, bool, error) {
	value, ok, err := s.real.Get(key)
	if s.check(err) {
		want, held, _ := s.reference.Get(key)
		if ok != held || !bytes.Equal(value, want) {
			s.silent(difference(key, value, ok, want, held))
		}
	}
	return value, ok, err
}

// check loses the node when err says so, and reports whether to compare what came without an error.
func (s *twin) check(err error) bool {
	n := s.inc.node
	if n.rotSeen(err) {
		s.inc.lose(err)
	}
	return err == nil && n.rotted != ""
}

func (s *twin) Scan(from, to []byte, visit func(key, value []byte) bool) error {
	if s.inc.node.rotted == "" {
		return s.real.Scan(from, to, visit)
	}
	differs, err := s.scan(from, to, visit)
	s.check(err)
	if differs != "" {
		s.silent(differs)
	}
	return err
}

// scan is Scan, up to the first difference.
func (s *twin) scan(from, to []byte, visit func(key, value []byte) bool) (differs string, err error) {
	type pair struct{ key, value []byte }
	var want []pair
	_ = s.reference.Scan(from, to, func(key, value []byte) bool {
		want = append(want, pair{bytes.Clone(key), bytes.Clone(value)})
		return true
	})
	wanted := true
	err = s.real.Scan(from, to, func(key, value []byte) bool {
		switch {
		case len(want) == 0 || bytes.Compare(key, want[0].key) < 0:
			differs = difference(key, value, true, nil, false)
		case !bytes.Equal(key, want[0].key):
			differs = difference(want[0].key, nil, false, want[0].value, true)
		case !bytes.Equal(value, want[0].value):
			differs = difference(key, value, true, want[0].value, true)
		default:
			want = want[1:]
			wanted = visit(key, value)
		}
		return wanted && differs == ""
	})
	if err == nil && wanted && differs == "" && len(want) > 0 {
		differs = difference(want[0].key, nil, false, want[0].value, true)
	}
	return differs, err
}

func (s *twin) Commit(b *store.Batch) error {
	err := s.real.Commit(b)
	conflicts := errors.Is(err, store.ErrConflict)
	if conflicts || err == nil {
		also := s.reference.Commit(b)
		if s.inc.node.rotted != "" && errors.Is(also, store.ErrConflict) != conflicts {
			s.silent(fmt.Sprintf("the requirements of a commit: it says %v, and should say %v", err, also))
		}
	}
	s.check(err)
	return err
}

func (s *twin) Close() error {
	s.inc.node.twin = nil
	_ = s.reference.Close()
	return s.real.Close()
}

// silent fails the world.
func (s *twin) silent(differs string) {
	n := s.inc.node
	n.world.Fail(propNotices, n.name, "rotted      "+n.rotted, differs)
}

// askTwins looks, when the world ends, whether the stores that are open show what they should: the code under
// test may not have read it.
func (w *World) askTwins() {
	for _, n := range w.nodes {
		if n.twin == nil || n.rotted == "" || w.failure != nil {
			continue
		}
		differs, _ := n.twin.scan(nil, nil, func(_, _ []byte) bool { return true })
		if differs != "" {
			w.failed(&Failure{Property: propNotices, Subject: n.name, Detail: []string{
				"rotted      " + n.rotted, differs,
			}})
		}
	}
}

// difference says what a store shows under a key, and should show.
func difference(key, got []byte, shown bool, want []byte, held bool) string {
	text := func(value []byte, there bool) string {
		if !there {
			return "nothing"
		}
		return strconv.Quote(string(value))
	}
	return fmt.Sprintf("key %q: it shows %s, and held %s", key, text(got, shown), text(want, held))
}
