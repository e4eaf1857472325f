// Package clock says what time it is, and calls a function later.
//
// A [Clock] is the only way in which the rest of the module meets time. There are two:
//
//   - [Real] is the wall clock of this process.
//   - [Virtual] stands still until it is told to advance. It then jumps straight to the next timer, so
//     that a year of waiting costs as much as one callback.
//
// A whole example, with virtual time:
//
//	c := clock.NewVirtual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
//	c.AfterFunc(24*time.Hour, func() { fmt.Println(c.Now()) })
//	for c.Advance() {
//	}
//
// Limits: a Virtual belongs to one thread of control and must not be used by two goroutines at once. It
// covers 292 years on each side of its start; later timers fire at the end of that range.
package clock

import "time"

// A Clock tells the time and fires timers. What every Clock promises, and the suite in
// [github.com/reprise-dst/reprise/clock/clocktest] checks:
//
//  1. Now never goes back between two calls, unless someone sets the clock back.
//  2. A timer fires once, at or after the time it was set for, never from inside AfterFunc.
//  3. A duration that is zero or negative means: as soon as possible.
//  4. Timers of one instant never replace one another. On a Virtual, timers fire in the order of their
//     times, and those of one instant in the order in which they were set.
//  5. A stop function reports whether it kept the timer from firing; later calls report false.
type Clock interface {
	// Now is the current time.
	Now() time.Time

	// AfterFunc arranges for fn to be called once, d from now. On [Real], fn runs on a goroutine of
	// its own; on a [Virtual], on the goroutine that advances the clock.
	AfterFunc(d time.Duration, fn func()) (stop func() bool)
}

// Real is the wall clock. It is safe for use by many goroutines.
func Real() Clock { return realClock{} }

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) AfterFunc(d time.Duration, fn func()) func() bool {
	return time.AfterFunc(d, fn).Stop
}
