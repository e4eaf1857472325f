package explore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/explore"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// chains is a simulation in which chains of steps run side by side: when a step completes, the next one of
// its chain begins. Which completion comes next is picked. It returns the steps in the order of completion:
// "a1 b1 a2".
func chains(list *choice.List, lengths ...int) string {
	completes := list.Point("worker/completes")
	type step struct{ chain, number int }
	var pending []step
	for c := range lengths {
		pending = append(pending, step{c, 1})
	}
	var done []string
	for len(pending) > 0 {
		i := completes.Pick(len(pending))
		s := pending[i]
		pending = slices.Delete(pending, i, i+1)
		done = append(done, fmt.Sprintf("%c%d", 'a'+s.chain, s.number))
		if s.number < lengths[s.chain] {
			pending = append(pending, step{s.chain, s.number + 1})
		}
	}
	return strings.Join(done, " ")
}

// program is a little simulation whose course depends on its answers, with picks from queues, other picks
// and faults. It returns what it saw.
func program(list *choice.List, steps int) string {
	var saw strings.Builder
	crash := list.Point("worker/crash/commit")
	for i, state := 0, 1; i < steps; i++ {
		var answer int
		switch {
		case state%5 == 3:
			answer = crash.Chance(0.1, 4)
		case state%3 == 0:
			answer = list.Pick(fmt.Sprintf("n%d/completes", state%2), state%4+1)
		default:
			answer = list.Pick("latency", 3)
		}
		fmt.Fprint(&saw, answer)
		state = (state*3 + answer*2 + 1) % 1000
	}
	return saw.String()
}

func parse(t require.TestingT, name string, config explore.Config) explore.Strategy {
	s, err := explore.Parse(name, config)
	require.NoError(t, err)
	return s
}

// sweep runs at most so many runs of a strategy, one after the other. The callback says whether a run failed.
func sweep(s explore.Strategy, runs int, run func(r explore.Run, list *choice.List) (failed bool)) int {
	for i := range runs {
		r, ok := s.Next()
		if !ok {
			return i
		}
		list := choice.NewList(r.Source)
		failed := run(r, list)
		s.Done(r, explore.Result{Choices: list.Choices(), Failed: failed})
	}
	return runs
}

var strategies = []string{
	"fifo", "random", "uniform", "pct:1", "pct:3", "deviations:2", "portfolio", "fifo+random",
}

func TestNamesParse(t *testing.T) {
	for _, name := range strategies {
		s := parse(t, name, explore.Config{})
		again := parse(t, s.Name(), explore.Config{})
		require.Equal(t, s.Name(), again.Name())
		if name != "portfolio" {
			require.Equal(t, name, s.Name())
		}
	}
	require.Equal(t, "deviations:1+random+pct:2+pct:3", parse(t, "portfolio", explore.Config{}).Name())
}

// TestBadNames holds the message for each way in which an exploration can be misnamed.
func TestBadNames(t *testing.T) {
	var out strings.Builder
	report := func(name string, config explore.Config) {
		_, err := explore.Parse(name, config)
		require.ErrorIs(t, err, explore.ErrStrategy, name)
		fmt.Fprintf(&out, "%q %+v\n\t=> %s\n\n", name, config, err)
	}
	for _, name := range []string{
		"", "rnadom", "Random", "pct", "pct:", "pct:0", "pct:-1", "pct:10", "pct:x", "deviations",
		"deviations:1.5",
		"random:3", "fifo+", "random+pct", "random pct:2",
	} {
		report(name, explore.Config{})
	}
	report("random", explore.Config{Shard: 3, Shards: 2})
	report("random", explore.Config{Shard: 2, Shards: 2})
	report("random", explore.Config{Shard: -1, Shards: 2})
	report("random", explore.Config{Shard: 1})
	report("random", explore.Config{Answers: -1})
	golden.Assert(t, "bad_names.txt", out.String())
}

