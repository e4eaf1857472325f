// Package choice holds the one list of choices that decides a simulated run.
//
// Everything that is undetermined in a simulation is asked as one question: which of n answers?
//
//	point := list.Point("worker/completes")
//	next := point.Pick(len(pending)) // 0..len(pending)-1
//
// Answer 0 is always the dullest one: the oldest completion, no delay, no fault, the zero value. The
// terms:
//
//   - A point is a place that asks, known by its label ("worker/crash/commit").
//   - A choice is one answered question. It is known by its label and its occurrence under that label,
//     counted from 1 ("worker/crash/commit#7"), never by its position in the whole run. One more question
//     somewhere therefore moves no answer elsewhere, and an old schedule still applies after the code has
//     changed.
//   - A deviation is a choice that was not answered with 0. The deviations of a run are all that must be
//     stored to see it again: a [Schedule] is a header and a line for each of them.
//   - A source answers: [Seeded] from a number, [Reproduce] from deviations, [FIFO] with 0. Package
//     explore has more of them.
//
// A [List] asks its source, bounds the answer, and records it:
//
//	list := choice.NewList(choice.Seeded(42))
//	run(list)                          // draws with Pick and Chance
//	devs := list.Deviations()          // what was not dull
//	again := choice.NewList(choice.Reproduce(devs))
//	run(again)                         // the same run
//
// Limits: a list and its points belong to one run and one thread of control at a time. A question has at
// most [MaxAnswers] answers. A place with one answer is counted, so that occurrences keep their meaning,
// but nobody is asked and nothing is recorded.
package choice

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
)

// MaxAnswers is the largest n that Pick takes.
const MaxAnswers = math.MaxInt32

// Never as the Rate of a [Query] says that random sources answer 0, while exploration and reproduction
// may deviate.
const Never = -1

// Query is one question to a [Source].
type Query struct {
	Label      string // the point that asks
	Occurrence int    // how often this label has asked, this question included: 1, 2, …
	N          int    // the answers are 0..N-1; N is at least 2

	// Rate is for random sources: at 0 any answer is as good as another, above it is the probability of an
	// answer other than 0. See also Never.
	Rate float64
}

// Source answers questions. What it returns is bounded to 0..N-1 by the list that asks.
type Source interface {
	Answer(q Query) int
}

// SourceFunc lets a function be a [Source].
type SourceFunc func(q Query) int

// Answer calls f.
func (f SourceFunc) Answer(q Query) int { return f(q) }

// Binder is a [Source] that prepares the answers of one label once, when a list first meets the label.
// The bound source is then asked in place of the source itself; both must answer alike.
type Binder interface {
	Source
	Bind(label string) Source // asked once for each label and list
}

// FIFO is the source of the run without deviations: it answers 0 to everything.
func FIFO() Source { return fifo{} }

type fifo struct{}

func (fifo) Answer(Query) int { return 0 }

// Choice is one recorded answer.
type Choice struct {
	Label      string
	Occurrence int  // 1-based under the label
	N          int  // the answers were 0..N-1
	Answer     int  // the one that was given
	Rated      bool // asked with Chance: 0 is the rule and the rest is a fault
}

// Deviation is a choice that was not answered with 0.
type Deviation struct {
	Label      string
	Occurrence int    // 1-based under the label
	Answer     int    // at least 1
	Note       string // one line for people: what the answer meant; has no effect on a run
}

// String gives the deviation as in a schedule file, without its note: worker/crash/commit#7 = 2.
func (d Deviation) String() string {
	return fmt.Sprintf("%s#%d = %d", quoteLabel(d.Label), d.Occurrence, d.Answer)
}

// Same reports whether d and other answer the same choice, whatever the answers.
func (d Deviation) Same(other Deviation) bool {
	return d.Label == other.Label && d.Occurrence == other.Occurrence
}

// record is a Choice in 16 bytes without pointers.
type record struct {
	point      uint32
	occurrence uint32
	n          uint32 // with ratedBit
	answer     uint32
}

const ratedBit = 1 << 31

// List asks a source, and records what it answered.
type List struct {
	source  Source
	binder  Binder // source, when it is one
	points  []*Point
	byLabel map[string]*Point
	records []record
	notes   []note
}

type note struct {
	record int
	text   string
}

// NewList returns an empty list that asks src.
func NewList(src Source) *List {
	l := &List{byLabel: make(map[string]*Point, 16), records: make([]record, 0, 64)}
	l.Reset(src)
	return l
}

