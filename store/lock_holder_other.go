//go:build !unix

package store

import (
	"errors"
	"io/fs"
)

// isLocked reports whether a file could not be locked because another one holds
// the lock.
func isLocked(err error) bool {
	var pathErr *fs.PathError
	return !errors.As(err, &pathErr)
}

// lockHolder says which process holds the lock on a file.
func lockHolder(string) string { return "another process" }
