package sim

import "github.com/reprise-dst/reprise/internal/eventloop"

// waitsFor says what a task waits for, and where.
func waitsFor(t *eventloop.Task) string { return "something" }

// blockedIn is the failure of a world whose running task blocks outside of the simulator; nil if none does.
func blockedIn(w *World) *Failure { return nil }
