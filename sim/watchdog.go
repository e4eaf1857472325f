package sim

import (
	"time"
)

// patience is how long a task may keep its world from going on before the watchdog looks at its goroutine.
const patience = 3 * time.Second

// beat is how often the watchdog looks whether worlds go on.
const beat = 250 * time.Millisecond

// awaitLanes waits until all lanes have ended. It watches them meanwhile: a world whose running task blocks
// outside of the simulator, on a native channel for example, can't be stopped; it is returned, its failure
// filled in, and its lane is left behind.
func awaitLanes(lanes []*lane) (hung *job) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	seen := make([]sighting, len(lanes))
	for i := 0; i < len(lanes); {
		select {
		case <-lanes[i].done:
			i++
		case <-ticker.C:
			for k := i; k < len(lanes); k++ {
				if seen[k].look(lanes[k]) {
					return seen[k].job
				}
			}
		}
	}
	return nil
}

// sighting is what the watchdog last saw of a lane.
type sighting struct {
	job   *job
	steps uint64
	since time.Time
}

// look reports whether the lane's world hangs.
func (s *sighting) look(l *lane) bool {
	j := l.running.Load()
	now := time.Now()
	if j == nil {
		s.job = nil
		return false
	}
	steps := j.world.loop.Steps()
	if j != s.job || steps != s.steps {
		*s = sighting{job: j, steps: steps, since: now}
		return false
	}
	if now.Sub(s.since) < patience {
		return false
	}
	s.since = now
	b := blockedIn(j.world)
	if b == nil {
		return false
	}
	j.failure = b
	return true
}
