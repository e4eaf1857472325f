package durable

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Cancel asks the run to end. When it returns nil, the cancellation is durable: the run has it in its
// journal. Every wait and operation of the run that is not on a Detached context then ends with an error that
// is ErrCancelled and says the reason; the workflow may clean up, on a Detached context, and ends the run by
// returning. A run that returns the cancellation ends as Cancelled; what else it returns is its result.
//
// A reason may be empty. Cancelling a run again changes nothing, the first reason stays. When the run has
// ended the error is ErrEnded, also when it ended because of a cancellation whose answer was lost. A run that
// is paused sees the cancellation when it is resumed. One that is parked can't see it: the error is a
// *ParkedError; Resume or Terminate it.
func (r Run[Out]) Cancel(ctx context.Context, reason string) error {
	if err := r.usable(); err != nil {
		return err
	}
	return r.engine.Cancel(ctx, r.id, reason)
}

// Cancel is Run.Cancel for the run with this id, whatever its workflow.
func (e *Engine) Cancel(ctx context.Context, run, reason string) error {
	return e.stop(ctx, run, Event{Kind: EventCancelled, Reason: reason})
}

// Terminate ends the run at once: no code of it runs any more, no cleanup either. When it returns nil, that
// is durable: the run's timers and messages are gone, the contexts of its steps are cancelled and what they
// return is dropped. The run's result is an error that is ErrTerminated; its parent is told. Its children
// are terminated too, unless their policy is AbandonChild or AwaitChild or they were started on a Detached
// context: then they go on alone. It works on runs that are parked or paused, and on those of unknown
// workflows. When the run has ended the error is ErrEnded.
func (r Run[Out]) Terminate(ctx context.Context, reason string) error {
	if err := r.usable(); err != nil {
		return err
	}
	return r.engine.Terminate(ctx, r.id, reason)
}

// Terminate is Run.Terminate for the run with this id, whatever its workflow.
func (e *Engine) Terminate(ctx context.Context, run, reason string) error {
	return e.stop(ctx, run, Event{Kind: EventTerminated, Reason: reason})
}

// maxReason bounds a reason, in bytes.
const maxReason = 4096

// stop hands the event to the run and waits until the store says that it has seen it.
func (e *Engine) stop(ctx context.Context, run string, ev Event) error {
	if err := errors.Join(e.missing(), checkID("run's id", run)); err != nil {
		return err
	}
	if len(ev.Reason) > maxReason {
		return fmt.Errorf("durable: the reason why run %q is to end is %d bytes long, at most %d are allowed",
			run, len(ev.Reason), maxReason)
	}
	ev.Reason = bounded(ev.Reason)
	handed := false
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		seen, err := e.stopped(run, &ev, handed)
		if seen || err != nil {
			return err
		}
		s := e.host.NewSignal()
		e.mu.Lock()
		err = e.usable()
		if cause := e.parked[run]; err == nil && cause != nil && !ev.Kind.halts() {
			err = &ParkedError{Run: run, Cause: cause}
		}
		leave := e.paused[run] && !ev.Kind.halts()
		if err != nil || leave {
			e.mu.Unlock()
			if err == nil {
				err = e.post(ctx, &letter{
					kind: mailCancel, to: run, name: fromOutside, content: []byte(ev.Reason),
				})
			}
			return err
		}
		e.stoppers[run] = append(e.stoppers[run], s)
		e.mu.Unlock()
		e.wake(run, &ev)
		handed = true
		if err := s.Wait(ctx); err != nil {
			return err
		}
	}
}

// stopped reports whether a run has seen the event. handed says that this call has handed it over, so that a
// run which has ended meanwhile may have done so because of it.
func (e *Engine) stopped(run string, ev *Event, handed bool) (seen bool, err error) {
	var found [4]bool
	var end []byte
	keys := [4][]byte{runKey(run, partHeader), runKey(run, partEnd), runKey(run, partAsked), pausedKey(run)}
	for i, key := range keys { // asked after the end: it came before it
		data, ok, err := e.store.Get(key)
		if err != nil {
			return false, fmt.Errorf("durable: looking for run %q: %w", run, err)
		}
		found[i] = ok
		if i == 1 {
			end = data
		}
	}
	asked := ev.Kind == EventCancelled && found[2]
	switch {
	case !found[0]:
		return false, fmt.Errorf("%w: %q", ErrNotFound, run)
	case !found[1]:
		return asked || ev.Kind == eventPause && found[3] || ev.Kind == eventGoOn && !found[3], nil
	}
	status, _, err := parseEndHead(run, end)
	did := asked || ev.Kind == EventTerminated && status == Terminated || ev.Kind == eventGoOn
	if handed && did || err != nil {
		return err == nil, err
	}
	return false, fmt.Errorf("%w: %q", ErrEnded, run)
}

// tellStoppers wakes those who wait for the run to see that it is to end.
func (e *Engine) tellStoppers(run string) {
	e.mu.Lock()
	signals := e.stoppers[run]
	delete(e.stoppers, run)
	e.mu.Unlock()
	for _, s := range signals {
		s.Fire()
	}
}

// overruled does what has been asked of the run as a whole: ends it, pauses it, lets it go on. It reports
// whether the run has left the memory.
func (e *Engine) overruled(r *run) bool {
	e.mu.Lock()
	i := slices.IndexFunc(r.inbox, func(ev Event) bool { return ev.Kind.halts() })
	if i < 0 || !r.driven || r.starting || e.failure != nil {
		e.mu.Unlock()
		return false
	}
	ev := r.inbox[i]
	r.inbox = slices.Delete(r.inbox, i, i+1)
	e.mu.Unlock()
	switch ev.Kind {
	case eventPause:
		return e.pauseNow(r, &ev)
	case eventGoOn:
		return e.goOn(r)
	}
	e.terminateNow(r, ev)
	return true
}

// terminateNow ends a run that is not to run any more.
func (e *Engine) terminateNow(r *run, ev Event) {
	err := e.terminate(r.id, ev)
	for lostRace(err) && !e.over(r.id) && e.failed() == nil { // its parent or a child has ended in this moment
		err = e.terminate(r.id, ev)
	}
	switch {
	case lostRace(err): // it has ended before
	case err != nil:
		e.fail(err)
	default:
		for _, key := range e.stepsOf(r.id) {
			e.cancelStep(key, ErrTerminated)
		}
	}
	e.finish(r)
}

// stepsOf lists the steps of a run that have not returned, sorted.
func (e *Engine) stepsOf(run string) []stepKey {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(e.stepsUnderWay(), func(k stepKey) bool { return k.run != run })
}
