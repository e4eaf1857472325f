package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// PebbleOptions tunes a store on disk. The zero value is good for most.
type PebbleOptions struct {
	// CacheSize bounds the memory for blocks of tables that were read, in
	// bytes. 0 means 32 MiB.
	CacheSize int64
	// MemTableSize bounds the memory that holds commits until they move from
	// the log into a table, in bytes. 0 means 16 MiB, the least is 1 MiB,
	// the most 1 GiB. Up to four times as much is used when a disk is slower
	// at writing tables than at writing the log.
	MemTableSize int64

	fs vfs.FS // nil: the operating system's
}

// pebbleFormat is the version of Pebble's files that a store has. A later
// Pebble goes on with it, so that an earlier Reprise can still read them.
const pebbleFormat = pebble.FormatTableFormatV6

// OpenPebble opens the store in the folder dir, on Pebble. If the folder is
// missing or empty it is made a store.
//
// The error is [ErrNotStore] if dir is something else, in which nothing is
// changed; [ErrInUse] if the store is open already, and it says where;
// [ErrDamaged] if the store is not what was written; [ErrFailed] if the disk
// takes no writes.
func OpenPebble(dir string, opts PebbleOptions) (Store, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	if opts.fs == nil {
		opts.fs = vfs.Default
	}
	what := "the store in " + dir
	real, err := filepath.Abs(dir)
	if err != nil {
		return nil, errOpen(what, err)
	}
	if err := makeFolder(opts.fs, real, what); err != nil {
		return nil, err
	}
	unlock, err := lockFolder(opts.fs, real, what)
	if err != nil {
		return nil, err
	}
	s, l, err := openLocked(opts, real, what)
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	s.release = func() error { return errors.Join(s.shutDown(l), unlock()) }
	return s, nil
}

func (o *PebbleOptions) check() error {
	if o.CacheSize == 0 {
		o.CacheSize = 32 << 20
	}
	if o.MemTableSize == 0 {
		o.MemTableSize = 16 << 20
	}
	if o.CacheSize < 0 {
		return fmt.Errorf("store: PebbleOptions.CacheSize is %d; it must not be negative", o.CacheSize)
	}
	if o.MemTableSize < 1<<20 || o.MemTableSize > 1<<30 {
		return fmt.Errorf("store: PebbleOptions.MemTableSize is %d; it must be from %d to %d",
			o.MemTableSize, 1<<20, 1<<30)
	}
	return nil
}

// makeFolder makes the folder, unless it is there and is a store or may become
// one.
func makeFolder(disk vfs.FS, dir, what string) error {
	info, err := disk.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return makeFolders(disk, dir, what)
	}
	if err != nil {
		return errOpen(what, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%w: %s is a file; give the path of a folder", ErrNotStore, dir)
	}
	names, err := disk.List(dir)
	if err != nil {
		return errOpen(what, err)
	}
	if err := mayBeStore(names, dir); err != nil {
		return err
	}
	l := &ledger{disk: disk, dir: dir, what: what}
	if err := l.read(names); errors.Is(err, ErrNotStore) {
		return err
	}
	return nil // what else is wrong shows when the folder is locked
}

// mayBeStore says whether a folder with these files is a store or an empty
// folder. A store that was only begun leaves a lock or a temporary file.
func mayBeStore(names []string, dir string) error {
	if slices.Contains(names, ledgerName) {
		return nil
	}
	for _, name := range names {
		if name != lockName && name != ledgerTemp {
			return fmt.Errorf("%w: the folder %s holds other files, such as %s; "+
				"give the path of a store or of an empty folder", ErrNotStore, dir, name)
		}
	}
	return nil
}

// makeFolders makes a folder and what is missing above it, to stay.
func makeFolders(disk vfs.FS, dir, what string) error {
	parent := filepath.Dir(dir)
	if _, err := disk.Stat(parent); errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := makeFolders(disk, parent, what); err != nil {
			return err
		}
	}
	if err := disk.MkdirAll(dir, 0o777); err != nil {
		return errOpen(what, err)
	}
	if err := syncFolder(disk, parent); err != nil {
		return errOpen(what, err)
	}
	return nil
}

