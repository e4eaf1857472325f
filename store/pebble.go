package store

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// PebbleOptions tunes a store on disk. The zero value is good for most.
type PebbleOptions struct {
	// CacheSize bounds the memory for blocks of the tables read, in bytes.
	// 0 means 16 MiB.
	CacheSize int64
	// MemTableSize bounds the memory that collects commits before they are
	// moved from the log into a table, in bytes. 0 means 32 MiB.
	MemTableSize int64

	fs vfs.FS // nil for the operating system's
}

// OpenPebble opens the store in the folder dir, or creates it there when the
// folder is empty or missing.
func OpenPebble(dir string, opts PebbleOptions) (Store, error) {
	o := &pebble.Options{
		CacheSize:          16 << 20,
		FormatMajorVersion: pebble.FormatNewest,
		Logger:             quiet{},
		MemTableSize:       32 << 20,
	}
	db, err := pebble.Open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("store: can't open %s: %w", dir, err)
	}
	return &pebbleStore{db: db}, nil
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

type pebbleStore struct {
	mu     sync.RWMutex
	commit sync.Mutex
	db     *pebble.DB
	closed bool
}

func (s *pebbleStore) Get(key []byte) (value []byte, ok bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, false, ErrClosed
	}
	return s.get(key)
}

func (s *pebbleStore) get(key []byte) (value []byte, ok bool, err error) {
	v, closer, err := s.db.Get(key)
	if err == pebble.ErrNotFound {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	value = append(make([]byte, 0, len(v)), v...)
	return value, true, closer.Close()
}

func (s *pebbleStore) Scan(from, to []byte, visit func(key, value []byte) bool) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	for ok := it.First(); ok && visit(it.Key(), it.Value()); ok = it.Next() {
	}
	return it.Close()
}

func (s *pebbleStore) Commit(b *Batch) error {
	if err := b.check(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	pb := s.db.NewBatch()
	for _, w := range b.writes {
		op := b.op(w)
		switch op.Kind {
		case OpSet:
			pb.Set(op.Key, op.Value, nil)
		case OpDelete:
			pb.Delete(op.Key, nil)
		case OpDeleteRange:
			pb.DeleteRange(op.Key, op.Value, nil)
		}
	}
	if err := s.apply(b, pb); err != nil {
		return err
	}
	if !pb.Empty() {
		if err := pb.SyncWait(); err != nil {
			return fmt.Errorf("%w: %w", ErrFailed, err)
		}
	}
	return pb.Close()
}

func (s *pebbleStore) apply(b *Batch, pb *pebble.Batch) error {
	s.commit.Lock()
	defer s.commit.Unlock()
	for _, r := range b.requires {
		op := b.op(r)
		got, found, err := s.get(op.Key)
		if err != nil {
			return err
		}
		if err := op.conflict(got, found); err != nil {
			return err
		}
	}
	if pb.Empty() {
		return nil
	}
	return s.db.ApplyNoSyncWait(pb, pebble.Sync)
}

func (s *pebbleStore) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.closed = true
	return s.db.Close()
}
