package explore

import (
	"encoding/binary"
	"math"

	"github.com/reprise-dst/reprise/internal/choice"
)

// Bytes returns the source that takes its answers from data, front to back, and answers 0 when nothing is
// left; for Go's native fuzzing. Zero bytes are dull answers, so the empty input is the run without
// deviations.
//
// A choice takes one byte, two when it has more than 256 answers, four beyond 65,536: the number modulo N.
// A choice with a rate takes one byte first, which must be among the highest for a deviation, as many of
// them as the rate says, at least one and never all; only then follows the number that says which.
func Bytes(data []byte) choice.Source { return &byteSource{data} }

type byteSource struct{ data []byte }

func (b *byteSource) Answer(q choice.Query) int {
	if q.Rate == 0 {
		return int(b.take(q.N) % uint64(q.N))
	}
	high := max(1, min(255, int(math.Ceil(q.Rate*256))))
	if b.take(2) < uint64(256-high) {
		return 0
	}
	if q.N == 2 {
		return 1
	}
	return 1 + int(b.take(q.N-1)%uint64(q.N-1))
}

// take returns the next number for n answers.
func (b *byteSource) take(n int) uint64 {
	var number [8]byte
	size := width(n)
	copy(number[8-size:], b.data)
	b.data = b.data[min(size, len(b.data)):]
	return binary.BigEndian.Uint64(number[:])
}

// width returns how many bytes a number for n answers has.
func width(n int) int {
	switch {
	case n <= 1<<8:
		return 1
	case n <= 1<<16:
		return 2
	}
	return 4
}

// Encode returns the bytes from which [Bytes] gives the answers of these choices again; to begin a fuzzing
// corpus with runs that are known.
func Encode(choices []choice.Choice) []byte {
	var data []byte
	end := 0
	put := func(answer, n int) {
		var number [8]byte
		binary.BigEndian.PutUint64(number[:], uint64(answer))
		data = append(data, number[8-width(n):]...)
	}
	for _, c := range choices {
		switch {
		case !c.Rated:
			put(c.Answer, c.N)
		case c.Answer == 0:
			put(0, 2)
		default:
			put(255, 2)
			if c.N > 2 {
				put(c.Answer-1, c.N-1)
			}
		}
		if c.Answer != 0 {
			end = len(data)
		}
	}
	return data[:end]
}
