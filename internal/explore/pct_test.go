package explore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/explore"
	"github.com/stretchr/testify/require"
)

// measure returns the size of the fault-free FIFO run of some chains.
func measure(lengths ...int) explore.Size {
	list := choice.NewList(choice.FIFO())
	chains(list, lengths...)
	return explore.Measure(list.Choices(), explore.Config{})
}

func TestMeasureCountsChains(t *testing.T) {
	for _, c := range []struct {
		lengths      []int
		chains, pick int
	}{
		{[]int{1, 1}, 2, 1},
		{[]int{4, 4, 4}, 3, 11},
		{[]int{7, 1, 3}, 3, 7},
		{[]int{5}, 0, 0}, // alone there is nothing to order
	} {
		size := measure(c.lengths...)
		require.Equal(t, []int{c.chains, c.pick}, []int{size.Chains(), size.Steps()}, "%v", c.lengths)
	}
}

func TestMeasureFollowsChainsInAnyOrder(t *testing.T) {
	for seed := range uint64(500) {
		list := choice.NewList(choice.Seeded(seed))
		order := chains(list, 5, 3, 6, 4)
		size := explore.Measure(list.Choices(), explore.Config{})
		require.Equal(t, 4, size.Chains(), "seed %d: %s", seed, order)
	}
}

func TestMeasureTellsLabelsApart(t *testing.T) {
	list := choice.NewList(choice.FIFO())
	for range 3 {
		list.Pick("b/completes", 2)
		list.Pick("latency", 5)
		list.Pick("a/completes", 3)
		list.Pick("b/completes", 1)
	}
	require.Equal(t, explore.Size{Labels: []explore.LabelSize{
		{Label: "b/completes", Chains: 4, Picks: 3}, // between picks among one, what is left goes on
		{Label: "a/completes", Chains: 3, Picks: 3},
	}}, explore.Measure(list.Choices(), explore.Config{}))
	only := explore.Config{Class: func(label string) explore.Class {
		if label == "latency" {
			return explore.Order
		}
		return explore.Free
	}}
	require.Equal(t, "latency", explore.Measure(list.Choices(), only).Labels[0].Label)
}

// With depth 1 there are priorities and nothing else: each chain runs to its end before a lower one begins.
func TestDepthOneRunsChainByChain(t *testing.T) {
	size, seen := measure(3, 3, 3), make(map[string]int)
	for seed := range uint64(600) {
		list := choice.NewList(explore.PCT(seed, 1, size, explore.Config{}))
		seen[chains(list, 3, 3, 3)]++
	}
	require.Len(t, seen, 6, "all orders of three chains, and no other: %v", seen)
	for order, n := range seen {
		require.InDelta(t, 100, n, 50, order)
		require.Regexp(t, "^(a1 a2 a3 ?|b1 b2 b3 ?|c1 c2 c3 ?)+$", order)
	}
}

// With depth d a chain gives way at most d-1 times.
func TestDepthBoundsTheSwitches(t *testing.T) {
	for depth := 1; depth <= 4; depth++ {
		size, most := measure(4, 4, 4), 0
		for seed := range uint64(2000) {
			list := choice.NewList(explore.PCT(seed, depth, size, explore.Config{}))
			steps := strings.Fields(chains(list, 4, 4, 4))
			gaveWay := 0
			for i := 1; i < len(steps); i++ {
				if steps[i][0] != steps[i-1][0] && steps[i-1][1] != '4' {
					gaveWay++
				}
			}
			most = max(most, gaveWay)
		}
		require.Equal(t, depth-1, most, "depth %d", depth)
	}
}

func before(order string, pairs ...string) bool {
	steps := strings.Fields(order)
	for _, pair := range pairs {
		x, y, _ := strings.Cut(pair, "<")
		if slices.Index(steps, x) > slices.Index(steps, y) {
			return false
		}
	}
	return true
}

