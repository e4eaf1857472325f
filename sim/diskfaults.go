package sim

import (
	"fmt"
	"syscall"

	"github.com/reprise-dst/reprise/store"
)

// mayFailRead lets the world choose whether a read of the disk fails. The store goes on.
func (s *nodeStore) mayFailRead(what string) error {
	if s.broken != nil {
		return s.broken
	}
	n := s.inc.node
	if n.ask(atRead, 2) == 0 {
		return nil
	}
	n.faulted(atRead, "I/O ERROR in "+what)
	return fmt.Errorf("sim: node %q: %s: %w", n.name, what, syscall.EIO)
}

// mayFailWrite lets the world choose whether a commit fails. After each of these faults the store is of no
// use until it is opened again, and only that tells what the disk holds: a commit that failed to sync may
// be there.
func (s *nodeStore) mayFailWrite(b *store.Batch) error {
	if s.broken != nil {
		return s.broken
	}
	n := s.inc.node
	var cause error
	switch {
	case n.ask(atFull, 2) != 0:
		cause = syscall.ENOSPC
		n.faulted(atFull, "DISK FULL at a commit")
	case n.ask(atWrite, 2) != 0:
		cause = syscall.EIO
		n.faulted(atWrite, "I/O ERROR at a commit")
	default:
		switch n.ask(atSync, 3) {
		case 0:
			return nil
		case 1:
			n.faulted(atSync, "SYNC ERROR at a commit, which is lost")
		case 2:
			n.faulted(atSync, "SYNC ERROR at a commit, which is on disk all the same")
			if err := s.real.Commit(b); err != nil {
				return err
			}
			n.commits++
			n.shown = n.commits
		}
		cause = syscall.EIO
	}
	s.broken = fmt.Errorf("%w: node %q: %w; crash or restart the node to open its store again",
		store.ErrFailed, n.name, cause)
	return s.broken
}

// faulted puts a fault into the trace and among the deviations.
func (n *Node) faulted(at place, text string) {
	n.world.event(evFault, n, "", text, 0)
	n.world.deviate(n.point(at), n, "", text)
}
