package fault

import (
	"path"
	"slices"

	"github.com/reprise-dst/reprise/internal/choice"
)

// Injector asks for the faults of one run: it applies a plan's rules, keeps their budgets, and counts.
// Like the list of choices that it asks, it is used by one thread of control at a time.
type Injector struct {
	list    *choice.List
	rules   []budgeted
	counts  []Count // in the order of kinds
	stopped bool
}

type budgeted struct {
	Rule
	fired int
}

// Count says how a kind of fault fared.
type Count struct {
	Kind    Kind
	Enabled int // how often it could have happened
	Fired   int // how often it did
}

// Injector returns an injector with full budgets for a run with this list. It panics when the plan is not
// valid; see [Plan.Validate].
func (p Plan) Injector(list *choice.List) *Injector {
	if err := p.Validate(); err != nil {
		panic(err.Error())
	}
	inj := &Injector{list: list, rules: make([]budgeted, len(p.Rules)), counts: make([]Count, len(kinds))}
	for i, k := range kinds {
		inj.counts[i].Kind = k
	}
	for i, r := range p.Rules {
		inj.rules[i].Rule = r
	}
	return inj
}

// Ask asks whether a fault of this kind happens now on the node, and which of its n-1 forms: 0 is no
// fault. The answer is 0 when no rule allows it, its budget is spent, or faults have been stopped; the
// point counts an occurrence in any case, so that "the 7th commit" stays the 7th under every plan.
func (inj *Injector) Ask(kind Kind, node string, point *choice.Point, n int) int {
	return inj.ask(inj.rule(kind, node), index(kind), point, n)
}

// Site is a place where one kind of fault can hit one node, looked up once; for places that ask often.
type Site struct {
	inj   *Injector
	rule  *budgeted
	kind  int
	point *choice.Point
}

// Site returns the place with this label.
func (inj *Injector) Site(kind Kind, node, label string) *Site {
	return &Site{inj: inj, rule: inj.rule(kind, node), kind: index(kind), point: inj.list.Point(label)}
}

// Ask is like [Injector.Ask].
func (s *Site) Ask(n int) int { return s.inj.ask(s.rule, s.kind, s.point, n) }

// Note says what the latest fault of this site was; see [choice.Point.Note].
func (s *Site) Note(text string) { s.point.Note(text) }

// Stop ends all faults for the rest of the run.
func (inj *Injector) Stop() { inj.stopped = true }

// Enabled returns how often a fault of this kind could have happened so far.
func (inj *Injector) Enabled(kind Kind) int { return inj.count(kind).Enabled }

// Fired returns how often a fault of this kind has happened so far.
func (inj *Injector) Fired(kind Kind) int { return inj.count(kind).Fired }

// Counts returns the counts of the kinds that the plan has rules for, in the order of [Kinds].
func (inj *Injector) Counts() []Count {
	counts := make([]Count, 0, len(inj.rules))
	for _, c := range inj.counts {
		if slices.ContainsFunc(inj.rules, func(r budgeted) bool { return r.Kind == c.Kind }) {
			counts = append(counts, c)
		}
	}
	return counts
}

// Add returns the sums of two lists of counts, in the order of [Kinds]; for the summary of many runs.
func Add(a, b []Count) []Count {
	sums := make([]Count, 0, len(kinds))
	for _, k := range kinds {
		sum, found := Count{Kind: k}, false
		for _, c := range slices.Concat(a, b) {
			if c.Kind == k {
				sum.Enabled += c.Enabled
				sum.Fired += c.Fired
				found = true
			}
		}
		if found {
			sums = append(sums, sum)
		}
	}
	return sums
}

func (inj *Injector) ask(rule *budgeted, kind int, point *choice.Point, n int) int {
	if rule == nil || inj.stopped || n < 2 || rule.Budget > 0 && rule.fired >= rule.Budget {
		return point.Pick(min(n, 1))
	}
	inj.counts[kind].Enabled++
	answer := point.Chance(rule.Rate, n)
	if answer != 0 {
		rule.fired++
		inj.counts[kind].Fired++
	}
	return answer
}

// rule returns the first rule of the kind for the node, or nil.
func (inj *Injector) rule(kind Kind, node string) *budgeted {
	if index(kind) < 0 {
		panic("fault: " + unknownKind(string(kind)).Error())
	}
	for i := range inj.rules {
		r := &inj.rules[i]
		if r.Kind != kind {
			continue
		}
		if r.Node == "" {
			return r
		}
		if ok, _ := path.Match(r.Node, node); ok { // the pattern was validated
			return r
		}
	}
	return nil
}

func (inj *Injector) count(kind Kind) Count {
	if i := index(kind); i >= 0 {
		return inj.counts[i]
	}
	return Count{Kind: kind}
}

// index returns the place of the kind in kinds, or -1.
func index(kind Kind) int { return slices.Index(kinds, kind) }
