package shrink

import (
	"slices"

	"github.com/reprise-dst/reprise/internal/choice"
)

const (
	fewForPairs = 8 // with at most this many deviations, pairs of them are left out too
	nearAnswers = 4 // so many of the smallest answers are tried one by one
)

// bisect finds the deviations that are needed, last one first.
func (s *shrinker) bisect() {
	needed := make(map[choice.Deviation]bool) // without notes and answers
	id := func(d choice.Deviation) choice.Deviation {
		return choice.Deviation{Label: d.Label, Occurrence: d.Occurrence}
	}
	free := func() []int { // places in current of those not known to be needed
		var at []int
		for i, d := range s.current {
			if !needed[id(d)] {
				at = append(at, i)
			}
		}
		return at
	}
	for rest := free(); len(rest) > 0 && !s.over(); rest = free() {
		if s.accept(s.without(rest)) {
			continue // perhaps that was all; perhaps the run used even fewer
		}
		few, many := 0, len(rest) // with few of the rest it does not fail, with many it does
		for many-few > 1 && !s.over() {
			middle := (few + many) / 2
			if !s.accept(s.without(rest[middle:])) {
				few = middle
				continue
			}
			rest = free()
			many = min(len(rest), middle)
			few = min(few, many)
		}
		if many == 0 || many > len(rest) {
			continue
		}
		needed[id(s.current[rest[many-1]])] = true
	}
}

// without returns the current schedule without the deviations at these places.
func (s *shrinker) without(places []int) []choice.Deviation {
	kept := make([]choice.Deviation, 0, len(s.current))
	for i, d := range s.current {
		if _, gone := slices.BinarySearch(places, i); !gone {
			kept = append(kept, d)
		}
	}
	return kept
}

// remove leaves out groups of neighbours, ever smaller ones, then single deviations and pairs.
func (s *shrinker) remove() {
	for size := max(1, len(s.current)/2); size >= 1 && !s.over(); size /= 2 {
		for s.removeGroups(size) && size == 1 {
		}
	}
	for len(s.current) <= fewForPairs && s.removePair() {
	}
}

// removeGroups goes once through the groups of this size, and reports whether one could be left out.
func (s *shrinker) removeGroups(size int) bool {
	before := s.steps
	for from := 0; from < len(s.current); {
		groups := (len(s.current) - from + size - 1) / size
		left := s.first(groups, func(i int) []choice.Deviation {
			start := from + i*size
			return slices.Concat(s.current[:start], s.current[min(start+size, len(s.current)):])
		})
		if left < 0 {
			break
		}
		from += left * size // where it was, the next one is now
	}
	return s.steps > before
}

// removePair leaves out two deviations, if it can.
func (s *shrinker) removePair() bool {
	var pairs [][]int
	for i := range s.current {
		for j := i + 1; j < len(s.current); j++ {
			pairs = append(pairs, []int{i, j})
		}
	}
	return s.first(len(pairs), func(i int) []choice.Deviation { return s.without(pairs[i]) }) >= 0
}

// lower makes the answers smaller, one deviation at a time.
func (s *shrinker) lower() {
	for i := 0; i < len(s.current) && !s.over(); i++ {
		s.lowerAt([]int{i})
	}
}

// lowerTogether makes the answers smaller of all deviations that have the same one.
func (s *shrinker) lowerTogether() {
	done := 1
	for !s.over() {
		next := 0 // the smallest answer above done that two deviations share
		for _, d := range s.current {
			if d.Answer > done && (next == 0 || d.Answer < next) && len(s.answering(d.Answer)) > 1 {
				next = d.Answer
			}
		}
		if next == 0 {
			return
		}
		s.lowerAt(s.answering(next))
		done = next
	}
}

// answering returns the places of the deviations with this answer.
func (s *shrinker) answering(answer int) []int {
	var at []int
	for i, d := range s.current {
		if d.Answer == answer {
			at = append(at, i)
		}
	}
	return at
}

// lowerAt looks for the smallest common answer of the deviations at these places, which have the same one.
func (s *shrinker) lowerAt(places []int) {
	with := func(answer int) []choice.Deviation {
		devs := slices.Clone(s.current)
		for _, i := range places {
			devs[i].Answer = answer
		}
		return devs
	}
	count, answer := len(s.current), s.current[places[0]].Answer
	near := min(answer-1, nearAnswers)
	if s.first(near, func(i int) []choice.Deviation { return with(i + 1) }) >= 0 {
		return
	}
	low, high := nearAnswers, answer // at low it does not fail, at high it does
	for high-low > 1 && !s.over() {
		middle := low + (high-low)/2
		if !s.accept(with(middle)) {
			low = middle
			continue
		}
		if len(s.current) != count {
			return // the places no longer hold
		}
		high = s.current[places[0]].Answer
	}
}
