package shrink_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/shrink"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// conjunction fails when all these choices deviate.
func conjunction(wanted ...choice.Deviation) program {
	return wide(4, func(at answerOf) bool {
		return !slices.ContainsFunc(wanted, func(d choice.Deviation) bool {
			return at(d.Label, d.Occurrence) == 0
		})
	})
}

func TestAShrinkNeverChangesWhichPropertyFails(t *testing.T) {
	// Without a, another property fails; without b, a third one; only c and d can go.
	p := func(list *choice.List) string {
		list.Pick("c", 2)
		b := list.Pick("b", 2)
		list.Pick("d", 2)
		a := list.Pick("a", 2)
		switch {
		case a+b == 2:
			return "p"
		case a == 1:
			return "no b"
		case b == 1:
			return "no a"
		}
		return ""
	}
	given := devs("c#1=1", "b#1=1", "d#1=1", "a#1=1")
	result := shrink.Shrink(shrink.Failure{Property: "p", Deviations: given}, shrink.Budget{}, try(p))
	require.Equal(t, devs("b#1=1", "a#1=1"), result.Deviations)
	require.Equal(t, []shrink.Failure{
		{Property: "no a", Deviations: devs("c#1=1", "b#1=1")}, {Property: "no b", Deviations: devs("a#1=1")},
	}, result.Others, "other failures are kept aside")

	result = shrink.Shrink(shrink.Failure{Property: "no a", Deviations: given}, shrink.Budget{}, try(p))
	require.False(t, result.Reproduced, "the given schedule fails in another way")
	require.Equal(t, given, result.Deviations)
	require.Equal(t, []shrink.Failure{{Property: "p", Deviations: given}}, result.Others)
}

func TestWhatDoesNotFailIsNotShrunk(t *testing.T) {
	given := devs("l0#1=1")
	result := shrink.Shrink(shrink.Failure{Property: "p", Deviations: given}, shrink.Budget{},
		try(func(list *choice.List) string { list.Pick("l0", 2); return "" }))
	require.Equal(t, shrink.Result{Deviations: given, Tries: 1}, result)
}

func TestFlakyFailures(t *testing.T) {
	steady := conjunction(dev("l1#1=1"), dev("l2#2=1"))
	for _, c := range []struct {
		name  string
		fails func(run int) bool // besides the steady failure
		want  []choice.Deviation // what remains must contain these
	}{
		{"every fifth run fails anyhow", func(run int) bool { return run%5 == 0 }, devs("l1#1=1", "l2#2=1")},
		{"every second run fails anyhow", func(run int) bool { return run%2 == 0 }, devs("l1#1=1", "l2#2=1")},
		{"early runs fail anyhow", func(run int) bool { return run > 2 && run < 10 }, devs("l1#1=1", "l2#2=1")},
	} {
		runs := 0
		p := func(list *choice.List) string {
			runs++
			if property := steady(list); property != "" || c.fails(runs) {
				return "p"
			}
			return ""
		}
		result := shrink.Shrink(shrink.Failure{Property: "p", Deviations: everywhere(1)}, shrink.Budget{}, try(p))
		require.True(t, result.Flaky, c.name)
		require.False(t, result.Minimal, c.name)
		require.Subset(t, result.Deviations, c.want, c.name)
		require.Equal(t, runs, result.Tries, c.name)
	}
}

func TestAllFlakyGivesBackWhatWasGiven(t *testing.T) {
	runs := 0
	p := func(list *choice.List) string {
		list.Pick("l0", 2)
		runs++
		return strings.Repeat("p", runs%2)
	}
	given := devs("l0#1=1", "gone#1=1")
	result := shrink.Shrink(shrink.Failure{Property: "p", Deviations: given}, shrink.Budget{}, try(p))
	require.True(t, result.Flaky)
	require.Equal(t, given, result.Deviations)
}

func TestBudgetsAreKept(t *testing.T) {
	p := conjunction(dev("l3#9=1"), dev("l19#40=1"), dev("l0#88=1"))
	whole := shrink.Shrink(shrink.Failure{Property: "p", Deviations: everywhere(1)},
		shrink.Budget{Search: -1}, try(p))
	for tries := 1; tries < whole.Tries; tries += 7 {
		result := shrink.Shrink(shrink.Failure{Property: "p", Deviations: everywhere(1)},
			shrink.Budget{Tries: tries, Width: 3, Search: -1}, try(p))
		require.LessOrEqual(t, result.Tries, tries+2, "two runs confirm the result")
		require.Equal(t, "p", try(p)(result.Deviations).Property, "what is given back fails")
		require.False(t, result.Minimal && tries < whole.Tries-3, "after %d runs", tries)
		require.False(t, result.Flaky)
	}

	asked := 0
	expired := func() bool { asked++; return asked > 12 }
	result := shrink.Shrink(shrink.Failure{Property: "p", Deviations: everywhere(1)},
		shrink.Budget{Expired: expired}, try(p))
	require.Equal(t, "p", try(p)(result.Deviations).Property)
	require.Less(t, result.Tries, 16)
	require.False(t, result.Minimal)
}

func TestWidthDoesNotChangeTheResult(t *testing.T) {
	for _, bug := range bugs {
		failure := shrink.Failure{Property: "p", Deviations: bug.given}
		one := shrink.Shrink(failure, shrink.Budget{Search: 200}, try(bug.program))
		for _, width := range []int{4} {
			many := shrink.Shrink(failure, shrink.Budget{Search: 200, Width: width}, try(bug.program))
			require.Equal(t, one.Deviations, many.Deviations, "%s, width %d", bug.name, width)
			require.Equal(t, one.Minimal, many.Minimal)
		}
	}
}

