package durable

import (
	"encoding/binary"
	"slices"
)

// commit makes a round's entries durable, in one batch with everything that follows from them.
func (e *Engine) commit(q *round) error {
	r, b, entries := q.run, &q.batch, q.entries
	var buf []byte
	var err error
	for i := range entries {
		entry := &entries[i]
		if entry.Event.Start != nil && !q.rewrites {
			b.RequireAbsent(runKey(r.id, partHeader))
			b.Set(runKey(r.id, partHeader), r.startWith.encode())
		}
		if !entry.Event.due.IsZero() {
			b.Delete(timerKey(entry.Event.due, r.id, entry.Event.Op))
		}
		if entry.Event.Kind == EventCancelled {
			b.Set(runKey(r.id, partAsked), nil)
		}
		for j := range entry.Commands {
			if err := q.record(entry, &entry.Commands[j]); err != nil {
				return err
			}
		}
		if buf, err = appendEntry(buf[:0], entry); err != nil {
			return err
		}
		b.Set(journalKey(r.id, entry.Seq), buf)
		q.updateSaved(entry)
	}
	if err := q.recordChildren(); err != nil {
		return err
	}
	if err := q.recordNext(); err != nil {
		return err
	}
	for _, tx := range q.txs {
		tx.record(b)
	}
	active := q.recordPending()
	if err := q.recordMail(); err != nil {
		return err
	}
	if q.end != nil && r.item != nil {
		r.item.remove(b)
	}
	futile := e.survived(b, r.id)
	if err := e.store.Commit(b); err != nil {
		e.survivedNot(r.id, futile)
		return err
	}
	if q.end != nil {
		e.giveBack(r.item)
		r.item = nil
	}
	r.active = active
	r.seq += len(entries)
	r.refused = 0
	if q.parkFor == nil {
		r.waits = q.waits
	}
	r.writeLines()
	e.hooks.committed(r.info(), entries)
	if q.end != nil && len(e.hooks) > 0 {
		e.hooks.ended(q.howEnded())
	}
	return nil
}

// record adds to the batch what follows from a command.
func (q *round) record(entry *Entry, c *Command) error {
	b, r := &q.batch, q.run
	switch c.Kind {
	case CommandTimer, CommandRetry:
		b.Set(timerKey(c.Deadline, r.id, c.Op), nil)
	case CommandReceive:
		if !c.Deadline.IsZero() && r.machine.pending[c.Op] != nil {
			b.Set(timerKey(c.Deadline, r.id, c.Op), nil)
		}
	case CommandCancel:
		if c.op.waits() {
			b.Delete(timerKey(c.op.due, r.id, c.Op))
		}
		if c.op.child != nil {
			return q.cancelChild(c.op)
		}
	case CommandPublish:
		seq := uint64(r.machine.generation)<<generationShift | uint64(entry.Seq)
		version := binary.BigEndian.AppendUint64(nil, seq)
		b.Set(valueKey(r.id, c.Name), append(version, c.content...))
		q.published = true
	case CommandAnswer:
		return q.recordAnswer(c)
	case CommandEnd:
		end, err := encodeEnd(c, entry.Event.Time)
		if err != nil {
			return err
		}
		b.Set(runKey(r.id, partEnd), end)
		q.forgetKept()
		q.e.keep(b, r.id, entry.Event.Time)
		q.end = c
		return q.tellParent(r.id, r.machine.parent, r.machine.parentOp, end)
	}
	return nil
}

// howEnded says how the run ended in this round.
func (q *round) howEnded() (run RunInfo, status Status, err error) {
	switch err = q.end.failure.err(); {
	case err == nil:
		status = Done
	case q.end.gaveIn:
		status = Cancelled
	default:
		status = Failed
	}
	return q.run.info(), status, err
}

// recordPending adds what follows from the operations that are pending now. active means that the run has
// work to do which needs it in memory.
func (q *round) recordPending() (active bool) {
	b, r := &q.batch, q.run
	active = q.parkFor != nil
	for _, op := range r.machine.pendingSorted() {
		switch {
		case r.machine.ended && op.waits():
			b.Delete(timerKey(op.due, r.id, op.id))
		case !r.machine.ended && op.runs():
			active = true
		}
	}
	active = active || q.next != nil
	if active && !r.active {
		b.Set(activeKey(r.id), nil)
	} else if !active && r.active {
		b.Delete(activeKey(r.id))
	}
	return active
}

// recordMail adds the letters that leave, and what the run waits for.
func (q *round) recordMail() error {
	b, r := &q.batch, q.run
	for i := range q.letters {
		if l := &q.letters[i]; l.to != r.id || q.end == nil {
			q.put(l)
		}
	}
	if q.parkFor != nil {
		return nil // what is pending now is not what is recorded
	}
	if q.waits = nil; !r.machine.ended {
		q.waits = r.machine.topics()
	}
	for _, topic := range q.waits {
		if !slices.Contains(r.waits, topic) {
			b.Set(waitKey(r.id, topic), nil)
		}
	}
	for _, topic := range r.waits {
		if !slices.Contains(q.waits, topic) {
			b.Delete(waitKey(r.id, topic))
		}
	}
	if q.end != nil {
		return q.closeMailbox()
	}
	return nil
}

// release lets committed commands reach the outside.
func (e *Engine) release(q *round) {
	r, entries := q.run, q.entries
	for i := range entries {
		for j := range entries[i].Commands {
			c := &entries[i].Commands[j]
			op := r.machine.pending[c.Op]
			switch {
			case op == nil || r.machine.ended:
			case c.Kind.isStep():
				e.launch(r, op)
			case op.waits():
				e.expect(op.due)
			}
		}
	}
	if r.machine.ended {
		if keep := e.cfg.Retention; keep > 0 {
			e.expect(r.machine.now.Add(keep))
		}
	}
	e.callOff(q)
	e.deliver(q)
}

// callOff ends the contexts of the steps that the run takes no interest in any more.
func (e *Engine) callOff(q *round) {
	r := q.run
	for i := range q.entries {
		for j := range q.entries[i].Commands {
			if c := &q.entries[i].Commands[j]; c.Kind == CommandCancel && c.Target.isStep() {
				e.cancelStep(stepKey{r.id, c.Op, c.Name}, c.op.err)
			}
		}
	}
	if !r.machine.ended {
		return
	}
	for _, op := range r.machine.pendingSorted() {
		if op.kind.isStep() {
			e.cancelStep(stepKey{r.id, op.id, op.name}, ErrCancelled)
		}
	}
}

// commitAnswers makes durable what a run answers to events that it couldn't answer before it was parked.
// again says that the commit was refused, because a run that it would reach has just ended.
func (e *Engine) commitAnswers(r *run, entries []Entry) (again bool, err error) {
	q := e.newRound(r)
	q.rewrites = true
	q.entries = entries
	r.seq -= len(entries)
	r.active = true
	for i := range entries {
		q.consider(entries[i].Commands)
	}
	q.answer()
	if q.broken != nil {
		return false, e.fail(q.broken)
	}
	err = e.commit(q)
	switch {
	case lostRace(err):
		r.refused++
		return true, nil
	case err != nil:
		return false, e.fail(err)
	}
	e.callOff(q)
	e.deliver(q)
	return false, q.parkFor
}
