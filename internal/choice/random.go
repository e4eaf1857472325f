package choice

import "math/bits"

// Stream is a sequence of random numbers of which each is known by its place: At(i) is a function of the
// seed, the label and i, and of nothing that was drawn before. The generator is SplitMix64 (Steele, Lea,
// Flood 2014).
type Stream struct{ key uint64 }

// NewStream returns the stream of the seed for this label.
func NewStream(seed uint64, label string) Stream {
	hash := uint64(0xcbf29ce484222325) // FNV-1a
	for i := range len(label) {
		hash = (hash ^ uint64(label[i])) * 0x100000001b3
	}
	return Stream{key: mix(hash ^ mix(seed+golden))}
}

const golden = 0x9e3779b97f4a7c15

// At returns the number at place i.
func (s Stream) At(i int) uint64 { return mix(s.key + uint64(i)*golden) }

// Below returns a number in 0..n-1 for place i.
func (s Stream) Below(i, n int) int { return below(s.At(i), n) }

// Answer gives a random answer to q: any answer alike when q has no rate, else a deviation with the
// probability q.Rate, each deviation alike.
func (s Stream) Answer(q Query) int {
	x := s.At(q.Occurrence)
	if q.Rate == 0 {
		return below(x, q.N)
	}
	if unit(x) >= q.Rate {
		return 0
	}
	return 1 + below(mix(x+golden), q.N-1)
}

// Seeded returns the source that draws all answers from the seed, with a stream of its own for each label.
func Seeded(seed uint64) Source { return seeded(seed) }

type seeded uint64

func (s seeded) Answer(q Query) int { return NewStream(uint64(s), q.Label).Answer(q) }

func (s seeded) Bind(label string) Source { return NewStream(uint64(s), label) }

// mix is SplitMix64's finaliser: a bijection in which every input bit reaches every output bit.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below maps x to 0..n-1 by multiplication; the bias is below n/2^64.
func below(x uint64, n int) int {
	hi, _ := bits.Mul64(x, uint64(n))
	return int(hi)
}

// unit maps x to [0, 1).
func unit(x uint64) float64 { return float64(x>>11) / (1 << 53) }