func syncFolder(disk vfs.FS, dir string) error {
	f, err := disk.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// openLocked opens the store in a folder that is locked.
func openLocked(opts PebbleOptions, dir, what string) (*pebbleStore, *ledger, error) {
	names, err := opts.fs.List(dir)
	if err != nil {
		return nil, nil, errOpen(what, err)
	}
	if err := mayBeStore(names, dir); err != nil {
		return nil, nil, err
	}
	s := &pebbleStore{touched: &touched{}}
	s.init(what)
	l := &ledger{disk: opts.fs, dir: dir, what: what, fail: s.fail, failed: s.durable.err}
	if err := l.read(names); err != nil {
		return nil, nil, err
	}
	if l.ready() {
		err = checkFiles(opts.fs, dir, what, names, l)
	} else {
		err = l.begin(names)
	}
	if err != nil {
		return nil, nil, err
	}
	o := opts.pebble(newFence(opts.fs, l, s), s)
	compactions := newScheduler(s)
	o.Experimental.CompactionScheduler = compactions
	if s.db, err = openDB(dir, o); err != nil {
		return nil, nil, openError(s, err)
	}
	compactions.start()
	l.write()
	if err := s.durable.err(); err != nil {
		return nil, nil, errors.Join(err, s.closeDB())
	}
	return s, l, nil
}

// openError says what an error of Pebble's means for the one who opens.
func openError(s *pebbleStore, err error) error {
	if failure := s.durable.err(); failure != nil {
		return failure
	}
	var errno syscall.Errno
	if errors.As(err, &errno) && !errors.Is(err, fs.ErrNotExist) {
		return errOpen(s.what, err)
	}
	return errDamaged(s.what, err)
}

func errOpen(what string, err error) error {
	return fmt.Errorf("store: can't open %s: %w", what, err)
}

func errDamaged(what string, err error) error {
	return fmt.Errorf("%w: %s is not what was written to it: %w; restore it from a copy",
		ErrDamaged, what, err)
}

// openDB opens Pebble, which may panic on what it finds.
func openDB(dir string, o *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("pebble panicked: %v", r)
		}
	}()
	return pebble.Open(dir, o)
}

// pebble returns Pebble's options.
func (o *PebbleOptions) pebble(f *fence, s *pebbleStore) *pebble.Options {
	const memTables = 4
	p := &pebble.Options{
		FS:                          f,
		CacheSize:                   o.CacheSize + (memTables+1)*o.MemTableSize, // it counts them as well
		MemTableSize:                uint64(o.MemTableSize),
		MemTableStopWritesThreshold: memTables,
		L0StopWritesThreshold:       1000,
		LBaseMaxBytes:               64 << 20,
		CompactionConcurrencyRange:  func() (int, int) { return 1, max(1, runtime.GOMAXPROCS(0)/2) },
		FormatMajorVersion:          pebbleFormat,
		ErrorIfNotExists:            f.ledger.ready(),
		Logger:                      pebbleLogger{s},
		EventListener: &pebble.EventListener{
			// By default this one ends the process. The reader gets an error.
			DataCorruption: func(pebble.DataCorruptionInfo) {},
		},
	}
	for i := range p.Levels {
		p.Levels[i].BlockSize = 16 << 10
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return p
}

// shutDown ends what a store on disk does, after its last call.
func (s *pebbleStore) shutDown(l *ledger) error {
	err := s.closeDB()
	if err == nil {
		l.write()
	}
	if failure := s.durable.err(); failure != nil {
		return failure
	}
	return err
}

func (s *pebbleStore) closeDB() (err error) {
	defer s.rescue(&err)
	if s.wedged.Load() {
		return nil // what it holds can't be had back
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("store: can't close %s: %w", s.what, err)
	}
	return nil
}
