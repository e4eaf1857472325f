package explore_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/explore"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// within returns the deviations of every run of the program with at most k of them, found in another way: by
// counting through all its answers like an odometer.
func within(k int, program func(list *choice.List)) []string {
	var found []string
	var answers []int // of one run, as far as they are given; the rest is 0
	for {
		asked := 0
		list := choice.NewList(choice.SourceFunc(func(choice.Query) int {
			asked++
			if asked <= len(answers) {
				return answers[asked-1]
			}
			return 0
		}))
		program(list)
		choices := list.Choices()
		if len(list.Deviations()) <= k {
			found = append(found, fmt.Sprint(list.Deviations()))
		}
		for len(answers) < len(choices) {
			answers = append(answers, 0)
		}
		for len(answers) > 0 && answers[len(answers)-1] == choices[len(answers)-1].N-1 {
			answers = answers[:len(answers)-1]
		}
		if len(answers) == 0 {
			slices.Sort(found)
			return found
		}
		answers[len(answers)-1]++
	}
}

// enumerated returns the deviations of every run that a strategy hands out, in its order.
func enumerated(s explore.Strategy, program func(list *choice.List)) (found []string) {
	sweep(s, 1<<20, func(_ explore.Run, list *choice.List) bool {
		program(list)
		found = append(found, fmt.Sprint(list.Deviations()))
		return false
	})
	return found
}

func TestDeviationsAreExhaustive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps, k := rapid.IntRange(0, 7).Draw(t, "steps"), rapid.IntRange(1, 4).Draw(t, "k")
		scramble := choice.NewStream(rapid.Uint64().Draw(t, "program"), "program")
		run := func(list *choice.List) { // what is asked depends on what was answered
			for i, state := 0, 0; i < steps; i++ {
				label := []string{"a", "b", "c/completes"}[scramble.Below(state, 3)]
				answer := list.Pick(label, 1+scramble.Below(state+1, 4))
				state = (state*4 + answer + 1) % 10_000
			}
		}
		got := enumerated(parse(t, fmt.Sprint("deviations:", k), explore.Config{}), run)
		for i := 1; i < len(got); i++ {
			require.LessOrEqual(t, strings.Count(got[i-1], " = "), strings.Count(got[i], " = "),
				"fewer deviations come first")
		}
		slices.Sort(got)
		require.Equal(t, within(k, run), got)
	})
}

func TestDeviationsCoverage(t *testing.T) {
	run := func(list *choice.List) { chains(list, 2, 2, 2) }
	s := parse(t, "deviations:2", explore.Config{})
	require.Equal(t, "deviations:2: not yet run", s.Coverage())
	var saw []string
	for range 100 {
		n := sweep(s, 1, func(_ explore.Run, list *choice.List) bool { run(list); return false })
		if n == 0 {
			break
		}
		saw = append(saw, s.Coverage())
	}
	require.Equal(t, []string{
		"deviations:2: the run without deviations; 10% of the 10 within 1",
		"deviations:2: the run without deviations; 20% of the 10 within 1; about 3% of the about 73 within 2",
	}, saw[:2])
	require.Equal(t, "deviations:2: all 10 schedules within 1 deviation; 26% of the 38 within 2", saw[9])
	require.Equal(t, "deviations:2: all 10 schedules within 1 deviation; 97% of the 38 within 2", saw[36])
	require.Equal(t, "deviations:2: all 38 schedules within 2 deviations", saw[37])
	require.Len(t, saw, 38)
}

func TestDeviationsOfWhatHasNoChoice(t *testing.T) {
	s := parse(t, "deviations:2", explore.Config{})
	require.Equal(t, []string{"[]"}, enumerated(s, func(*choice.List) {}))
	require.Equal(t, "deviations:2: all 1 schedule within 2 deviations", s.Coverage())
}

