package shrink_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/shrink"
	"github.com/stretchr/testify/require"
)

// program is a simulation that returns the property that failed, or nothing.
type program func(list *choice.List) string

// try runs a program.
func try(p program) shrink.Try {
	return func(devs []choice.Deviation) shrink.Outcome {
		list := choice.NewList(choice.Reproduce(devs))
		property := p(list)
		return shrink.Outcome{Property: property, Used: list.Deviations(), Choices: list.Choices()}
	}
}

// dev reads "a#3=2".
func dev(text string) choice.Deviation {
	s, err := choice.Parse("reprise schedule 1\ntest: T\n" + text)
	if err != nil {
		panic(err)
	}
	return s.Deviations[0]
}

func devs(texts ...string) []choice.Deviation {
	var all []choice.Deviation
	for _, text := range texts {
		all = append(all, dev(text))
	}
	return all
}

// wide asks 2,000 times: 20 labels l0 to l19 in turn, 100 times each, with n answers. It fails with "p" when
// the predicate over all answers holds.
func wide(n int, predicate func(answer func(label string, occurrence int) int) bool) program {
	return func(list *choice.List) string {
		var points [20]*choice.Point
		for i := range points {
			points[i] = list.Point(fmt.Sprint("l", i))
		}
		var answers [2000]int
		for i := range answers {
			answers[i] = points[i%20].Pick(n)
		}
		at := func(label string, occurrence int) int {
			i := slices.IndexFunc(points[:], func(p *choice.Point) bool { return p.Label() == label })
			return answers[(occurrence-1)*20+i]
		}
		if predicate(at) {
			return "p"
		}
		return ""
	}
}

// everywhere is the schedule of a wide program that gives one answer to everything.
func everywhere(answer int) []choice.Deviation {
	var all []choice.Deviation
	for i := range 2000 {
		all = append(all, choice.Deviation{Label: fmt.Sprint("l", i%20), Occurrence: i/20 + 1, Answer: answer})
	}
	return all
}

type answerOf = func(label string, occurrence int) int

// bugs are planted failures whose smallest schedule is known.
var bugs = []struct {
	name    string
	program program
	given   []choice.Deviation
	want    []choice.Deviation
	tries   int  // at most, without search unless that is needed
	search  bool // it is needed
}{
	{
		name:    "nothing is needed",
		program: func(list *choice.List) string { list.Pick("l0", 2); return "p" },
		given:   devs("l0#1=1"), want: nil, tries: 4,
	},
	{
		name:    "one of 2,000",
		program: wide(2, func(at answerOf) bool { return at("l7", 50) == 1 }),
		given:   everywhere(1), want: devs("l7#50=1"), tries: 30,
	},
	{
		name: "three of 2,000 together",
		program: wide(2, func(at answerOf) bool {
			return at("l3", 9) == 1 && at("l19", 40) == 1 && at("l0", 88) == 1
		}),
		given: everywhere(1), want: devs("l3#9=1", "l19#40=1", "l0#88=1"), tries: 100,
	},
	{
		name: "three of 2,000, neighbours at the end",
		program: wide(2, func(at answerOf) bool {
			return at("l17", 100) == 1 && at("l18", 100) == 1 && at("l19", 100) == 1
		}),
		given: everywhere(1), want: devs("l17#100=1", "l18#100=1", "l19#100=1"), tries: 100,
	},
	{
		name: "forty of 2,000 together",
		program: wide(2, func(at answerOf) bool {
			for i := range 40 {
				if at(fmt.Sprint("l", i%20), 2*i+1) != 1 {
					return false
				}
			}
			return true
		}),
		given: everywhere(1), want: forty(), tries: 800,
	},
	{
		name:    "a value at least 37, of 2,000 choices",
		program: wide(100, func(at answerOf) bool { return at("l4", 4) >= 37 }),
		given:   everywhere(99), want: devs("l4#4=37"), tries: 50,
	},
	{
		name:    "exact values, neither smaller nor larger",
		program: wide(100, func(at answerOf) bool { return at("l4", 4) == 3 || at("l4", 4) == 90 }),
		given:   everywhere(90), want: devs("l4#4=3"), tries: 50,
	},
	{
		name:    "two values with a sum of at least 100",
		program: wide(60, func(at answerOf) bool { return at("l1", 1)+at("l2", 1)+at("l3", 1) >= 100 }),
		given:   devs("l1#1=40", "l2#1=50", "l3#1=59"), want: devs("l2#1=41", "l3#1=59"), tries: 60,
	},
	{
		name:    "two equal values",
		program: wide(60, func(at answerOf) bool { return at("l1", 1) > 0 && at("l1", 1) == at("l2", 70) }),
		given:   everywhere(17), want: devs("l1#1=1", "l2#70=1"), tries: 120,
	},
	{
		name: "two that cancel each other out",
		program: wide(2, func(at answerOf) bool {
			return at("l6", 6) == 1 && at("l5", 5) == at("l7", 7)
		}),
		given: everywhere(1), want: devs("l6#6=1"), tries: 100,
	},
	{
		name:    "order: the last of six before the third",
		program: order("f c"),
		given:   devs("completes#1=5", "completes#2=2", "completes#3=2", "completes#4=1", "completes#5=1"),
		want:    devs("completes#1=5"), tries: 30,
	},
	{
		name:    "order: e before b, d before a",
		program: order("e b", "d a"),
		given:   devs("completes#1=5", "completes#2=4", "completes#3=3", "completes#4=2", "completes#5=1"),
		want:    devs("completes#1=3", "completes#2=3"), tries: 40,
	},
	{
		name:    "later occurrences shift when an earlier deviation goes",
		program: replayed(0),
		given:   devs("crash#2=1", "crash#4=1", "loss#14=1"),
		want:    devs("loss#10=1"), tries: 120,
	},
	{
		name:    "a crash is needed, but an earlier one that counts everything twice is not",
		program: replayed(3),
		given:   devs("crash#2=1", "crash#4=1", "loss#14=1"),
		want:    devs("crash#3=1", "loss#12=1"), tries: 200,
	},
	{
		name:    "a crash is needed, but not a later one that counts everything twice",
		program: replayed(1),
		given:   devs("crash#1=1", "crash#3=1", "loss#14=1"),
		want:    devs("crash#1=1", "loss#12=1"), tries: 200,
	},
	{
		name:    "fewer runs, but then everything else is elsewhere",
		program: runs,
		given:   devs("runs#1=3", "completes#1=10", "crash#12=1"),
		want:    devs("completes#1=1", "crash#3=1"), tries: 200, search: true,
	},
	{
		name: "answers that are not on offer, choices that do not exist",
		program: func(list *choice.List) string {
			if list.Pick("a", 3) == 2 {
				return "p"
			}
			return ""
		},
		given: devs("gone#1=1", "a#1=9", "a#2=1"), want: devs("a#1=2"), tries: 5,
	},
}

