package explore

import (
	"fmt"
	"math"

	"github.com/reprise-dst/reprise/internal/choice"
)

// PCT returns a source after "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs"
// (Burckhardt and others, 2010), carried over to completion order after Ozkan and others, 2018: a priority
// for each chain of events, always the highest one first, and depth-1 places at which the chain that would
// go first falls below all others.
//
// How this maps on Pick. A label for which config.Class says Order picks from a queue: n items wait in the
// order in which they came, the answer says which one goes, and it leaves the queue. So the source knows,
// from n and its own answers alone, who is who: the picked item is gone, the others have moved up, and the
// rest is new. The first new item after a pick is a consequence of what was picked: it continues its chain
// and has its priority. Each further one begins a chain with a priority of its own. A pick among one is not
// asked; the source sees it in the occurrences, and continues the chain of the item that was left. The
// depth-1 places are drawn from all the picks of size, as the n-th pick under a label, so that a pick more
// under one label changes nothing under another. All other choices are answered by [Swarm].
//
// A crash empties a queue without the source being told; what waits afterwards then takes over the places
// of what has gone, which costs nothing but some of the randomness.
func PCT(seed uint64, depth int, size Size, config Config) choice.Source {
	p := &pctSource{seed: seed, rest: Swarm(seed).(choice.Binder), class: config.class}
	draw := choice.NewStream(seed, "pct")
	for i := range depth - 1 {
		if steps := size.Steps(); steps > 0 {
			p.drops = append(p.drops, size.place(draw.Below(i, steps)))
		}
	}
	return p
}

type pctSource struct {
	seed  uint64
	rest  choice.Binder
	class func(label string) Class
	drops []place
}

// place is a pick: the ordinal-th under a label, counted from 0.
type place struct {
	label   string
	ordinal int
}

// Answer panics: the queues live in the bound sources.
func (p *pctSource) Answer(q choice.Query) int {
	panic("invariant: a PCT source is asked through a list, which binds it; label " + q.Label)
}

func (p *pctSource) Bind(label string) choice.Source {
	if p.class(label) != Order {
		return p.rest.Bind(label)
	}
	q := &pctQueue{draw: choice.NewStream(p.seed, "pct "+label), drops: make(map[int]uint64)}
	for i, at := range p.drops {
		if at.label == label {
			q.drops[at.ordinal] = uint64(len(p.drops) - i)
		}
	}
	return q
}

// pctQueue answers one label.
type pctQueue struct {
	queue
	draw  choice.Stream
	drops map[int]uint64 // ordinal of the pick: the priority that its chain falls to
	level []uint64       // priority by chain
}

// lowest is below all first priorities and above all that chains fall to.
const lowest = maxDepth + 1

func (p *pctQueue) Answer(q choice.Query) int {
	ordinal := p.picks
	p.arrive(q.Occurrence, q.N)
	for len(p.level) < p.chains {
		p.level = append(p.level, max(lowest, p.draw.At(len(p.level))))
	}
	best := p.highest()
	if to, falls := p.drops[ordinal]; falls {
		p.level[p.items[best]] = to
		best = p.highest()
	}
	p.take(best)
	return best
}

func (p *pctQueue) highest() int {
	best := 0
	for i, chain := range p.items {
		if p.level[chain] > p.level[p.items[best]] {
			best = i
		}
	}
	return best
}

// queue follows the items behind one label's picks.
type queue struct {
	items  []int // the chain of each waiting item, oldest first
	last   int   // the occurrence of the latest pick
	picked int   // the chain of the latest picked item; -1 when it has been continued, or there is none
	chains int   // how many chains there have been
	picks  int   // how many picks there have been, those among one not counted
}

// arrive brings the queue to n items before the pick with this occurrence.
func (q *queue) arrive(occurrence, n int) {
	if q.picks == 0 {
		q.picked = -1
	} else if occurrence > q.last+1 && len(q.items) > 0 { // picks among one: nothing else was left
		q.picked = q.items[0]
		q.items = q.items[:0]
	}
	q.last = occurrence
	q.items = q.items[:min(len(q.items), n)]
	for len(q.items) < n {
		if q.picked >= 0 {
			q.items = append(q.items, q.picked)
			q.picked = -1
			continue
		}
		q.items = append(q.items, q.chains)
		q.chains++
	}
}

