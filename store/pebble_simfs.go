package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// simFS is the file system of a simulated disk. It has one folder and files
// that only grow, which is all that Pebble needs, and it knows what a power
// cut leaves: of a file the bytes that were synced, of the folder the names
// that it had when it was synced. Images share the bytes of files, so that
// taking one costs a few words a file.
type simFS struct {
	mu      sync.Mutex
	names   []simName // sorted; what is there now
	durable []simName // what a power cut leaves; never changed in place
	shared  bool      // names and durable share their memory
	locked  bool
}

type simName struct {
	name string
	node *simNode
}

// simNode is the content of a file. Bytes below len(data) never change.
type simNode struct {
	mu     sync.Mutex
	data   []byte
	synced int
}

var _ vfs.FS = (*simFS)(nil)

// image returns the disk as a power cut leaves it at this instant.
func (f *simFS) image() *simFS {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := make([]simName, 0, len(f.durable))
	nodes := make([]simNode, len(f.durable))
	for i, n := range f.durable {
		if strings.HasPrefix(n.name, "OPTIONS-") {
			continue // Pebble would only compare them with those that it has
		}
		n.node.mu.Lock()
		nodes[i].data = n.node.data[:n.node.synced:n.node.synced]
		nodes[i].synced = n.node.synced
		n.node.mu.Unlock()
		names = append(names, simName{n.name, &nodes[i]})
	}
	return &simFS{names: names, durable: names, shared: true}
}

// newestLog returns the log with the greatest number.
func (f *simFS) newestLog() *simNode {
	f.mu.Lock()
	defer f.mu.Unlock()
	var newest *simNode
	for _, n := range f.names {
		if n.name[0] > '9' {
			break
		}
		if strings.HasSuffix(n.name, ".log") {
			newest = n.node
		}
	}
	if newest == nil {
		panic("invariant: Pebble has no log")
	}
	return newest
}

// truncate makes a file shorter. Nobody else may use it yet.
func (n *simNode) truncate(size int) {
	n.data, n.synced = n.data[:size:size], size
}

func (n *simNode) size() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.data)
}

func (f *simFS) find(name string) (int, bool) {
	return slices.BinarySearchFunc(f.names, name, func(n simName, name string) int {
		return strings.Compare(n.name, name)
	})
}

// edit prepares names for a change.
func (f *simFS) edit() {
	if f.shared {
		f.names = append(make([]simName, 0, len(f.names)+8), f.names...)
		f.shared = false
	}
}

// put gives a file a name.
func (f *simFS) put(name string, node *simNode) {
	f.edit()
	i, found := f.find(name)
	if found {
		f.names[i].node = node
	} else {
		f.names = slices.Insert(f.names, i, simName{name, node})
	}
}

// take removes a name and returns its file.
func (f *simFS) take(op, name string) (*simNode, error) {
	i, found := f.find(name)
	if !found {
		return nil, simNotExist(op, name)
	}
	f.edit()
	node := f.names[i].node
	f.names = slices.Delete(f.names, i, i+1)
	return node, nil
}

func (f *simFS) Create(name string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = path.Base(name)
	node := &simNode{}
	f.put(name, node)
	return &simFile{fs: f, node: node, name: name, write: true}, nil
}

func (f *simFS) Link(oldname, newname string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, found := f.find(path.Base(oldname))
	if !found {
		return simNotExist("link", oldname)
	}
	f.put(path.Base(newname), f.names[i].node)
	return nil
}

func (f *simFS) Open(name string, _ ...vfs.OpenOption) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = path.Base(name)
	i, found := f.find(name)
	if !found {
		return nil, simNotExist("open", name)
	}
	return &simFile{fs: f, node: f.names[i].node, name: name}, nil
}

func (f *simFS) OpenReadWrite(
	name string, category vfs.DiskWriteCategory, _ ...vfs.OpenOption,
) (vfs.File, error) {
	return nil, &fs.PathError{Op: "open for writing", Path: name, Err: errors.ErrUnsupported}
}

func (f *simFS) OpenDir(name string) (vfs.File, error) {
	return &simFile{fs: f, name: name}, nil
}

