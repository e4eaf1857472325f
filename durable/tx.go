package durable

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/reprise-dst/reprise/store"
)

// Tx is a transaction on a key space of the user's in the engine's store, apart from the engine's own keys.
// It belongs to one call of the function that it was given to, and to that function's goroutine.
//
// It sees what it has written itself. What it reads of others may change under it; then the function is run
// again, on a new Tx, and nothing of the earlier call remains. A call that is run again may have seen values
// that never stood beside each other, so a function that loops until values agree needs a bound.
type Tx struct {
	store  store.Store
	reads  map[string]txRead
	ranges []txRange
	writes map[string]txWrite
	order  []string // keys of writes, sorted
	size   int      // bytes of writes

	readOnly bool
	ended    bool
	broken   error // the store can't be read
	wrong    error // the first misuse
}

// txRead is what a transaction has read of a key.
type txRead struct {
	value []byte
	ok    bool
}

// txRange is a part of the key space that a transaction has read.
type txRange struct {
	from, to string // to is not in it; empty: the end
	hash     uint64 // of the keys and values
}

// txWrite is what a transaction writes to a key.
type txWrite struct {
	value  []byte
	delete bool
}

// Bounds of a transaction, in bytes.
const (
	maxTxKey   = 4 << 10
	maxTxBytes = 64 << 20 // of all keys and values that it writes
)

// errTxBroken unwinds a transaction whose store can't be read.
var errTxBroken = errors.New("durable: the store of a transaction can't be read")

func newTx(st store.Store) *Tx {
	return &Tx{store: st, reads: map[string]txRead{}, writes: map[string]txWrite{}}
}

// Get returns the value of a key, which the caller may change; ok is false when there is none.
func (tx *Tx) Get(key string) (value []byte, ok bool) {
	if !tx.enter("Get", key) {
		return nil, false
	}
	if w, own := tx.writes[key]; own {
		return clone(w.value), !w.delete
	}
	r, again := tx.reads[key]
	if !again {
		var err error
		if r.value, r.ok, err = tx.store.Get(userKey(key)); err != nil {
			tx.breakDown(err)
		}
		tx.reads[key] = r
	}
	return clone(r.value), r.ok
}

// Set gives a key a value.
func (tx *Tx) Set(key string, value []byte) { tx.write("Set", key, txWrite{value: clone(value)}) }

// Delete removes a key, if it is there.
func (tx *Tx) Delete(key string) { tx.write("Delete", key, txWrite{delete: true}) }

func (tx *Tx) write(call, key string, w txWrite) {
	if !tx.enter(call, key) {
		return
	}
	if tx.readOnly {
		tx.misuse(fmt.Errorf("durable: %s(%q) was called in a View, which only reads; write in Transact",
			call, key))
		return
	}
	old, twice := tx.writes[key]
	if !twice {
		i, _ := slices.BinarySearch(tx.order, key)
		tx.order = slices.Insert(tx.order, i, key)
		tx.size += len(key)
	}
	tx.writes[key] = w
	tx.size += len(w.value) - len(old.value)
	if len(w.value) > maxPayload || tx.size > maxTxBytes {
		tx.misuse(fmt.Errorf("durable: %s(%q) of %d bytes makes the transaction too large: a value may have %d "+
			"bytes, all that it writes %d; write it in parts", call, key, len(w.value), maxPayload, maxTxBytes))
	}
}

// Scan returns the keys from from up to, not including, to, in ascending order, with their values, which the
// caller may change; an empty to is the end. The keys that begin with "account/" are those from "account/" to
// "account0", since 0 comes after the slash. The loop sees what the transaction has written before the loop,
// not what it writes in it.
func (tx *Tx) Scan(from, to string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		if !tx.enter("Scan", from+"\x00") || to != "" && to <= from { // from may be empty
			return
		}
		own := &ownWrites{keys: slices.Clone(tx.between(from, to)), writes: map[string]txWrite{}}
		for _, key := range own.keys {
			own.writes[key] = tx.writes[key]
		}
		read := txRange{from: from, to: to}
		hash := xxhash.New()
		defer func() {
			read.hash = hash.Sum64()
			tx.ranges = append(tx.ranges, read)
		}()
		for key, value := range tx.stored(from, to) {
			hashPair(hash, key, value)
			read.to = key + "\x00" // as far as the loop has come
			if !own.before(key, yield) {
				return
			}
			if _, masked := own.writes[key]; !masked && !yield(key, value) {
				return
			}
		}
		read.to = to
		own.before("", yield)
	}
}

// ownWrites are a transaction's writes as a loop over a range meets them.
type ownWrites struct {
	keys   []string // not met yet
	writes map[string]txWrite
}

// before yields the own writes up to and including a key; an empty key is the end. It reports false when the
// loop was left.
func (o *ownWrites) before(key string, yield func(string, []byte) bool) bool {
	for len(o.keys) > 0 && (key == "" || o.keys[0] <= key) {
		k := o.keys[0]
		o.keys = o.keys[1:]
		if w := o.writes[k]; !w.delete && !yield(k, clone(w.value)) {
			return false
		}
	}
	return true
}

