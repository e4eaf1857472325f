package store

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// pebbleStore is a store on Pebble, on a real disk or on a simulated one.
//
// A commit is applied under a short lock, which also checks what the batch
// requires, and waits for the sync of the log outside of it: so any number of
// commits share a sync. In between Pebble shows it to readers already, though
// a crash could still take it back; so a reader waits until all that it may
// have seen is durable. Commits are numbered for that, in the order of the
// log.
type pebbleStore struct {
	what string // the store, for messages
	db   *pebble.DB
	gate gate

	commits sync.Mutex    // held while a commit is checked and applied
	applied atomic.Uint64 // the number of the last commit applied
	record  int           // the length of its log record
	touched *touched      // nil: any key may be in any commit
	durable waterline

	wedged  atomic.Bool  // Pebble is stuck: to close it would wait for ever
	release func() error // gives back what the store holds
}

// init readies a store for the use of db.
func (s *pebbleStore) init(what string) {
	s.what = what
	s.durable.init()
}

func (s *pebbleStore) Get(key []byte) (value []byte, ok bool, err error) {
	if err := s.enter(); err != nil {
		return nil, false, err
	}
	defer s.gate.leave()
	err = s.read(key, func(stored []byte) {
		value, ok = append(make([]byte, 0, len(stored)), stored...), true
	})
	if err == nil {
		err = s.durable.wait(s.lastWrite(key))
	}
	if err != nil {
		return nil, false, err
	}
	return value, ok, nil
}

// enter lets a call in, unless the store is closed or has failed.
func (s *pebbleStore) enter() error {
	if !s.gate.enter() {
		return s.errClosed()
	}
	if err := s.durable.err(); err != nil {
		s.gate.leave()
		return err
	}
	return nil
}

// read calls found with the value of key, if the store holds the key.
func (s *pebbleStore) read(key []byte, found func(value []byte)) (err error) {
	defer s.rescue(&err)
	stored, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return s.errRead(err)
	}
	found(stored)
	return closer.Close()
}

// lastWrite returns the number of the last commit that may have written key.
// It has to be asked for after the key was read.
func (s *pebbleStore) lastWrite(key []byte) uint64 {
	if s.touched == nil {
		return s.applied.Load()
	}
	return s.touched.last(key)
}

func (s *pebbleStore) Scan(from, to []byte, visit func(key, value []byte) bool) (err error) {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if to != nil && bytes.Compare(from, to) >= 0 {
		return nil
	}
	it, err := s.iterate(from, to)
	if err != nil {
		return err
	}
	defer s.finish(it, &err)
	if err := s.durable.wait(s.applied.Load()); err != nil {
		return err
	}
	value, ok, err := s.step(it, (*pebble.Iterator).First)
	for ok && visit(it.Key(), value) {
		if s.gate.isShut() {
			return s.errClosed()
		}
		value, ok, err = s.step(it, (*pebble.Iterator).Next)
	}
	return err
}

func (s *pebbleStore) iterate(from, to []byte) (it *pebble.Iterator, err error) {
	defer s.rescue(&err)
	if len(from) == 0 {
		from = nil
	}
	it, err = s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	return it, s.errRead(err)
}

func (s *pebbleStore) step(
	it *pebble.Iterator, move func(*pebble.Iterator) bool,
) (value []byte, ok bool, err error) {
	defer s.rescue(&err)
	if !move(it) {
		return nil, false, s.errRead(it.Error())
	}
	value, err = it.ValueAndErr()
	return value, err == nil, s.errRead(err)
}

func (s *pebbleStore) finish(it *pebble.Iterator, err *error) {
	defer s.rescue(err)
	if closeErr := it.Close(); *err == nil {
		*err = s.errRead(closeErr)
	}
}

func (s *pebbleStore) Commit(b *Batch) error {
	if err := b.check(); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	pb := s.db.NewBatch()
	if !b.ranges {
		if err := s.encode(b, pb, 0); err != nil {
			return err
		}
	}
	number, err := s.apply(b, pb)
	conflict := err
	switch {
	case errors.Is(err, ErrConflict):
		// What the batch conflicts with must not be taken back any more.
		err = s.durable.wait(number)
	case err == nil && len(b.writes) > 0:
		err = s.sync(pb, number)
	case err == nil:
		err = s.durable.wait(number)
	}
	if err != nil {
		return err // Pebble may still hold pb
	}
	if err := pb.Close(); err != nil {
		panic(fmt.Sprintf("invariant: a committed batch does not close: %v", err))
	}
	return conflict
}

