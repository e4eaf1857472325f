package explore

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// counts holds how many schedules there are, by level and by crashes.
type counts [][]uint64

// add adds other, each of whose schedules has so many more deviations and crashes.
func (c *counts) add(other counts, levels, crashes int) {
	for l, row := range other {
		for k, n := range row {
			at := c.at(l+levels, k+crashes)
			if *at += n; *at < n { // more than can be counted
				*at = math.MaxUint64
			}
		}
	}
}

func (c *counts) at(level, crashes int) *uint64 {
	for len(*c) <= level {
		*c = append(*c, nil)
	}
	row := &(*c)[level]
	for len(*row) <= crashes {
		*row = append(*row, 0)
	}
	return &(*row)[crashes]
}

// byCrashes sums the levels.
func (c counts) byCrashes() []uint64 {
	var all counts
	for _, row := range c {
		all.add(counts{row}, 0, 0)
	}
	return all[0]
}

// schedules counts a run and all that deviate from it, those included that were not run because they go on
// from a state that another run had come to.
func (v *visit) schedules() counts {
	total := counts{{1}}
	for _, kid := range v.kids {
		total.add(kid.schedules(), kid.level-v.level, kid.crashes-v.crashes)
	}
	if v.state != nil {
		total.add(v.state.schedules(), 0, 0)
	}
	return total
}

func (f *future) schedules() counts {
	if f.total == nil {
		f.total = counts{}
		for _, kid := range f.kids {
			f.total.add(kid.schedules(), kid.level-kid.parent.level, kid.crashes-kid.parent.crashes)
		}
	}
	return f.total
}

// Coverage says for example: proved for all 24 orders of arrival, all 312 single and all 48,516 double
// crashes in them, without a violation.
func (e *exhaust) Coverage() string {
	if len(e.levels) == 0 || e.levels[0].done == 0 {
		return e.Name() + ": not yet run"
	}
	for _, f := range e.futures { //tidy:unordered each is reset
		f.total = nil
	}
	complete := 0 // levels
	for complete < len(e.levels) && e.levels[complete].done == e.levels[complete].total {
		complete++
	}
	all := e.root.schedules()
	if complete < len(e.levels) { // what follows from a state may have been counted further
		all = all[:min(complete, len(all))]
	}
	sums := all.byCrashes()
	text := e.Name() + ": " + e.proved(sums, complete)
	if complete < len(e.levels) {
		text += "; stopped early: " + e.begun(complete)
	}
	return text + e.remarks()
}

// proved says what was covered by the levels that are complete.
func (e *exhaust) proved(sums []uint64, complete int) string {
	var all uint64
	for _, n := range sums {
		all += n
	}
	within := ""
	if complete < len(e.levels) {
		within = fmt.Sprintf(" with at most %s", count(complete-1, "deviation"))
	}
	what := "schedule without a crash"
	switch {
	case sums[0] == 1:
	case e.open:
		what = "order of arrival and other choices"
	default:
		what = "order of arrival"
	}
	text := "all " + plural64(sums[0], what)
	if sums[0] == 1 {
		text = "the one " + what
	}
	for k, n := range sums[1:] {
		joint := ", "
		if k == len(sums)-2 {
			joint = " and "
		}
		text += joint + "all " + plural64(n, fold(k+1)+" crash")
	}
	verdict := "no violation"
	if e.failed > 0 {
		verdict = count(e.failed, "violation")
	}
	if len(sums) > 1 && sums[0] > 1 {
		text += " in them"
	}
	return fmt.Sprintf("%s%s: %s in %s", text, within, verdict, plural64(all, "schedule"))
}

// begun says what is known of the levels that are not complete.
func (e *exhaust) begun(complete int) string {
	l := e.levels[complete]
	return fmt.Sprintf("of %s known with %s, %s left out, and all with more",
		count(l.total, "run"), count(complete, "deviation"), number(l.total-l.done))
}

// remarks says what it cost, and what was left out.
func (e *exhaust) remarks() string {
	done := 0
	for _, l := range e.levels {
		done += l.done
	}
	text := fmt.Sprintf("; %s", count(done, "run"))
	if e.merged > 0 {
		text += fmt.Sprintf(", of which %s ended in one of %s seen before", number(e.merged),
			count(len(e.futures), "state"))
	}
	var left []string
	if labels := slices.Sorted(maps.Keys(e.left)); len(labels) > 0 {
		left = append(left, "other answers of "+strings.Join(labels, " and of "))
	}
	if e.orders > 0 {
		left = append(left, "more than "+count(e.orders, "deviation")+" from the order of arrival")
	}
	if len(left) > 0 {
		text += "; left out: " + strings.Join(left, ", ")
	}
	if e.parted > 0 {
		text += fmt.Sprintf("; %s did not repeat: the program is not deterministic", count(e.parted, "schedule"))
	}
	return text
}

// fold names the number of crashes in one run.
func fold(n int) string {
	switch n {
	case 1:
		return "single"
	case 2:
		return "double"
	case 3:
		return "triple"
	}
	return fmt.Sprintf("%d-fold", n)
}

func plural64(n uint64, unit string) string {
	if n == math.MaxUint64 {
		return "more than " + plural64(n-1, unit)
	}
	switch {
	case n == 1:
		return "1 " + unit
	case strings.HasSuffix(unit, "crash"):
		unit += "es"
	case strings.Contains(unit, " of "):
		unit = strings.Replace(unit, " of ", "s of ", 1)
	default:
		unit += "s"
	}
	if n > math.MaxInt64 {
		return fmt.Sprint(n) + " " + unit
	}
	return number(int(n)) + " " + unit
}