// between returns the own keys of a range.
func (tx *Tx) between(from, to string) []string {
	i, _ := slices.BinarySearch(tx.order, from)
	j := len(tx.order)
	if to != "" {
		j, _ = slices.BinarySearch(tx.order, to)
	}
	return tx.order[i:j]
}

// txPage is how many keys a scan reads at once.
const txPage = 128

// stored returns what the store has in a range. No call of the store is open while the loop's body runs.
func (tx *Tx) stored(from, to string) iter.Seq2[string, []byte] {
	type pair struct {
		key   string
		value []byte
	}
	end := userKey(to)
	if to == "" {
		end = []byte{tableUser + 1}
	}
	return func(yield func(string, []byte) bool) {
		at := userKey(from)
		for {
			var page []pair
			err := tx.store.Scan(at, end, func(key, value []byte) bool {
				page = append(page, pair{string(key[1:]), append([]byte{}, value...)})
				return len(page) < txPage
			})
			if err != nil {
				tx.breakDown(err)
			}
			for _, p := range page {
				if !yield(p.key, p.value) {
					return
				}
			}
			if len(page) < txPage {
				return
			}
			at = userKey(page[len(page)-1].key + "\x00")
		}
	}
}

func hashPair(h *xxhash.Digest, key string, value []byte) {
	var lengths [16]byte
	binary.BigEndian.PutUint64(lengths[:8], uint64(len(key)))
	binary.BigEndian.PutUint64(lengths[8:], uint64(len(value)))
	_, _ = h.Write(lengths[:])
	_, _ = h.WriteString(key)
	_, _ = h.Write(value)
}

// enter checks that the transaction and the key may be used.
func (tx *Tx) enter(call, key string) bool {
	switch {
	case tx.ended:
		panic("durable: " + call + " was called on a Tx whose function has returned; use it in the function " +
			"that it was given to, and in no goroutine of its own")
	case key == "":
		tx.misuse(fmt.Errorf("durable: %s was called with an empty key; a key has 1 to %d bytes", call, maxTxKey))
	case len(key) > maxTxKey:
		tx.misuse(fmt.Errorf("durable: %s was called with a key of %d bytes, at most %d are allowed: %.40q…",
			call, len(key), maxTxKey, key))
	}
	return tx.wrong == nil
}

// misuse notes the first mistake. It is the transaction's error, whatever its function returns.
func (tx *Tx) misuse(err error) {
	if tx.wrong == nil {
		tx.wrong = err
	}
}

// breakDown ends the function: the store can't be read.
func (tx *Tx) breakDown(err error) {
	tx.broken = err
	panic(errTxBroken)
}

// fresh reports whether what the transaction has read is what the store holds.
func (tx *Tx) fresh() (bool, error) {
	for _, key := range sortedIDs(tx.reads) {
		value, ok, err := tx.store.Get(userKey(key))
		if err != nil {
			return false, err
		}
		if r := tx.reads[key]; ok != r.ok || !bytes.Equal(value, r.value) {
			return false, nil
		}
	}
	for _, r := range tx.ranges {
		hash, err := rangeHash(tx.store, r.from, r.to)
		if err != nil || hash != r.hash {
			return false, err
		}
	}
	return true, nil
}

// rangeHash is what the store holds in a range, as a number.
func rangeHash(st store.Store, from, to string) (uint64, error) {
	tx := newTx(st)
	hash := xxhash.New()
	tx.guard(func() {
		for key, value := range tx.stored(from, to) {
			hashPair(hash, key, value)
		}
	})
	return hash.Sum64(), tx.broken
}

// guard calls fn. When the store can't be read, fn does not return but guard does.
func (tx *Tx) guard(fn func()) {
	defer func() {
		if tx.broken != nil {
			_ = recover()
		}
	}()
	fn()
}

// footprint is what the transaction touches; without its writes when it writes nothing after all.
func (tx *Tx) footprint(writes bool) footprint {
	f := footprint{reads: sortedIDs(tx.reads)}
	for _, r := range tx.ranges {
		f.ranges = append(f.ranges, keyRange{r.from, r.to})
	}
	if writes {
		f.writes = slices.Clone(tx.order)
	}
	return f
}

// record adds the transaction to a batch. That what it has read is still so is made sure of before; the batch
// says it again, so that nothing that writes to the store from elsewhere can come between.
func (tx *Tx) record(b *store.Batch) {
	for _, key := range sortedIDs(tx.reads) {
		if r := tx.reads[key]; r.ok {
			b.RequireValue(userKey(key), r.value)
		} else {
			b.RequireAbsent(userKey(key))
		}
	}
	for _, key := range tx.order {
		if w := tx.writes[key]; w.delete {
			b.Delete(userKey(key))
		} else {
			b.Set(userKey(key), w.value)
		}
	}
}

func clone(value []byte) []byte {
	if value == nil {
		return nil
	}
	return append([]byte{}, value...)
}

func userKey(key string) []byte {
	return append([]byte{tableUser}, key...)
}

// isUserKey reports whether a key of the store is one of the user's.
func isUserKey(key []byte) bool { return strings.HasPrefix(string(key), string(rune(tableUser))) }
