package durable

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/cespare/xxhash/v2"
)

// StepOptions says how often a step is tried and how long it may take. The zero value is what Step and Async
// use: one attempt, which takes as long as it takes.
//
// The options are not part of the journal: what they lead to is. They may be changed while runs are under
// way, and hold for what is decided from then on.
type StepOptions struct {
	// Retry says what happens when an attempt fails.
	Retry Retry
	// Timeout is how long one attempt may take. When it has passed, the context of the attempt is cancelled
	// with a *TimeoutError as its cause; what the attempt returns within a second still counts, then it has
	// failed. 0: no limit.
	Timeout time.Duration
	// TotalTimeout is how long all attempts and the waits between them may take, from the call on, also
	// while no process runs. 0: no limit.
	TotalTimeout time.Duration
	// HeartbeatTimeout is how long an attempt may go without calling Heartbeat. It ends the attempt as
	// Timeout does. 0: no limit.
	HeartbeatTimeout time.Duration
	// Interruptions is how many attempts in a row may be interrupted by the end of their process. Then the
	// run is parked with an *InterruptedError, so that a step that brings the process down does not do so
	// for ever. A failed attempt and progress that was saved by Heartbeat start the count again, as does
	// Resume. 0: 100.
	Interruptions int
}

// Retry says what happens when an attempt at a step fails. The failure is in the journal, and the next
// attempt is due at a time that is in the store: both survive crashes, and while the step waits for its next
// attempt the run holds no memory. The error of the last attempt is the step's error.
//
// Only attempts that failed count. An attempt that was interrupted by the end of its process has neither
// failed nor succeeded: it is made again at once, and StepOptions.Interruptions bounds how often.
type Retry struct {
	// Attempts is how often the step may fail before its error is final. 0 and 1: there is no second
	// attempt.
	Attempts int
	// Interval is the wait before the second attempt. 0: one second.
	Interval time.Duration
	// Factor is by how much each wait is longer than the one before, 1 or more. 0: 2.
	Factor float64
	// MaxInterval is the longest wait. 0: 100 times Interval.
	MaxInterval time.Duration
	// Jitter is the share of each wait, 0 to 1, that is random: a wait of a minute with a Jitter of 0.2 takes
	// from 48 to 60 seconds. It is a function of the run's seed, so a replay of the same journal by the same
	// code draws the same.
	Jitter float64
	// Final says which errors end the step at once. It is asked outside of the workflow, about the error
	// as the step returned it. Errors that are ErrFinal need no asking. nil: no others.
	Final func(error) bool
}

// ErrFinal marks an error of a step that must not be tried again, whatever its StepOptions say: a step
// returns fmt.Errorf("the card is stolen: %w", durable.ErrFinal).
var ErrFinal = errors.New("durable: not to be tried again")

// InterruptedError is why a run is parked whose step was interrupted by the end of the process several times
// in a row: perhaps it brings the process down. Resume lets it try as often again.
type InterruptedError struct {
	Run   string
	Step  string
	ID    string // the operation's id
	Times int
}

func (e *InterruptedError) Error() string {
	return fmt.Sprintf("step %q (id %s) of run %q was interrupted by the end of its process %d times in a row, "+
		"perhaps because of it; mend what ends the process, then call Resume", e.Step, e.ID, e.Run, e.Times)
}

func init() { RegisterError(ErrFinal) }

const (
	maxInterruptions = 100
	firstInterval    = time.Second
	growth           = 2
	maxGrowth        = 100                       // times the first interval
	longest          = 50 * 365 * 24 * time.Hour // of any wait; the store's times end in 2262
)

// set reports whether the options say anything.
func (o *StepOptions) set() bool {
	return o.Retry.Attempts > 1 || o.Timeout > 0 || o.TotalTimeout > 0 || o.HeartbeatTimeout > 0 ||
		o.Interruptions > 0
}

// check says what is wrong with the settings.
func (o *StepOptions) check() error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"Timeout", o.Timeout},
		{"TotalTimeout", o.TotalTimeout},
		{"HeartbeatTimeout", o.HeartbeatTimeout},
		{"Retry.Interval", o.Retry.Interval},
		{"Retry.MaxInterval", o.Retry.MaxInterval},
	} {
		if d.value < 0 {
			return fmt.Errorf("%s is %v; a time is 0, for the default, or more", d.name, d.value)
		}
	}
	r := &o.Retry
	switch {
	case o.Interruptions < 0:
		return fmt.Errorf("StepOptions.Interruptions is %d; give it 1 or more, or 0 for %d",
			o.Interruptions, maxInterruptions)
	case r.Attempts < 0:
		return fmt.Errorf("Retry.Attempts is %d; give it 1 or more, math.MaxInt for no end", r.Attempts)
	case r.Factor != 0 && !(r.Factor >= 1 && r.Factor <= math.MaxFloat32):
		return fmt.Errorf("Retry.Factor is %v; give it 1, for waits of equal length, or more, or 0 for %d",
			r.Factor, growth)
	case !(r.Jitter >= 0 && r.Jitter <= 1):
		return fmt.Errorf("Retry.Jitter is %v; it is a share of the wait, from 0 to 1", r.Jitter)
	case r.MaxInterval > 0 && r.MaxInterval < r.Interval:
		return fmt.Errorf("Retry.MaxInterval is %v, less than Retry.Interval, which is %v; swap them, or leave "+
			"out MaxInterval", r.MaxInterval, r.Interval)
	case r.Attempts <= 1 && (r.Interval != 0 || r.Factor != 0 || r.MaxInterval != 0 || r.Jitter != 0 ||
		r.Final != nil):
		return fmt.Errorf("Retry.Attempts is %d, so there is no second attempt and the rest of Retry says "+
			"nothing; set how many attempts there may be", r.Attempts)
	}
	return nil
}

