package choice_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// query is one question of a made-up run.
func query() *rapid.Generator[choice.Query] {
	return rapid.Custom(func(t *rapid.T) choice.Query {
		return choice.Query{
			Label: rapid.SampledFrom([]string{"a", "b", "a/b", "b/a", "", "worker/crash/commit"}).Draw(t, "label"),
			N:     rapid.IntRange(1, 9).Draw(t, "n"),
			Rate:  rapid.SampledFrom([]float64{0, 0, 0.5, 1, choice.Never}).Draw(t, "rate"),
		}
	})
}

// answers asks all queries of one list and returns the answers by label.
func answers(src choice.Source, queries []choice.Query) map[string][]int {
	list, got := choice.NewList(src), make(map[string][]int)
	for _, q := range queries {
		p := list.Point(q.Label)
		if q.Rate == 0 {
			got[q.Label] = append(got[q.Label], p.Pick(q.N))
		} else {
			got[q.Label] = append(got[q.Label], p.Chance(q.Rate, q.N))
		}
	}
	return got
}

func TestOneMoreDrawChangesNoOtherLabel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		before := rapid.SliceOf(query()).Draw(t, "before")
		after := rapid.SliceOf(query()).Draw(t, "after")
		more := query().Draw(t, "more")
		without := answers(choice.Seeded(seed), append(before[:len(before):len(before)], after...))
		with := answers(choice.Seeded(seed), append(append(before[:len(before):len(before)], more), after...))
		delete(without, more.Label)
		delete(with, more.Label)
		require.Equal(t, without, with)
	})
}

func TestSeededAnswersAlikeBoundOrNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := choice.Seeded(rapid.Uint64().Draw(t, "seed"))
		q := query().Draw(t, "query")
		q.Occurrence = rapid.IntRange(1, 1<<31).Draw(t, "occurrence")
		require.Equal(t, src.Answer(q), src.(choice.Binder).Bind(q.Label).Answer(q))
	})
}

func TestSeedsAndLabelsGiveOtherAnswers(t *testing.T) {
	draw := func(seed uint64, label string) string {
		list, text := choice.NewList(choice.Seeded(seed)), ""
		for range 40 {
			text += fmt.Sprint(list.Pick(label, 10))
		}
		return text
	}
	seen := make(map[string]string)
	for _, label := range []string{"a", "b", "ab", "a/b", "b/a", ""} {
		for _, seed := range []uint64{0, 1, 2, 3, 1 << 63, math.MaxUint64} {
			text, name := draw(seed, label), fmt.Sprint(seed, " ", label)
			require.NotContains(t, seen, text, "%s draws the same as %s", name, seen[text])
			seen[text] = name
		}
	}
	// Users write seeds down: what one means changes only together with the schedule format.
	require.Equal(t, "2118625257516277424283689692986502778278", draw(42, "worker/completes"))
}

func TestUniformAnswersAreUniform(t *testing.T) {
	for _, n := range []int{2, 3, 5, 10, 64, 100} {
		const draws = 60_000
		counts := make([]int, n)
		for seed := range uint64(6) {
			list := choice.NewList(choice.Seeded(seed))
			for range draws / 6 {
				counts[list.Pick("p", n)]++
			}
		}
		chi, expected := 0.0, float64(draws)/float64(n)
		for _, c := range counts {
			chi += (float64(c) - expected) * (float64(c) - expected) / expected
		}
		// The statistic has mean n-1 and variance 2(n-1); five deviations are far out.
		require.Less(t, chi, float64(n-1)+5*math.Sqrt(2*float64(n-1)), "n=%d: %v", n, counts)
	}
}

func TestChanceDeviatesAtItsRate(t *testing.T) {
	for _, rate := range []float64{0.001, 0.02, 0.25, 0.5, 0.99} {
		const draws = 100_000
		counts := make([]int, 4)
		p := choice.NewList(choice.Seeded(7)).Point("worker/crash/commit")
		for range draws {
			counts[p.Chance(rate, 4)]++
		}
		deviations := draws - counts[0]
		require.InDelta(t, rate*draws, deviations, 5*math.Sqrt(draws*rate*(1-rate)), "rate %v", rate)
		for _, c := range counts[1:] {
			share := float64(deviations) / 3
			require.InDelta(t, share, c, 5*math.Sqrt(share), "rate %v: %v", rate, counts)
		}
	}
	p := choice.NewList(choice.Seeded(7)).Point("p")
	for range 10_000 {
		require.Zero(t, p.Chance(0, 4))
		require.NotZero(t, p.Chance(1, 4))
	}
}

// Neighbouring occurrences, seeds and labels must not go together.
func TestAnswersDoNotCorrelate(t *testing.T) {
	const draws = 40_000
	agree := func(other func(seed uint64, i int) int) int {
		same := 0
		for i := range draws {
			seed := uint64(i)
			if choice.NewStream(seed, "a").Below(1, 2) == other(seed, i) {
				same++
			}
		}
		return same
	}
	for name, same := range map[string]int{
		"next occurrence": agree(func(seed uint64, _ int) int { return choice.NewStream(seed, "a").Below(2, 2) }),
		"next seed":       agree(func(seed uint64, _ int) int { return choice.NewStream(seed+1, "a").Below(1, 2) }),
		"other label":     agree(func(seed uint64, _ int) int { return choice.NewStream(seed, "b").Below(1, 2) }),
	} {
		require.InDelta(t, draws/2, same, 5*math.Sqrt(draws)/2, name)
	}
}
