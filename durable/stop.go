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
// is parked can't see a cancellation: the error is a *ParkedError; Resume or Terminate it.
func (r Run[Out]) Cancel(ctx context.Context, reason string) error {
	return r.engine.Cancel(ctx, r.id, reason)
}

// Cancel is Run.Cancel for the run with this id, whatever its workflow.
func (e *Engine) Cancel(ctx context.Context, run, reason string) error {
	return e.stop(ctx, run, Event{Kind: EventCancelled, Reason: reason})
}

// Terminate ends the run at once: no code of it runs any more, no cleanup either. When it returns nil, that
// is durable: the run's timers and messages are gone, the contexts of its steps are cancelled and what they
// return is dropped. The run's result is an error that is ErrTerminated; its parent is told, its children go
// on. It works on parked runs too, and on those of unknown workflows. When the run has ended the error is
// ErrEnded.
func (r Run[Out]) Terminate(ctx context.Context, reason string) error {
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
		if cause := e.parked[run]; err == nil && cause != nil {
			if ev.Kind == EventTerminated {
				delete(e.parked, run)
			} else {
				err = &ParkedError{Run: run, Cause: cause}
			}
		}
		if err != nil {
			e.mu.Unlock()
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
	var found [3]bool
	var end []byte
	for i, part := range []byte{partHeader, partEnd, partAsked} { // asked after the end: it came before it
		data, ok, err := e.store.Get(runKey(run, part))
		if err != nil {
			return false, fmt.Errorf("durable: looking for run %q: %w", run, err)
		}
		found[i] = ok
		if part == partEnd {
			end = data
		}
	}
	asked := ev.Kind == EventCancelled && found[2]
	switch {
	case !found[0]:
		return false, fmt.Errorf("%w: %q", ErrNotFound, run)
	case !found[1]:
		return asked, nil
	}
	status, _, err := parseEndHead(run, end)
	if handed && (asked || ev.Kind == EventTerminated && status == Terminated) || err != nil {
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

// terminated ends a run that has been asked to, and reports false for others.
func (e *Engine) terminated(r *run) bool {
	e.mu.Lock()
	i := slices.IndexFunc(r.inbox, func(ev Event) bool { return ev.Kind == EventTerminated })
	if i < 0 || !r.driven || r.starting || e.failure != nil {
		e.mu.Unlock()
		return false
	}
	ev := r.inbox[i]
	r.inbox = slices.Delete(r.inbox, i, i+1)
	e.mu.Unlock()
	err := e.terminate(r.id, ev)
	for lostRace(err) && !e.over(r.id) && e.failed() == nil { // its parent has ended in this moment
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
	return true
}

// stepsOf lists the steps of a run that have not returned, sorted.
func (e *Engine) stepsOf(run string) []stepKey {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(e.stepsUnderWay(), func(k stepKey) bool { return k.run != run })
}

// lastWords is what is known of a run that is ended without its code.
type lastWords struct {
	start *Start
	info  RunInfo
	entry Entry
	item  *item
	how   Status
	why   error
	end   []byte
}

// terminate commits the end of a run, without its code. What it had asked for is in its journal.
func (e *Engine) terminate(run string, ev Event) error {
	q := e.newRound(nil)
	b := &q.batch
	last, err := q.lastWords(run, ev)
	if err != nil {
		return err
	}
	data, err := appendEntry(nil, &last.entry)
	if err != nil {
		return err
	}
	b.RequireAbsent(runKey(run, partEnd))
	b.Set(journalKey(run, last.entry.Seq), data)
	b.Set(runKey(run, partEnd), last.end)
	b.Delete(activeKey(run))
	b.Delete(parkedKey(run))
	e.keep(b, run, last.entry.Event.Time)
	mail, waits := mailboxKey(run), runKey(run, partWaits)
	b.DeleteRange(mail, after(mail))
	b.DeleteRange(waits, after(waits))
	b.DeleteRange(progressRange(run))
	b.Delete(runKey(run, partMark))
	if err := q.answerOpen(run, last.why); err != nil {
		return err
	}
	if last.start != nil {
		if err := q.tellParent(run, last.start.Parent, last.start.ParentOp, last.end); err != nil {
			return err
		}
	}
	for i := range q.letters {
		q.put(&q.letters[i])
	}
	if err := e.store.Commit(b); err != nil {
		return err
	}
	e.giveBack(last.item)
	e.mu.Lock()
	delete(e.shelved, run)
	e.mu.Unlock()
	if keep := e.cfg.Retention; keep > 0 {
		e.expect(last.entry.Event.Time.Add(keep))
	}
	e.deliver(q)
	e.hooks.committed(last.info, []Entry{last.entry})
	e.hooks.ended(last.info, last.how, last.why)
	return nil
}

// lastWords reads what a run that ends leaves behind, and makes the batch remove it.
func (q *round) lastWords(run string, ev Event) (last lastWords, err error) {
	last.entry = Entry{Seq: 1, Event: ev}
	last.entry.Event.Time = q.now
	if err := q.leaveLane(run, &last); err != nil {
		return last, err
	}
	err = scanJournal(q.e.store, run, func(old *Entry) error {
		if old.Event.Start != nil {
			last.start, last.info = old.Event.Start, startedInfo(run, &old.Event)
		}
		last.entry.Seq = old.Seq + 1
		last.entry.Event.Time = later(last.entry.Event.Time, old.Event.Time)
		if err := old.spell(run); err != nil {
			return err
		}
		for i := range old.Commands {
			if c := &old.Commands[i]; !c.Deadline.IsZero() {
				q.batch.Delete(timerKey(c.Deadline, run, c.Op))
			}
		}
		return nil
	})
	if err != nil {
		return last, err
	}
	if ev.Kind == EventWithdrawn {
		last.how, last.why = Cancelled, cancellation(ev.Reason)
		q.batch.Set(runKey(run, partAsked), nil)
		last.end, err = encodeWithdrawal(ev.Reason, last.entry.Event.Time)
	} else {
		last.how, last.why = Terminated, termination(ev.Reason)
		last.end, err = encodeTermination(ev.Reason, last.entry.Event.Time)
	}
	return last, err
}

// leaveLane takes a run that ends out of its lane. One that has not begun gets the first entry of its
// journal.
func (q *round) leaveLane(run string, last *lastWords) error {
	it, raw, err := readItem(q.e.store, run)
	withdrawn := last.entry.Event.Kind == EventWithdrawn
	if errors.Is(err, ErrDamaged) { // that must not keep it
		q.batch.Delete(itemKey(run))
		return nil
	}
	switch {
	case err != nil:
		return err
	case withdrawn && (it == nil || it.begun()):
		return errQueued
	case it == nil:
		return nil
	}
	q.batch.RequireValue(itemKey(run), raw)
	it.remove(&q.batch)
	last.item = it
	if it.begun() {
		return nil
	}
	first, data, err := it.begins(q.now)
	if err != nil {
		return err
	}
	q.batch.Set(journalKey(run, 1), data)
	last.start, last.info = first.Event.Start, startedInfo(run, &first.Event)
	last.entry.Seq = 2
	return nil
}
