package durable

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// timers wakes runs at their deadlines. The timers are in the store; in memory there is one alarm, set for
// the earliest, whatever their number.
type timers struct {
	next    time.Time // of the alarm that is set, or of the earliest timer set during a pass; zero: none
	alarm   int       // number of the latest alarm; older ones are stale
	stop    func() bool
	passing bool // a pass over the due timers is under way
}

const (
	timerChunk = 1024
	maxBusy    = 1024 // runs and steps under way beyond which a pass over due timers waits
)

// armTimers sets the alarm for the earliest timer in the store.
func (e *Engine) armTimers() error {
	next, found, err := e.earliestTimer(nil)
	if err == nil && found {
		e.expect(next)
	}
	if err != nil || e.cfg.Retention <= 0 {
		return err
	}
	next, err = e.expire()
	if err == nil && !next.IsZero() {
		e.expect(next)
	}
	return err
}

// armSchedules sets the alarm for the first schedule, and lets the runs of schedules go on that waited for
// others.
func (e *Engine) armSchedules() error {
	for from := []byte(scheduleLanePrefix); ; {
		var key []byte
		err := e.store.Scan(from, []byte{tableSchedule, scheduleTimes + 1}, func(k, _ []byte) bool {
			key = bytes.Clone(k)
			return false
		})
		switch {
		case err != nil:
			return fmt.Errorf("durable.Open: reading the schedules: %w", err)
		case key == nil:
			return nil
		case key[1] == scheduleTimes: // behind all lanes
			first, _, err := parsePlanTimeKey(key)
			if err == nil {
				e.expect(first)
			}
			return err
		}
		lane, _, _ := bytes.Cut(key, []byte{0})
		e.tell(string(lane))
		from = append(lane, 1)
	}
}

// earliestTimer returns the deadline of the first timer at or after the key from; nil is the first of all.
func (e *Engine) earliestTimer(from []byte) (due time.Time, found bool, err error) {
	if from == nil {
		from = []byte{tableTimer}
	}
	var bad error
	err = e.store.Scan(from, []byte{tableTimer + 1}, func(key, _ []byte) bool {
		due, _, _, bad = parseTimerKey(key)
		found = bad == nil
		return false
	})
	if err == nil {
		err = bad
	}
	return due, found, err
}

// expect makes sure that the alarm rings no later than the deadline.
func (e *Engine) expect(deadline time.Time) {
	e.mu.Lock()
	t := &e.timers
	if e.usable() != nil || !t.next.IsZero() && !deadline.Before(t.next) {
		e.mu.Unlock()
		return
	}
	t.next = deadline
	if t.passing {
		e.mu.Unlock()
		return // the pass sets the alarm when it ends
	}
	t.alarm++
	alarm, old := t.alarm, t.stop
	t.stop = nil
	e.mu.Unlock()
	if old != nil {
		old()
	}
	stop := e.host.AfterFunc(deadline.Sub(e.host.Now()), func() { e.ring(alarm) })
	e.mu.Lock()
	current := t.alarm == alarm && !e.closing
	if current {
		t.stop = stop
	}
	e.mu.Unlock()
	if !current {
		stop()
	}
}

// ring passes over the timers that are due and sets the next alarm.
func (e *Engine) ring(alarm int) {
	e.mu.Lock()
	t := &e.timers
	if e.usable() != nil || t.alarm != alarm {
		e.mu.Unlock()
		return
	}
	t.passing, t.next, t.stop = true, time.Time{}, nil
	e.begin()
	e.mu.Unlock()
	defer e.end()

	next, err := e.passTimers()
	if err == nil {
		var expiry time.Time
		expiry, err = e.expire()
		next = sooner(next, expiry)
	}
	if err == nil {
		var fires time.Time
		fires, err = e.fireSchedules()
		next = sooner(next, fires)
	}
	next = sooner(next, e.passLanes())
	if err != nil {
		e.fail(err)
		return
	}
	e.mu.Lock()
	next = sooner(next, t.next)
	t.passing, t.next = false, time.Time{}
	e.mu.Unlock()
	if !next.IsZero() {
		e.expect(next)
	}
}

// sooner is the earlier of two times, of which a zero one does not count.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// passTimers wakes the runs whose timers are due, and returns the deadline of the first that is not; zero
// when there is none.
func (e *Engine) passTimers() (next time.Time, err error) {
	type dueTimer struct {
		run string
		ev  Event
	}
	from := []byte{tableTimer}
	for {
		now := e.host.Now()
		var due []dueTimer
		var bad error
		next = time.Time{}
		err = e.store.Scan(from, []byte{tableTimer + 1}, func(key, _ []byte) bool {
			deadline, run, op, err := parseTimerKey(key)
			if bad = err; bad != nil {
				return false
			}
			if deadline.After(now) {
				next = deadline
				return false
			}
			due = append(due, dueTimer{run, Event{Kind: EventTimerFired, Op: op, due: deadline}})
			if len(due) == timerChunk {
				from = append(append(from[:0], key...), 0)
				return false
			}
			return true
		})
		if err == nil {
			err = bad
		}
		if err != nil {
			return next, err
		}
		for i := range due {
			e.bring(due[i].run, &due[i].ev, 0, !due[i].ev.due.After(e.opened))
		}
		if len(due) < timerChunk || e.waitForRoom() != nil {
			return next, nil
		}
	}
}

// waitForRoom waits until fewer than maxBusy runs and steps are under way.
func (e *Engine) waitForRoom() error {
	room := e.host.NewSignal()
	e.mu.Lock()
	err := e.usable()
	wait := err == nil && e.busy > maxBusy
	if wait && e.room == nil {
		e.room = room
	}
	if wait {
		room = e.room
	}
	e.mu.Unlock()
	if wait {
		return room.Wait(context.Background())
	}
	return err
}
