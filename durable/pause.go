package durable

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/reprise-dst/reprise/store"
)

// Pause sets the run aside until Resume: it takes no events and starts no steps. When it returns nil, that is
// durable, a crash changes nothing about it. What arrives meanwhile is kept: messages, updates that clients
// wait with, the ends of children, cancellations, and timers that are due, with their times. Steps that are
// under way go on, and how they end is kept too; only a transaction is run again after Resume.
//
// A reason may be empty; the run's Listing tells it. Pausing a run again changes nothing, the first reason
// stays. A parked run can be paused, so that Open does not try it again. When the run has ended the error is
// ErrEnded.
func (r Run[Out]) Pause(ctx context.Context, reason string) error {
	if err := r.usable(); err != nil {
		return err
	}
	return r.engine.Pause(ctx, r.id, reason)
}

// Pause is Run.Pause for the run with this id, whatever its workflow.
func (e *Engine) Pause(ctx context.Context, run, reason string) error {
	if err := e.missing(); err != nil {
		return err
	}
	if l, err := e.Status(run); err == nil && l.Status == Queued {
		return fmt.Errorf("durable: run %q waits in a queue; pause it when it runs, or Cancel it", run)
	}
	return e.stop(ctx, run, Event{Kind: eventPause, Reason: reason})
}

// Resume lets a run go on that was paused, and makes a parked one try again, for instance because the cause
// has been mended. When it returns nil for a run that was paused, that is durable.
func (e *Engine) Resume(run string) error {
	if err := e.missing(); err != nil {
		return err
	}
	e.mu.Lock()
	err := e.usable()
	cause, paused := e.parked[run], e.paused[run]
	e.mu.Unlock()
	var futile *RecoveryError
	if err == nil && errors.As(cause, &futile) {
		err = e.recountRecoveries(run)
	}
	switch {
	case err != nil:
		return err
	case paused:
		return e.stop(context.Background(), run, Event{Kind: eventGoOn})
	case cause == nil:
		return fmt.Errorf("durable: run %q is neither parked nor paused; List tells which runs are, by their "+
			"status", run)
	}
	e.mu.Lock()
	delete(e.parked, run)
	e.forgiven[run] = true
	e.mu.Unlock()
	e.wake(run, nil)
	return nil
}

// pauseNow sets a run aside. It reports false when the run has ended.
func (e *Engine) pauseNow(r *run, ev *Event) bool {
	var b store.Batch
	b.RequireValue(keyOwner, e.owner)
	b.RequireAbsent(runKey(r.id, partEnd))
	b.Set(pausedKey(r.id), []byte(ev.Reason))
	switch err := e.store.Commit(&b); {
	case lostRace(err):
		e.tellStoppers(r.id)
		return false
	case err != nil:
		e.fail(err)
		e.finish(r)
		return true
	}
	if r.machine != nil {
		r.machine.close()
	}
	e.mu.Lock()
	e.paused[r.id] = true
	delete(e.parked, r.id)
	e.mu.Unlock()
	e.drop(r, nil)
	e.passOn(r)
	return true
}

// goOn ends a pause. The run is then driven on, with what has arrived.
func (e *Engine) goOn(r *run) (left bool) {
	e.mu.Lock()
	delete(e.paused, r.id) // what arrives from now on is taken when the store knows it, too
	r.mail |= anyMail
	e.mu.Unlock()
	var b store.Batch
	b.RequireValue(keyOwner, e.owner)
	b.Delete(pausedKey(r.id))
	if err := e.store.Commit(&b); err != nil {
		e.fail(err)
		e.finish(r)
		return true
	}
	e.tellStoppers(r.id)
	return false
}

// passOn sees to what has come for a run in the moment in which it left the memory.
func (e *Engine) passOn(r *run) {
	e.mu.Lock()
	left := r.inbox
	r.inbox = nil
	e.mu.Unlock()
	e.unclaimAll(left)
	for i := range left {
		ev := &left[i]
		ev.claim = nil
		if ev.Kind.halts() {
			e.wake(r.id, ev)
			continue
		}
		e.keepResult(r.id, ev)
	}
}

// recoverMarks reads which runs are paused or parked, for which of them results are kept, and which were
// recovered in vain. No other task knows the engine yet.
func (e *Engine) recoverMarks() error {
	note := func(key, value []byte) bool {
		switch run := runOf(key); key[0] {
		case tableFutile:
			times, _ := binary.Uvarint(value)
			e.futile[run] = int(times)
		case tablePaused:
			e.paused[run] = true
		case tableKept:
			e.kept[run] = true
		case tableParked:
			e.shelved[run] = true
		}
		return true
	}
	err := e.store.Scan([]byte{tableFutile}, []byte{tableKept + 1}, note) // and what lies between
	if err == nil {
		err = e.store.Scan([]byte{tableParked}, []byte{tableParked + 1}, note)
	}
	if err != nil {
		return fmt.Errorf("durable.Open: reading which runs are set aside: %w", err)
	}
	return nil
}
