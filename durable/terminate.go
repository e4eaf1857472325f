package durable

import (
	"errors"

	"github.com/reprise-dst/reprise/store"
)

// lastWords is what is known of a run that is ended without its code.
type lastWords struct {
	start *Start
	info  RunInfo
	began []Entry // of its journal, that no interceptor was told
	entry Entry
	item  *item
	how   Status
	why   error
	end   []byte

	children openChildren
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
	clearAway(b, run)
	e.keep(b, run, last.entry.Event.Time)
	if err := q.answerOpen(run, last.why); err != nil {
		return err
	}
	if last.start != nil {
		if err := q.tellParent(run, last.start.Parent, last.start.ParentOp, last.end); err != nil {
			return err
		}
	}
	if err := q.terminateChildren(run, last.children, ev.Reason); err != nil {
		return err
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
	delete(e.parked, run)
	delete(e.paused, run)
	e.mu.Unlock()
	if keep := e.cfg.Retention; keep > 0 {
		e.expect(last.entry.Event.Time.Add(keep))
	}
	e.deliver(q)
	e.hooks.committed(last.info, append(last.began, last.entry))
	e.hooks.ended(last.info, last.how, last.why)
	return nil
}

// lastWords reads what a run that ends leaves behind, and makes the batch remove it.
func (q *round) lastWords(run string, ev Event) (last lastWords, err error) {
	last.entry = Entry{Seq: 1, Event: ev}
	last.children = openChildren{}
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
		err := old.spell(run)
		if old.Unanswered { // it was not told, as nothing has answered it
			last.began = append(last.began, *old)
		}
		last.children.note(old)
		for i := range old.Commands {
			if c := &old.Commands[i]; !c.Deadline.IsZero() {
				q.batch.Delete(timerKey(c.Deadline, run, c.Op))
			}
		}
		return err
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
	last.began, last.entry.Seq = []Entry{first}, 2
	return nil
}

// clearAway removes what a run needs to go on, and keeps its history.
func clearAway(b *store.Batch, run string) {
	b.Delete(activeKey(run))
	setRight(b, run)
	mail, waits := mailboxKey(run), runKey(run, partWaits)
	b.DeleteRange(mail, after(mail))
	b.DeleteRange(waits, after(waits))
	b.DeleteRange(progressRange(run))
	b.Delete(runKey(run, partMark))
}
