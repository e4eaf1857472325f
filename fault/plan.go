package fault

import (
	"errors"
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
	"unicode"
)

// Rule allows one kind of fault.
type Rule struct {
	Kind   Kind
	Rate   float64 // the probability that the fault happens where it can, 0..1
	Budget int     // how often it may happen in a run; 0: any number of times
	Node   string  // the names of the nodes that it may hit, as a pattern of path.Match; empty: all nodes
}

// Plan is what may go wrong in a run. The zero Plan has no faults.
type Plan struct {
	Rules []Rule
}

// ErrPlan is what all errors about plans are.
var ErrPlan = errors.New("bad fault plan")

// Default returns the plan of a world that says nothing else: crashes, torn writes and slow answers.
func Default() Plan {
	return Plan{Rules: []Rule{
		{Kind: Crash, Rate: 0.02, Budget: 3},
		{Kind: Torn, Rate: 0.01},
		{Kind: Slow, Rate: 0.05},
	}}
}

// none is the text of the plan without rules.
const none = "none"

// Parse reads a plan from its text. The error names the rule and says what to write instead.
func Parse(text string) (Plan, error) {
	var plan Plan
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for part := range strings.SplitSeq(line, ";") {
			words := strings.Fields(part)
			if len(words) == 0 || len(words) == 1 && words[0] == none {
				continue
			}
			rule, err := parseRule(words)
			if err != nil {
				return Plan{}, fmt.Errorf("%w: %q: %w", ErrPlan, strings.Join(words, " "), err)
			}
			plan.Rules = append(plan.Rules, rule)
		}
	}
	if err := plan.Validate(); err != nil {
		return Plan{}, err
	}
	return plan, nil
}

// MustParse is like [Parse], for plans written in code: it panics when the text is not a plan.
func MustParse(text string) Plan {
	plan, err := Parse(text)
	if err != nil {
		panic(err.Error())
	}
	return plan
}

// String gives the plan as the text that [Parse] reads.
func (p Plan) String() string {
	if len(p.Rules) == 0 {
		return none
	}
	parts := make([]string, len(p.Rules))
	for i, r := range p.Rules {
		parts[i] = r.String()
	}
	return strings.Join(parts, "; ")
}

// String gives the rule as in a plan: crash 2% max 3 on worker*.
func (r Rule) String() string {
	text := string(r.Kind) + " " + formatPercent(r.Rate)
	if r.Budget != 0 {
		text += " max " + strconv.Itoa(r.Budget)
	}
	if r.Node != "" {
		text += " on " + r.Node
	}
	return text
}

// MarshalText makes a plan fit for flag.TextVar and for JSON.
func (p Plan) MarshalText() ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return []byte(p.String()), nil
}

// UnmarshalText makes a plan fit for flag.TextVar and for JSON.
func (p *Plan) UnmarshalText(text []byte) error {
	plan, err := Parse(string(text))
	if err != nil {
		return err
	}
	*p = plan
	return nil
}

// Has reports whether the plan has a rule for the kind.
func (p Plan) Has(kind Kind) bool {
	for _, r := range p.Rules {
		if r.Kind == kind {
			return true
		}
	}
	return false
}

// Validate says what is wrong with a plan that was built in code; what [Parse] returns is always right.
func (p Plan) Validate() error {
	for i, r := range p.Rules {
		if err := r.validate(); err != nil {
			return fmt.Errorf("%w: %q: %w", ErrPlan, r, err)
		}
		for _, earlier := range p.Rules[:i] {
			if earlier.Kind == r.Kind && earlier.Node == r.Node {
				return fmt.Errorf("%w: %q: %q stands before it and takes all its cases: delete one of them",
					ErrPlan, r, earlier)
			}
		}
	}
	return nil
}

func (r Rule) validate() error {
	if index(r.Kind) < 0 {
		return unknownKind(string(r.Kind))
	}
	if !isRate(r.Rate) {
		return errors.New("the rate must be from 0% to 100% (Rate from 0 to 1)")
	}
	if r.Budget < 0 {
		return fmt.Errorf("the budget %d is negative: leave it out for any number of faults", r.Budget)
	}
	if _, err := path.Match(r.Node, ""); err != nil || strings.ContainsFunc(r.Node, badInPattern) {
		return fmt.Errorf("the node pattern %q must be one word like worker-1, worker* or worker-[12]",
			r.Node)
	}
	return nil
}

func isRate(rate float64) bool { return rate >= 0 && rate <= 1 } // NaN is none

// badInPattern finds what would end a pattern in the text of a plan.
func badInPattern(r rune) bool {
	return r == ';' || r == '#' || unicode.IsSpace(r) || !unicode.IsPrint(r)
}

// clauses says what may follow a rate.
const clauses = `after the rate come "max 3" and "on worker*"`

func parseRule(words []string) (Rule, error) {
	r := Rule{Kind: Kind(words[0])}
	if index(r.Kind) < 0 {
		return r, unknownKind(words[0])
	}
	if len(words) < 2 {
		return r, fmt.Errorf("the rate is missing: write it like %s 2%%", r.Kind)
	}
	var err error
	if r.Rate, err = parsePercent(words[1]); err != nil {
		return r, err
	}
	for rest := words[2:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) == 1 {
			return r, fmt.Errorf("%q at the end lacks its value, or is not known: %s", rest[0], clauses)
		}
		switch value := rest[1]; rest[0] {
		case "max":
			budget, err := strconv.ParseInt(value, 10, 32)
			if err != nil || budget < 1 || r.Budget != 0 {
				return r, fmt.Errorf("the budget \"max %s\" must be one whole number from 1: leave it out for "+
					"any number of faults, or delete the rule for none", value)
			}
			r.Budget = int(budget)
		case "on":
			if r.Node != "" {
				return r, fmt.Errorf("two node patterns, %q and %q: write a rule for each", r.Node, value)
			}
			r.Node = value
		default:
			return r, fmt.Errorf("%q is not known here: %s", rest[0], clauses)
		}
	}
	return r, nil
}

func unknownKind(name string) error {
	known := make([]string, len(kinds))
	for i, k := range kinds {
		known[i] = string(k)
	}
	return fmt.Errorf("there is no fault %q: the known ones are %s", name, strings.Join(known, ", "))
}

// parsePercent reads "2.5%" as 0.025. The decimal point is moved in the text, so that printing and
// parsing lose nothing.
func parsePercent(word string) (float64, error) {
	bad := fmt.Errorf("the rate %q must be a percentage from 0%% to 100%%, like 2%% or 0.5%%", word)
	digits, ok := strings.CutSuffix(word, "%")
	if !ok || digits == "" || strings.Trim(digits, "0123456789.") != "" {
		return 0, bad
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	whole = "00" + whole
	at := len(whole) - 2
	rate, err := strconv.ParseFloat(whole[:at]+"."+whole[at:]+fraction, 64)
	if err != nil || rate > 1 {
		return 0, bad
	}
	return rate, nil
}

// formatPercent prints 0.025 as "2.5%".
func formatPercent(rate float64) string {
	if !isRate(rate) {
		return strconv.FormatFloat(100*rate, 'g', 6, 64) + "%"
	}
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(math.Abs(rate), 'f', -1, 64), ".") // no -0
	for len(fraction) < 2 {
		fraction += "0"
	}
	whole = strings.TrimLeft(whole+fraction[:2], "0")
	if whole == "" {
		whole = "0"
	}
	if fraction = fraction[2:]; fraction != "" {
		return whole + "." + fraction + "%"
	}
	return whole + "%"
}
