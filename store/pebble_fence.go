package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fence stands between Pebble and the disk. The first write or sync that fails
// makes the store fail, and nothing is written any more: so a store that has
// failed leaves the disk as it was then.
//
// Pebble does not hear of it where it would end the process for it, which is
// everywhere but in tables. It goes on and writes into the void, and what it
// takes for done is never acknowledged, because the store has failed.
type fence struct {
	vfs.FS
	ledger *ledger
	fail   func(error) error // makes the store fail
	failed func() error      // why it has failed, or nil
}

var errFenced = errors.New("the store has failed before")

// isTable reports whether a file is a table, the write of which Pebble knows
// may fail.
func isTable(path string) bool {
	return strings.HasSuffix(path, ".sst") || strings.HasSuffix(path, ".blob")
}

// result says what Pebble may hear of an error with the file at path.
func (f *fence) result(path string, err error) error {
	if err == nil {
		return nil
	}
	_ = f.fail(err)
	if isTable(path) {
		return err
	}
	return nil
}

// open returns the file that was opened for writing.
func (f *fence) open(path string, file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		if err := f.result(path, err); err != nil {
			return nil, err
		}
		return voidFile{path}, nil
	}
	name := filepath.Base(path)
	if strings.HasSuffix(name, ".log") {
		f.ledger.sawLog(name)
	}
	return &fenceFile{File: file, fence: f, path: path}, nil
}

// fenced is what opening a file for writing returns once the store has failed.
func (f *fence) fenced(path string) (vfs.File, error) {
	if isTable(path) {
		return nil, errFenced
	}
	return voidFile{path}, nil
}

func (f *fence) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if f.failed() != nil {
		return f.fenced(name)
	}
	file, err := f.FS.Create(name, category)
	return f.open(name, file, err)
}

func (f *fence) OpenReadWrite(
	name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption,
) (vfs.File, error) {
	if f.failed() != nil {
		return f.fenced(name)
	}
	file, err := f.FS.OpenReadWrite(name, category, opts...)
	return f.open(name, file, err)
}

func (f *fence) ReuseForWrite(
	oldname, newname string, category vfs.DiskWriteCategory,
) (vfs.File, error) {
	if f.failed() != nil {
		return f.fenced(newname)
	}
	f.ledger.losing()
	file, err := f.FS.ReuseForWrite(oldname, newname, category)
	return f.open(newname, file, err)
}

func (f *fence) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &fenceFile{File: file, fence: f, path: name}, nil
}

func (f *fence) Link(oldname, newname string) error {
	if f.failed() != nil {
		return f.result(newname, errFenced)
	}
	return f.result(newname, f.FS.Link(oldname, newname))
}

func (f *fence) Rename(oldname, newname string) error {
	if f.failed() != nil {
		return f.result(newname, errFenced)
	}
	return f.result(newname, f.FS.Rename(oldname, newname))
}

func (f *fence) MkdirAll(dir string, perm os.FileMode) error {
	if f.failed() != nil {
		return nil
	}
	return f.result(dir, f.FS.MkdirAll(dir, perm))
}

// Remove may fail: a file that stays does no harm.
func (f *fence) Remove(name string) error {
	if f.failed() != nil {
		return nil
	}
	if strings.HasSuffix(name, ".log") || strings.HasPrefix(filepath.Base(name), "MANIFEST-") {
		f.ledger.losing()
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
	size  int64
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
	return f.fence.result(f.path, f.File.Close())
}

// voidFile takes everything and keeps nothing.
type voidFile struct{ path string }

func (voidFile) Close() error                           { return nil }
func (voidFile) Read([]byte) (int, error)               { return 0, io.EOF }
func (voidFile) ReadAt([]byte, int64) (int, error)      { return 0, io.EOF }
func (voidFile) Write(p []byte) (int, error)            { return len(p), nil }
func (voidFile) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (voidFile) Preallocate(int64, int64) error         { return nil }
func (voidFile) Sync() error                            { return nil }
func (voidFile) SyncTo(int64) (bool, error)             { return false, nil }
func (voidFile) SyncData() error                        { return nil }
func (voidFile) Prefetch(int64, int64) error            { return nil }
func (voidFile) Fd() uintptr                            { return vfs.InvalidFd }
func (f voidFile) Stat() (vfs.FileInfo, error)          { return f, nil }

func (f voidFile) Name() string         { return filepath.Base(f.path) }
func (voidFile) Size() int64            { return 0 }
func (voidFile) Mode() fs.FileMode      { return 0o644 }
func (voidFile) ModTime() time.Time     { return time.Time{} }
func (voidFile) IsDir() bool            { return false }
func (voidFile) Sys() any               { return nil }
func (voidFile) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