// encode makes pb of what b writes. If it deletes ranges, commits must be held,
// and number is the commit's.
func (s *pebbleStore) encode(b *Batch, pb *pebble.Batch, number uint64) (err error) {
	for i, w := range b.writes {
		switch op := b.op(w); op.Kind {
		case OpSet:
			err = pb.Set(op.Key, op.Value, nil)
		case OpDelete:
			err = pb.Delete(op.Key, nil)
		case OpDeleteRange:
			err = s.deleteRange(b, i, pb, number)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rangeKeys is how many keys at most a deleted range may have for them to be
// deleted one by one. Pebble deletes a range with a mark, in no time, but then
// the next read sorts all marks made since the last flush.
const rangeKeys = 256

// deleteRange makes pb delete the range of the i-th write of b.
func (s *pebbleStore) deleteRange(b *Batch, i int, pb *pebble.Batch, number uint64) (err error) {
	w := b.writes[i]
	if b.emptyRange(w) {
		return nil
	}
	from, to := b.data[w.key:w.value], b.data[w.value:w.end]
	if w.unbounded {
		to = beyondKeys
	}
	it, err := s.iterate(from, to)
	if err != nil {
		return err
	}
	defer s.finish(it, &err)
	n := 0
	_, ok, err := s.step(it, (*pebble.Iterator).First)
	for ; ok && n <= rangeKeys; _, ok, err = s.step(it, (*pebble.Iterator).Next) {
		n++
	}
	if err != nil {
		return err
	}
	if n > rangeKeys {
		s.touched.all(number)
		return pb.DeleteRange(from, to, nil)
	}
	for _, ok, err = s.step(it, (*pebble.Iterator).First); ok; _, ok, err = s.step(it, (*pebble.Iterator).Next) {
		s.touched.key(it.Key(), number)
		if err := pb.Delete(it.Key(), nil); err != nil {
			return err
		}
	}
	for _, earlier := range b.writes[:i] {
		key := b.data[earlier.key:earlier.value]
		if err == nil && earlier.kind == OpSet && bytes.Compare(from, key) <= 0 && bytes.Compare(key, to) < 0 {
			err = pb.Delete(key, nil)
		}
	}
	return err
}

// beyondKeys lies behind every key that a store can hold.
var beyondKeys = bytes.Repeat([]byte{math.MaxUint8}, MaxKeySize+1)

// apply checks what the batch requires and hands its writes to Pebble, as pb.
// It returns the number of the commit that has to be durable before anyone
// may learn what apply found or did.
func (s *pebbleStore) apply(b *Batch, pb *pebble.Batch) (number uint64, err error) {
	defer s.rescue(&err)
	s.commits.Lock()
	defer s.commits.Unlock()
	number = s.applied.Load()
	for _, r := range b.requires {
		if err := s.require(b.op(r)); err != nil {
			return number, err
		}
	}
	if len(b.writes) == 0 {
		return number, nil
	}
	if err := s.durable.err(); err != nil {
		return number, err
	}
	number++
	if b.ranges {
		if err := s.encode(b, pb, number); err != nil {
			return number, err
		}
	}
	seal := makeSeal(number, s.durable.level.Load())
	if err := pb.LogData(seal[:], nil); err != nil {
		return number, err
	}
	// A reader that finds the writes must find their number.
	s.touched.add(b, number)
	s.applied.Store(number)
	s.record = pb.Len()
	if err := s.db.ApplyNoSyncWait(pb, pebble.Sync); err != nil {
		return number, s.fail(err)
	}
	return number, nil
}

func (s *pebbleStore) require(r Op) error {
	found, conflict := false, error(nil)
	err := s.read(r.Key, func(value []byte) {
		found, conflict = true, r.conflict(value, true)
	})
	if err != nil {
		return err
	}
	if !found {
		conflict = r.conflict(nil, false)
	}
	return conflict
}

// sync waits until the commit is durable.
func (s *pebbleStore) sync(pb *pebble.Batch, number uint64) error {
	if err := pb.SyncWait(); err != nil {
		return s.fail(err)
	}
	// A disk that fails tells the store, not Pebble.
	if err := s.durable.err(); err != nil {
		return err
	}
	s.durable.raise(number)
	return nil
}

func (s *pebbleStore) Close() error {
	empty := make(chan struct{})
	if !s.gate.shut(func() { close(empty) }) {
		return s.errClosed()
	}
	<-empty
	return s.release()
}

// fail makes the store fail for good and returns why it did, which is another
// reason if it had failed before.
func (s *pebbleStore) fail(cause error) error {
	s.durable.fail(fmt.Errorf("%w: %s can't be written: %w; "+
		"close it and open it again to learn what it holds", ErrFailed, s.what, cause))
	return s.durable.err()
}

// rescue turns a panic of Pebble's into a failure of the store.
func (s *pebbleStore) rescue(err *error) {
	if r := recover(); r != nil {
		s.wedged.Store(true)
		*err = s.fail(fmt.Errorf("pebble panicked: %v", r))
	}
}

func (s *pebbleStore) errRead(err error) error {
	switch {
	case err == nil:
		return nil
	case pebble.IsCorruptionError(err):
		return fmt.Errorf("%w: %s does not read back what was written: %w; restore it from a copy",
			ErrDamaged, s.what, err)
	}
	return fmt.Errorf("store: can't read %s: %w", s.what, err)
}

func (s *pebbleStore) errClosed() error {
	return fmt.Errorf("%w: %s was used after it was closed; open it again", ErrClosed, s.what)
}
