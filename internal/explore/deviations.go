package explore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/reprise-dst/reprise/internal/choice"
)

const (
	defaultAnswers = 16
	spaceLimit     = 256 << 20 // bytes kept about the choices of runs that are still to be deviated from
)

// Deviations returns the strategy of every schedule with at most depth deviations from the run without
// any.
//
// It is exhaustive because runs are deterministic: a run with deviations d1, …, dk records the choices of
// the run with d1, …, dk-1 up to the place of dk. So each run is deviated from, once, at each choice that
// it recorded after its own last deviation and with each other answer that the choice offers, and every
// schedule is reached on one way only. Schedules with fewer deviations come first. Among those with the
// same number each run is deviated from in turn, nearest choices first: when time runs out, all parts of
// the program have had their share, and a crash soon after a crash comes before one much later.
//
// A run that fails is not deviated from further: what contains a failure says nothing new. A choice with
// more answers than config.Answers has only that many of them tried, spread evenly with the first and the
// last among them. Both are said in Coverage. With shards, each process makes all runs below the last
// depth, and its part of the last.
func Deviations(depth int, config Config) Strategy { return newDeviations(depth, config) }

func newDeviations(depth int, config Config) *deviations {
	if config.Answers == 0 {
		config.Answers = defaultAnswers
	}
	d := &deviations{depth: depth, config: config, labels: newLabels()}
	d.levels = append(d.levels, level{total: 1})
	return d
}

// deviations enumerates by level: the runs with no deviation, with one, and so on.
type deviations struct {
	depth  int
	config Config

	levels  []level
	level   int     // whose runs are being handed out
	parents []*node // what this level deviates from
	turn    int     // the parent whose turn it is
	drawn   int     // runs of this level drawn from the parents, those of other shards included
	next    []*node // this level's runs, in the order in which they were handed out: the next parents
	handed  int
	pending int

	labels labels
	bytes  int // held by all spaces

	left    int // answers beyond config.Answers
	pruned  int // failed runs that are not deviated from
	dropped int // runs that are not deviated from for want of memory
	parted  int // runs in which their own last deviation did not appear
}

type level struct {
	total  int // known schedules with this many deviations
	handed int
	done   int
}

// node is a run, as its difference from another one.
type node struct {
	parent *node // nil for the run without deviations
	own    choice.Deviation
	level  int

	space  []byte // the choices after the own deviation, packed, while they are needed
	answer int    // the next answer, as an index into those that are tried, of the first choice in space
}

func (n *node) deviations() []choice.Deviation {
	if n.parent == nil {
		return nil
	}
	return append(n.parent.deviations(), n.own)
}

func (d *deviations) Name() string { return fmt.Sprintf("deviations:%d", d.depth) }

func (d *deviations) Next() (Run, bool) {
	n := d.draw()
	for n == nil {
		if d.pending > 0 || d.level == d.depth {
			return Run{}, false
		}
		d.descend()
		if len(d.parents) == 0 {
			return Run{}, false
		}
		n = d.draw()
	}
	run := Run{Number: d.handed, Strategy: d.Name(), Learns: n.level < d.depth, node: n}
	d.handed++
	d.pending++
	d.levels[d.level].handed++
	if d.level < d.depth {
		d.next = append(d.next, n)
	}
	return run.from(func() choice.Source { return choice.Reproduce(n.deviations()) }), true
}

// draw takes the next run of the level that falls to this shard; nil when there is none.
func (d *deviations) draw() *node {
	for {
		n := d.child()
		d.drawn++
		if n == nil || d.level < d.depth || (d.drawn-1)%max(1, d.config.Shards) == d.config.Shard {
			return n
		}
	}
}

// child takes the next run of the level; nil when there is none.
func (d *deviations) child() *node {
	if d.level == 0 {
		if d.handed > 0 {
			return nil
		}
		return &node{}
	}
	for len(d.parents) > 0 {
		if d.turn == len(d.parents) {
			d.parents = slices.DeleteFunc(d.parents, func(p *node) bool { return len(p.space) == 0 })
			d.turn = 0
			continue
		}
		p := d.parents[d.turn]
		d.turn++
		if len(p.space) > 0 {
			return d.deviate(p)
		}
	}
	return nil
}

