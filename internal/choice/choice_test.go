package choice_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// constant answers everything alike, whatever is on offer.
func constant(answer int) choice.Source {
	return choice.SourceFunc(func(choice.Query) int { return answer })
}

func TestPickAnswersWithinBounds(t *testing.T) {
	for _, c := range []struct{ source, n, want int }{
		{0, 3, 0},
		{2, 3, 2},
		{3, 3, 2},
		{math.MaxInt, 3, 2},
		{-1, 3, 0},
		{math.MinInt, 3, 0},
		{7, 1, 0},
		{math.MaxInt, choice.MaxAnswers, choice.MaxAnswers - 1},
	} {
		require.Equal(t, c.want, choice.NewList(constant(c.source)).Pick("x", c.n), "%+v", c)
		require.Equal(t, c.want, choice.NewList(constant(c.source)).Point("x").Chance(0.5, c.n), "%+v", c)
	}
}

func TestPickMisuse(t *testing.T) {
	list := choice.NewList(choice.FIFO())
	require.PanicsWithValue(t, `choice: Pick("worker/torn", 0): there must be at least one answer; `+
		`check for an empty set before you pick from it`, func() { list.Pick("worker/torn", 0) })
	require.PanicsWithValue(t, `choice: Pick("worker/torn", 4294967296): at most 2147483647 answers; `+
		`split the question into two picks`, func() { list.Point("worker/torn").Chance(1, 1<<32) })
	require.Zero(t, list.Point("worker/torn").Occurrences())
}

func TestOneAnswerIsCountedButNotAChoice(t *testing.T) {
	list := choice.NewList(constant(1))
	p := list.Point("p")
	require.Equal(t, []int{1, 0, 1}, []int{p.Pick(2), p.Pick(1), p.Pick(2)})
	require.Equal(t, 3, p.Occurrences())
	require.Equal(t, 2, list.Len())
	require.Equal(t, []choice.Choice{
		{Label: "p", Occurrence: 1, N: 2, Answer: 1},
		{Label: "p", Occurrence: 3, N: 2, Answer: 1},
	}, list.Choices())
}

func TestListRecordsInOrder(t *testing.T) {
	list := choice.NewList(choice.SourceFunc(func(q choice.Query) int { return q.Occurrence % 2 * (q.N - 1) }))
	a, b := list.Point("a"), list.Point("b")
	require.Same(t, a, list.Point("a"))
	require.Equal(t, "b", b.Label())
	a.Pick(3)
	b.Chance(0.1, 5)
	a.Pick(3)
	list.Pick("a", 4)
	require.Equal(t, []choice.Choice{
		{Label: "a", Occurrence: 1, N: 3, Answer: 2},
		{Label: "b", Occurrence: 1, N: 5, Answer: 4, Rated: true},
		{Label: "a", Occurrence: 2, N: 3, Answer: 0},
		{Label: "a", Occurrence: 3, N: 4, Answer: 3},
	}, list.Choices())
	require.Equal(t, []choice.Deviation{
		{Label: "a", Occurrence: 1, Answer: 2},
		{Label: "b", Occurrence: 1, Answer: 4},
		{Label: "a", Occurrence: 3, Answer: 3},
	}, list.Deviations())
}

func TestTheSourceIsAskedWithAllItNeeds(t *testing.T) {
	var asked []choice.Query
	list := choice.NewList(choice.SourceFunc(func(q choice.Query) int {
		asked = append(asked, q)
		return 0
	}))
	p := list.Point("p")
	p.Pick(4)
	p.Chance(0.25, 2)
	p.Chance(7, 2)
	p.Chance(0, 2)
	p.Chance(-3, 2)
	p.Chance(math.NaN(), 2)
	require.Equal(t, []choice.Query{
		{Label: "p", Occurrence: 1, N: 4, Rate: 0},
		{Label: "p", Occurrence: 2, N: 2, Rate: 0.25},
		{Label: "p", Occurrence: 3, N: 2, Rate: 1},
		{Label: "p", Occurrence: 4, N: 2, Rate: choice.Never},
		{Label: "p", Occurrence: 5, N: 2, Rate: choice.Never},
		{Label: "p", Occurrence: 6, N: 2, Rate: choice.Never},
	}, asked)
}

