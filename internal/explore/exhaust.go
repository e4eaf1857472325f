package explore

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/reprise-dst/reprise/internal/choice"
)

// State is a digest of everything that decides what a run does from a moment on, besides the choices that it
// still makes.
type State [16]byte

// Merger is a [choice.Source] whose strategy remembers the states that runs have come to.
type Merger interface {
	choice.Source
	// Known is told that the run has come to a state, having recorded that many choices. It reports whether
	// whatever may follow is explored already, in another run, so that this one can end here and be done as
	// not failed. It may be asked while runs are under way, but not while Next or Done of the strategy run.
	Known(state State, recorded int) bool
}

// Exhaust returns the strategy of every schedule with at most so many crashes and so many deviations from the
// order in which things arrive; orders 0 is any number. Config.Class tells the choices apart: a crash may
// happen at each choice of class Crash, each of its answers; the choices of class Form that follow it are
// answered with the first, the middle and the last of their answers; choices of class Free are answered with
// each answer, in any number; and those of class Fixed never deviate.
//
// As with [Deviations], each run is deviated from after its own last deviation only, so that every schedule
// is reached on one way. Schedules with fewer deviations come first; those of class Form don't count.
//
// A run may say to which states it comes, see [Merger]. When a run comes, after its last deviation, to a
// state that another one has come to with as many crashes, then whatever follows would follow the same way:
// it is neither run nor deviated from, but counted. That is as sound as the digest of the state is complete,
// which is for the run to see to.
func Exhaust(crashes, orders int, config Config) Strategy {
	if config.Answers == 0 {
		config.Answers = defaultAnswers
	}
	return &exhaust{
		crashes: crashes, orders: orders, config: config, labels: newLabels(),
		futures: make(map[situation]*future), left: make(map[string]bool),
	}
}

func parseExhaust(name, text string, config Config) (Strategy, error) {
	first, second, two := strings.Cut(text, ",")
	crashes, err := strconv.Atoi(first)
	orders := 0
	if two && err == nil {
		orders, err = strconv.Atoi(second)
	}
	switch {
	case err != nil || crashes < 0 || crashes > maxDepth || two && orders < 1:
		return nil, fmt.Errorf("%w: %q needs a number of crashes from 0 to %d after a colon, like exhaust:2, and "+
			"may have a number of deviations from the order of arrival after a comma, like exhaust:2,3",
			ErrStrategy, name, maxDepth)
	case config.Shards > 1:
		return nil, fmt.Errorf("%w: %s can't be spread over shards, since what it leaves out depends on what it "+
			"has seen; give each process an input of its own", ErrStrategy, name)
	}
	return Exhaust(crashes, orders, config), nil
}

// exhaust enumerates by level: the number of deviations, without those of class Form.
type exhaust struct {
	crashes, orders int // the bounds
	config          Config

	labels  labels
	futures map[situation]*future
	root    *visit
	queues  [][]*plan // by level
	levels  []level
	level   int // whose runs are being handed out
	handed  int
	pending int

	merged int             // runs that came to a state that was known
	left   map[string]bool // labels that have answers which are not tried
	failed int
	parted int
	open   bool // some choice of class Free had several answers
}

// visit is a run, as its difference from another one.
type visit struct {
	parent  *visit // nil for the run without deviations
	own     choice.Deviation
	level   int
	crashes int
	orders  int
	kids    []*visit // what deviates from it, before it comes to a state
	state   *future  // that it comes to after its own deviation; nil for none
}

// situation is a state that a run came to, with what it may still deviate.
type situation struct {
	state           State
	crashes, orders int
}

// future is what may follow from a state.
type future struct {
	kids  []*visit
	total counts // once it is computed
}

// plan is a part of a run that is to be deviated from.
type plan struct {
	visit  *visit
	kids   *[]*visit
	space  []byte // packed choices
	answer int    // the next answer of the first of them, as an index into those that are tried
}

func (v *visit) deviations() []choice.Deviation {
	if v.parent == nil {
		return nil
	}
	return append(v.parent.deviations(), v.own)
}

// visitor is the source of a run: it repeats the deviations, and keeps the first state after the last of
// them.
type visitor struct {
	*choice.Reproducer
	e     *exhaust
	visit *visit
	at    *situation // nil while no state has come up
	after int        // choices recorded before it
}

func (s *visitor) Known(state State, recorded int) bool {
	if s.at != nil || s.Drift() > 0 {
		return false
	}
	s.at, s.after = &situation{state: state, crashes: s.visit.crashes}, recorded
	if s.e.orders > 0 {
		s.at.orders = s.visit.orders
	}
	_, known := s.e.futures[*s.at]
	return known
}

