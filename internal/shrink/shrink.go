// Package shrink makes a failing schedule smaller: it looks for the fewest deviations, and then the
// smallest answers, with which the same property still fails.
//
// [Shrink] is a function over schedules. It knows nothing of simulations: it proposes deviations, the
// caller runs them and says which property failed and which of the deviations the run really used. What
// was not used is dropped; what fails in another way is no shrink, and is kept aside in [Result.Others].
//
//	try := func(devs []choice.Deviation) shrink.Outcome {
//		list := choice.NewList(choice.Reproduce(devs))
//		property := simulate(list) // "" when nothing failed
//		return shrink.Outcome{Property: property, Used: list.Deviations(), Choices: list.Choices()}
//	}
//	result := shrink.Shrink(failure, shrink.Budget{Expired: deadline.passed}, try)
//
// The steps, each repeated while it helps:
//
//  1. Bisection for the last deviation that is needed, then for the one before it, and so on. For a failure
//     that needs k of n deviations this takes about k·log2(n) runs.
//
//  2. Delta debugging (ddmin; Zeller, Hildebrandt 2002) without groups of deviations, down to single ones
//     and, when few are left, to pairs.
//
//  3. Smaller answers, one by one, and for deviations with equal answers also together.
//
//  4. When few are left: without one deviation, while the later ones move to where their choices are
//     then. A deviation can be needed only to keep the place of a later one; think of a crash, after which
//     everything is counted once more.
//
//  5. When there are not too many: all smaller schedules with deviations of the same kinds, anywhere. What
//     this has ruled out is said in [Result.Searched].
//
// Every accepted step was run and failed with the same property, so the result fails whenever the budget
// ends. When it does not end, no single step makes the result smaller: [Result.Minimal]. That is no proof
// that there is no smaller schedule of another kind.
package shrink

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/reprise-dst/reprise/internal/choice"
)

// Failure is a violated property, by its name, and the deviations that violate it.
type Failure struct {
	Property   string
	Deviations []choice.Deviation
}

// Outcome is what a run with some deviations came to.
type Outcome struct {
	Property string             // the property that failed; empty when none did
	Used     []choice.Deviation // the deviations that met a choice, in the order in which they did
	Choices  []choice.Choice    // all choices of the run; without them, deviations are never moved
}

// Try runs a schedule. It is called by several goroutines at once when [Budget.Width] is above 1.
type Try func(devs []choice.Deviation) Outcome

// Budget bounds a shrink. The zero Budget works.
type Budget struct {
	Tries   int         // how many runs at most; 0: DefaultTries
	Expired func() bool // says that time is up; nil: never
	Width   int         // how many runs at a time; the result does not depend on it unless the budget ends
	Search  int         // how many of them may go into the search, step 5; 0: DefaultSearch, below: none
}

// What a [Budget] that says nothing means.
const (
	DefaultTries  = 10_000
	DefaultSearch = 3000
)

const (
	confirmations = 2  // how often the result is run again at the end, on top of the budget
	maxKept       = 32 // how many accepted schedules are remembered, in case the last one does not fail again
)

// Result is what a shrink came to.
type Result struct {
	Deviations []choice.Deviation // as few and small as was found; they violate the property
	Tries      int                // how many runs it took
	Minimal    bool               // the budget sufficed to see that no single step helps any more
	Searched   int                // no schedule with so many deviations of the same kinds fails like this
	Reproduced bool               // the failure that was given could be repeated at all
	Flaky      bool               // a schedule that had failed did not fail again
	Others     []Failure          // the first schedule met for each other property that failed on the way
}

// Shrink looks for a smaller schedule that violates the same property.
func Shrink(failure Failure, budget Budget, try Try) Result {
	if budget.Tries <= 0 {
		budget.Tries = DefaultTries
	}
	if budget.Search == 0 {
		budget.Search = DefaultSearch
	}
	s := &shrinker{
		property: failure.Property, budget: budget, try: try, current: failure.Deviations,
		seen: make(map[key]bool), searches: budget.Search,
	}
	if !s.begin() {
		return Result{Deviations: failure.Deviations, Tries: s.tries, Others: s.others}
	}
	if !s.accept(nil) {
		s.bisect()
		for before := -1; before != s.steps && !s.over(); {
			before = s.steps
			s.remove()
			s.lower()
			s.lowerTogether()
			if before == s.steps {
				s.move()
			}
			if before == s.steps {
				s.search()
			}
		}
	}
	minimal := !s.over()
	confirmed, flaky := s.confirm(failure.Deviations)
	return Result{
		Deviations: confirmed, Tries: s.tries, Minimal: minimal && !flaky, Searched: s.searched,
		Reproduced: true, Flaky: flaky, Others: s.others,
	}
}

// shrinker is one shrink under way.
type shrinker struct {
	property string
	budget   Budget
	try      Try
	current  []choice.Deviation   // the smallest schedule so far
	choices  []choice.Choice      // of the run with it
	steps    int                  // how often current became smaller
	accepted [][]choice.Deviation // what current has been lately
	seen     map[key]bool         // the schedules that were run
	tries    int
	searches int // how many runs the search may still take
	searched int // the search has run all schedules of up to this size
	others   []Failure
}