// Reset empties the list for another run, which asks src, and keeps its memory. The points of the run before
// belong to no list any more.
func (l *List) Reset(src Source) {
	clear(l.points)
	clear(l.byLabel)
	*l = List{source: src, points: l.points[:0], byLabel: l.byLabel, records: l.records[:0]}
	l.binder, _ = src.(Binder)
}

// Point returns the point with this label, always the same one. Keep it where a place asks often.
func (l *List) Point(label string) *Point {
	if p, ok := l.byLabel[label]; ok {
		return p
	}
	p := &Point{list: l, label: label, source: l.source, id: uint32(len(l.points)), last: -1}
	if l.binder != nil {
		p.source = l.binder.Bind(label)
	}
	l.points = append(l.points, p)
	l.byLabel[label] = p
	return p
}

// Pick asks for one of n answers under the label: 0..n-1. It panics when n is below 1.
func (l *List) Pick(label string, n int) int { return l.Point(label).Pick(n) }

// Len returns how many choices are recorded; questions with a single answer are not.
func (l *List) Len() int { return len(l.records) }

// Choices returns all recorded choices in the order in which they were made.
func (l *List) Choices() []Choice {
	all := make([]Choice, len(l.records))
	for i, r := range l.records {
		all[i] = Choice{
			Label: l.points[r.point].label, Occurrence: int(r.occurrence), N: int(r.n &^ ratedBit),
			Answer: int(r.answer), Rated: r.n&ratedBit != 0,
		}
	}
	return all
}

// Deviations returns the recorded choices that were not answered with 0, in the order in which they were
// made.
func (l *List) Deviations() []Deviation {
	var devs []Deviation
	notes := l.notes
	for i, r := range l.records {
		if r.answer == 0 {
			continue
		}
		d := Deviation{Label: l.points[r.point].label, Occurrence: int(r.occurrence), Answer: int(r.answer)}
		for len(notes) > 0 && notes[0].record < i {
			notes = notes[1:]
		}
		if len(notes) > 0 && notes[0].record == i {
			d.Note = notes[0].text
		}
		devs = append(devs, d)
	}
	return devs
}

// Point is a place that asks, with its label.
type Point struct {
	list   *List
	source Source
	label  string
	id     uint32
	count  int
	last   int // index of the record of the latest question; -1 when it was not recorded
}

// Label returns the label of the point.
func (p *Point) Label() string { return p.label }

// Occurrences returns how often the point has asked, questions with a single answer included.
func (p *Point) Occurrences() int { return p.count }

// Pick asks for one of n answers: 0..n-1. Random sources give each answer the same chance. It panics when
// n is below 1 or above [MaxAnswers].
func (p *Point) Pick(n int) int { return p.ask(0, n) }

// Chance asks for one of n answers, where a random source deviates from 0 with the probability rate
// (bounded to 0..1), each deviating answer alike. Sources that reproduce or enumerate ignore the rate.
func (p *Point) Chance(rate float64, n int) int {
	switch {
	case !(rate > 0): // NaN too
		rate = Never
	case rate > 1:
		rate = 1
	}
	return p.ask(rate, n)
}

func (p *Point) ask(rate float64, n int) int {
	if n < 1 || n > MaxAnswers {
		panic(p.misuse(n))
	}
	p.count++
	if n == 1 {
		p.last = -1
		return 0
	}
	answer := p.source.Answer(Query{Label: p.label, Occurrence: p.count, N: n, Rate: rate})
	answer = max(0, min(answer, n-1))
	l := p.list
	r := record{point: p.id, occurrence: uint32(p.count), n: uint32(n), answer: uint32(answer)}
	if rate != 0 {
		r.n |= ratedBit
	}
	p.last = len(l.records)
	l.records = append(l.records, r)
	return answer
}

// Note says in one line what the point's latest answer meant, for reports and schedule files. It is
// dropped when the answer was 0.
func (p *Point) Note(text string) {
	l := p.list
	if p.last < 0 || l.records[p.last].answer == 0 {
		return
	}
	n := note{record: p.last, text: oneLine(text)}
	i, found := slices.BinarySearchFunc(l.notes, p.last, func(n note, at int) int { return n.record - at })
	if found {
		l.notes[i] = n
		return
	}
	l.notes = slices.Insert(l.notes, i, n)
}

func (p *Point) misuse(n int) string {
	if n > MaxAnswers {
		return fmt.Sprintf("choice: Pick(%q, %d): at most %d answers; split the question into two picks",
			p.label, n, MaxAnswers)
	}
	return fmt.Sprintf("choice: Pick(%q, %d): there must be at least one answer; "+
		"check for an empty set before you pick from it", p.label, n)
}

// oneLine replaces each run of white space and control characters by one space.
func oneLine(text string) string {
	gap := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), gap), " ")
}