func TestTheSameStrategyHandsOutTheSameRuns(t *testing.T) {
	for _, name := range strategies {
		look := func() (saw []string) {
			s := parse(t, name, explore.Config{Seed: 42})
			sweep(s, 60, func(r explore.Run, list *choice.List) bool {
				saw = append(saw, fmt.Sprint(r.Number, r.Strategy, r.Seed, program(list, 30)))
				return false
			})
			return append(saw, s.Coverage())
		}
		require.Equal(t, look(), look(), name)
	}
}

func TestRunsCanBeRepeated(t *testing.T) {
	for _, name := range strategies {
		sweep(parse(t, name, explore.Config{Seed: 7}), 40, func(r explore.Run, list *choice.List) bool {
			saw := program(list, 40)
			require.Equal(t, saw, program(choice.NewList(r.Again()), 40), name)
			reproduced := choice.NewList(choice.Reproduce(list.Deviations()))
			require.Equal(t, saw, program(reproduced, 40), name)
			return false
		})
	}
}

// A run that says so is the first one of its strategy with its seed.
func TestSeededRunsAreKnownByTheirSeed(t *testing.T) {
	for _, name := range strategies {
		seeded := 0
		sweep(parse(t, name, explore.Config{Seed: 99}), 30, func(r explore.Run, list *choice.List) bool {
			saw := program(list, 40)
			if r.Seeded {
				seeded++
				again, _ := parse(t, r.Strategy, explore.Config{Seed: r.Seed}).Next()
				require.Equal(t, saw, program(choice.NewList(again.Source), 40))
			}
			return false
		})
		draws := !strings.HasPrefix(name, "deviations") && !strings.HasPrefix(name, "pct")
		require.Equal(t, draws, seeded > 0, name)
	}
}

// The seed of a run of PCT makes it again, once the program is measured.
func TestPCTRunsAreKnownByTheirSeed(t *testing.T) {
	sweep(parse(t, "pct:3", explore.Config{Seed: 99}), 30, func(r explore.Run, list *choice.List) bool {
		saw := chains(list, 3, 3, 3)
		again, last := parse(t, "pct:3", explore.Config{Seed: r.Seed}), ""
		sweep(again, 2, func(_ explore.Run, list *choice.List) bool {
			last = chains(list, 3, 3, 3)
			return false
		})
		require.True(t, r.Measures || saw == last, "seed %d: %s, %s", r.Seed, saw, last)
		return false
	})
}

func TestShardsShareTheRuns(t *testing.T) {
	for _, name := range []string{"random", "uniform", "pct:2"} {
		var all []uint64
		collect := func(config explore.Config, runs int) (seeds []uint64) {
			sweep(parse(t, name, config), runs, func(r explore.Run, list *choice.List) bool {
				if !r.Measures {
					seeds = append(seeds, r.Seed)
				}
				program(list, 30)
				return false
			})
			return seeds
		}
		all = collect(explore.Config{Seed: 5}, 61)[:60]
		require.Equal(t, uint64(5), all[0], "the first run has the configured seed")
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(all))), 60, "no seed twice")
		for shard := range 3 {
			part := collect(explore.Config{Seed: 5, Shard: shard, Shards: 3}, 21)[:20]
			for i, seed := range part {
				require.Equal(t, all[i*3+shard], seed, "%s, shard %d", name, shard)
			}
		}
	}
}

func TestReproduceHandsOutItsOneRun(t *testing.T) {
	s := explore.Reproduce([]choice.Deviation{{Label: "worker/completes", Occurrence: 2, Answer: 1}})
	require.Equal(t, "reproduce: not yet run", s.Coverage())
	n := sweep(s, 10, func(r explore.Run, list *choice.List) bool {
		require.False(t, r.Seeded)
		require.Equal(t, "a1 a2 b1 b2", chains(list, 2, 2))
		return false
	})
	require.Equal(t, 1, n)
	require.Equal(t, "reproduce: its one run", s.Coverage())
}

