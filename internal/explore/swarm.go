package explore

import (
	"strings"

	"github.com/reprise-dst/reprise/internal/choice"
)

// Swarm returns the source of one seed of swarm testing (Groce and others, 2012): runs that all mix
// everything are alike, so each seed leaves out some things and exaggerates others.
//
// Labels that differ only in their first part ("a/crash/commit", "b/crash/commit") are a class. For half of
// the classes a seed draws one mood, for the others a mood for each label, so that one node may be worse off
// than the rest. A mood says for faults: none, the plan's rate, more, or none but in a short burst; and it
// may prefer one form of the fault. For all other choices it says: any answer alike, rare deviations, half
// dull, or a liking for the last answer (last in, first out). Labels of one part are what a test asks for
// itself, such as what its clients do: half of the seeds have any of these answers alike, since moods of
// many such labels seldom make an interesting client together.
//
// Each answer is a function of the seed, the label and the occurrence. A rate of 1 is not a matter of mood.
func Swarm(seed uint64) choice.Source { return swarm(seed) }

type swarm uint64

func (s swarm) Answer(q choice.Query) int { return s.Bind(q.Label).Answer(q) }

func (s swarm) Bind(label string) choice.Source {
	seed := uint64(s)
	draw := choice.NewStream(seed, "swarm class "+class(label))
	if draw.Below(0, 2) == 0 {
		draw = choice.NewStream(seed, "swarm label "+label)
	}
	m := &mood{stream: choice.NewStream(seed, label), scale: scales[draw.Below(1, len(scales))]}
	if m.scale == burst {
		scale := draw.Below(2, 10)
		m.from = 1 + draw.Below(3, 1<<scale)
		m.to = m.from + draw.Below(4, 8)
	}
	if draw.Below(5, 2) == 0 {
		m.favourite = 1 + draw.Below(6, 1<<20)
	}
	m.deviate = []float64{1, 1, 1. / 32, 1. / 2}[draw.Below(7, 4)]
	m.last = draw.Below(8, 4) == 0
	if !strings.Contains(label, "/") && choice.NewStream(seed, "swarm of tests").Below(0, 2) == 0 {
		m.deviate, m.last = 1, false
	}
	return m
}

// class returns the label without its first part.
func class(label string) string {
	if _, rest, ok := strings.Cut(label, "/"); ok {
		return rest
	}
	return label
}

// scales are what rates are multiplied with. A quarter of all moods has no faults. The weights were chosen by
// how soon they find the bug kernels (docs/KERNELS.md), and bugs that need a crash late in a long run.
var scales = []float64{0, 0, burst, burst, 1, 4, 16, 16}

const (
	burst   = -1  // as a scale: no faults outside one window, and many in it
	highest = 0.5 // no scaling lifts a rate above this
)

// mood is how one seed answers one label.
type mood struct {
	stream    choice.Stream
	scale     float64
	from, to  int     // the window of a burst, in occurrences, both included
	favourite int     // 0: none; else the form of a fault that is preferred, modulo what is on offer
	deviate   float64 // the probability of a non-zero answer to what is no fault; 1: any answer alike
	last      bool    // deviations are the last answer
}

// forFavourite keeps the draws about the form of a fault apart from those about its happening.
const forFavourite = 1 << 40

func (m *mood) Answer(q choice.Query) int {
	if q.Rate != 0 {
		return m.fault(q)
	}
	if m.deviate < 1 {
		q.Rate = m.deviate
	}
	answer := m.stream.Answer(q)
	if answer != 0 && m.last {
		return q.N - 1
	}
	return answer
}

func (m *mood) fault(q choice.Query) int {
	if q.Rate > 0 && q.Rate < 1 {
		q.Rate = m.rate(q)
	}
	if q.Rate == 0 {
		return 0
	}
	answer := m.stream.Answer(q)
	if answer != 0 && m.favourite != 0 && m.stream.Below(q.Occurrence+forFavourite, 4) != 0 {
		return 1 + m.favourite%(q.N-1)
	}
	return answer
}

func (m *mood) rate(q choice.Query) float64 {
	if m.scale == burst {
		if q.Occurrence < m.from || q.Occurrence > m.to {
			return 0
		}
		return max(q.Rate, highest)
	}
	return min(q.Rate*m.scale, max(q.Rate, highest))
}
