package eventloop

import (
	"sync/atomic"
	"time"
)

// A Watchdog finds tasks that are blocked natively. It has one goroutine, and watches one loop after
// another, so that a sweep over many short runs needs one only.
//
// It looks at the loop at intervals. It strikes when the same task was found blocked in the same place in
// each of the last looks, for as long as its patience. A task that computes, is starved by other processes
// or waits for the scheduler is not blocked, however long it takes. A look counts only if it came on time,
// since a machine that is too busy to let the watchdog look may be too busy to wake the task; and only a
// tenth if some goroutine outside the loops was running, which might be about to wake it.
type Watchdog struct {
	loop   atomic.Pointer[Loop]
	stop   chan struct{}
	ended  chan struct{}
	every  time.Duration
	strike func(*Loop, Blocked)
	look   looks
}

// NewWatchdog starts a watchdog. It calls strike, on its own goroutine and once for each loop, when that is
// found blocked.
func NewWatchdog(patience time.Duration, strike func(*Loop, Blocked)) *Watchdog {
	d := &Watchdog{
		stop: make(chan struct{}), ended: make(chan struct{}),
		every: max(patience/looksPerPatience, time.Millisecond), strike: strike,
	}
	go d.run()
	return d
}

// Watch makes the watchdog look at this loop from now on, and at no other; nil means none. To be able to
// name the place, it must be called before the tasks start.
func (d *Watchdog) Watch(l *Loop) {
	if l != nil {
		l.watched = true
	}
	d.loop.Store(l)
}

// Stop ends the watchdog. When it returns, strike is not running and will not be called again.
func (d *Watchdog) Stop() {
	close(d.stop)
	<-d.ended
}

func (d *Watchdog) run() {
	defer close(d.ended)
	tick := time.NewTicker(d.every)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-d.stop:
			return
		case <-tick.C:
		}
		onTime := time.Since(last) < 2*d.every
		if b, ok := d.look.at(d.loop.Load(), onTime); ok {
			d.strike(d.look.loop, b)
		}
		last = time.Now()
	}
}