// wait is how long to wait after that many failed attempts; random is from 0 to 1.
func (r *Retry) wait(failed int, random float64) time.Duration {
	first := r.Interval
	if first == 0 {
		first = firstInterval
	}
	factor := r.Factor
	if factor == 0 {
		factor = growth
	}
	most := float64(r.MaxInterval)
	if most == 0 {
		most = maxGrowth * float64(first)
	}
	d := min(float64(first)*math.Pow(factor, float64(failed-1)), most, float64(longest))
	return time.Duration(d * (1 - r.Jitter*random))
}

// retrying is what a run knows of the attempts at a step. All of it is a function of the journal, but the
// options, which are today's.
type retrying struct {
	options StepOptions
	begun   time.Time // when the step was asked for
	failed  int       // attempts that have failed
	spent   int       // of them, those before the step was renewed
	last    *Failure  // of the latest attempt
}

// waits reports whether the operation waits for a time that is in the store: it is a timer, or has a timeout,
// or is a step whose next attempt is due then.
func (op *operation) waits() bool { return !op.due.IsZero() }

// runs reports whether the operation is done in the outside world, now.
func (op *operation) runs() bool { return op.kind.isStep() && !op.waits() }

// isStep reports whether what is asked for is done by a function of the user's outside of the workflow.
func (k CommandKind) isStep() bool { return k == CommandStep || k == CommandTransact }

// failed returns how many attempts at a step have failed.
func (op *operation) failed() int {
	if op.retry == nil {
		return 0
	}
	return op.retry.failed
}

// deadline returns when the total time of a step has passed; ok is false when it has no limit.
func (op *operation) deadline() (at time.Time, ok bool) {
	if op.retry == nil || op.retry.options.TotalTimeout == 0 {
		return time.Time{}, false
	}
	return op.retry.begun.Add(min(op.retry.options.TotalTimeout, longest)), true
}

// stale reports whether what has happened belongs to an attempt at a step that is over: a result that comes
// when the next attempt is waited for, or a second ring of a timer.
func (m *machine) stale(ev *Event) bool {
	op := m.pending[ev.Op]
	switch ev.Kind {
	case EventStepEnded:
		return !op.runs()
	case EventTimerFired:
		return !ev.due.IsZero() && !ev.due.Equal(op.due)
	}
	return false
}

// judge turns what has happened, which the machine awaits, into what the journal says of it: an attempt that
// failed ends the step, or another one is due at a time. The decision is an event, so a replay under other
// options follows it.
func (m *machine) judge(ev *Event) {
	op := m.pending[ev.Op]
	if op == nil || op.retry == nil {
		return
	}
	deadline, bounded := op.deadline()
	switch {
	case ev.Kind == EventTimerFired && op.kind == CommandStep:
		if bounded && !ev.Time.Before(deadline) { // the process was down, or late
			ev.Kind = EventStepEnded
			ev.Failure = recordFailure(op.retry.options.timeout(op.name, op.id, LimitTotal, op.retry.last.err()))
		}
	case ev.Kind == EventStepEnded && ev.Failure != nil && !ev.final:
		failed := op.retry.failed + 1
		if failed-op.retry.spent >= op.retry.options.Retry.Attempts {
			return
		}
		random := rand.New(rand.NewPCG(m.seed, xxhash.Sum64String(op.id)+uint64(failed))).Float64()
		at := ev.Time.Add(op.retry.options.Retry.wait(failed-op.retry.spent, random))
		if bounded && !at.Before(deadline) {
			return
		}
		ev.Kind, ev.Retry = EventAttemptFailed, at
	}
}

// attemptFailed is the machine's answer to a failed attempt that is not the last.
func (m *machine) attemptFailed(op *operation, ev *Event) {
	if op.retry == nil { // today's code knows no retries; the journal does
		op.retry = &retrying{begun: m.now}
	}
	op.retry.failed++
	op.retry.last, op.due = ev.Failure, ev.Retry
	m.commands = append(m.commands, Command{
		Kind: CommandRetry, Op: op.id, Name: op.name, Attempt: op.retry.failed + 1, Deadline: op.due,
	})
}

// renew gives a step all its attempts and all its time again; the last attempt has failed, and its end was
// taken back.
func (m *machine) renew(op *operation) {
	if op.retry == nil {
		op.retry = &retrying{}
	}
	r := op.retry
	r.failed++
	r.spent, r.begun = r.failed, m.now
	op.due = time.Time{}
	m.commands = append(m.commands, Command{
		Kind: op.kind, Op: op.id, Name: op.name, Attempt: r.failed + 1, step: op.step, tx: op.tx,
	})
}

// attempt is the machine's answer to the time of the next attempt.
func (m *machine) attempt(op *operation) {
	op.due = time.Time{}
	m.commands = append(m.commands, Command{
		Kind: CommandStep, Op: op.id, Name: op.name, Attempt: op.retry.failed + 1, step: op.step,
	})
}
