package store

import (
	"encoding/binary"
	"math"
)

// seal ends every record of the log. It holds the number of the commit, and
// how many commits before it were not yet durable when it was made. So it
// proves, of a damaged record before it, that this record had been durable.
type seal [8]byte

// sealSize is the length of a seal in a batch of Pebble's: its kind, its
// length, and itself.
const sealSize = 1 + 1 + len(seal{})

// makeSeal returns the seal of commit number, made when all commits up to
// durable were durable.
func makeSeal(number, durable uint64) (s seal) {
	open := min(number-durable, math.MaxUint16)
	binary.LittleEndian.PutUint64(s[:], number<<16|open)
	return s
}

// read returns the number of the commit, and one up to which all commits were
// durable when it was made.
func (s seal) read() (number, durable uint64) {
	v := binary.LittleEndian.Uint64(s[:])
	number, open := v>>16, v&math.MaxUint16
	return number, number - min(open, number)
}
