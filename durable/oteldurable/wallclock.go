package oteldurable

import "time"

// wallClock is the time outside of simulation.
func wallClock() time.Time { return time.Now() }
