package store

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// OpenMemory returns the in-memory reference: a new, empty store, whose
// contents are gone when it is closed.
func OpenMemory() Store {
	m := &memory{}
	m.open = &memoryStore{m}
	return m.open
}

// memory is what an in-memory store holds, apart from who may use it.
type memory struct {
	mu      sync.RWMutex
	content ordered
	scans   atomic.Int64 // how many are reading the content
	open    *memoryStore // the store that may use it; the others are closed
	log     *memoryLog   // nil unless the memory is on a disk
}

// memoryStore is a handle on a memory.
type memoryStore struct{ m *memory }

func (s *memoryStore) Get(key []byte) (value []byte, ok bool, err error) {
	m := s.m
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.open != s {
		return nil, false, s.errClosed()
	}
	stored, ok := m.content.get(key)
	if !ok {
		return nil, false, nil
	}
	if isRotten(stored) {
		return nil, false, errRotten(key)
	}
	return append(make([]byte, 0, len(stored)), stored...), true, nil
}

func (s *memoryStore) Scan(from, to []byte, visit func(key, value []byte) bool) (err error) {
	m := s.m
	m.mu.RLock()
	if m.open != s {
		m.mu.RUnlock()
		return s.errClosed()
	}
	at, _ := m.content.find(from)
	chunks := m.content.chunks
	m.scans.Add(1)
	m.mu.RUnlock()
	defer m.scans.Add(-1)
	visitFrom(chunks, at, to, func(e entry) bool {
		if isRotten(e.value) {
			err = errRotten(e.key)
			return false
		}
		return visit(e.key, e.value)
	})
	return err
}

// writing is called before the content is changed, with the lock held: it spares
// what scans are reading, which hold no lock.
func (m *memory) writing() {
	if m.scans.Load() > 0 {
		m.content.snapshot()
	}
}

func (s *memoryStore) Commit(b *Batch) error {
	if err := b.check(); err != nil {
		return err
	}
	m := s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open != s {
		return s.errClosed()
	}
	m.log.begin(b)
	for _, r := range b.requires {
		op := b.op(r)
		got, found := m.content.get(op.Key)
		err := op.conflict(got, found)
		if found && isRotten(got) {
			err = errRotten(op.Key)
		}
		if err != nil {
			m.log.begin(nil)
			return err
		}
	}
	m.writing()
	m.apply(b)
	return nil
}

// apply makes the writes of b, and notes in the log what takes them back.
func (m *memory) apply(b *Batch) {
	data := slices.Clone(b.data)
	for _, w := range b.writes {
		key, value := data[w.key:w.value:w.value], data[w.value:w.end:w.end]
		switch w.kind {
		case OpSet:
			old, found := m.content.set(entry{key, value})
			if m.log != nil {
				m.log.note(key, old, found)
			}
		case OpDelete:
			old, found := m.content.remove(key)
			if m.log != nil && found {
				m.log.note(key, old, true)
			}
		case OpDeleteRange:
			if w.unbounded {
				value = nil
			} else if b.emptyRange(w) {
				continue
			}
			m.content.removeRange(key, value, func(old entry) {
				if m.log != nil {
					m.log.note(old.key, old, true)
				}
			})
		}
	}
}

func (s *memoryStore) Close() error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.m.open != s {
		return s.errClosed()
	}
	s.m.open = nil
	s.m.log.begin(nil)
	if s.m.log == nil {
		s.m.content = ordered{}
	}
	return nil
}

func (s *memoryStore) errClosed() error {
	if s.m.log == nil {
		return fmt.Errorf("%w: the in-memory store was used after Close", ErrClosed)
	}
	return fmt.Errorf("%w: the store was used after Close, or after a crash of its disk; open the disk again",
		ErrClosed)
}
