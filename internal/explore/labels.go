package explore

import (
	"encoding/binary"

	"github.com/reprise-dst/reprise/internal/choice"
)

// labels packs choices that are still to be deviated from: label id, occurrence and number of answers of
// each, as varints.
type labels struct {
	ids   map[string]uint64
	names []string // by id
}

func newLabels() labels { return labels{ids: make(map[string]uint64)} }

func (l *labels) pack(choices []choice.Choice) []byte {
	if len(choices) == 0 {
		return nil
	}
	space := make([]byte, 0, 4*len(choices))
	for _, c := range choices {
		id, known := l.ids[c.Label]
		if !known {
			id = uint64(len(l.names))
			l.ids[c.Label] = id
			l.names = append(l.names, c.Label)
		}
		space = binary.AppendUvarint(space, id)
		space = binary.AppendUvarint(space, uint64(c.Occurrence))
		space = binary.AppendUvarint(space, uint64(c.N))
	}
	return space
}

// unpack returns the first choice of a space, and what comes after it.
func (l *labels) unpack(space []byte) (c choice.Choice, rest []byte) {
	number := func() int {
		v, size := binary.Uvarint(space)
		space = space[size:]
		return int(v)
	}
	return choice.Choice{Label: l.names[number()], Occurrence: number(), N: number()}, space
}

// spread is the i-th of the tried answers of a choice that offers n, when they lie evenly from 1 to n-1.
func spread(i, tried, n int) int {
	if tried < 2 {
		return 1
	}
	return 1 + int(int64(i)*int64(n-2)/int64(tried-1))
}