func forty() []choice.Deviation {
	var all []choice.Deviation
	for i := range 40 {
		all = append(all, choice.Deviation{Label: fmt.Sprint("l", i%20), Occurrence: 2*i + 1, Answer: 1})
	}
	slices.SortFunc(all, func(a, b choice.Deviation) int {
		if a.Occurrence != b.Occurrence {
			return a.Occurrence - b.Occurrence
		}
		return strings.Compare(a.Label, b.Label)
	})
	return all
}

// order completes the operations a to f as the list says, and fails when for each "x y" x came before y.
func order(pairs ...string) program {
	return func(list *choice.List) string {
		pending, done := []string{"a", "b", "c", "d", "e", "f"}, ""
		for len(pending) > 0 {
			i := list.Pick("completes", len(pending))
			done += pending[i]
			pending = slices.Delete(pending, i, i+1)
		}
		for _, pair := range pairs {
			x, y, _ := strings.Cut(pair, " ")
			if strings.Index(done, x) > strings.Index(done, y) {
				return ""
			}
		}
		return "p"
	}
}

// replayed does five steps of two messages each. A crash between steps does the last one again, so that all
// later messages have higher numbers. It fails when the second message of step 5 is lost, and, unless crashed
// is 0, there was a crash after that step.
func replayed(crashed int) program {
	return func(list *choice.List) string {
		lost, crash := false, crashed == 0
		for step := 1; step <= 5; step++ {
			for again := true; again; {
				list.Pick("loss", 2)
				lost = list.Pick("loss", 2) == 1
				again = list.Pick("crash", 2) == 1
				crash = crash || again && step == crashed
			}
		}
		if lost && crash {
			return "p"
		}
		return ""
	}
}

// runs does one to four runs of three steps each, all at the same time, and may crash after each completion.
// It fails when b of a run completed before its a, and there was a crash right after its last completion.
func runs(list *choice.List) string {
	var pending []string
	for run := range 1 + list.Pick("runs", 4) {
		pending = append(pending, fmt.Sprint("a", run), fmt.Sprint("b", run), fmt.Sprint("c", run))
	}
	done := make(map[byte]string)
	for len(pending) > 0 {
		i := list.Pick("completes", len(pending))
		step, run := pending[i][0], pending[i][1]
		pending = slices.Delete(pending, i, i+1)
		done[run] += string(step)
		crash := list.Pick("crash", 3) > 0
		if len(done[run]) == 3 && strings.Index(done[run], "b") < strings.Index(done[run], "a") && crash {
			return "p"
		}
	}
	return ""
}

func TestExactMinima(t *testing.T) {
	for _, bug := range bugs {
		t.Run(bug.name, func(t *testing.T) {
			failure := shrink.Failure{Property: "p", Deviations: bug.given}
			full := shrink.Shrink(failure, shrink.Budget{}, try(bug.program))
			t.Logf("%d runs with a search of all up to size %d", full.Tries, full.Searched)
			require.Equal(t, bug.want, full.Deviations)
			require.True(t, full.Minimal)
			require.Less(t, full.Tries, 1000, "sizes of which there are too many are left out")
			if n := len(bug.want); n > 1 && n <= 6 {
				require.Positive(t, full.Searched)
			}
			if bug.search {
				require.LessOrEqual(t, full.Tries, bug.tries)
				return
			}
			result := shrink.Shrink(failure, shrink.Budget{Search: -1}, try(bug.program))
			t.Logf("%d deviations to %d in %d runs", len(bug.given), len(result.Deviations), result.Tries)
			require.Equal(t, bug.want, result.Deviations)
			require.True(t, result.Minimal)
			require.True(t, result.Reproduced)
			require.False(t, result.Flaky)
			require.Empty(t, result.Others)
			require.LessOrEqual(t, result.Tries, bug.tries)
		})
	}
}
