package explore_test

import (
	"fmt"
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/explore"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSwarmAnswersAlikeBoundOrNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := choice.Query{
			Label:      rapid.SampledFrom([]string{"a", "a/b", "c/b", "a/crash/commit", "/", ""}).Draw(t, "label"),
			Occurrence: rapid.IntRange(1, 3000).Draw(t, "occurrence"),
			N:          rapid.IntRange(2, 9).Draw(t, "n"),
			Rate:       rapid.SampledFrom([]float64{0, 0.02, 0.5, 1, choice.Never}).Draw(t, "rate"),
		}
		src := explore.Swarm(rapid.Uint64().Draw(t, "seed")).(choice.Binder)
		answer := src.Answer(q)
		require.Equal(t, answer, src.Bind(q.Label).Answer(q))
		require.GreaterOrEqual(t, answer, 0)
		require.Less(t, answer, q.N)
		switch q.Rate {
		case 1:
			require.NotZero(t, answer, "what is certain is no matter of mood")
		case choice.Never:
			require.Zero(t, answer)
		}
	})
}

// fired counts the faults of one seed at a place that can fail 500 times with a probability of 2%.
func fired(seed uint64, label string) int {
	p, n := choice.NewList(explore.Swarm(seed)).Point(label), 0
	for range 500 {
		if p.Chance(0.02, 4) != 0 {
			n++
		}
	}
	return n
}

func TestSeedsOfASwarmDiffer(t *testing.T) {
	const seeds = 2000
	none, few, usual, many := 0, 0, 0, 0
	for seed := range uint64(seeds) {
		switch n := fired(seed, "worker/crash/commit"); {
		case n == 0:
			none++
		case n < 5:
			few++
		case n < 20:
			usual++
		default:
			many++
		}
	}
	for name, n := range map[string]int{"none": none, "few": few, "usual": usual, "many": many} {
		require.Greater(t, n, seeds/8, "%s: %d of %d seeds", name, n, seeds)
	}
}

func TestANodeCanBeWorseOff(t *testing.T) {
	alike, apart := 0, 0
	for seed := range uint64(2000) {
		a, b := fired(seed, "a/crash/commit"), fired(seed, "b/crash/commit")
		switch {
		case a > 40 && b > 40:
			alike++
		case a > 40 && b == 0, b > 40 && a == 0:
			apart++
		}
	}
	require.Greater(t, alike, 120, "often a class has one mood")
	require.Greater(t, apart, 50, "sometimes each label has its own")
}

func TestBurstsAreShort(t *testing.T) {
	bursts := 0
	for seed := range uint64(2000) {
		p := choice.NewList(explore.Swarm(seed)).Point("worker/crash/commit")
		first, last, n := 0, 0, 0
		for range 1000 {
			if p.Chance(0.0001, 2) != 0 {
				if first == 0 {
					first = p.Occurrences()
				}
				last = p.Occurrences()
				n++
			}
		}
		if n >= 3 && last-first < 8 {
			bursts++
		}
	}
	require.Greater(t, bursts, 50, "faults in close succession, at a rate that never gives two otherwise")
}

func TestOrdersOfASwarm(t *testing.T) {
	dull, last, mixed := 0, 0, 0
	for seed := range uint64(1000) {
		p, counts := choice.NewList(explore.Swarm(seed)).Point("worker/completes"), [5]int{}
		for range 100 {
			counts[p.Pick(5)]++
		}
		switch {
		case counts[0] > 80:
			dull++
		case counts[0]+counts[4] == 100:
			last++
		case counts[1] > 5 && counts[2] > 5 && counts[3] > 5:
			mixed++
		}
	}
	for name, n := range map[string]int{"dull": dull, "last first": last, "mixed": mixed} {
		require.Greater(t, n, 100, "%s: %d", name, n)
	}
}

func TestOneFormOfAFaultCanPrevail(t *testing.T) {
	prevails := make(map[string]int)
	for seed := range uint64(1000) {
		p, counts := choice.NewList(explore.Swarm(seed)).Point("worker/crash/commit"), [4]int{}
		for range 400 {
			counts[p.Chance(0.2, 4)]++
		}
		for form := 1; form < 4; form++ {
			if n := counts[form]; n > 50 && n > 2*(counts[1]+counts[2]+counts[3]-n) {
				prevails[fmt.Sprint(form)]++
			}
		}
	}
	for form := 1; form < 4; form++ {
		require.Greater(t, prevails[fmt.Sprint(form)], 50, prevails)
	}
}
