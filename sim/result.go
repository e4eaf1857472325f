package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/explore"
)

// Result is what a sweep has seen.
type Result struct {
	Runs    int           // worlds that ran, up to the first that failed
	Elapsed time.Duration // wall time
	Virtual time.Duration // virtual time, over all worlds
	Events  int64         // events in the traces of all worlds
	Choices int64         // choices with more than one answer
	Crashes int           // crashes of nodes, those that Node.Stop asked for not counted
	Damaged int           // worlds that ended where a store noticed that its disk is damaged, see Node.OnDamage
	Orders  int           // distinct orders in which steps completed, counted up to a million

	Points    []PointCount  // how often nodes died by choice, by kind of crash point
	Faults    []fault.Count // how often each kind of the plan could have fired, and did
	Sometimes []Reached     // every Sometimes, in alphabetical order
	Counts    []Counted     // what worlds have counted, in alphabetical order
	Unreached []string      // what the sweep never reached, one line each
	Coverage  string        // what the strategy has covered

	Failure    *Failure // the first in the strategy's order; nil when all passed
	FailedSeed uint64   // of the world that failed, before shrinking
	Deviations int      // in the smallest schedule that was found to fail alike
	Report     string   // what a person should read about the failure
}

// PointCount says how often nodes died by choice at one kind of crash point.
type PointCount struct {
	Point   string // what follows the node's name in the labels of choices, such as crash/commit
	Crashes int
}

// Reached says in how many worlds a Sometimes held, of those that asked it.
type Reached struct {
	Property string
	Held     int
	Asked    int
}

// Counted is what World.Count has counted, over all worlds.
type Counted struct {
	What  string
	Count int
}

// SeedsPerSecond is the speed of the sweep in wall time.
func (r *Result) SeedsPerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Runs) / r.Elapsed.Seconds()
}

// Summary is the result in one line.
func (r *Result) Summary() string {
	text := fmt.Sprintf("%s (%s/s), %s, %s, %s of virtual time", count(int64(r.Runs), "run"),
		number(int64(r.SeedsPerSecond())), plural(int64(r.Crashes), "crash", "crashes"),
		count(int64(r.Orders), "completion order"), coarse(r.Virtual))
	if r.Damaged > 0 {
		text += fmt.Sprintf("; %s ended at a damaged disk", count(int64(r.Damaged), "world"))
	}
	for _, c := range r.Counts {
		text += fmt.Sprintf("; %s %s", number(int64(c.Count)), c.What)
	}
	return text
}

// Covered says in one line which crash points and faults were hit, how often, and which were not.
func (r *Result) Covered() string {
	var hit, missed []string
	note := func(what string, n int) {
		if n > 0 {
			hit = append(hit, fmt.Sprintf("%s %s", what, number(int64(n))))
		} else {
			missed = append(missed, what)
		}
	}
	for _, p := range r.Points {
		if p.Crashes > 0 || r.mayCrash(p.Point) {
			note(p.Point, p.Crashes)
		}
	}
	for _, f := range r.Faults {
		if f.Kind != fault.Crash && f.Kind != fault.Torn {
			note(string(f.Kind), f.Fired)
		}
	}
	text := "covered: " + strings.Join(hit, ", ")
	if len(hit) == 0 {
		text = "covered: no fault"
	}
	if len(missed) > 0 {
		text += "; never: " + strings.Join(missed, ", ")
	}
	return text
}

// mayCrash reports whether the plan has the kind of fault of a crash point.
func (r *Result) mayCrash(point string) bool {
	return slices.ContainsFunc(r.Faults, func(f fault.Count) bool {
		return string(f.Kind) == point || strings.HasPrefix(point, string(f.Kind)+"/")
	})
}

// reached says in one line in how many runs each Sometimes held, but for those that never did.
func (r *Result) reached() string {
	var held []string
	for _, s := range r.Sometimes {
		if s.Held > 0 {
			held = append(held, fmt.Sprintf("%s %s", s.Property, number(int64(s.Held))))
		}
	}
	if len(held) == 0 {
		return ""
	}
	return fmt.Sprintf("reached, in so many of %s: %s", count(int64(r.Runs), "run"), strings.Join(held, ", "))
}

