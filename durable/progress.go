package durable

import (
	"fmt"

	"github.com/reprise-dst/reprise/store"
	"google.golang.org/protobuf/encoding/protowire"
)

// saved is what the store knows of a step beside the journal: progress, and how often its attempts
// were interrupted by the end of their process. It goes when the step has ended.
type saved struct {
	interrupted int    // attempts in all
	inARow      int    // attempts since one failed or saved progress
	progress    []byte // nil for none
}

const (
	fieldSavedInterrupted = 1
	fieldSavedInARow      = 2
	fieldSavedProgress    = 3
)

// attempt is the number of the next attempt, or of the one under way: those before it have failed or
// were interrupted.
func (s *saved) attempt(op *operation) int { return op.failed() + s.interrupted + 1 }

func (s *saved) encode() []byte {
	var buf []byte
	buf = appendVarint(buf, fieldSavedInterrupted, uint64(s.interrupted))
	buf = appendVarint(buf, fieldSavedInARow, uint64(s.inARow))
	if s.progress != nil {
		buf = appendBytes(buf, fieldSavedProgress, s.progress)
	}
	return buf
}

func decodeSaved(data []byte) (s saved, err error) {
	err = eachField(data, func(field protowire.Number, v uint64, b []byte) error {
		switch field {
		case fieldSavedInterrupted:
			s.interrupted = int(v)
		case fieldSavedInARow:
			s.inARow = int(v)
		case fieldSavedProgress:
			s.progress = append([]byte{}, b...)
		}
		return nil
	})
	return s, err
}

// readSaved reads what is saved of the steps of a run.
func (e *Engine) readSaved(r *run) error {
	r.saved = nil
	from, to := progressRange(r.id)
	var bad error
	err := e.store.Scan(from, to, func(key, value []byte) bool {
		s, err := decodeSaved(value)
		if err != nil {
			bad = fmt.Errorf("%w: run %q: saved progress of operation %s: %w", ErrDamaged, r.id, key[len(from):], err)
			return false
		}
		r.save(string(key[len(from):]), s)
		return true
	})
	if bad != nil {
		return bad
	}
	if err != nil {
		return e.fail(err)
	}
	return nil
}

func (r *run) save(op string, s saved) {
	if r.saved == nil {
		r.saved = map[string]saved{}
	}
	r.saved[op] = s
}

// relaunch starts the steps of a run that was loaded, and counts those that were interrupted. fresh are
// operations that were asked for only now.
func (e *Engine) relaunch(r *run, fresh map[string]bool) error {
	var steps []*operation
	known := false
	for _, op := range r.machine.pendingSorted() {
		if op.runs() {
			steps = append(steps, op)
		}
		known = known || op.kind.isStep()
	}
	if !known {
		r.saved = nil
		return nil
	}
	if err := e.readSaved(r); err != nil {
		return err
	}
	if err := e.countInterrupted(r, steps, fresh); err != nil {
		return err
	}
	for _, op := range steps {
		r.active = true
		e.launch(r, op)
	}
	return nil
}

// countInterrupted notes in the store which steps are about to be tried again because their process ended.
func (e *Engine) countInterrupted(r *run, steps []*operation, fresh map[string]bool) error {
	var b store.Batch
	b.RequireValue(keyOwner, e.owner)
	e.mu.Lock()
	forgiven := e.forgiven[r.id]
	delete(e.forgiven, r.id)
	var interrupted []*operation
	for _, op := range steps {
		if !fresh[op.id] && !e.isUnderWay(r, stepKey{r.id, op.id, op.name}) {
			interrupted = append(interrupted, op)
		}
	}
	e.mu.Unlock()
	for _, op := range interrupted {
		s := r.saved[op.id]
		s.interrupted++
		s.inARow++
		if forgiven {
			s.inARow = 0
		}
		if most := op.mayBeInterrupted(); s.inARow >= most {
			return &InterruptedError{Run: r.id, Step: op.name, ID: op.id, Times: s.inARow}
		}
		r.save(op.id, s)
		b.Set(progressKey(r.id, op.id), s.encode())
	}
	if b.Len() == 0 {
		return nil
	}
	e.survived(&b, r.id)
	if err := e.store.Commit(&b); err != nil {
		return e.fail(err)
	}
	return nil
}

func (op *operation) mayBeInterrupted() int {
	if op.retry == nil || op.retry.options.Interruptions == 0 {
		return maxInterruptions
	}
	return op.retry.options.Interruptions
}

// saveProgress puts the progress of an attempt that is under way into the batch.
func (q *round) saveProgress(ev *Event) {
	r := q.run
	op := r.machine.pending[ev.Op]
	if op == nil || !op.runs() || r.machine.ended {
		return
	}
	s := r.saved[ev.Op]
	if s.attempt(op) != ev.attempt {
		return
	}
	s.progress, s.inARow = ev.progress, 0
	r.save(ev.Op, s)
	q.batch.Set(progressKey(r.id, ev.Op), s.encode())
	q.dirty = true
}

// updateSaved puts into the batch what an entry means for what is saved of steps.
func (q *round) updateSaved(entry *Entry) {
	r, ev := q.run, &entry.Event
	switch s, known := r.saved[ev.Op]; {
	case ev.Kind == EventAttemptFailed && (ev.progress != nil || s.inARow > 0):
		if ev.progress != nil {
			s.progress = ev.progress
		}
		s.inARow = 0
		r.save(ev.Op, s)
		q.batch.Set(progressKey(r.id, ev.Op), s.encode())
	case ev.Kind == EventStepEnded && known:
		q.forget(ev.Op)
	}
	for i := range entry.Commands {
		c := &entry.Commands[i]
		if _, known := r.saved[c.Op]; known && c.Kind == CommandCancel {
			q.forget(c.Op)
		}
	}
	if r.machine.ended {
		for _, op := range sortedIDs(r.saved) {
			q.forget(op)
		}
	}
}

func (q *round) forget(op string) {
	delete(q.run.saved, op)
	q.batch.Delete(progressKey(q.run.id, op))
}
