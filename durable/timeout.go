package durable

import (
	"fmt"
	"time"
)

// Limit names a time limit of StepOptions.
type Limit string

// The limits that a step may meet.
const (
	LimitAttempt   Limit = "Timeout"
	LimitTotal     Limit = "TotalTimeout"
	LimitHeartbeat Limit = "HeartbeatTimeout"
)

// TimeoutError is the error of a step, or of an attempt at it, that took too long, and the cause of the
// cancellation of its context. errors.Is matches ErrTimeout, and through it context.DeadlineExceeded, and
// sees what the step itself returned.
type TimeoutError struct {
	Step  string
	ID    string // the operation's id
	Limit Limit
	After time.Duration // what the limit is
	Err   error         // what the attempt, or the last one, returned; nil when it ignored its context
}

func (e *TimeoutError) Error() string {
	text := fmt.Sprintf("step %q (id %s) did not end within its %s of %v", e.Step, e.ID, e.Limit, e.After)
	if e.Limit == LimitHeartbeat {
		text = fmt.Sprintf("step %q (id %s) called no Heartbeat within its %s of %v",
			e.Step, e.ID, e.Limit, e.After)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns ErrTimeout and what the step returned.
func (e *TimeoutError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrTimeout}
	}
	return []error{ErrTimeout, e.Err}
}

func init() { RegisterErrorType[*TimeoutError]() }

// timeout is the error of a step that has reached a limit.
func (o *StepOptions) timeout(step, id string, limit Limit, err error) *TimeoutError {
	e := &TimeoutError{Step: step, ID: id, Limit: limit, Err: err}
	switch limit {
	case LimitAttempt:
		e.After = o.Timeout
	case LimitTotal:
		e.After = o.TotalTimeout
	case LimitHeartbeat:
		e.After = o.HeartbeatTimeout
	}
	return e
}

// stepGrace is how long what an attempt returns counts after its context was cancelled by a limit.
const stepGrace = time.Second

// limitTime sets the alarms of an attempt that begins. It returns the error of one that is too late already.
func (e *Engine) limitTime(u *underWay) error {
	now := e.host.Now()
	d, limit := u.options.Timeout, LimitAttempt
	if !u.deadline.IsZero() {
		left := u.deadline.Sub(now)
		if left <= 0 {
			return u.options.timeout(u.info.Name, u.info.ID, LimitTotal, nil)
		}
		if d == 0 || left < d {
			d, limit = left, LimitTotal
		}
	}
	if d > 0 {
		u.due = now.Add(d)
		e.alarm(u, d, func() { e.timeUp(u, limit) })
	}
	if d := u.options.HeartbeatTimeout; d > 0 {
		e.mu.Lock()
		u.beat = now
		e.mu.Unlock()
		e.alarm(u, d, func() { e.checkBeat(u) })
	}
	return nil
}

// alarm calls fn after d, unless the attempt returns before that.
func (e *Engine) alarm(u *underWay, d time.Duration, fn func()) {
	stop := e.host.AfterFunc(d, fn)
	e.mu.Lock()
	returned := u.returned
	if !returned {
		u.stops = append(u.stops, stop)
	}
	e.mu.Unlock()
	if returned {
		stop()
	}
}

// timeUp cancels the context of an attempt that has reached a limit.
func (e *Engine) timeUp(u *underWay, limit Limit) {
	e.mu.Lock()
	if u.returned || u.cancelled != nil || u.late != nil {
		e.mu.Unlock()
		return
	}
	u.late = u.options.timeout(u.info.Name, u.info.ID, limit, nil)
	late, cancel := u.late, u.cancel
	e.mu.Unlock()
	cancel(late)
	e.alarm(u, stepGrace, func() { e.giveUp(u) })
}

// checkBeat ends an attempt that has called no Heartbeat for too long.
func (e *Engine) checkBeat(u *underWay) {
	now := e.host.Now()
	e.mu.Lock()
	due := u.beat.Add(u.options.HeartbeatTimeout)
	e.mu.Unlock()
	if now.Before(due) {
		e.alarm(u, due.Sub(now), func() { e.checkBeat(u) })
		return
	}
	e.timeUp(u, LimitHeartbeat)
}

// giveUp fails an attempt that ignores its cancelled context. What it returns later is dropped.
func (e *Engine) giveUp(u *underWay) {
	failure := recordFailure(u.late)
	e.mu.Lock()
	if u.returned || u.cancelled != nil {
		e.mu.Unlock()
		return
	}
	u.cancelled = u.late
	e.lessInflight(u.info.Run)
	r, _ := e.arrive(u.info.Run, Event{
		Kind: EventStepEnded, Op: u.info.ID, Failure: failure, attempt: u.info.Attempt, progress: u.unsaved(),
	})
	e.begin()
	e.mu.Unlock()
	e.hooks.stepOverdue(u.info)
	if r == nil {
		e.end()
		return
	}
	e.drive(r)
}
