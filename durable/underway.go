package durable

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// underWay is an attempt at a step that was launched and has not returned. What changes is guarded by
// Engine.mu.
type underWay struct {
	key      stepKey
	info     StepInfo
	options  StepOptions
	deadline time.Time // of all attempts; zero for none
	due      time.Time // when this attempt's time is up; zero for never; set before its function runs

	cancel    context.CancelCauseFunc // ends its context; nil until the step begins
	cancelled error                   // why the run takes no interest in its result any more
	late      *TimeoutError           // the limit that it has reached
	returned  bool
	stops     []func() bool // of its alarms

	heartbeats
}

type stepKey struct{ run, op, name string }

// launch runs a step outside of the engine, unless it is under way already: a run may have been evicted
// and loaded again meanwhile.
func (e *Engine) launch(r *run, op *operation) {
	saved := r.saved[op.id]
	u := &underWay{
		key: stepKey{r.id, op.id, op.name},
		info: StepInfo{
			RunInfo: r.info(), ID: op.id, Name: op.name, Attempt: saved.attempt(op), Generation: r.machine.generation,
		},
		heartbeats: heartbeats{progress: saved.progress},
	}
	if op.retry != nil {
		u.options = op.retry.options
		u.deadline, _ = op.deadline()
	}
	e.mu.Lock()
	if e.usable() != nil || e.isUnderWay(r, u.key) {
		e.mu.Unlock()
		return // when the engine is not usable, the next Open runs it
	}
	e.steps[u.key] = u
	e.inflight[r.id]++
	e.begin()
	e.mu.Unlock()
	if op.kind == CommandTransact {
		(&transaction{e: e, u: u, label: r.label, fn: op.tx}).launch()
		return
	}
	ev := Event{Kind: EventStepEnded, Op: op.id, attempt: u.info.Attempt}
	e.host.Offload(r.label, op.name,
		func(ctx context.Context) { e.runStep(ctx, u, op.step, &ev) },
		func() { e.stepEnded(u, &ev) })
}

// isUnderWay reports whether a step has been launched and its end is not in the journal yet; the caller
// holds the lock.
func (e *Engine) isUnderWay(r *run, key stepKey) bool {
	u := e.steps[key]
	ended := func(ev Event) bool { return ev.Op == key.op && ev.Kind == EventStepEnded }
	return u != nil && u.cancelled == nil ||
		slices.ContainsFunc(r.taken, ended) || slices.ContainsFunc(r.inbox, ended)
}

// runStep calls the user's function and notes in the event how that ended. A panic in it is its error.
func (e *Engine) runStep(ctx context.Context, u *underWay, step stepCall, ev *Event) {
	ctx, cancel := context.WithCancelCause(ctx)
	e.mu.Lock()
	u.cancel = cancel
	late, cancelled := u.cancelled, e.cancelled
	e.mu.Unlock()
	if late != nil {
		cancel(late)
		ev.Failure = recordFailure(late) // nobody will see it
		return
	}
	if cancelled {
		cancel(ErrClosed)
	}
	defer e.returned(u)
	if late := e.limitTime(u); late != nil {
		ev.Failure, ev.final = recordFailure(late), true
		return
	}
	ev.Failure = goexitFailure // unless the step returns
	result, value, err := e.attempt(ctx, u, step)
	if err == nil {
		ev.Result, ev.value, ev.Failure = result, value, nil
		cancel(nil)
		return
	}
	if errors.Is(context.Cause(ctx), ErrClosed) {
		ev.Failure = closedFailure // the engine's end is not the step's result
		return
	}
	cancel(nil)
	err = e.blame(u, err)
	_, _, panicked := safely(func() ([]byte, any, error) {
		ev.final = is(err, ErrFinal) || is(err, ErrCodec) ||
			u.options.Retry.Final != nil && u.options.Retry.Final(err)
		return nil, nil, nil
	})
	if panicked != nil {
		err, ev.final = errors.Join(err, panicked), true
	}
	ev.Failure = recordFailure(err)
}

