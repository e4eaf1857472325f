//go:build unix

package store

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// isLocked reports whether a file could not be locked because another one holds
// the lock.
func isLocked(err error) bool {
	return err == syscall.EAGAIN || err == syscall.EACCES
}

// lockHolder says which process holds the lock on a file, which must not be
// this one: to look would unlock it.
func lockHolder(path string) string {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "another process"
	}
	defer f.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK}
	err = syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock)
	if err != nil || lock.Type == syscall.F_UNLCK || lock.Pid <= 0 {
		return "another process"
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", lock.Pid))
	if err != nil {
		return fmt.Sprintf("process %d", lock.Pid)
	}
	return fmt.Sprintf("process %d (%s)", lock.Pid, strings.TrimSpace(string(name)))
}