func TestTheNotesAreThoseOfTheLastRun(t *testing.T) {
	p := func(list *choice.List) string {
		a := list.Pick("a", 50)
		list.Point("a").Note(fmt.Sprintf("a is %d, and b is %d", a, list.Pick("b", 2)))
		if a >= 7 {
			return "p"
		}
		return ""
	}
	given := devs("a#1=30 # stale", "b#1=1")
	result := shrink.Shrink(shrink.Failure{Property: "p", Deviations: given}, shrink.Budget{}, try(p))
	require.Equal(t, devs("a#1=7 # a is 7, and b is 0"), result.Deviations)
}

// Whatever fails, the result fails too, no single step makes it smaller, and the search has left nothing out.
func TestResultsAreMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const any = 4
		pattern := rapid.SliceOfN(rapid.IntRange(0, any), 6, 6) // six answers, of which some may be any
		patterns := rapid.SliceOfN(pattern, 1, 5).Draw(t, "patterns")
		p := func(list *choice.List) string {
			var answers []int
			for i := range 6 {
				answers = append(answers, list.Pick(fmt.Sprint("l", i%2), 4))
			}
			for _, pattern := range patterns {
				if !slices.ContainsFunc([]int{0, 1, 2, 3, 4, 5}, func(i int) bool {
					return pattern[i] != any && pattern[i] != answers[i]
				}) {
					return "p"
				}
			}
			return ""
		}
		given := schedule(rapid.SliceOfN(rapid.IntRange(0, 3), 6, 6).Draw(t, "answers"), patterns[0])
		result := shrink.Shrink(shrink.Failure{Property: "p", Deviations: given}, shrink.Budget{}, try(p))
		least := result.Deviations
		require.True(t, result.Reproduced && result.Minimal && !result.Flaky)
		require.Equal(t, "p", try(p)(least).Property)
		if n := len(least); n > 1 && n < 5 {
			require.Equal(t, n-1, result.Searched, "there is little to search here")
		}
		for at := range 1 << 12 { // all schedules there are
			devs := schedule([]int{at & 3, at >> 2 & 3, at >> 4 & 3, at >> 6 & 3, at >> 8 & 3, at >> 10 & 3}, nil)
			if len(devs) > 0 && len(devs) <= result.Searched && sameLabels(devs, least) || oneStep(devs, least) {
				require.Empty(t, try(p)(devs).Property, "%v fails, and is smaller than %v", devs, least)
			}
		}
	})
}

// schedule gives l0 and l1 in turn these answers, unless the pattern says otherwise.
func schedule(answers, pattern []int) (devs []choice.Deviation) {
	for i, answer := range answers {
		if pattern != nil && pattern[i] < 4 {
			answer = pattern[i]
		}
		if answer > 0 {
			label := fmt.Sprint("l", i%2)
			devs = append(devs, choice.Deviation{Label: label, Occurrence: i/2 + 1, Answer: answer})
		}
	}
	return devs
}

// oneStep reports whether devs is of without one deviation, or with one lower answer.
func oneStep(devs, of []choice.Deviation) bool {
	lower := 0
	for _, o := range of {
		i := slices.IndexFunc(devs, o.Same)
		if i < 0 {
			lower++
		} else if devs[i].Answer < o.Answer {
			lower++
		} else if devs[i].Answer > o.Answer {
			return false
		}
	}
	return lower == 1 && len(devs) <= len(of) && !slices.ContainsFunc(devs, func(d choice.Deviation) bool {
		return !slices.ContainsFunc(of, d.Same)
	})
}

func TestTheSearchKeepsItsBudget(t *testing.T) {
	for _, bug := range bugs {
		failure := shrink.Failure{Property: "p", Deviations: bug.given}
		none := shrink.Shrink(failure, shrink.Budget{Search: -1}, try(bug.program))
		some := shrink.Shrink(failure, shrink.Budget{Search: 150}, try(bug.program))
		require.Zero(t, none.Searched)
		require.True(t, none.Minimal && some.Minimal)
		if !bug.search {
			require.LessOrEqual(t, some.Tries, none.Tries+150, bug.name)
		}
	}
}

func sameLabels(devs, of []choice.Deviation) bool {
	return !slices.ContainsFunc(devs, func(d choice.Deviation) bool {
		return !slices.ContainsFunc(of, func(o choice.Deviation) bool { return o.Label == d.Label })
	})
}

func Example() {
	// Sixty messages, each of which may be lost. Losing the 7th and the 41st shows a bug.
	deliver := func(list *choice.List) string {
		lost := make(map[int]bool)
		for message := 1; message <= 60; message++ {
			lost[message] = list.Point("net/drop").Chance(0.5, 2) == 1
		}
		if lost[7] && lost[41] {
			return "all is delivered"
		}
		return ""
	}
	run := func(devs []choice.Deviation) shrink.Outcome {
		list := choice.NewList(choice.Reproduce(devs))
		property := deliver(list)
		return shrink.Outcome{Property: property, Used: list.Deviations(), Choices: list.Choices()}
	}
	list := choice.NewList(choice.Seeded(2))
	failure := shrink.Failure{Property: deliver(list), Deviations: list.Deviations()}
	result := shrink.Shrink(failure, shrink.Budget{}, run)
	fmt.Printf("%q: %d deviations to %d in %d runs\n", failure.Property, len(failure.Deviations),
		len(result.Deviations), result.Tries)
	for _, d := range result.Deviations {
		fmt.Println(d)
	}
	// Output:
	// "all is delivered": 32 deviations to 2 in 76 runs
	// net/drop#7 = 1
	// net/drop#41 = 1
}