func (q *queue) take(i int) {
	q.picked = q.items[i]
	q.items = append(q.items[:i], q.items[i+1:]...)
	q.picks++
}

// Size is how much there is to order in a run.
type Size struct {
	Labels []LabelSize // in the order in which they first picked
}

// LabelSize is how much there is to order under one label.
type LabelSize struct {
	Label  string
	Chains int // chains of items, each a consequence of the one before
	Picks  int // picks among two or more
}

// Measure returns the size of the run that recorded these choices.
func Measure(choices []choice.Choice, config Config) Size {
	at := make(map[string]int)
	var queues []*queue
	var size Size
	for _, c := range choices {
		if config.class(c.Label) != Order {
			continue
		}
		i, known := at[c.Label]
		if !known {
			i = len(queues)
			at[c.Label] = i
			queues = append(queues, &queue{})
			size.Labels = append(size.Labels, LabelSize{Label: c.Label})
		}
		queues[i].arrive(c.Occurrence, c.N)
		queues[i].take(c.Answer)
	}
	for i, q := range queues {
		size.Labels[i].Chains, size.Labels[i].Picks = q.chains, q.picks
	}
	return size
}

// Steps returns the number of picks under all labels: k.
func (s Size) Steps() int {
	sum := 0
	for _, l := range s.Labels {
		sum += l.Picks
	}
	return sum
}

// Chains returns the number of chains under all labels: n.
func (s Size) Chains() int {
	sum := 0
	for _, l := range s.Labels {
		sum += l.Chains
	}
	return sum
}

func (s Size) place(i int) place {
	for _, l := range s.Labels {
		if i < l.Picks {
			return place{l.Label, i}
		}
		i -= l.Picks
	}
	panic(fmt.Sprintf("invariant: pick %d lies beyond the size %v", i, s))
}

// Bound returns PCT's bound 1/(n·k^(depth-1)) for runs of this size: the least probability with which one
// seed meets a bug that needs depth orderings, of which the priorities decide the first and the places the
// others.
func (s Size) Bound(depth int) float64 {
	n, k := max(1, s.Chains()), max(1, s.Steps())
	return 1 / (float64(n) * math.Pow(float64(k), float64(depth-1)))
}

// Miss returns the greatest probability with which this many seeds all miss such a bug.
func (s Size) Miss(depth, seeds int) float64 {
	return math.Exp(float64(seeds) * math.Log1p(-s.Bound(depth)))
}

// pct is the strategy: one run without deviations to measure, then seeds.
type pct struct {
	depth    int
	config   Config
	size     Size
	measured bool
	handed   int
	done     int
	longest  int // picks of the longest run
}

func (p *pct) Name() string { return fmt.Sprintf("pct:%d", p.depth) }

func (p *pct) Next() (Run, bool) {
	if p.handed == 0 {
		p.handed++
		return Run{Strategy: p.Name(), Measures: true, Learns: true}.from(choice.FIFO), true
	}
	if !p.measured {
		return Run{}, false
	}
	seed := p.config.seed(p.handed - 1)
	run := Run{Number: p.handed, Strategy: p.Name(), Seed: seed, Learns: true}
	p.handed++
	return run.from(func() choice.Source { return PCT(seed, p.depth, p.size, p.config) }), true
}

func (p *pct) Done(run Run, result Result) {
	size := Measure(result.Choices, p.config)
	if run.Number == 0 {
		p.size, p.measured = size, true
		return
	}
	p.done++
	p.longest = max(p.longest, size.Steps())
}

func (p *pct) Coverage() string {
	if !p.measured {
		return p.Name() + ": not yet measured"
	}
	n, k := p.size.Chains(), p.size.Steps()
	if k == 0 {
		return fmt.Sprintf("%s: %s; no bound, for the run without deviations has nothing to order (later ones had "+
			"up to %s)", p.Name(), count(p.done, "seed"), count(p.longest, "pick"))
	}
	text := fmt.Sprintf("%s: %s; a seed meets a bug of depth %d with probability at least "+
		"1/(%s·%s^%d) = %.2g; all of them miss one with probability at most %.2g",
		p.Name(), count(p.done, "seed"), p.depth, number(n), number(k), p.depth-1,
		p.size.Bound(p.depth), p.size.Miss(p.depth, p.done))
	if p.longest > k {
		text += fmt.Sprintf(" (within the first %s of up to %s picks)", number(k), number(p.longest))
	}
	return text
}