// deviate takes the next run that deviates from p.
func (d *deviations) deviate(p *node) *node {
	c, rest := d.labels.unpack(p.space)
	tried := min(c.N-1, d.config.Answers)
	answer := spread(p.answer, tried, c.N)
	if p.answer++; p.answer == tried {
		d.bytes -= len(p.space) - len(rest)
		p.space, p.answer = rest, 0
	}
	return &node{
		parent: p, level: p.level + 1,
		own: choice.Deviation{Label: c.Label, Occurrence: c.Occurrence, Answer: answer},
	}
}

// descend goes on to the runs with one deviation more.
func (d *deviations) descend() {
	d.level++
	d.parents, d.next = d.next, nil
	d.turn, d.drawn = 0, 0
}

func (d *deviations) Done(run Run, result Result) {
	n := run.node
	d.pending--
	d.levels[n.level].done++
	if n.level == d.depth {
		return
	}
	if len(d.levels) == n.level+1 {
		d.levels = append(d.levels, level{})
	}
	if result.Failed {
		d.pruned++
		return
	}
	after := result.Choices
	if n.parent != nil {
		at := find(after, n.own)
		if at < 0 {
			d.parted++
			return
		}
		after = after[at+1:]
	}
	for _, c := range after {
		tried := min(c.N-1, d.config.Answers)
		d.left += c.N - 1 - tried
		d.levels[n.level+1].total += tried
	}
	if d.bytes > spaceLimit {
		d.dropped++
		return
	}
	n.space = d.labels.pack(after)
	d.bytes += len(n.space)
}

func find(choices []choice.Choice, d choice.Deviation) int {
	for i, c := range choices {
		if c.Label == d.Label && c.Occurrence == d.Occurrence {
			return i
		}
	}
	return -1
}

// Coverage says for example: all 1,284 schedules within 1 deviation; 31% of those within 2.
func (d *deviations) Coverage() string {
	if d.levels[0].done == 0 {
		return d.Name() + ": not yet run"
	}
	var parts []string
	total, done := 0, 0
	complete := true // all shallower levels are
	for i, l := range d.levels {
		known := l.total
		if i > 0 {
			if above := d.levels[i-1]; above.done < above.total && above.done > 0 { // an estimate
				known = int(float64(known) * float64(above.total) / float64(above.done))
			}
		}
		total += known
		done += l.done
		if complete && l.done == l.total && d.dropped == 0 {
			parts = []string{d.whole(i, total)}
			continue
		}
		share := 0.0
		if total > 0 {
			share = 100 * float64(done) / float64(total)
		}
		about := ""
		if !complete {
			about = "about "
		}
		parts = append(parts, fmt.Sprintf("%s%s of the %s%s within %d", about, percent(share), about,
			number(total), i))
		complete = false
	}
	return d.Name() + ": " + strings.Join(parts, "; ") + d.remarks()
}

// whole says that all schedules with at most i deviations have been tried. When none has exactly i, none has
// more.
func (d *deviations) whole(i, total int) string {
	if i == 0 {
		return "the run without deviations"
	}
	if d.levels[i].total == 0 {
		i = d.depth
	}
	return fmt.Sprintf("all %s within %s", count(total, "schedule"), count(i, "deviation"))
}

// remarks says what was left out.
func (d *deviations) remarks() string {
	var remarks []string
	add := func(n int, format string, args ...any) {
		if n > 0 {
			remarks = append(remarks, fmt.Sprintf(format, args...))
		}
	}
	add(d.config.Shards-1, "shard %d of %d", d.config.Shard, d.config.Shards)
	add(d.left, "%s of choices with more than %d left out", count(d.left, "answer"), d.config.Answers)
	add(d.pruned, "%s not deviated from further", count(d.pruned, "failing schedule"))
	add(d.dropped, "%s not deviated from for want of memory", count(d.dropped, "schedule"))
	add(d.parted, "%s did not repeat: the program is not deterministic", count(d.parted, "schedule"))
	if len(remarks) == 0 {
		return ""
	}
	return " (" + strings.Join(remarks, "; ") + ")"
}

// percent never rounds to a whole that was not reached.
func percent(share float64) string {
	switch {
	case share > 99 && share < 100:
		return "99%"
	case share > 0 && share < 1:
		return "under 1%"
	}
	return fmt.Sprintf("%.0f%%", share)
}