// Remove removes a file from what a power cut leaves, too. Pebble removes files
// in the background, and whether that comes before the folder is synced the next
// time, which is when it would last, differs from run to run.
func (f *simFS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = path.Base(name)
	node, err := f.take("remove", name)
	if err != nil {
		return err
	}
	f.durable = slices.DeleteFunc(slices.Clone(f.durable), func(n simName) bool { return n.node == node })
	return nil
}

func (f *simFS) RemoveAll(name string) error {
	_ = f.Remove(name)
	return nil
}

func (f *simFS) Rename(oldname, newname string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	node, err := f.take("rename", path.Base(oldname))
	if err != nil {
		return err
	}
	f.put(path.Base(newname), node)
	return nil
}

func (f *simFS) ReuseForWrite(
	oldname, newname string, category vfs.DiskWriteCategory,
) (vfs.File, error) {
	if err := f.Remove(oldname); err != nil {
		return nil, err
	}
	return f.Create(newname, category)
}

func (f *simFS) MkdirAll(string, os.FileMode) error { return nil }

func (f *simFS) Lock(string) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.locked {
		return nil, errors.New("the simulated disk is locked")
	}
	f.locked = true
	return simLock{f}, nil
}

type simLock struct{ fs *simFS }

func (l simLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	l.fs.locked = false
	return nil
}

func (f *simFS) List(string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := make([]string, len(f.names))
	for i, n := range f.names {
		names[i] = n.name
	}
	return names, nil
}

func (f *simFS) Stat(name string) (vfs.FileInfo, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	return file.Stat()
}

func (f *simFS) PathBase(p string) string       { return path.Base(p) }
func (f *simFS) PathJoin(elem ...string) string { return path.Join(elem...) }
func (f *simFS) PathDir(p string) string        { return path.Dir(p) }
func (f *simFS) Unwrap() vfs.FS                 { return nil }

func (f *simFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{}, vfs.ErrUnsupported
}

func simNotExist(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// simFile is an open file of a simFS, or its folder if node is nil.
type simFile struct {
	fs    *simFS
	node  *simNode
	name  string
	pos   int
	write bool
}

func (f *simFile) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, int64(f.pos))
	f.pos += n
	if n > 0 {
		err = nil
	}
	return n, err
}

func (f *simFile) ReadAt(p []byte, off int64) (int, error) {
	f.node.mu.Lock()
	data := f.node.data
	f.node.mu.Unlock()
	if off >= int64(len(data)) {
		return 0, io.EOF
	}
	n := copy(p, data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *simFile) Write(p []byte) (int, error) {
	if !f.write {
		return 0, &fs.PathError{Op: "write", Path: f.name, Err: fs.ErrPermission}
	}
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	f.node.data = append(f.node.data, p...)
	return len(p), nil
}

func (f *simFile) WriteAt([]byte, int64) (int, error) {
	return 0, &fs.PathError{Op: "write at an offset", Path: f.name, Err: errors.ErrUnsupported}
}

func (f *simFile) Sync() error {
	if f.node != nil {
		f.node.mu.Lock()
		defer f.node.mu.Unlock()
		f.node.synced = len(f.node.data)
		return nil
	}
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.fs.durable, f.fs.shared = f.fs.names, true
	return nil
}

func (f *simFile) SyncData() error                 { return f.Sync() }
func (f *simFile) SyncTo(int64) (bool, error)      { return false, nil }
func (f *simFile) Close() error                    { return nil }
func (f *simFile) Preallocate(_, _ int64) error    { return nil }
func (f *simFile) Prefetch(_ int64, _ int64) error { return nil }
func (f *simFile) Fd() uintptr                     { return vfs.InvalidFd }
func (f *simFile) Stat() (vfs.FileInfo, error) {
	info := simInfo{name: f.name, dir: f.node == nil}
	if f.node != nil {
		info.size = int64(f.node.size())
	}
	return info, nil
}

type simInfo struct {
	name string
	size int64
	dir  bool
}

func (i simInfo) Name() string           { return i.name }
func (i simInfo) Size() int64            { return i.size }
func (i simInfo) ModTime() time.Time     { return time.Time{} }
func (i simInfo) IsDir() bool            { return i.dir }
func (i simInfo) Sys() any               { return nil }
func (i simInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }

func (i simInfo) Mode() os.FileMode {
	if i.dir {
		return os.ModeDir | 0o755
	}
	return 0o644
}
