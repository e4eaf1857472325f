package store

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
)

// Kind says what an [Op] does.
type Kind uint8

const (
	// OpSet gives a key a value.
	OpSet Kind = iota + 1
	// OpDelete removes a key, if it is there.
	OpDelete
	// OpDeleteRange removes all keys from Key up to, not including, Value;
	// a nil Value lies behind the last key.
	OpDeleteRange
	// OpRequireAbsent requires that a key is not there.
	OpRequireAbsent
	// OpRequireValue requires that a key has a value.
	OpRequireValue
)

// String returns the name of the Batch method that adds the operation.
func (k Kind) String() string {
	switch k {
	case OpSet:
		return "Set"
	case OpDelete:
		return "Delete"
	case OpDeleteRange:
		return "DeleteRange"
	case OpRequireAbsent:
		return "RequireAbsent"
	case OpRequireValue:
		return "RequireValue"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Op is one write or requirement of a [Batch]. Its slices belong to the batch,
// must not be changed and are valid until its next Reset.
type Op struct {
	Kind Kind
	// Key is the key, or where the range starts.
	Key []byte
	// Value is the value, or where the range ends; nil if there is none.
	Value []byte
}

// Batch collects writes that a commit applies together, and requirements
// that must hold for it to do so. Its zero value is empty and ready to use.
// All requirements speak of the store before the batch, wherever in the batch
// they stand; the writes take effect in their order. The methods copy what
// they are given. A batch is not for use by several goroutines at once.
type Batch struct {
	data     []byte // keys and values, one after the other
	writes   []span
	requires []span
	ranges   bool // some write is a DeleteRange
}

// span is an operation whose key and value lie in a batch's data.
type span struct {
	kind      Kind
	unbounded bool // OpDeleteRange: there is no end
	key       int  // data[key:value] is the key
	value     int  // data[value:end] is the value
	end       int
}

// Set gives key the value.
func (b *Batch) Set(key, value []byte) {
	b.writes = append(b.writes, b.add(OpSet, key, value))
}

// Delete removes key. That it is not there is no error.
func (b *Batch) Delete(key []byte) {
	b.writes = append(b.writes, b.add(OpDelete, key, nil))
}

// DeleteRange removes the keys of [from, to), also those that the batch has
// set before. A nil from is the first key, a nil to lies behind the last one.
func (b *Batch) DeleteRange(from, to []byte) {
	s := b.add(OpDeleteRange, from, to)
	s.unbounded = to == nil
	b.writes = append(b.writes, s)
	b.ranges = true
}

// RequireAbsent makes the commit fail with a [*ConflictError] if the store
// holds key.
func (b *Batch) RequireAbsent(key []byte) {
	b.requires = append(b.requires, b.add(OpRequireAbsent, key, nil))
}

// RequireValue makes the commit fail with a [*ConflictError] unless the store
// holds key with this value.
func (b *Batch) RequireValue(key, value []byte) {
	b.requires = append(b.requires, b.add(OpRequireValue, key, value))
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.data = b.data[:0]
	b.writes = b.writes[:0]
	b.requires = b.requires[:0]
	b.ranges = false
}

// Len returns the number of writes, requirements not counted.
func (b *Batch) Len() int { return len(b.writes) }

// Size returns the number of bytes of all keys and values in the batch.
func (b *Batch) Size() int { return len(b.data) }

// Ops iterates over the writes, in the order in which they take effect.
func (b *Batch) Ops() iter.Seq[Op] { return b.each(b.writes) }

// Requirements iterates over the requirements, in the order in which they
// were added.
func (b *Batch) Requirements() iter.Seq[Op] { return b.each(b.requires) }

func (b *Batch) each(spans []span) iter.Seq[Op] {
	return func(yield func(Op) bool) {
		for _, s := range spans {
			if !yield(b.op(s)) {
				return
			}
		}
	}
}

func (b *Batch) add(kind Kind, key, value []byte) span {
	n := len(b.data)
	b.data = slices.Grow(b.data, len(key)+len(value))
	b.data = append(append(b.data, key...), value...)
	return span{kind: kind, key: n, value: n + len(key), end: len(b.data)}
}

func (b *Batch) op(s span) Op {
	op := Op{Kind: s.kind, Key: b.data[s.key:s.value:s.value]}
	if s.kind == OpDelete || s.kind == OpRequireAbsent || s.unbounded {
		return op
	}
	op.Value = b.data[s.value:s.end:s.end]
	if op.Value == nil { // an empty value in empty data; nil would say more
		op.Value = []byte{}
	}
	return op
}

// check reports a batch that no store takes.
func (b *Batch) check() error {
	if len(b.data) > MaxBatchSize {
		return fmt.Errorf("%w: it has %d bytes of keys and values, at most %d are possible; commit it in parts",
			ErrInvalid, len(b.data), MaxBatchSize)
	}
	for _, spans := range [...][]span{b.writes, b.requires} {
		for _, s := range spans {
			n := s.value - s.key
			if s.kind == OpDeleteRange {
				n = max(1, n, s.end-s.value)
			}
			if n == 0 || n > MaxKeySize {
				return fmt.Errorf("%w: %s of the key %s, which has %d bytes; a key has 1 to %d",
					ErrInvalid, s.kind, quote(b.data[s.key:s.value]), n, MaxKeySize)
			}
		}
	}
	return nil
}

// recordSize returns the length of the log record that a commit of b appends, 0
// if it appends none: Pebble's encoding of the batch with its seal, in one chunk.
func recordSize(b *Batch) int {
	const chunkHeader, batchHeader = 19, 12
	if len(b.writes) == 0 {
		return 0
	}
	n := chunkHeader + batchHeader + sealSize
	for _, w := range b.writes {
		n += 1 + sizeOf(w.value-w.key)
		if w.kind != OpDelete {
			n += sizeOf(w.end - w.value)
		}
	}
	return n
}

// emptyRange reports whether a DeleteRange can't delete anything.
func (b *Batch) emptyRange(w span) bool {
	return !w.unbounded && bytes.Compare(b.data[w.key:w.value], b.data[w.value:w.end]) >= 0
}

// sizeOf returns the size of a string of n bytes that follow their length.
func sizeOf(n int) int {
	size := n + 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}
