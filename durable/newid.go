package durable

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// NewID returns an id in the form of a UUID (RFC 9562, version 8). It is a function of the run, the branch's
// place and how often the branch has called NewID, so replay returns the same one, and no other call in any
// run does. It is not secret: who knows the run's id and seed can tell it.
func (ctx Context) NewID() string {
	b := ctx.enter("NewID")
	b.newIDs++
	text := binary.BigEndian.AppendUint64(nil, b.m.seed)
	text = binary.BigEndian.AppendUint64(text, uint64(b.newIDs))
	text = append(append(append(text, b.prefix...), 0), b.m.self...)
	id := sha256.Sum256(text)
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	var out [36]byte
	at := 0
	for i, n := range []int{4, 2, 2, 2, 6} {
		if i > 0 {
			out[at] = '-'
			at++
		}
		at += hex.Encode(out[at:], id[:n])
		copy(id[:], id[n:])
	}
	return string(out[:])
}