// The order in which runs are done must not change the order in which they are handed out.
func TestDeviationsWithWorkers(t *testing.T) {
	run := func(list *choice.List) { program(list, 12) }
	want := enumerated(parse(t, "deviations:2", explore.Config{}), run)
	require.Greater(t, len(want), 100)
	for seed := range uint64(20) {
		s, draw, turn := parse(t, "deviations:2", explore.Config{}), choice.NewStream(seed, "workers"), 0
		type working struct {
			run  explore.Run
			list *choice.List
		}
		var under []working
		var got []string
		for {
			turn++
			if len(under) < 5 && draw.Below(turn, 2) == 0 {
				if r, ok := s.Next(); ok {
					list := choice.NewList(r.Source)
					run(list)
					got = append(got, fmt.Sprint(list.Deviations()))
					under = append(under, working{r, list})
					continue
				}
				if len(under) == 0 {
					break
				}
			}
			if len(under) > 0 {
				i := draw.Below(turn+1_000_000, len(under))
				s.Done(under[i].run, explore.Result{Choices: under[i].list.Choices()})
				under = slices.Delete(under, i, i+1)
			}
		}
		require.Equal(t, want, got)
	}
}

func TestDeviationsInShards(t *testing.T) {
	run := func(list *choice.List) { chains(list, 2, 3, 2) }
	all := make(map[string]int)
	for shard := range 3 {
		s := parse(t, "deviations:2", explore.Config{Shard: shard, Shards: 3})
		for _, devs := range enumerated(s, run) {
			all[devs]++
		}
		require.Contains(t, s.Coverage(), fmt.Sprintf("(shard %d of 3)", shard))
	}
	require.Equal(t, within(2, run), slices.Sorted(maps.Keys(all)))
	for devs, n := range all {
		if strings.Count(devs, " = ") == 2 {
			require.Equal(t, 1, n, "%s runs in one shard only", devs)
		} else {
			require.Equal(t, 3, n, "%s is needed by all shards", devs)
		}
	}
}

func TestDeviationsTakeAnEvenShareOfManyAnswers(t *testing.T) {
	tried := func(n, limit int) []string {
		s := parse(t, "deviations:1", explore.Config{Answers: limit})
		var answers []string
		sweep(s, 1000, func(_ explore.Run, list *choice.List) bool {
			answers = append(answers, fmt.Sprint(list.Pick("worker/torn", n)))
			return false
		})
		return append(answers, s.Coverage())
	}
	require.Equal(t, []string{"0", "1", "167", "333", "499", "deviations:1: all 5 schedules within 1 " +
		"deviation (495 answers of choices with more than 4 left out)"}, tried(500, 4))
	require.Equal(t, []string{
		"0", "1", "2", "3", "4", "deviations:1: all 5 schedules within 1 deviation",
	}, tried(5, 4))
	require.Equal(t, []string{"0", "1", "deviations:1: all 2 schedules within 1 deviation " +
		"(1 answer of choices with more than 1 left out)"}, tried(3, 1))
	require.Len(t, tried(1<<31-1, 0), 18)
}

func TestDeviationsStopAtFailures(t *testing.T) {
	s := parse(t, "deviations:3", explore.Config{})
	failures, runs := 0, 0
	sweep(s, 10_000, func(_ explore.Run, list *choice.List) bool {
		runs++
		failed := strings.HasPrefix(chains(list, 2, 2), "b1")
		if failed {
			failures++
		}
		return failed
	})
	require.Equal(t, 1, failures, "what contains a failure is not tried")
	require.Equal(t, 4, runs)
	require.Equal(t, "deviations:3: all 4 schedules within 3 deviations (1 failing schedule not deviated from "+
		"further)", s.Coverage())
}

func TestDeviationsNoticeNondeterminism(t *testing.T) {
	runs := 0
	s := parse(t, "deviations:2", explore.Config{})
	sweep(s, 100, func(_ explore.Run, list *choice.List) bool {
		runs++
		list.Pick(fmt.Sprint("label ", runs), 2)
		return false
	})
	require.Contains(t, s.Coverage(), "(1 schedule did not repeat: the program is not deterministic)")
}

func TestDeviationsNearOnesFirst(t *testing.T) {
	s := parse(t, "deviations:2", explore.Config{})
	found := enumerated(s, func(list *choice.List) {
		for range 6 {
			list.Pick("crash", 2)
		}
	})
	require.Equal(t, []string{
		"[crash#1 = 1 crash#2 = 1]", "[crash#2 = 1 crash#3 = 1]", "[crash#3 = 1 crash#4 = 1]",
	}, found[7:10], "each run is deviated from in turn, at its next choice")
	require.Len(t, found, 1+6+15)
}
