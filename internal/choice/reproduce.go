package choice

import (
	"cmp"
	"slices"
)

// Reproducer is the source that answers as a list of deviations says, and 0 to everything else. It serves
// one [List].
type Reproducer struct {
	devs    []Deviation
	fates   []fate // of devs, index by index
	byLabel map[string]*track
}

type fate uint8

const (
	unmet   fate = iota // no choice with this label and occurrence was made
	met                 // answered as it says
	bounded             // its answer was not on offer; the nearest one was given
)

// track walks through the deviations of one label.
type track struct {
	r    *Reproducer
	todo []int // indices into r.devs, by occurrence
}

// Reproduce returns the source that repeats the deviations. A deviation that meets no choice, or whose
// answer the choice does not offer, is drift: it is counted, not fatal. In the second case the nearest
// answer on offer is given. If two deviations answer the same choice, the first counts and the other is
// drift.
func Reproduce(devs []Deviation) *Reproducer {
	r := &Reproducer{devs: devs, fates: make([]fate, len(devs)), byLabel: make(map[string]*track)}
	var tracks []*track
	for i, d := range devs {
		t := r.byLabel[d.Label]
		if t == nil {
			t = &track{r: r}
			r.byLabel[d.Label] = t
			tracks = append(tracks, t)
		}
		t.todo = append(t.todo, i)
	}
	for _, t := range tracks {
		slices.SortStableFunc(t.todo, func(a, b int) int {
			return cmp.Compare(devs[a].Occurrence, devs[b].Occurrence)
		})
	}
	return r
}

// Answer gives the deviation's answer, or 0.
func (r *Reproducer) Answer(q Query) int {
	if t := r.byLabel[q.Label]; t != nil {
		return t.Answer(q)
	}
	return 0
}

// Bind returns the source for one label.
func (r *Reproducer) Bind(label string) Source {
	if t := r.byLabel[label]; t != nil {
		return t
	}
	return FIFO()
}

func (t *track) Answer(q Query) int {
	for len(t.todo) > 0 {
		at := t.todo[0]
		d := t.r.devs[at]
		if d.Occurrence > q.Occurrence {
			break
		}
		t.todo = t.todo[1:]
		if d.Occurrence < q.Occurrence {
			continue
		}
		t.r.fates[at] = met
		if d.Answer < 0 || d.Answer >= q.N {
			t.r.fates[at] = bounded
		}
		return max(0, min(d.Answer, q.N-1))
	}
	return 0
}

// Drift returns how many deviations have so far met no choice, or one that did not offer their answer.
// Ask when the run has ended.
func (r *Reproducer) Drift() int { return len(r.Drifted()) }

// Drifted returns the deviations that Drift counts.
func (r *Reproducer) Drifted() []Deviation {
	var drifted []Deviation
	for i, f := range r.fates {
		if f != met {
			drifted = append(drifted, r.devs[i])
		}
	}
	return drifted
}
