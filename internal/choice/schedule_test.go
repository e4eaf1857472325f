package choice_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var sample = choice.Schedule{
	Test: "TestOrder/with_refund#01", Seed: 7203158890337342156, Go: "go1.26.8", Reprise: "v0.1.0",
	Property: "replay is identical", Faults: "crash 2% max 3; torn 1%",
	Deviations: []choice.Deviation{
		{Label: "worker/crash/commit", Occurrence: 7, Answer: 2, Note: "CRASH after commit 3, before it knew"},
		{Label: "worker/completes", Occurrence: 4, Answer: 1, Note: `"ship" completes before "charge"`},
		{Label: "worker/torn", Occurrence: 1, Answer: 311},
		{Label: "a label = #1 \"quoted\"\n", Occurrence: 2, Answer: 1, Note: "# odd labels are quoted"},
	},
}

func TestScheduleText(t *testing.T) {
	golden.Assert(t, "sample.schedule", sample.String())
	parsed, err := choice.Parse(sample.String())
	require.NoError(t, err)
	require.Equal(t, sample, parsed)
}

func TestScheduleWrittenByHand(t *testing.T) {
	parsed, err := choice.Parse("reprise schedule 1\r\n# found on Tuesday\r\ntest: TestOrder\r\n\r\n" +
		"  worker/crash/commit # 7=2#twice\r\n\t\"a b\" #1 = 1\r\n")
	require.NoError(t, err)
	require.Equal(t, choice.Schedule{Test: "TestOrder", Deviations: []choice.Deviation{
		{Label: "worker/crash/commit", Occurrence: 7, Answer: 2, Note: "twice"},
		{Label: "a b", Occurrence: 1, Answer: 1},
	}}, parsed)
}

// anyText is mostly text that could be misread.
func anyText() *rapid.Generator[string] {
	odd := rapid.StringOfN(rapid.RuneFrom([]rune("ab/:#= \"\\\n\t\r\u00a0\u2028\u0085\x00é")), 0, 8, -1)
	bytes := rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 6), func(b []byte) string { return string(b) })
	return rapid.OneOf(odd, rapid.String(), bytes, rapid.StringMatching(`[a-z]+(/[a-z]+)*:?`))
}

func anySchedule() *rapid.Generator[choice.Schedule] {
	return rapid.Custom(func(t *rapid.T) choice.Schedule {
		s := choice.Schedule{
			Test: anyText().Draw(t, "test"), Seed: rapid.Uint64().Draw(t, "seed"),
			Go: anyText().Draw(t, "go"), Reprise: anyText().Draw(t, "reprise"),
			Property: anyText().Draw(t, "property"), Faults: anyText().Draw(t, "faults"),
		}
		s.Deviations = rapid.SliceOfDistinct(anyDeviation(), func(d choice.Deviation) string {
			return fmt.Sprint(d.Label, "#", d.Occurrence)
		}).Draw(t, "deviations")
		if len(s.Deviations) == 0 {
			s.Deviations = nil
		}
		return s
	})
}

func anyDeviation() *rapid.Generator[choice.Deviation] {
	return rapid.Custom(func(t *rapid.T) choice.Deviation {
		return choice.Deviation{
			Label:      anyText().Draw(t, "label"),
			Occurrence: rapid.IntRange(1, choice.MaxAnswers).Draw(t, "occurrence"),
			Answer:     rapid.IntRange(1, choice.MaxAnswers-1).Draw(t, "answer"),
			Note:       note(anyText().Draw(t, "note")),
		}
	})
}

// note gives text the form that a recorded note has.
func note(text string) string {
	list := choice.NewList(choice.SourceFunc(func(choice.Query) int { return 1 }))
	list.Pick("p", 2)
	list.Point("p").Note(text)
	return list.Deviations()[0].Note
}

func TestScheduleRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySchedule().Draw(t, "schedule")
		text := s.String()
		parsed, err := choice.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, s, parsed, text)
		require.Equal(t, text, parsed.String())
	})
}

func FuzzParse(f *testing.F) {
	f.Add(sample.String())
	f.Add("reprise schedule 1\ntest: T\n\"\" #1 = 1")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := choice.Parse(text)
		if err != nil {
			require.ErrorIs(t, err, choice.ErrSchedule)
			return
		}
		again, err := choice.Parse(s.String())
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}

// TestBadSchedules holds the message for each way in which a schedule file can be wrong.
func TestBadSchedules(t *testing.T) {
	const head = "reprise schedule 1\ntest: TestOrder\n"
	var out strings.Builder
	for _, text := range []string{
		"",
		"--- FAIL: TestOrder",
		"reprise schedule 2\ntest: TestOrder",
		"reprise schedule 1",
		"reprise schedule 1\nseed: -1\nworker#1 = 1",
		head + "seed: 18446744073709551616",
		head + "test: TestPayment",
		head + "tset: TestOrder",
		head + `property: "open`,
		head + "worker/crash/commit",
		head + "worker/crash/commit#7",
		head + "worker/crash/commit = 2",
		head + "#7 = 2\n= 2",
		head + "worker/crash/commit#0 = 2",
		head + "worker/crash/commit#x = 2",
		head + "worker/crash/commit#7 = two",
		head + "worker/crash/commit#7 =",
		head + "worker/crash/commit#7 = 0",
		head + "worker/crash/commit#7 = -1",
		head + "worker/crash/commit#7 = 2147483647",
		head + "worker/crash/commit#99999999999 = 1",
		head + "worker#7 = 2\nworker#8 = 1\nworker#7 = 1",
		head + "\"a b#1 = 1\n\"a\\q\"#1 = 1",
		head + strings.Repeat("what\n", 10),
		head + strings.Repeat("long", 50),
	} {
		_, err := choice.Parse(text)
		require.ErrorIs(t, err, choice.ErrSchedule, text)
		message := strings.ReplaceAll(err.Error(), "\n", "\n\t   ")
		fmt.Fprintf(&out, "%s\n\t=> %s\n\n", strings.TrimSpace(text), message)
	}
	golden.Assert(t, "bad_schedules.txt", out.String())
}

func TestScheduleForAnotherTest(t *testing.T) {
	require.NoError(t, choice.Schedule{Test: "TestA"}.For("TestA"))
	require.EqualError(t, choice.Schedule{Test: "TestA"}.For("TestB"), "this schedule is of test TestA, "+
		"not of TestB: run it with -run '^TestA$', or move the file to that test's folder")
}

func TestHashIsOfTheFailureAlone(t *testing.T) {
	require.Regexp(t, "^[0-9a-f]{8}$", sample.Hash())
	same := sample
	same.Seed, same.Go, same.Reprise = 1, "go1.27", "v2"
	same.Deviations = append([]choice.Deviation(nil), sample.Deviations...)
	same.Deviations[0].Note = "said otherwise"
	require.Equal(t, sample.Hash(), same.Hash())
	for name, change := range map[string]func(*choice.Schedule){
		"test":      func(s *choice.Schedule) { s.Test = "TestX" },
		"property":  func(s *choice.Schedule) { s.Property = "x" },
		"answer":    func(s *choice.Schedule) { s.Deviations[0].Answer++ },
		"deviation": func(s *choice.Schedule) { s.Deviations = s.Deviations[1:] },
	} {
		other := sample
		other.Deviations = append([]choice.Deviation(nil), sample.Deviations...)
		change(&other)
		require.NotEqual(t, sample.Hash(), other.Hash(), name)
	}
}
