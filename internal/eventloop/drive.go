package eventloop

// DefaultLimit is how many steps [Loop.Drive] allows at one instant before it calls them a livelock.
const DefaultLimit = 1_000_000

// Drive runs the loop to its end: whenever nothing is ready, it advances the clock, by a function such as
// [github.com/reprise-dst/reprise/clock.Virtual.Advance], which reports false when no timer is set. It
// returns nil when all tasks have ended, a [*DeadlockError] when some wait and nothing can wake them, and a
// [*LivelockError] after limit steps at one instant; a limit of 0 means [DefaultLimit].
func (l *Loop) Drive(advance func() bool, limit int) error {
	if limit <= 0 {
		limit = DefaultLimit
	}
	clock := l.mustHaveClock("Drive")
	steps, now := 0, clock.Now()
	for {
		steps += l.RunMax(limit - steps)
		if steps >= limit && l.Ready() > 0 {
			return l.Livelock(steps)
		}
		if !advance() {
			break
		}
		if at := clock.Now(); !at.Equal(now) {
			steps, now = 0, at
		}
	}
	if err := l.Deadlock(); err != nil {
		return err
	}
	return nil
}
