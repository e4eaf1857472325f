package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fence stands between Pebble and the disk. The first write or sync that fails
// makes the store fail, and the disk is not touched any more: so a store that
// has failed leaves the disk as it was then.
//
// Pebble must not hear of it, because it would end the process, or try again and
// again while commits wait for it. It goes on, on files in memory, and what it
// takes for done is never acknowledged, because the store has failed. Only of
// the tables that it is writing it hears that they failed; it writes others.
type fence struct {
	vfs.FS
	ledger *ledger
	fail   func(error) error // makes the store fail
	failed func() error      // why it has failed, or nil
	memory func() vfs.FS     // the disk of a store that has failed
}

var errFenced = errors.New("the store has failed before")

func newFence(disk vfs.FS, l *ledger, s *pebbleStore) *fence {
	return &fence{
		FS: disk, ledger: l, fail: s.fail, failed: s.durable.err,
		memory: sync.OnceValue(func() vfs.FS {
			memory := vfs.NewMem()
			if err := memory.MkdirAll(l.dir, 0o777); err != nil {
				panic(fmt.Sprintf("invariant: a disk in memory takes no folder: %v", err))
			}
			return memory
		}),
	}
}

// result says what Pebble may hear of an error with the file at path.
func (f *fence) result(path string, err error) error {
	if err == nil {
		return nil
	}
	_ = f.fail(err)
	if strings.HasSuffix(path, ".sst") || strings.HasSuffix(path, ".blob") {
		return err
	}
	return nil
}

func (f *fence) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.open(name, func(disk vfs.FS) (vfs.File, error) {
		return disk.Create(name, category)
	})
}

func (f *fence) OpenReadWrite(
	name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption,
) (vfs.File, error) {
	return f.open(name, func(disk vfs.FS) (vfs.File, error) {
		return disk.OpenReadWrite(name, category, opts...)
	})
}

func (f *fence) ReuseForWrite(
	oldname, newname string, category vfs.DiskWriteCategory,
) (vfs.File, error) {
	f.ledger.losing(filepath.Base(oldname))
	return f.open(newname, func(disk vfs.FS) (vfs.File, error) {
		if disk != f.FS {
			return disk.Create(newname, category)
		}
		return disk.ReuseForWrite(oldname, newname, category)
	})
}

// open opens a file for writing, on disk or, once that has failed, in memory.
func (f *fence) open(path string, open func(disk vfs.FS) (vfs.File, error)) (vfs.File, error) {
	if f.failed() == nil {
		file, err := open(f.FS)
		if err == nil {
			if name := filepath.Base(path); strings.HasSuffix(name, ".log") {
				f.ledger.sawLog(name)
			}
			return &fenceFile{File: file, fence: f, path: path}, nil
		}
		_ = f.fail(err)
	}
	return open(f.memory())
}

func (f *fence) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	if f.failed() != nil {
		if file, err := f.memory().Open(name, opts...); err == nil {
			return file, nil
		}
	}
	return f.FS.Open(name, opts...)
}

func (f *fence) Stat(name string) (vfs.FileInfo, error) {
	if f.failed() != nil {
		if info, err := f.memory().Stat(name); err == nil {
			return info, nil
		}
	}
	return f.FS.Stat(name)
}

func (f *fence) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &fenceFile{File: file, fence: f, path: name}, nil
}

func (f *fence) Link(oldname, newname string) error {
	return f.change(newname, func() error { return f.FS.Link(oldname, newname) })
}

func (f *fence) Rename(oldname, newname string) error {
	return f.change(newname, func() error { return f.FS.Rename(oldname, newname) })
}

func (f *fence) MkdirAll(dir string, perm os.FileMode) error {
	return f.change(dir, func() error { return f.FS.MkdirAll(dir, perm) })
}

func (f *fence) change(path string, change func() error) error {
	if f.failed() != nil {
		return f.result(path, errFenced)
	}
	return f.result(path, change())
}

// Remove may fail: a file that stays does no harm.
func (f *fence) Remove(name string) error {
	if strings.HasSuffix(name, ".log") {
		f.ledger.losing(filepath.Base(name))
	}
	if strings.HasPrefix(filepath.Base(name), "marker.") && f.failed() == nil {
		// It is an old marker. A crash must not take the new one instead.
		if err := syncFolder(f.FS, f.ledger.dir); err != nil {
			_ = f.fail(err)
		}
	}
	if f.failed() != nil {
		return nil
	}
	return f.FS.Remove(name)
}

func (f *fence) RemoveAll(name string) error {
	if f.failed() != nil {
		return nil
	}
	return f.FS.RemoveAll(name)
}

// Lock locks nothing: the folder is locked already.
func (f *fence) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

func (f *fence) Unwrap() vfs.FS { return f.FS }

// fenceFile is a file that was opened for writing, or a folder.
type fenceFile struct {
	vfs.File
	fence *fence
	path  string
	size  int64 // what was written
	named bool  // of a manifest: its name is durable
}

func (f *fenceFile) Write(p []byte) (int, error) {
	if f.fence.failed() != nil {
		return len(p), f.fence.result(f.path, errFenced)
	}
	n, err := f.File.Write(p)
	f.size += int64(n)
	if err != nil {
		return len(p), f.fence.result(f.path, err)
	}
	return n, nil
}

func (f *fenceFile) WriteAt(p []byte, off int64) (int, error) {
	if f.fence.failed() != nil {
		return len(p), f.fence.result(f.path, errFenced)
	}
	n, err := f.File.WriteAt(p, off)
	if err != nil {
		return len(p), f.fence.result(f.path, err)
	}
	return n, nil
}

func (f *fenceFile) Sync() error     { return f.sync(f.File.Sync) }
func (f *fenceFile) SyncData() error { return f.sync(f.File.SyncData) }

func (f *fenceFile) sync(sync func() error) error {
	if f.fence.failed() != nil {
		return f.fence.result(f.path, errFenced)
	}
	if err := sync(); err != nil {
		return f.fence.result(f.path, err)
	}
	if name := filepath.Base(f.path); strings.HasPrefix(name, "MANIFEST-") {
		if !f.named {
			// A crash must not keep the marker that is to point here alone.
			if err := syncFolder(f.fence.FS, f.fence.ledger.dir); err != nil {
				return f.fence.result(f.path, err)
			}
			f.named = true
		}
		f.fence.ledger.sawManifest(name, f.size)
	}
	return nil
}

// SyncTo promises nothing, but what it finds out must not be forgotten.
func (f *fenceFile) SyncTo(length int64) (fullSync bool, err error) {
	if f.fence.failed() != nil {
		return false, f.fence.result(f.path, errFenced)
	}
	fullSync, err = f.File.SyncTo(length)
	return fullSync, f.fence.result(f.path, err)
}

func (f *fenceFile) Close() error {
	if name := filepath.Base(f.path); strings.HasSuffix(name, ".log") {
		f.fence.ledger.closing(name, f.size)
	}
	return f.fence.result(f.path, f.File.Close())
}
