package shrink

import (
	"strconv"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/stretchr/testify/require"
)

// choices reads "a1 b1 a2": labels with occurrences.
func choices(text string) []choice.Choice {
	var all []choice.Choice
	for word := range strings.FieldsSeq(text) {
		n, err := strconv.Atoi(word[1:])
		if err != nil {
			panic(err)
		}
		all = append(all, choice.Choice{Label: word[:1], Occurrence: n, N: 2})
	}
	return all
}

func TestCarry(t *testing.T) {
	for _, c := range []struct{ devs, with, without, want string }{
		{"a4", "a3 b7 a4 b8", "a1 b2 a2 b3", "a2"},       // where both are alike, the place counts
		{"a4 b9", "a3 b7 a4 b9", "a1 b2 c1 a2", "a2 b4"}, // beyond that, the label's last move
		{"a4", "a3 c1 a4", "a1 b1 a9", "a2"},
		{"c5", "a3 c5 a4", "a1 b1 c9 a2", "c5"}, // a label that has not moved stays
		{"a1 a2", "b1 a2", "b1 a2", "a2"},       // what was skipped is left out
		{"a2 b1", "a2 b1", "a1 b1", "a1 b1"},
		{"a2 a9", "a2 c1 a9", "a1 b1", "a1 a8"},
		{"a3", "b1 a5 a3", "b1 a1", ""}, // no choice has an occurrence below 1
	} {
		var devs []choice.Deviation
		for _, d := range choices(c.devs) {
			devs = append(devs, choice.Deviation{Label: d.Label, Occurrence: d.Occurrence, Answer: 1})
		}
		var got []string
		for _, d := range carry(devs, choices(c.with), choices(c.without)) {
			got = append(got, d.Label+strconv.Itoa(d.Occurrence))
		}
		require.Equal(t, c.want, strings.Join(got, " "), "%+v", c)
	}
}
