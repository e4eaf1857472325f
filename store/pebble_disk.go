package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// NewPebbleDisk returns an empty simulated disk that holds a store on Pebble:
// the store of production, but for the disk below it.
//
// When Pebble writes in the background, the order of its writes is its own. So
// here every commit is synced before the next one begins, and tables are
// written only by Open and Flush, which wait for them. Then what a crash leaves
// is a function of the commits and the cuts.
func NewPebbleDisk() Disk {
	return &pebbleDisk{files: simEmpty().image()}
}

// simEmpty is a disk with an empty store. Pebble makes a new store in an old
// format and brings it up to date, which takes time and leaves a first log of
// the old format.
var simEmpty = sync.OnceValue(func() *simFS {
	d := &pebbleDisk{files: &simFS{}}
	s, err := d.Open()
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		panic(fmt.Sprintf("invariant: a simulated disk takes no store: %v", err))
	}
	left := d.files.image()
	left.names = slices.DeleteFunc(left.names, func(n simName) bool { return strings.HasSuffix(n.name, ".log") })
	left.durable = left.names
	return left
})

const (
	// simFlush is how many bytes of commits collect in memory before they
	// are flushed without being asked to.
	simFlush = 64 << 20
	// simTables is after how many openings, each of which writes a table,
	// the tables are made one.
	simTables = 16
)

type pebbleDisk struct {
	mu     sync.Mutex // held by all but the reads of the store
	files  *simFS
	opened *simStore
	fresh  int // bytes of commits since the last flush
	tables int // openings since the last compaction
	tail   int // see Disk.TailBytes
	start  int // where in the newest log the last commit's record starts
	record int // the length of what was encoded there
	closed int // the length of the newest log when the store was closed last; 0 if it was not
	rotten bool
}

// simStore is a store on a simulated disk.
type simStore struct {
	pebbleStore
	disk *pebbleDisk
}

// simOptions are the options of all simulated disks. What these share, a cache
// of blocks and one of tables, changes nothing but the time that reads take.
var simOptions = sync.OnceValue(func() *pebble.Options {
	o := &pebble.Options{
		Cache:                       pebble.NewCache(16 << 20),
		FileCache:                   pebble.NewFileCache(4, 4096),
		MemTableSize:                1 << 30, // it starts small and grows
		L0StopWritesThreshold:       1 << 30,
		DisableAutomaticCompactions: true,
		DisableTableStats:           true,
		FormatMajorVersion:          pebbleFormat,
		EventListener:               &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}},
	}
	for i := range o.Levels {
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	}
	return o
})

func (d *pebbleDisk) Open() (Store, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.opened != nil {
		return nil, errDiskInUse()
	}
	s := &simStore{disk: d}
	s.init("the store on the simulated disk")
	s.release = s.closeDB
	if err := d.checkRotten(s.what); err != nil {
		return nil, err
	}
	o := *simOptions()
	o.FS = d.files
	o.Logger = pebbleLogger{&s.pebbleStore}
	compactions := newScheduler(&s.pebbleStore)
	o.Experimental.CompactionScheduler = compactions
	db, err := openDB("", &o)
	if err != nil {
		return nil, errDamaged(s.what, err)
	}
	compactions.start()
	s.db, d.opened = db, s
	d.fresh, d.closed = 0, 0
	if d.tables++; d.tables > simTables {
		if err := d.compact(); err != nil {
			d.opened = nil
			return nil, errors.Join(err, s.closeDB())
		}
	}
	s.db.TestOnlyWaitForCleaning()
	return s, nil
}

func (s *simStore) Commit(b *Batch) error {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.opened != s {
		return s.errClosed()
	}
	d.tail = 0
	if d.fresh > simFlush {
		if err := d.flush(); err != nil {
			return err
		}
	}
	before := d.files.newestLog()
	start := before.size()
	if err := s.pebbleStore.Commit(b); err != nil {
		return err
	}
	d.tail = recordSize(b)
	d.fresh += d.tail
	d.start, d.record = start, s.record
	if d.files.newestLog() != before {
		d.start = 0
	}
	return nil
}

func (s *simStore) Close() error {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	last := d.opened == s
	if last {
		d.opened, d.tail = nil, 0
	}
	err := s.pebbleStore.Close()
	if last && err == nil {
		d.closed = d.files.newestLog().size()
	}
	return err
}

func (d *pebbleDisk) TailBytes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tail
}

func (d *pebbleDisk) Crash(cut int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := checkCut(cut, d.tail); err != nil {
		return err
	}
	old := d.opened
	d.files = d.files.image()
	if cut > 0 {
		size := d.start
		if cut < d.tail {
			size = max(size, recordEnd(d.start, d.record)-cut)
		}
		d.files.newestLog().truncate(size)
	}
	d.opened, d.tail, d.closed = nil, 0, 0
	if old == nil {
		return nil
	}
	// The old instance goes on, on files that nobody will look at. Who still
	// reads there closes it.
	var err error
	old.gate.shut(func() { err = old.closeDB() })
	return err
}

// recordEnd returns where a record of that many bytes ends that starts there.
// It is split where it meets the end of a block, and what fills up a block behind
// it is no part of it.
func recordEnd(start, rest int) int {
	for end := start; ; {
		part := min(rest, blockSize-end%blockSize-maxHeader)
		end += maxHeader + part
		if rest -= part; rest == 0 {
			return end
		}
	}
}

func (d *pebbleDisk) Flush() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.opened == nil {
		return errDiskClosed()
	}
	d.tail = 0
	if err := d.flush(); err != nil {
		return err
	}
	return d.compact()
}

func (d *pebbleDisk) flush() (err error) {
	s := d.opened
	defer s.rescue(&err)
	d.fresh = 0
	if err := s.db.Flush(); err != nil {
		return s.fail(err)
	}
	s.db.TestOnlyWaitForCleaning()
	return nil
}

// compact makes one table of all tables.
func (d *pebbleDisk) compact() (err error) {
	s := d.opened
	defer s.rescue(&err)
	d.tables = 0
	err = s.db.Compact(context.Background(), nil, beyondKeys, false)
	if pebble.IsCorruptionError(err) {
		return s.errRead(err)
	}
	if err != nil {
		return s.fail(err)
	}
	s.db.TestOnlyWaitForCleaning()
	return nil
}
