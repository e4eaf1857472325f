package sim

import (
	"time"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// patience is how long a task may be blocked outside of the simulator before its world is given up. A task
// that computes is never given up.
const patience = 3 * time.Second

// runLanes runs worlds on n lanes until next returns false on each of them. A world whose running task blocks
// outside of the simulator, on a native channel for example, can't be stopped: it is returned at once, its
// failure filled in, and all lanes are left behind.
func runLanes(n int, next func(l *lane) bool) (hung *job) {
	hangs := make(chan *job, n)
	lanes := make([]*lane, n)
	for i := range lanes {
		l := &lane{next: next, done: make(chan struct{})}
		l.watchdog = eventloop.NewWatchdog(patience, func(loop *eventloop.Loop, b eventloop.Blocked) {
			if j := l.running.Load(); j != nil && j.world.loop == loop {
				j.failure = blockedFailure(b)
				hangs <- j
			}
		})
		lanes[i] = l
		go l.loop()
	}
	for _, l := range lanes {
		select {
		case <-l.done:
		case hung = <-hangs:
			return hung
		}
	}
	for _, l := range lanes {
		l.watchdog.Stop()
	}
	return nil
}
