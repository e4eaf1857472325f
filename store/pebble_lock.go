package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// lockName is the file that is locked while a store is open.
const lockName = "LOCK"

// openFolders are the folders of the stores that this process has open. The
// lock on the file does not tell them from one another when a folder is
// reached by two paths.
var openFolders struct {
	sync.Mutex
	infos []os.FileInfo
}

// lockFolder locks a store's folder, against this process and all others.
func lockFolder(disk vfs.FS, dir, what string) (unlock func() error, err error) {
	info, err := os.Stat(dir) // of a disk for tests there is none
	if err != nil && disk == vfs.Default {
		return nil, errOpen(what, err)
	}
	openFolders.Lock()
	defer openFolders.Unlock()
	same := func(other os.FileInfo) bool { return os.SameFile(info, other) }
	if slices.ContainsFunc(openFolders.infos, same) {
		return nil, fmt.Errorf("%w: %s is open in this process already; share that one, or close it first",
			ErrInUse, what)
	}
	path := filepath.Join(dir, lockName)
	lock, err := disk.Lock(path)
	switch {
	case err != nil && isLocked(err):
		return nil, fmt.Errorf("%w: %s is open in %s; stop that, or use another folder",
			ErrInUse, what, lockHolder(path))
	case err != nil:
		return nil, errOpen(what, err)
	}
	if info != nil {
		openFolders.infos = append(openFolders.infos, info)
	}
	return func() error {
		openFolders.Lock()
		defer openFolders.Unlock()
		openFolders.infos = slices.DeleteFunc(openFolders.infos, same)
		if err := lock.Close(); err != nil {
			return fmt.Errorf("store: can't unlock %s: %w", what, err)
		}
		return nil
	}, nil
}
