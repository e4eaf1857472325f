package store

import "github.com/cockroachdb/pebble/v2/vfs"

// OpenPebbleIn opens the store in a folder of a disk for tests.
func OpenPebbleIn(disk vfs.FS, dir string) (Store, error) {
	return OpenPebble(dir, PebbleOptions{fs: disk})
}
