package shrink

import (
	"slices"

	"github.com/reprise-dst/reprise/internal/choice"
)

const (
	fewToSearch = 6 // with at most this many deviations, and at least two, fewer are searched for
	fewAnswers  = 8 // of a choice with at most this many answers all of them are tried
)

// search looks for fewer deviations of the same kinds anywhere, fewest first: under the same labels,
// first with the same answers, then with any. It runs all schedules of one size or, when there are more
// of them than it may run, none. So it also finds what can't be reached by leaving out: when one
// deviation goes, another one may be needed elsewhere.
func (s *shrinker) search() {
	s.searched = 0
	if len(s.current) < 2 || len(s.current) > fewToSearch || s.searches <= 0 || s.choices == nil || s.over() {
		return
	}
	whole := s.budget.Tries
	s.budget.Tries = min(whole, s.tries+s.searches)
	before, steps := s.tries, s.steps
	base := s.look(nil)
	same, other := s.sameAnswers(), s.sameLabels()
	for size := 1; size < len(s.current) && s.steps == steps; size++ {
		if !s.plantAll(base, size, same) {
			break
		}
		if s.plantAll(base, size, other) && s.searched == size-1 {
			s.searched = size
		}
	}
	if s.steps > steps {
		s.searched = 0
	}
	s.searches -= s.tries - before
	s.budget.Tries = whole
}

// plantAll runs all schedules of this size, if they are not too many, and reports whether it has, and none
// was accepted.
func (s *shrinker) plantAll(base []choice.Choice, size int, fits fit) bool {
	steps := s.steps
	if schedules(len(fits.options(base)), size) > s.budget.Tries-s.tries || s.over() {
		return false
	}
	s.plant(nil, base, size, fits)
	return s.steps == steps && !s.over()
}

// schedules estimates how many ways there are to choose some of the options.
func schedules(options, size int) int {
	n := 1
	for i := range size {
		n = n * max(0, options-i) / (i + 1)
		if n > 1<<30 {
			return n
		}
	}
	return n
}

// look runs a schedule only to learn what can be chosen.
func (s *shrinker) look(devs []choice.Deviation) []choice.Choice {
	s.tries++
	return s.try(devs).Choices
}

// plant runs all schedules that add so many deviations to the given ones, at the choices that come after
// them.
func (s *shrinker) plant(devs []choice.Deviation, after []choice.Choice, more int, fits fit) {
	options := fits.options(after)
	with := func(i int) []choice.Deviation { return append(slices.Clip(devs), options[i]) }
	if more == 1 {
		s.first(len(options), with)
		return
	}
	steps := s.steps
	for i := 0; i < len(options) && s.steps == steps && !s.over(); i++ {
		choices := s.look(with(i))
		if place := find(choices, options[i]); place >= 0 {
			s.plant(with(i), choices[place+1:], more-1, fits)
		}
	}
}

// fit says which answers of a choice are tried, from 1 on.
type fit func(c choice.Choice, answer int) bool

// options lists the deviations that fit, in the order of the choices.
func (f fit) options(choices []choice.Choice) []choice.Deviation {
	var all []choice.Deviation
	for _, c := range choices {
		for answer := 1; answer < c.N; answer++ {
			if f(c, answer) {
				all = append(all, choice.Deviation{Label: c.Label, Occurrence: c.Occurrence, Answer: answer})
			}
		}
	}
	return all
}

func (s *shrinker) sameAnswers() fit {
	kinds := slices.Clone(s.current)
	return func(c choice.Choice, answer int) bool {
		return slices.ContainsFunc(kinds, func(d choice.Deviation) bool {
			return d.Label == c.Label && d.Answer == answer
		})
	}
}

func (s *shrinker) sameLabels() fit {
	same := s.sameAnswers()
	return func(c choice.Choice, answer int) bool {
		if c.N > fewAnswers {
			return same(c, answer)
		}
		return slices.ContainsFunc(s.current, func(d choice.Deviation) bool { return d.Label == c.Label })
	}
}
