package sim

import (
	"time"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// patience is how long a task may be blocked outside of the simulator before its world is given up. A task
// that computes is never given up.
const patience = 3 * time.Second

// watch starts the lane's watchdog. A world whose running task blocks outside of the simulator, on a native
// channel for example, can't be stopped; the lane is then given up with it.
func (l *lane) watch() {
	l.hung = make(chan *job, 1)
	l.watchdog = eventloop.NewWatchdog(patience, func(loop *eventloop.Loop, b eventloop.Blocked) {
		if j := l.running.Load(); j != nil && j.world.loop == loop {
			j.failure = blockedFailure(b)
			l.hung <- j
		}
	})
}

// awaitLanes waits until all lanes have ended. When a world hangs, it returns that world at once and leaves
// all lanes behind.
func awaitLanes(lanes []*lane) (hung *job) {
	for _, l := range lanes {
		select {
		case <-l.done:
		case hung = <-l.hung:
			return hung
		}
	}
	for _, l := range lanes {
		l.watchdog.Stop()
	}
	return nil
}