func TestNotesStayWithTheirDeviation(t *testing.T) {
	answers := map[string]int{"a": 1, "b": 0, "c": 2}
	list := choice.NewList(choice.SourceFunc(func(q choice.Query) int { return answers[q.Label] }))
	a, b, c := list.Point("a"), list.Point("b"), list.Point("c")
	for range 2 {
		c.Pick(3)
		a.Pick(2)
		b.Pick(2)
		b.Note("dull answers have no note")
		a.Note("a: first try")
		c.Note(" c\n is\tone  line ")
	}
	a.Note("a: second try")
	a.Pick(1)
	a.Note("a single answer has no note")
	require.Equal(t, []choice.Deviation{
		{Label: "c", Occurrence: 1, Answer: 2, Note: "c is one line"},
		{Label: "a", Occurrence: 1, Answer: 1, Note: "a: first try"},
		{Label: "c", Occurrence: 2, Answer: 2, Note: "c is one line"},
		{Label: "a", Occurrence: 2, Answer: 1, Note: "a: second try"},
	}, list.Deviations())
}

// program is a little simulation whose course depends on its answers. It returns what it saw.
func program(list *choice.List, steps int) string {
	saw := ""
	crash := list.Point("worker/crash")
	for i, state := 0, 1; i < steps; i++ {
		switch {
		case state%7 == 3:
			answer := crash.Chance(0.3, 4)
			saw += fmt.Sprint("!", answer)
			state += 1 + answer
		case state%5 == 0:
			answer := list.Pick("worker/completes", state%4+1)
			saw += fmt.Sprint("c", answer)
			state = state*3 + answer + 1
		default:
			answer := list.Pick(fmt.Sprint("p/", state%3), 3)
			saw += fmt.Sprint("p", answer)
			state += 1 + answer*2
		}
		state %= 1000
	}
	return saw
}

func TestReproduceGivesTheSameRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, steps := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 200).Draw(t, "steps")
		first := choice.NewList(choice.Seeded(seed))
		saw := program(first, steps)
		source := choice.Reproduce(first.Deviations())
		again := choice.NewList(source)
		require.Equal(t, saw, program(again, steps))
		require.Equal(t, first.Choices(), again.Choices())
		require.Zero(t, source.Drift())
		require.Empty(t, source.Drifted())
	})
}

func TestDriftIsCountedNotFatal(t *testing.T) {
	gone := choice.Deviation{Label: "gone", Occurrence: 1, Answer: 1}
	single := choice.Deviation{Label: "a", Occurrence: 2, Answer: 1}
	large := choice.Deviation{Label: "a", Occurrence: 3, Answer: 4}
	fine := choice.Deviation{Label: "a", Occurrence: 1, Answer: 2}
	twice := choice.Deviation{Label: "a", Occurrence: 1, Answer: 1}
	late := choice.Deviation{Label: "a", Occurrence: 9, Answer: 1}
	source := choice.Reproduce([]choice.Deviation{late, gone, large, fine, twice, single})
	list := choice.NewList(source)
	require.Equal(t, 2, list.Pick("a", 3), "the first of two deviations for one choice counts")
	require.Equal(t, 0, list.Pick("a", 1), "a choice with one answer is not asked")
	require.Equal(t, 3, list.Pick("a", 4), "the nearest answer on offer")
	require.Equal(t, 0, list.Pick("a", 4))
	require.Equal(t, 0, list.Pick("b", 4))
	require.Equal(t, []choice.Deviation{late, gone, large, twice, single}, source.Drifted())
	require.Equal(t, 5, source.Drift())
	require.Equal(t, []choice.Deviation{fine, {Label: "a", Occurrence: 3, Answer: 3}}, list.Deviations())
}

func TestFIFOAnswersNothingElse(t *testing.T) {
	list := choice.NewList(choice.FIFO())
	program(list, 500)
	require.Empty(t, list.Deviations())
	require.Greater(t, list.Len(), 400)
}

func TestPickDoesNotAllocate(t *testing.T) {
	list := choice.NewList(choice.Seeded(1))
	p := list.Point("worker/completes")
	require.Zero(t, testing.AllocsPerRun(20_000, func() { p.Pick(5) }), "amortised over the growth of the list")
	require.Zero(t, testing.AllocsPerRun(20_000, func() { p.Chance(0.1, 5) }))
}