// The bound holds for every bug of depth d: d orderings between steps that suffice. All bugs of depth 1 and 2
// over three chains are tried, and some of depth 3.
func TestTheBoundHolds(t *testing.T) {
	seeds := map[int]int{1: 2000, 2: 5000, 3: 40_000}
	var steps []string
	for _, c := range "abc" {
		for n := 1; n <= 4; n++ {
			steps = append(steps, fmt.Sprint(string(c), n))
		}
	}
	bugs := map[int][][]string{3: {{"c1<a2", "a2<c2", "c3<b1"}, {"b2<a1", "a2<b3", "b3<a3"}}}
	for _, x := range steps {
		for _, y := range steps {
			if x[0] == y[0] {
				continue
			}
			bugs[1] = append(bugs[1], []string{x + "<" + y})
			if x[1] < '4' && y[1] < '4' { // x before y, and the next of y's chain before the next of x's
				next := func(s string) string { return s[:1] + string(s[1]+1) }
				bugs[2] = append(bugs[2], []string{x + "<" + y, next(y) + "<" + next(x)})
			}
		}
	}
	size := measure(4, 4, 4)
	for depth := 1; depth <= 3; depth++ {
		bound := size.Bound(depth)
		orders := make([]string, seeds[depth])
		for seed := range orders {
			list := choice.NewList(explore.PCT(uint64(seed), depth, size, explore.Config{}))
			orders[seed] = chains(list, 4, 4, 4)
		}
		least := 1.0
		for _, bug := range bugs[depth] {
			found := 0
			for _, order := range orders {
				if before(order, bug...) {
					found++
				}
			}
			rate := float64(found) / float64(len(orders))
			least = min(least, rate)
			require.Greater(t, rate, bound*0.85, "depth %d: %v", depth, bug)
		}
		t.Logf("depth %d: %d bugs, least rate %.4f, bound %.4f", depth, len(bugs[depth]), least, bound)
	}
}

func TestBoundsAsNumbers(t *testing.T) {
	size := explore.Size{Labels: []explore.LabelSize{
		{Label: "a/completes", Chains: 2, Picks: 30}, {Label: "b/completes", Chains: 3, Picks: 10},
	}}
	require.InDelta(t, 1./5, size.Bound(1), 1e-12)
	require.InDelta(t, 1./(5*40), size.Bound(2), 1e-12)
	require.InDelta(t, 1./(5*40*40), size.Bound(3), 1e-12)
	require.InDelta(t, 0.995*0.995, size.Miss(2, 2), 1e-12)
	require.InDelta(t, 1, explore.Size{}.Bound(3), 1e-12)
	require.Zero(t, explore.Size{}.Miss(3, 10))
}

func TestPCTMeasuresFirst(t *testing.T) {
	s := parse(t, "pct:2", explore.Config{Seed: 1})
	require.Equal(t, "pct:2: not yet measured", s.Coverage())
	first, ok := s.Next()
	require.True(t, ok && first.Measures && first.Learns)
	_, ok = s.Next()
	require.False(t, ok, "nothing to hand out while it is being measured")
	list := choice.NewList(first.Source)
	require.Equal(t, "a1 b1 c1 a2 b2 c2", chains(list, 2, 2, 2))
	s.Done(first, explore.Result{Choices: list.Choices()})

	sweep(s, 1000, func(r explore.Run, list *choice.List) bool {
		require.False(t, r.Measures)
		chains(list, 2, 2, 2)
		return false
	})
	require.Equal(t, "pct:2: 1,000 seeds; a seed meets a bug of depth 2 with probability at least "+
		"1/(3·5^1) = 0.067; all of them miss one with probability at most 1.1e-30", s.Coverage())
	sweep(s, 100, func(_ explore.Run, list *choice.List) bool { chains(list, 4, 4, 4); return false })
	require.Contains(t, s.Coverage(), " (within the first 5 of up to 11 picks)")
}

// A probability of 1 to find what there is nothing of would be a lie.
func TestPCTWithoutAnythingToOrderHasNoBound(t *testing.T) {
	s := parse(t, "pct:3", explore.Config{Seed: 1})
	first, ok := s.Next()
	require.True(t, ok)
	s.Done(first, explore.Result{})
	sweep(s, 7, func(_ explore.Run, list *choice.List) bool { chains(list, 2, 2); return false })
	require.Equal(t, "pct:3: 7 seeds; no bound, for the run without deviations has nothing to order "+
		"(later ones had up to 2 picks)", s.Coverage())
}

// After a crash the queue is another one. The source can't know, and must go on.
func TestPCTOutlivesACrash(t *testing.T) {
	size := measure(5, 5, 5, 5)
	for seed := range uint64(300) {
		src := explore.PCT(seed, 3, size, explore.Config{}).(choice.Binder).Bind("worker/completes")
		for i, n := range []int{4, 4, 7, 2, 2, 1, 1, 9, 3, 1, 2, 20, 2} {
			if n > 1 {
				q := choice.Query{Label: "worker/completes", Occurrence: i + 1, N: n}
				require.Less(t, src.Answer(q), n)
			}
		}
	}
}

func TestPCTIsAskedThroughLists(t *testing.T) {
	src := explore.PCT(1, 2, explore.Size{}, explore.Config{})
	require.Panics(t, func() { src.Answer(choice.Query{Label: "a/completes", Occurrence: 1, N: 2}) })
}