// key stands for a schedule without its notes.
type key [16]byte

func keyOf(devs []choice.Deviation) key {
	var text []byte
	for _, d := range devs {
		text = binary.AppendUvarint(text, uint64(len(d.Label)))
		text = append(text, d.Label...)
		text = binary.AppendUvarint(text, uint64(d.Occurrence))
		text = binary.AppendUvarint(text, uint64(d.Answer))
	}
	h := fnv.New128a()
	h.Write(text)
	return key(h.Sum(nil))
}

func (s *shrinker) over() bool {
	return s.tries >= s.budget.Tries || s.budget.Expired != nil && s.budget.Expired()
}

// begin repeats the failure that was given.
func (s *shrinker) begin() bool {
	s.tries++
	outcome := s.try(s.current)
	s.seen[keyOf(s.current)] = true
	if outcome.Property != s.property {
		s.note(s.current, outcome)
		return false
	}
	if compare(outcome.Used, s.current) <= 0 {
		s.current = outcome.Used
	}
	s.choices = outcome.Choices
	s.keep()
	return true
}

// keep remembers the current schedule, and forgets the oldest one when there are many.
func (s *shrinker) keep() {
	if len(s.accepted) == maxKept {
		s.accepted = slices.Delete(s.accepted, 0, 1)
	}
	s.accepted = append(s.accepted, slices.Clone(s.current))
}

// accept runs a schedule and makes it the current one when it is smaller and violates the property.
func (s *shrinker) accept(devs []choice.Deviation) bool {
	return s.first(1, func(int) []choice.Deviation { return devs }) == 0
}

// proposal is a schedule to be run, with its index among its like.
type proposal struct {
	index int
	devs  []choice.Deviation
	key   key
}

// first runs n proposed schedules in their order until one is accepted, and returns its index, or -1. Those
// that were run before, and those that are no smaller than the current one, are passed over.
func (s *shrinker) first(n int, propose func(i int) []choice.Deviation) int {
	var batch []proposal
	for i := range n {
		p := proposal{index: i, devs: propose(i)}
		if p.key = keyOf(p.devs); !s.seen[p.key] && compare(p.devs, s.current) < 0 {
			batch = append(batch, p)
		}
		if len(batch) < max(1, s.budget.Width) && i+1 < n {
			continue
		}
		batch = batch[:min(len(batch), s.budget.Tries-s.tries)]
		if s.over() {
			return -1
		}
		outcomes := s.run(batch)
		s.tries += len(batch)
		for j, p := range batch {
			s.seen[p.key] = true
			if s.judge(p.devs, outcomes[j]) {
				return p.index // the rest of the batch was in vain
			}
		}
		batch = batch[:0]
	}
	return -1
}

// judge accepts a schedule by its outcome.
func (s *shrinker) judge(devs []choice.Deviation, outcome Outcome) bool {
	if outcome.Property != s.property {
		s.note(devs, outcome)
		return false
	}
	if compare(outcome.Used, devs) <= 0 { // also when equal: its notes are those of this run
		devs = outcome.Used
	}
	if compare(devs, s.current) >= 0 {
		return false
	}
	s.current, s.choices = slices.Clone(devs), outcome.Choices
	s.steps++
	s.keep()
	return true
}

// note keeps a schedule that violates another property than the one to be shrunk.
func (s *shrinker) note(devs []choice.Deviation, outcome Outcome) {
	known := func(f Failure) bool { return f.Property == outcome.Property }
	if outcome.Property == "" || slices.ContainsFunc(s.others, known) {
		return
	}
	s.others = append(s.others, Failure{Property: outcome.Property, Deviations: slices.Clone(devs)})
}

// confirm runs the result again. When it does not fail each time, it goes back to what had failed before.
func (s *shrinker) confirm(given []choice.Deviation) (devs []choice.Deviation, flaky bool) {
	for _, devs := range slices.Backward(s.accepted) {
		holds := true
		for i := 0; holds && i < confirmations; i++ {
			s.tries++
			holds = s.try(devs).Property == s.property
		}
		if holds {
			return devs, flaky
		}
		flaky = true
		if s.over() {
			break
		}
	}
	return given, true
}

// compare orders schedules: fewer deviations first, then smaller answers, then earlier places.
func compare(a, b []choice.Deviation) int {
	sum := func(devs []choice.Deviation, of func(choice.Deviation) int) int {
		total := 0
		for _, d := range devs {
			total += of(d)
		}
		return total
	}
	answer := func(d choice.Deviation) int { return d.Answer }
	occurrence := func(d choice.Deviation) int { return d.Occurrence }
	return cmp.Or(
		cmp.Compare(len(a), len(b)),
		cmp.Compare(sum(a, answer), sum(b, answer)),
		cmp.Compare(sum(a, occurrence), sum(b, occurrence)),
	)
}
