package sim

import (
	"strconv"
	"strings"

	"github.com/reprise-dst/reprise/internal/choice"
)

// Pick is a choice of the test's own: it returns an answer from 0 to n-1, of which 0 should be the
// dullest. The choice is known by its label and its occurrence under that label; labels that begin with a
// node's name and a slash are the simulator's.
func (w *World) Pick(label string, n int) int {
	w.current("World.Pick")
	if k, again := w.repeated(label); again {
		return k
	}
	p := w.pickPoint(label)
	k := p.Pick(n)
	w.answers[label] = append(w.answers[label], k)
	w.event(evPick, nil, "", label, int64(k))
	w.merging.picked(w, label, k)
	if k != 0 {
		w.deviate(p, nil, label, w.say("picks %d of 0 to %d", k, n-1))
	}
	return k
}

// Chance is a choice that is rarely true: with this probability in a random run, while exploration tries
// both.
func (w *World) Chance(label string, probability float64) bool {
	w.current("World.Chance")
	if k, again := w.repeated(label); again {
		return k != 0
	}
	p := w.pickPoint(label)
	k := p.Chance(probability, 2)
	w.answers[label] = append(w.answers[label], k)
	w.event(evPick, nil, "", label, int64(k))
	w.merging.picked(w, label, k)
	if k != 0 {
		w.deviate(p, nil, label, "happens")
	}
	return k != 0
}

// Repeat is for a test that makes once more what it has made before, to compare the two. From here on, Pick
// and Chance give the answers again that they gave under each label, from the first one on; when there are
// no more of them, they choose. Explain adds nothing any more, and Dependency returns one that there is.
func (w *World) Repeat() {
	w.current("World.Repeat")
	w.repeats = make(map[string]int)
}

// repeated is the answer that is to be given again.
func (w *World) repeated(label string) (k int, again bool) {
	i := w.repeats[label]
	if w.repeats == nil || i >= len(w.answers[label]) {
		return 0, false
	}
	w.repeats[label]++
	return w.answers[label][i], true
}

// pickPoint is the point with the user's label.
func (w *World) pickPoint(label string) *choice.Point {
	if p := w.picks[label]; p != nil {
		return p
	}
	taken := ownedBy(label, "world")
	for _, name := range w.names {
		taken = taken || ownedBy(label, name)
	}
	if taken {
		panic(misuse("World.Pick", "got the label "+strconv.Quote(label)+", which is the simulator's own",
			"don't begin labels with the name of a node, or world, and a slash"))
	}
	if w.picks == nil {
		w.picks, w.answers = make(map[string]*choice.Point), make(map[string][]int)
	}
	p := w.list.Point(label)
	w.picks[label] = p
	return p
}

// ownedBy reports whether a label is one of the node's.
func ownedBy(label, node string) bool {
	rest, ok := strings.CutPrefix(label, node)
	return ok && strings.HasPrefix(rest, "/")
}