func TestPortfolioTakesTurns(t *testing.T) {
	s := parse(t, "fifo+random+deviations:1", explore.Config{Seed: 1})
	var names []string
	for i := range 6 {
		r, ok := s.Next()
		require.True(t, ok)
		require.Equal(t, i, r.Number)
		names = append(names, r.Strategy)
		list := choice.NewList(r.Source)
		program(list, 10)
		s.Done(r, explore.Result{Choices: list.Choices()})
	}
	require.Equal(t, []string{"fifo", "random", "deviations:1", "random", "deviations:1", "random"}, names)
	require.Equal(t, "fifo: its one run\nrandom: 3 seeds\ndeviations:1: the run without deviations; "+
		"9% of the 23 within 1", s.Coverage())

	ends := parse(t, "fifo+deviations:1", explore.Config{})
	n := sweep(ends, 1000, func(_ explore.Run, list *choice.List) bool { chains(list, 2, 2); return false })
	require.Equal(t, 5, n)
}

// Every strategy must find what it is made for.
func TestStrategiesFindPlantedBugs(t *testing.T) {
	bugs := []struct {
		name  string
		fails func(list *choice.List) bool
		find  map[string]int // runs within which a strategy must find it
	}{
		{
			"the last of four overtakes all others",
			func(list *choice.List) bool { return strings.HasPrefix(chains(list, 2, 2, 2, 2), "d1 d2") },
			map[string]int{"random": 60, "uniform": 80, "pct:1": 30, "deviations:2": 80, "portfolio": 60},
		},
		{
			"a crash at the fifth commit, and the second chain first",
			func(list *choice.List) bool {
				ahead, crash := strings.HasPrefix(chains(list, 3, 3), "b1"), false
				for i := range 8 {
					answer := list.Point("worker/crash/commit").Chance(0.02, 4)
					crash = crash || i == 4 && answer == 2
				}
				return crash && ahead
			},
			map[string]int{"random": 2000, "deviations:2": 600, "portfolio": 3000},
		},
		{
			"the last of five chains, whole, between two steps of the first",
			func(list *choice.List) bool {
				order := chains(list, 6, 1, 1, 1, 4)
				return strings.Contains(order, "a5 e1 e2 e3 e4 a6")
			},
			map[string]int{"pct:3": 3000},
		},
	}
	for _, bug := range bugs {
		for _, name := range strategies {
			limit := bug.find[name]
			if limit == 0 {
				continue
			}
			found := -1
			s := parse(t, name, explore.Config{Seed: 3})
			runs := sweep(s, limit, func(r explore.Run, list *choice.List) bool {
				failed := found < 0 && bug.fails(list)
				if failed {
					found = r.Number
				}
				return failed
			})
			t.Logf("%s: %s after %d runs (of %d)", bug.name, name, found+1, runs)
			require.GreaterOrEqual(t, found, 0, "%s: %s", bug.name, name)
		}
	}
}

func TestOneMoreDrawChangesNoOtherLabel(t *testing.T) {
	labels := []string{"a/completes", "b/completes", "a/crash/commit", "b/crash/commit", "x"}
	size := explore.Size{Labels: []explore.LabelSize{
		{Label: "a/completes", Chains: 3, Picks: 12}, {Label: "b/completes", Chains: 3, Picks: 12},
	}}
	sources := map[string]func(seed uint64) choice.Source{
		"swarm": explore.Swarm,
		"pct":   func(seed uint64) choice.Source { return explore.PCT(seed, 4, size, explore.Config{}) },
	}
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		draws := rapid.SliceOf(rapid.IntRange(0, len(labels)-1)).Draw(t, "draws")
		at := rapid.IntRange(0, len(draws)).Draw(t, "at")
		more := rapid.IntRange(0, len(labels)-1).Draw(t, "more")
		for _, name := range []string{"swarm", "pct"} {
			answers := func(draws []int) map[int][]int {
				list, got := choice.NewList(sources[name](seed)), make(map[int][]int)
				for _, i := range draws {
					p, answer := list.Point(labels[i]), 0
					if strings.Contains(labels[i], "crash") {
						answer = p.Chance(0.3, 4)
					} else {
						answer = p.Pick(4)
					}
					got[i] = append(got[i], answer)
				}
				delete(got, more)
				return got
			}
			require.Equal(t, answers(draws), answers(slices.Insert(slices.Clone(draws), at, more)), name)
		}
	})
}
