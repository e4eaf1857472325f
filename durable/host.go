package durable

import (
	"context"
	"time"
)

// Host is the seam between the engine and the process it runs in: time, spawning and waiting. The
// production host is NewHost; in simulation a node of the simulated world takes its place, without the
// engine knowing.
//
// Every Host keeps the rules that its methods state.
type Host interface {
	// Now is the host's time. It may step back; the engine copes.
	Now() time.Time
	// Go starts fn as a task of its own. Tasks start in the order of the calls where the host can promise
	// that: a simulated host does, the production host leaves it to the Go scheduler.
	Go(name string, fn func(context.Context))
	// Offload runs work, something that happens outside of the engine, as a task. When work has returned,
	// its completion is delivered by calling done, from a task that may wait. Completions of different
	// calls may be delivered in any order.
	Offload(group, name string, work func(context.Context), done func())
	// AfterFunc calls fn from a task of its own, no earlier than d from now; a negative d is zero. stop
	// reports whether it prevented the call.
	AfterFunc(d time.Duration, fn func()) (stop func() bool)
	// NewSignal makes a signal that has not fired.
	NewSignal() Signal
}

// Signal is a one-shot broadcast, see Host. It is an alias, so that a Host can be written without
// importing this package.
type Signal = interface {
	// Fire wakes everyone who waits, and everyone who will. Firing again does nothing.
	Fire()
	// Wait returns nil once the signal has fired, or the cause of ctx when that is done first.
	Wait(ctx context.Context) error
}
