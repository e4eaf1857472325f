package shrink

import (
	"slices"

	"github.com/reprise-dst/reprise/internal/choice"
)

const (
	fewToMove  = 40  // with at most this many deviations, moving is tried
	maxMoves   = 6   // so many ways to move are tried for each deviation that is left out
	maxSkipped = 400 // so many choices the two runs may differ by before they go on alike
	alikeFor   = 12  // so many choices must be alike for that
)

// move leaves out a deviation and moves the later ones to where their choices are then. A deviation can be
// needed only to keep the places of later ones: after a crash, everything is counted once more.
func (s *shrinker) move() {
	for i := 0; i < len(s.current)-1 && len(s.current) <= fewToMove && !s.over(); i++ {
		if s.moveWithout(i) {
			i-- // there is another one now
		}
	}
}

// moveWithout leaves out the deviation at place i, if it can.
func (s *shrinker) moveWithout(i int) bool {
	with, place := s.choices, find(s.choices, s.current[i])
	if place < 0 {
		return false // the caller does not say what was chosen
	}
	before := s.current[:i]
	s.tries++
	outcome := s.try(before)
	if s.judge(before, outcome) {
		return true
	}
	moves := s.moves(i, with[place+1:], rest(outcome.Choices, place+1))
	return s.first(len(moves), func(m int) []choice.Deviation { return moves[m] }) >= 0
}

func rest(choices []choice.Choice, from int) []choice.Choice {
	return choices[min(from, len(choices)):]
}

// moves proposes schedules without the deviation at place i. What was chosen after it is in with; without is
// what is chosen after its place in a run that has neither it nor a later deviation. The two are laid side by
// side, so that a part at the beginning of one or of both is skipped and the same labels follow. Then each
// later deviation is given the occurrence that its choice has on the other side.
func (s *shrinker) moves(i int, with, without []choice.Choice) [][]choice.Deviation {
	later := s.current[i+1:]
	last := find(with, later[0]) // at least up to here the two should be alike
	var moves [][]choice.Deviation
	var known []key
	for skipped := 1; skipped <= maxSkipped; skipped++ {
		for a := skipped; a >= 0; a-- {
			b := skipped - a
			if !alike(rest(with, a), rest(without, b), last-a+1) {
				continue
			}
			moved := slices.Concat(s.current[:i], carry(later, rest(with, a), rest(without, b)))
			if k := keyOf(moved); !slices.Contains(known, k) {
				known, moves = append(known, k), append(moves, moved)
			}
			if len(moves) == maxMoves {
				return moves
			}
		}
	}
	return moves
}

// alike reports whether the first labels are equal: at least so many as given.
func alike(with, without []choice.Choice, least int) bool {
	n := max(least, min(alikeFor, len(with), len(without)))
	if n == 0 || n > len(with) || n > len(without) {
		return false
	}
	for i := range n {
		if with[i].Label != without[i].Label {
			return false
		}
	}
	return true
}

// carry moves the deviations from one side to the other. Where the sides are alike it knows the place, after
// that it goes by how the label was moved before. Deviations that were skipped are left out.
func carry(devs []choice.Deviation, with, without []choice.Choice) []choice.Deviation {
	by := make(map[string]int) // by how much the occurrences of a label move
	var moved []choice.Deviation
	same := true
	for i, c := range with {
		same = same && i < len(without) && c.Label == without[i].Label
		if same {
			by[c.Label] = without[i].Occurrence - c.Occurrence
		}
		if at := slices.IndexFunc(devs, func(d choice.Deviation) bool {
			return d.Label == c.Label && d.Occurrence == c.Occurrence
		}); at >= 0 {
			d := devs[at]
			d.Occurrence += by[d.Label]
			if d.Occurrence > 0 && !slices.ContainsFunc(moved, d.Same) {
				moved = append(moved, d)
			}
		}
	}
	return moved
}

func find(choices []choice.Choice, d choice.Deviation) int {
	return slices.IndexFunc(choices, func(c choice.Choice) bool {
		return c.Label == d.Label && c.Occurrence == d.Occurrence
	})
}