func (e *exhaust) Name() string {
	if e.orders > 0 {
		return fmt.Sprintf("exhaust:%d,%d", e.crashes, e.orders)
	}
	return fmt.Sprintf("exhaust:%d", e.crashes)
}

func (e *exhaust) Next() (Run, bool) {
	v := e.draw()
	for v == nil {
		if e.pending > 0 || e.level+1 >= len(e.queues) {
			return Run{}, false
		}
		e.level++
		v = e.draw()
	}
	run := Run{Number: e.handed, Strategy: e.Name(), Learns: true, visit: v}
	e.handed++
	e.pending++
	e.levels[v.level].handed++
	run.Source = &visitor{Reproducer: choice.Reproduce(v.deviations()), e: e, visit: v}
	run.again = func() choice.Source { return choice.Reproduce(v.deviations()) }
	return run, true
}

// draw takes the next run of the level; nil when there is none.
func (e *exhaust) draw() *visit {
	if e.root == nil {
		e.root = &visit{}
		e.account(0, 1)
		return e.root
	}
	for len(e.queues) > e.level && len(e.queues[e.level]) > 0 {
		p := e.queues[e.level][0]
		if len(p.space) > 0 {
			return e.deviate(p)
		}
		e.queues[e.level] = e.queues[e.level][1:]
	}
	return nil
}

// deviate takes the next run of a plan.
func (e *exhaust) deviate(p *plan) *visit {
	c, rest := e.labels.unpack(p.space)
	class := e.config.class(c.Label)
	tried := e.tried(class, c.N)
	answer := spread(p.answer, tried, c.N)
	if class == Form && p.answer == 0 {
		answer = c.N / 2
	} else if class == Form {
		answer = c.N - 1
	}
	if p.answer++; p.answer == tried {
		p.space, p.answer = rest, 0
	}
	v := &visit{
		parent: p.visit, level: p.visit.level, crashes: p.visit.crashes, orders: p.visit.orders,
		own: choice.Deviation{Label: c.Label, Occurrence: c.Occurrence, Answer: answer},
	}
	switch class {
	case Crash:
		v.crashes++
		v.level++
	case Order:
		v.orders++
		v.level++
	case Free:
		v.level++
	}
	*p.kids = append(*p.kids, v)
	return v
}

// tried is how many answers other than 0 are tried of a choice.
func (e *exhaust) tried(class Class, n int) int {
	switch class {
	case Fixed:
		return 0
	case Form:
		return min(n-1, 2)
	}
	return min(n-1, e.config.Answers)
}

func (e *exhaust) Done(run Run, result Result) {
	v, source := run.visit, run.Source.(*visitor)
	e.pending--
	e.levels[v.level].done++
	if result.Failed {
		e.failed++
		return
	}
	after := 0
	if v.parent != nil {
		at := find(result.Choices, v.own)
		if at < 0 {
			e.parted++
			return
		}
		after = at + 1
	}
	choices := result.Choices
	if source.at != nil {
		f := e.futures[*source.at]
		if f == nil {
			f = &future{}
			e.futures[*source.at] = f
			e.plan(v, &f.kids, choices[source.after:])
		} else {
			e.merged++
		}
		v.state = f
		choices = choices[:source.after]
	}
	e.plan(v, &v.kids, choices[after:])
}

// plan puts what is to be deviated from into the queues.
func (e *exhaust) plan(v *visit, kids *[]*visit, choices []choice.Choice) {
	var forms, others []choice.Choice
	form, other := 0, 0
	for _, c := range choices {
		class := e.config.class(c.Label)
		tried := e.tried(class, c.N)
		if class == Crash && v.crashes == e.crashes || class == Order && e.orders > 0 && v.orders == e.orders {
			continue
		}
		if c.N-1 > tried {
			e.left[c.Label] = true
		}
		switch {
		case class == Form:
			forms, form = append(forms, c), form+tried
		case class != Fixed:
			others, other = append(others, c), other+tried
			e.open = e.open || class == Free
		}
	}
	e.enqueue(v.level, form, &plan{visit: v, kids: kids, space: e.labels.pack(forms)})
	e.enqueue(v.level+1, other, &plan{visit: v, kids: kids, space: e.labels.pack(others)})
}

func (e *exhaust) enqueue(level, runs int, p *plan) {
	if runs == 0 {
		return
	}
	e.account(level, runs)
	e.queues[level] = append(e.queues[level], p)
}

// account adds runs to a level.
func (e *exhaust) account(at, runs int) {
	for len(e.queues) <= at {
		e.queues = append(e.queues, nil)
		e.levels = append(e.levels, level{})
	}
	e.levels[at].total += runs
}
