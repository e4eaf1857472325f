package explore_test

import (
	"encoding/binary"
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

// classes are those of the labels of machine.
var classes = map[string]explore.Class{
	"crash": explore.Crash, "left": explore.Form, "completes": explore.Order, "delay": explore.Fixed,
	"input": explore.Free,
}

var exhaustive = explore.Config{Class: func(label string) explore.Class { return classes[label] }}

// machine is a program that can crash: what it keeps on disk decides what it does after a crash, what it has
// in memory is lost. Which questions it asks, and what it does with the answers, is drawn by a number.
type machine struct {
	steps  int
	random choice.Stream
	forget int // a bug: the state does not tell whether the disk holds at least this much
}

// run returns where the program ends.
func (m machine) run(list *choice.List, source choice.Source) (outcome string, merged bool) {
	merger, _ := source.(explore.Merger)
	disk, memory := 0, 0
	for i := range m.steps {
		ask := func(max int) int { return 1 + m.random.Below(100*i+10*disk+memory, max) }
		memory = (memory*3 + list.Pick("completes", ask(3))) % 7
		memory = (memory + 2*list.Pick("input", ask(2))) % 7
		switch list.Pick("crash", ask(3)) {
		case 0:
			disk = (disk + memory) % 5
			continue
		case 1:
		case 2:
			disk = (disk + memory + 1) % 5
		}
		disk = (disk + list.Pick("left", ask(4))) % 5
		list.Pick("delay", 2)
		memory = 0
		told := disk
		if m.forget > 0 {
			told = min(told, m.forget)
		}
		if merger != nil && merger.Known(state(i, told), list.Len()) {
			return "", true
		}
	}
	return fmt.Sprint(disk, " ", memory), false
}

func state(numbers ...int) (s explore.State) {
	for i, n := range numbers {
		binary.BigEndian.PutUint32(s[4*i:], uint32(n))
	}
	return s
}

// tally is what an exploration of a machine saw.
type tally struct {
	outcomes  []string
	schedules map[int]int // by number of crashes
	runs      int
}

// bruteForce runs every schedule within the bounds, found in another way: by answering one choice after the
// other in every way.
func bruteForce(m machine, crashes, orders int) tally {
	found := tally{schedules: map[int]int{}}
	outcomes := map[string]bool{}
	var extend func(answers []int)
	extend = func(answers []int) {
		asked := 0
		list := choice.NewList(choice.SourceFunc(func(choice.Query) int {
			asked++
			if asked <= len(answers) {
				return answers[asked-1]
			}
			return 0
		}))
		outcome, _ := m.run(list, nil)
		choices := list.Choices()
		crashed, ok := inBounds(choices, crashes, orders)
		switch {
		case !ok:
		case len(answers) == len(choices):
			found.runs++
			found.schedules[crashed]++
			outcomes[outcome] = true
		default:
			for answer := range choices[len(answers)].N {
				extend(append(answers, answer))
			}
		}
	}
	extend(nil)
	found.outcomes = slices.Sorted(maps.Keys(outcomes))
	return found
}

func inBounds(choices []choice.Choice, crashes, orders int) (crashed int, ok bool) {
	ordered := 0
	for _, c := range choices {
		switch classes[c.Label] {
		case explore.Crash:
			crashed += min(c.Answer, 1)
		case explore.Order:
			ordered += min(c.Answer, 1)
		case explore.Form:
			if c.Answer != 0 && c.Answer != c.N/2 && c.Answer != c.N-1 {
				return 0, false
			}
		case explore.Fixed:
			if c.Answer != 0 {
				return 0, false
			}
		}
	}
	return crashed, crashed <= crashes && (orders == 0 || ordered <= orders)
}

// explored is what the strategy saw, whose runs may end in known states.
func explored(m machine, s explore.Strategy) tally {
	found := tally{}
	outcomes := map[string]bool{}
	found.runs = sweep(s, 1<<20, func(r explore.Run, list *choice.List) bool {
		if outcome, merged := m.run(list, r.Source); !merged {
			outcomes[outcome] = true
		}
		return false
	})
	found.outcomes = slices.Sorted(maps.Keys(outcomes))
	return found
}

func TestExhaustSeesWhatBruteForceSees(t *testing.T) {
	saved := 0
	rapid.Check(t, func(t *rapid.T) {
		m := machine{
			steps:  rapid.IntRange(0, 3).Draw(t, "steps"),
			random: choice.NewStream(rapid.Uint64().Draw(t, "program"), "program"),
		}
		crashes, orders := rapid.IntRange(0, 2).Draw(t, "crashes"), rapid.IntRange(0, 2).Draw(t, "orders")
		want := bruteForce(m, crashes, orders)
		s := explore.Exhaust(crashes, orders, exhaustive)
		got := explored(m, s)
		require.Equal(t, want.outcomes, got.outcomes)
		require.LessOrEqual(t, got.runs, want.runs)
		saved += want.runs - got.runs

		text := s.Coverage()
		require.Contains(t, text, fmt.Sprintf("no violation in %s", plural(want.runs, "schedule")))
		for k := 1; k <= crashes; k++ {
			if n := want.schedules[k]; n > 0 {
				name := []string{"single crash", "double crash", "triple crash"}[k-1]
				require.Contains(t, text, "all "+strings.Replace(plural(n, name), "crashs", "crashes", 1))
			}
		}
	})
	require.Positive(t, saved, "states that were seen are not run again")
}

// Without the states, each schedule is one run.
func TestExhaustWithoutStates(t *testing.T) {
	m := machine{steps: 3, random: choice.NewStream(11, "program")}
	s := explore.Exhaust(2, 0, exhaustive)
	runs := sweep(s, 1<<20, func(r explore.Run, list *choice.List) bool {
		m.run(list, choice.FIFO())
		return false
	})
	require.Equal(t, bruteForce(m, 2, 0).runs, runs)
	require.NotContains(t, s.Coverage(), "seen before")
}

// A state that leaves out something that matters hides outcomes: the test above could fail.
func TestAnIncompleteStateHidesOutcomes(t *testing.T) {
	hidden := 0
	for seed := range uint64(20) {
		m := machine{steps: 3, random: choice.NewStream(seed, "program"), forget: 1}
		got := explored(m, explore.Exhaust(2, 0, exhaustive))
		if !slices.Equal(bruteForce(m, 2, 0).outcomes, got.outcomes) {
			hidden++
		}
	}
	require.Positive(t, hidden)
}

func TestExhaustCoverage(t *testing.T) {
	program := func(list *choice.List, source choice.Source) {
		list.Pick("completes", 3)
		for i := range 3 {
			if list.Pick("crash", 3) == 0 {
				continue
			}
			list.Pick("left", 9)
			list.Pick("delay", 4)
			if m, ok := source.(explore.Merger); ok && m.Known(state(i), list.Len()) {
				return
			}
		}
	}
	s := parse(t, "exhaust:2", exhaustive)
	require.Equal(t, "exhaust:2: not yet run", s.Coverage())
	var saw []string
	for sweep(s, 1, func(r explore.Run, list *choice.List) bool { program(list, r.Source); return false }) > 0 {
		saw = append(saw, s.Coverage())
	}
	require.Equal(t, "exhaust:2: the one schedule without a crash with at most 0 deviations: no violation in "+
		"1 schedule; stopped early: of 8 runs known with 1 deviation, 8 left out, and all with more; 1 run", saw[0])
	require.Equal(t, "exhaust:2: all 3 orders of arrival, all 54 single crashes and all 324 double "+
		"crashes in them: "+
		"no violation in 381 schedules; 75 runs, of which 67 ended in one of 5 states seen before; left out: "+
		"other answers of delay and of left", saw[len(saw)-1])

	s = parse(t, "exhaust:1,1", exhaustive)
	n := sweep(s, 1000, func(r explore.Run, list *choice.List) bool { program(list, r.Source); return true })
	require.Equal(t, 1, n, "what fails is not deviated from")
	require.Contains(t, s.Coverage(), "1 violation in 1 schedule")
	require.Contains(t, s.Coverage(), "left out: more than 1 deviation from the order of arrival")
}

func TestExhaustIsParsed(t *testing.T) {
	for _, name := range []string{"exhaust:0", "exhaust:2", "exhaust:3,4"} {
		require.Equal(t, name, parse(t, name, explore.Config{}).Name())
	}
	for _, name := range []string{
		"exhaust", "exhaust:", "exhaust:-1", "exhaust:2,", "exhaust:2,0", "exhaust:10",
	} {
		_, err := explore.Parse(name, explore.Config{})
		require.EqualError(t, err, fmt.Sprintf("bad exploration: %q needs a number of crashes from 0 to 9 after "+
			"a colon, like exhaust:2, and may have a number of deviations from the order of arrival after a comma, "+
			"like exhaust:2,3", name))
	}
	_, err := explore.Parse("exhaust:2", explore.Config{Shard: 0, Shards: 2})
	require.EqualError(t, err, "bad exploration: exhaust:2 can't be spread over shards, since what it leaves "+
		"out depends on what it has seen; give each process an input of its own")
}

func plural(n int, unit string) string {
	if n != 1 {
		unit += "s"
	}
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits + " " + unit
}
