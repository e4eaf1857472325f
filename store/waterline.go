package store

import (
	"sync"
	"sync/atomic"
)

// waterline is the number up to which commits are durable. It rises until it
// fails, which is final.
type waterline struct {
	level   atomic.Uint64
	failure atomic.Pointer[error]

	waiting atomic.Int64 // so that nobody locks to wake nobody
	mu      sync.Mutex
	risen   sync.Cond
}

func (w *waterline) init() { w.risen.L = &w.mu }

// raise says that all commits up to n are durable.
func (w *waterline) raise(n uint64) {
	for {
		level := w.level.Load()
		if level >= n {
			return
		}
		if w.level.CompareAndSwap(level, n) {
			break
		}
	}
	// Who waits says so before looking at the level, so either we see that
	// they wait or they see what we raised.
	if w.waiting.Load() > 0 {
		w.wake()
	}
}

// fail makes all waits, of now and later, end with err. Only the first call
// counts.
func (w *waterline) fail(err error) {
	if w.failure.CompareAndSwap(nil, &err) {
		w.wake()
	}
}

func (w *waterline) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.risen.Broadcast()
}

// err returns what fail was called with.
func (w *waterline) err() error {
	if failure := w.failure.Load(); failure != nil {
		return *failure
	}
	return nil
}

// wait waits until all commits up to n are durable.
func (w *waterline) wait(n uint64) error {
	if w.level.Load() >= n {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting.Add(1)
	defer w.waiting.Add(-1)
	for w.level.Load() < n {
		if err := w.err(); err != nil {
			return err
		}
		w.risen.Wait()
	}
	return nil
}
