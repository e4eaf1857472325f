package store

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

var (
	// ErrConflict says that a requirement of a batch did not hold and that
	// nothing was written. The error itself is a [*ConflictError].
	ErrConflict = errors.New("store: conflict")

	// ErrClosed says that the store was closed, or was abandoned by a crash
	// of its simulated disk.
	ErrClosed = errors.New("store: closed")

	// ErrFailed says that the store could not write or sync and is of no use
	// any more. It is final: what the disk holds is known again only when
	// the store is opened again.
	ErrFailed = errors.New("store: failed")

	// ErrInUse says that the store is open already, in this process or in
	// another one.
	ErrInUse = errors.New("store: in use")

	// ErrNotStore says that a path is not a store, or not one that this
	// version of the package can read. Nothing was changed there.
	ErrNotStore = errors.New("store: not a store")

	// ErrDamaged says that a store does not hold what was written to it.
	ErrDamaged = errors.New("store: damaged")

	// ErrInvalid says that a batch has an empty or overlong key or is too
	// large. Nothing was written, and the store goes on.
	ErrInvalid = errors.New("store: invalid batch")
)

// ConflictError reports the first requirement of a batch that did not hold.
// errors.Is(err, [ErrConflict]) holds for it.
type ConflictError struct {
	// Key is the key of the requirement.
	Key []byte
	// Absent says that the key was required to be absent; else it was
	// required to have the value Want.
	Absent bool
	// Want is the value that was required.
	Want []byte
	// Found says whether the store holds the key.
	Found bool
	// Got is the value that the store holds.
	Got []byte
}

// Error names the key, what was required of it and what it is.
func (e *ConflictError) Error() string {
	want, got := "to be absent", "it is absent"
	if !e.Absent {
		want = "to have the value " + quote(e.Want)
	}
	if e.Found {
		got = "it has the value " + quote(e.Got)
	}
	return fmt.Sprintf("store: conflict: the batch requires key %s %s, but %s; nothing was written",
		quote(e.Key), want, got)
}

// Is reports whether target is [ErrConflict].
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// quote prints bytes for a message, shortened.
func quote(b []byte) string {
	const most = 64
	if len(b) > most {
		return strconv.Quote(string(b[:most])) + fmt.Sprintf("… (%d bytes)", len(b))
	}
	return strconv.Quote(string(b))
}

// conflict returns the error if a requirement meets this value under its key.
func (op Op) conflict(got []byte, found bool) error {
	absent := op.Kind == OpRequireAbsent
	if absent && !found || !absent && found && bytes.Equal(got, op.Value) {
		return nil
	}
	return &ConflictError{
		Key:    bytes.Clone(op.Key),
		Absent: absent,
		Want:   bytes.Clone(op.Value),
		Found:  found,
		Got:    bytes.Clone(got),
	}
}