// attempt calls the user's function, within the interceptors.
func (e *Engine) attempt(
	ctx context.Context, u *underWay, step stepCall,
) (result []byte, value any, err error) {
	of := &stepContext{Context: ctx, u: u, engine: e}
	if len(e.hooks) == 0 {
		return safely(func() ([]byte, any, error) { return step.run(of) })
	}
	_, _, err = safely(func() ([]byte, any, error) {
		return nil, nil, e.hooks.step(of, u.info, func(ctx context.Context) (err error) {
			result, value, err = safely(func() ([]byte, any, error) { return step.run(ctx) })
			return err
		})
	})
	return result, value, err
}

// safely calls a function of the user's. A panic in it is its error.
func safely(fn func() ([]byte, any, error)) (result []byte, value any, err error) {
	defer func() {
		if p := recover(); p != nil {
			if eventloop.IsKill(p) {
				panic(p)
			}
			result, value, err = nil, nil, newPanicError(p)
		}
	}()
	return fn()
}

// blame returns the error of an attempt that returned err: when its context was cancelled by a limit, that is
// what came first.
func (e *Engine) blame(u *underWay, err error) error {
	e.mu.Lock()
	late := u.late
	e.mu.Unlock()
	if late == nil || is(err, late) {
		return err
	}
	both := *late
	both.Err = err
	return &both
}

// returned stops the alarms of an attempt.
func (e *Engine) returned(u *underWay) {
	e.mu.Lock()
	u.returned = true
	stops := u.stops
	u.stops = nil
	e.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
}

var (
	errGoexit     = errors.New("durable: the step ended its goroutine with runtime.Goexit instead of returning")
	goexitFailure = &Failure{Text: errGoexit.Error()}
	closedFailure = &Failure{Text: ErrClosed.Error()}
)

// cancelStep ends the context of a step whose result is not wanted any more, and keeps it from starting if it
// has not. A step that ignores its context goes on; its result is dropped.
func (e *Engine) cancelStep(key stepKey, cause error) {
	e.mu.Lock()
	u := e.steps[key]
	if u == nil || u.cancelled != nil {
		e.mu.Unlock()
		return
	}
	u.cancelled = cause
	e.lessInflight(key.run)
	cancel := u.cancel
	e.mu.Unlock()
	if cancel != nil {
		cancel(cause)
	}
}

// lessInflight counts a step that is not under way any more; the caller holds the lock.
func (e *Engine) lessInflight(run string) {
	if e.inflight[run]--; e.inflight[run] == 0 {
		delete(e.inflight, run)
	}
}

// stepEnded delivers a step's completion and drives the run, which may have been evicted meanwhile.
func (e *Engine) stepEnded(u *underWay, ev *Event) {
	e.mu.Lock()
	if e.steps[u.key] == u {
		delete(e.steps, u.key)
	}
	var r *run
	accepted, paused := false, false
	if u.cancelled == nil {
		paused = e.paused[u.key.run]
		e.lessInflight(u.key.run)
		ev.progress = u.unsaved()
		if ev.Failure == closedFailure {
			*ev = Event{Kind: eventProgress, Op: ev.Op, attempt: ev.attempt, progress: ev.progress}
		}
		if ev.Kind != eventProgress || ev.progress != nil {
			r, accepted = e.arrive(u.key.run, *ev)
		}
	}
	e.mu.Unlock()
	if !accepted {
		e.unclaim(ev.claim)
	}
	if paused {
		e.keepResult(u.key.run, ev)
	}
	if r == nil {
		e.end()
		return
	}
	e.drive(r)
}

// arrive puts an event into the inbox of a run, which may have been evicted meanwhile, and reports whether it
// takes it. The caller holds the lock, and drives the run that it returns, if any.
func (e *Engine) arrive(id string, ev Event) (drive *run, accepted bool) {
	r := e.runs[id]
	if e.failure != nil || e.laidAside(id) || r == nil && e.closing {
		return nil, false
	}
	if r == nil {
		r = &run{id: id}
		e.runs[id] = r
	}
	r.inbox = append(r.inbox, ev)
	if r.driven {
		return nil, true
	}
	r.driven = true
	e.warm.remove(r)
	return r, true
}
