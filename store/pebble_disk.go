package store

import (
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// NewPebbleDisk returns an empty simulated disk that holds a store on Pebble.
func NewPebbleDisk() Disk {
	return &pebbleDisk{fs: vfs.NewCrashableMem()}
}

type pebbleDisk struct {
	fs    *vfs.MemFS
	store *diskStore
	tail  int
}

type diskStore struct {
	pebbleStore
	disk *pebbleDisk
}

func (d *pebbleDisk) Open() (Store, error) {
	if d.store != nil {
		return nil, errDiskInUse()
	}
	o := &pebble.Options{
		FS:                          d.fs,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      quiet{},
		MemTableSize:                256 << 20,
		DisableAutomaticCompactions: true,
	}
	db, err := pebble.Open("store", o)
	if err != nil {
		return nil, err
	}
	d.store = &diskStore{disk: d}
	d.store.db = db
	return d.store, nil
}

func (s *diskStore) Commit(b *Batch) error {
	s.disk.tail = 0
	err := s.pebbleStore.Commit(b)
	if err == nil {
		s.disk.tail = recordSize(b)
	}
	return err
}

func (s *diskStore) Close() error {
	if s.disk.store == s {
		s.disk.store, s.disk.tail = nil, 0
	}
	return s.pebbleStore.Close()
}

func (d *pebbleDisk) TailBytes() int { return d.tail }

func (d *pebbleDisk) Crash(cut int) error {
	if err := checkCut(cut, d.tail); err != nil {
		return err
	}
	d.tail = 0
	if d.store == nil {
		return nil
	}
	clone := d.fs.CrashClone(vfs.CrashCloneCfg{})
	if cut > 0 {
		if err := truncateLog(clone, cut); err != nil {
			return err
		}
	}
	old := d.store
	d.fs, d.store = clone, nil
	return old.pebbleStore.Close()
}

func truncateLog(fs vfs.FS, cut int) error {
	names, err := fs.List("store")
	if err != nil {
		return err
	}
	last := ""
	for _, n := range names {
		if len(n) > 4 && n[len(n)-4:] == ".log" && n > last {
			last = n
		}
	}
	path := fs.PathJoin("store", last)
	f, err := fs.Open(path)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	data := make([]byte, int(info.Size())-cut)
	if _, err := f.ReadAt(data, 0); err != nil {
		return err
	}
	f.Close()
	w, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w.Write(data)
	w.Sync()
	return w.Close()
}

func (d *pebbleDisk) Flush() error {
	if d.store == nil {
		return errDiskClosed()
	}
	d.tail = 0
	return d.store.db.Flush()
}
