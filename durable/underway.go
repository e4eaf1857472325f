package durable

import (
	"context"
	"errors"
	"slices"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// underWay is a step that was launched and has not returned. Its fields are guarded by Engine.mu.
type underWay struct {
	cancel    context.CancelCauseFunc // ends its context; nil until the step begins
	cancelled error                   // why the run takes no interest in its result any more
}

type stepKey struct{ run, op, name string }

// launch runs a step outside of the engine, unless it is under way already: a run may have been evicted
// and loaded again meanwhile.
func (e *Engine) launch(r *run, op *operation) {
	info := StepInfo{Workflow: r.machine.def.name, Run: r.id, ID: op.id, Name: op.name}
	ev := Event{Kind: EventStepEnded, Op: op.id}
	key := stepKey{info.Run, info.ID, info.Name}
	u := &underWay{}
	e.mu.Lock()
	old := e.steps[key]
	if e.usable() != nil || old != nil && old.cancelled == nil || r.arrived(&ev) {
		e.mu.Unlock()
		return // when the engine is not usable, the next Open runs it
	}
	e.steps[key] = u
	e.inflight[r.id]++
	e.begin()
	e.mu.Unlock()
	e.host.Offload(r.label, op.name,
		func(ctx context.Context) { ev.Result, ev.value, ev.Failure = e.runStep(ctx, info, u, op.step) },
		func() { e.stepEnded(key, u, &ev) })
}

// arrived reports whether the end of this operation has come but is not in the journal yet; the caller
// holds the lock.
func (r *run) arrived(ev *Event) bool {
	same := func(other Event) bool { return other.Op == ev.Op && other.Kind == ev.Kind }
	return slices.ContainsFunc(r.taken, same) || slices.ContainsFunc(r.inbox, same)
}

// runStep calls the user's function. A panic in it is its error.
func (e *Engine) runStep(ctx context.Context, info StepInfo, u *underWay, step stepFunc) (
	result []byte, value any, failure *Failure,
) {
	ctx, cancel := context.WithCancelCause(ctx)
	e.mu.Lock()
	u.cancel = cancel
	late, cancelled := u.cancelled, e.cancelled
	e.mu.Unlock()
	if late != nil {
		cancel(late)
		return nil, nil, recordFailure(late) // nobody will see it
	}
	if cancelled {
		cancel(ErrClosed)
	}
	if e.hooks.StepStarted != nil {
		e.hooks.StepStarted(info)
	}
	failure = recordFailure(errGoexit)
	defer func() {
		if p := recover(); p != nil {
			if eventloop.IsKill(p) {
				panic(p)
			}
			result, value, failure = nil, nil, recordFailure(newPanicError(p))
		}
	}()
	result, value, err := step(&stepContext{ctx, info})
	if err != nil && errors.Is(context.Cause(ctx), ErrClosed) {
		return nil, nil, closedFailure // the engine's end is not the step's result
	}
	cancel(nil)
	return result, value, recordFailure(err)
}

var (
	errGoexit     = errors.New("durable: the step ended its goroutine with runtime.Goexit instead of returning")
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
func (e *Engine) stepEnded(key stepKey, u *underWay, ev *Event) {
	e.mu.Lock()
	if e.steps[key] == u {
		delete(e.steps, key)
	}
	drop := u.cancelled != nil
	if !drop {
		e.lessInflight(key.run)
		drop = e.failure != nil || ev.Failure == closedFailure || e.parked[key.run] != nil
	}
	r := e.runs[key.run]
	if r == nil && !drop && !e.closing {
		r = &run{id: key.run}
		e.runs[key.run] = r
	}
	drive := false
	if r != nil && !drop {
		r.inbox = append(r.inbox, *ev)
		drive = !r.driven
		r.driven = true
	}
	e.mu.Unlock()
	if !drive {
		e.end()
		return
	}
	e.drive(r)
}