// maxOrders bounds the memory of a sweep that counts distinct completion orders.
const maxOrders = 1_000_000

// tally is what a sweep has counted.
type tally struct {
	runs    int
	virtual time.Duration
	events  int64
	choices int64
	crashes int
	hits    [placeCount]int
	damaged int
	orders  map[uint64]struct{}
	faults  []fault.Count
	reached map[string]*Reached
	counts  map[string]int
}

func newTally() tally {
	return tally{
		orders: make(map[uint64]struct{}), reached: make(map[string]*Reached), counts: make(map[string]int),
	}
}

// count adds one world.
func (t *tally) count(s *stats) {
	t.runs++
	t.virtual += s.virtual
	t.events += int64(s.events)
	t.choices += int64(s.picks)
	t.crashes += s.crashes
	for at, n := range s.hits {
		t.hits[at] += n
	}
	if s.over {
		t.damaged++
	}
	if s.order != 0 && len(t.orders) < maxOrders {
		t.orders[s.order] = struct{}{}
	}
	t.countFaults(s.faults)
	for _, c := range s.counts {
		t.counts[c.What] += c.Count
	}
	for _, one := range s.sometimes {
		r := t.reached[one.property]
		if r == nil {
			r = &Reached{Property: one.property}
			t.reached[one.property] = r
		}
		r.Asked++
		if one.held {
			r.Held++
		}
	}
}

func (t *tally) countFaults(counts []fault.Count) {
	if len(t.faults) != len(counts) {
		t.faults = fault.Add(t.faults, counts)
		return
	}
	for i := range counts {
		t.faults[i].Enabled += counts[i].Enabled
		t.faults[i].Fired += counts[i].Fired
	}
}

// result is the tally as users see it.
func (t *tally) result() Result {
	r := Result{
		Runs: t.runs, Virtual: t.virtual, Events: t.events, Choices: t.choices, Crashes: t.crashes,
		Damaged: t.damaged, Orders: len(t.orders), Faults: t.faults,
	}
	for at, p := range places {
		if classes[at] == explore.Crash {
			r.Points = append(r.Points, PointCount{strings.TrimPrefix(p.label, "/"), t.hits[at]})
		}
	}
	for _, what := range slices.Sorted(maps.Keys(t.counts)) {
		r.Counts = append(r.Counts, Counted{what, t.counts[what]})
	}
	for _, property := range slices.Sorted(maps.Keys(t.reached)) {
		r.Sometimes = append(r.Sometimes, *t.reached[property])
		if one := t.reached[property]; one.Held == 0 {
			r.Unreached = append(r.Unreached, fmt.Sprintf("%q was never true in %s", property,
				count(int64(one.Asked), "run")))
		}
	}
	for _, f := range t.faults {
		if f.Enabled > 0 && f.Fired == 0 {
			r.Unreached = append(r.Unreached, fmt.Sprintf("the fault %q never fired, in %s where it could have",
				f.Kind, plural(int64(f.Enabled), "place", "places")))
		}
	}
	return r
}

// count prints a number with its unit: 1 run, 1,284 runs.
func count(n int64, unit string) string { return plural(n, unit, unit+"s") }

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// number prints n with commas: 1,284.
func number(n int64) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// coarse prints a long duration in the unit that fits: 3.2 days rather than 76h48m12.3s.
func coarse(d time.Duration) string {
	day := 24 * time.Hour
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{365 * day, "years"}, {day, "days"}, {time.Hour, "hours"}, {time.Minute, "minutes"}} {
		if d >= 2*unit.length {
			text := fmt.Sprintf("%.1f", float64(d)/float64(unit.length))
			return strings.TrimSuffix(text, ".0") + " " + unit.name
		}
	}
	return d.Round(time.Millisecond).String()
}
