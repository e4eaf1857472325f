package store

import "sync/atomic"

// touched knows of every key which commit wrote it last. Of keys that share a
// hash, and of ranges, it only knows one that did not come earlier. A nil one
// knows nothing.
type touched struct {
	keys   [1024]atomic.Uint64
	ranges atomic.Uint64
}

// add says that commit number, the greatest so far, sets and deletes what b does.
func (t *touched) add(b *Batch, number uint64) {
	if t == nil {
		return
	}
	for _, w := range b.writes {
		if w.kind != OpDeleteRange {
			t.key(b.data[w.key:w.value], number)
		}
	}
}

// key says that commit number writes key.
func (t *touched) key(key []byte, number uint64) {
	if t != nil {
		t.slot(key).Store(number)
	}
}

// all says that commit number writes nobody knows which keys.
func (t *touched) all(number uint64) {
	if t != nil {
		t.ranges.Store(number)
	}
}

// last returns a commit no earlier than the last one that wrote key.
func (t *touched) last(key []byte) uint64 {
	return max(t.slot(key).Load(), t.ranges.Load())
}

// slot finds a key's place by its FNV-1a hash.
func (t *touched) slot(key []byte) *atomic.Uint64 {
	h := uint32(2166136261)
	for _, c := range key {
		h = (h ^ uint32(c)) * 16777619
	}
	return &t.keys[(h^h>>16)%uint32(len(t.keys))]
}
