package store

import (
	"bytes"
	"slices"
)

// chunkMax bounds how many entries lie side by side in a chunk: an insert
// moves at most that many, and so does the first write after a snapshot.
const chunkMax = 64

// entry is a key with its value. The bytes never change once they are stored.
type entry struct {
	key, value []byte
}

// ordered is an ordered map: a sorted list of sorted chunks. It is meant to be
// cheap when it is small, where it is one sorted slice, and to stay good when
// it grows. Its zero value is empty. A snapshot costs nothing but that a write
// copies the chunk that it meets first.
type ordered struct {
	chunks []*chunk // none is empty
	epoch  int      // the number of snapshots taken
	listed int      // the epoch in which chunks was copied last
}

type chunk struct {
	epoch   int // the epoch in which the chunk was made; a snapshot may hold it in later ones
	entries []entry
}

// place is a position in an ordered map: entry i of chunk c.
type place struct{ c, i int }

// find returns where key is, or where it would be inserted.
func (m *ordered) find(key []byte) (p place, found bool) {
	lo, hi := 0, len(m.chunks) // the first chunk that begins behind key
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if bytes.Compare(m.chunks[mid].entries[0].key, key) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return place{}, false
	}
	p.c = lo - 1
	entries := m.chunks[p.c].entries
	lo, hi = 0, len(entries)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch c := bytes.Compare(entries[mid].key, key); {
		case c == 0:
			p.i = mid
			return p, true
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	p.i = lo
	return p, false
}

func (m *ordered) get(key []byte) ([]byte, bool) {
	p, found := m.find(key)
	if !found {
		return nil, false
	}
	return m.chunks[p.c].entries[p.i].value, true
}

// set stores e and returns the entry that it replaces.
func (m *ordered) set(e entry) (old entry, replaced bool) {
	p, found := m.find(e.key)
	if found {
		c := m.own(p.c)
		old, c.entries[p.i] = c.entries[p.i], e
		return old, true
	}
	if len(m.chunks) == 0 {
		m.chunks = append(m.chunks, &chunk{epoch: m.epoch, entries: make([]entry, 0, chunkMax/4)})
		m.listed = m.epoch
	}
	if len(m.chunks[p.c].entries) >= chunkMax {
		p = m.split(p)
	}
	c := m.own(p.c)
	if len(c.entries) == cap(c.entries) {
		c.entries = slices.Grow(c.entries, chunkMax-len(c.entries))
	}
	c.entries = slices.Insert(c.entries, p.i, e)
	return entry{}, false
}

// split makes room at p, in a full chunk, and returns where p is then.
func (m *ordered) split(p place) place {
	at := chunkMax / 2
	if p.c == len(m.chunks)-1 && p.i == chunkMax {
		at = chunkMax - 1 // keys that ascend fill their chunks
	}
	c := m.own(p.c)
	right := &chunk{epoch: m.epoch, entries: make([]entry, 0, chunkMax)}
	right.entries = append(right.entries, c.entries[at:]...)
	clear(c.entries[at:])
	c.entries = c.entries[:at]
	m.chunks = slices.Insert(m.chunks, p.c+1, right)
	if p.i > at {
		return place{p.c + 1, p.i - at}
	}
	return p
}

// remove removes key and returns its entry.
func (m *ordered) remove(key []byte) (old entry, removed bool) {
	p, found := m.find(key)
	if !found {
		return entry{}, false
	}
	c := m.own(p.c)
	old = c.entries[p.i]
	c.entries = slices.Delete(c.entries, p.i, p.i+1)
	if len(c.entries) == 0 {
		m.chunks = slices.Delete(m.chunks, p.c, p.c+1)
	}
	return old, true
}

// removeRange removes the keys of [from, to), to the end if to is nil, and
// hands each entry to removed, unless that is nil.
func (m *ordered) removeRange(from, to []byte, removed func(entry)) {
	p, _ := m.find(from)
	for p.c < len(m.chunks) {
		entries := m.chunks[p.c].entries
		end := len(entries)
		if to != nil && bytes.Compare(entries[end-1].key, to) >= 0 {
			end, _ = slices.BinarySearchFunc(entries, to, entry.compare)
		}
		if removed != nil && p.i < end {
			for _, e := range entries[p.i:end] {
				removed(e)
			}
		}
		last := end < len(entries)
		switch {
		case p.i >= end:
			p = place{p.c + 1, 0}
		case end-p.i == len(entries):
			m.ownList()
			m.chunks = slices.Delete(m.chunks, p.c, p.c+1)
		default:
			c := m.own(p.c)
			c.entries = slices.Delete(c.entries, p.i, end)
			p = place{p.c + 1, 0}
		}
		if last {
			return
		}
	}
}

func (e entry) compare(key []byte) int { return bytes.Compare(e.key, key) }

// own returns the i-th chunk for writing, apart from all snapshots.
func (m *ordered) own(i int) *chunk {
	m.ownList()
	c := m.chunks[i]
	if c.epoch != m.epoch {
		c = &chunk{epoch: m.epoch, entries: append(make([]entry, 0, chunkMax), c.entries...)}
		m.chunks[i] = c
	}
	return c
}

func (m *ordered) ownList() {
	if m.listed != m.epoch {
		m.chunks = slices.Clone(m.chunks)
		m.listed = m.epoch
	}
}

// snapshot returns the chunks as they are now; later writes spare them.
func (m *ordered) snapshot() []*chunk {
	m.epoch++
	return m.chunks
}

// visitFrom visits the entries of chunks from p up to, not including, the key
// to, until visit returns false, and reports whether it came to its end.
func visitFrom(chunks []*chunk, p place, to []byte, visit func(entry) bool) bool {
	for ; p.c < len(chunks); p = (place{p.c + 1, 0}) {
		for _, e := range chunks[p.c].entries[p.i:] {
			if to != nil && bytes.Compare(e.key, to) >= 0 {
				return true
			}
			if !visit(e) {
				return false
			}
		}
	}
	return true
}
