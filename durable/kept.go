package durable

import (
	"fmt"
	"slices"

	"github.com/reprise-dst/reprise/store"
	"google.golang.org/protobuf/encoding/protowire"
)

// How a step ended while its run was paused lies in the store as the entry that the journal would have had,
// with what is needed to judge it later.
const (
	fieldKeptAttempt = 75
	fieldKeptFinal   = 76
)

// keepResult puts how a step ended into the store, for when its run goes on. When the run does so in this
// moment the step runs again.
func (e *Engine) keepResult(id string, ev *Event) {
	for ev.Kind == EventStepEnded && ev.tx == nil {
		why, paused, err := e.store.Get(pausedKey(id))
		if err != nil {
			e.fail(fmt.Errorf("durable: looking for run %q: %w", id, err))
		}
		if err != nil || !paused {
			return
		}
		e.mu.Lock()
		e.kept[id] = true
		e.mu.Unlock()
		entry := Entry{Event: *ev}
		entry.Event.Time = e.host.Now()
		data, err := appendEntry(nil, &entry)
		if err != nil {
			e.fail(err)
			return
		}
		data = appendVarint(data, fieldKeptAttempt, uint64(ev.attempt))
		if ev.final {
			data = appendVarint(data, fieldKeptFinal, 1)
		}
		var b store.Batch
		b.RequireValue(keyOwner, e.owner)
		b.RequireValue(pausedKey(id), why)
		b.Set(keptKey(id, ev.Op), data)
		if err = e.store.Commit(&b); err == nil {
			return
		}
		if !lostRace(err) {
			e.fail(err)
			return
		}
	}
}

// takeKept gives a run that was loaded the results that were kept for it, in the order in which they came.
func (e *Engine) takeKept(r *run) error {
	e.mu.Lock()
	look := e.kept[r.id]
	e.mu.Unlock()
	if !look {
		return nil
	}
	if err := e.readSaved(r); err != nil {
		return err
	}
	var events []Event
	var bad error
	found := false
	prefix := keptKey(r.id, "")
	err := e.store.Scan(prefix, after(prefix), func(key, value []byte) bool {
		found = true
		entry, err := decodeEntry(r.id, 0, value)
		if err == nil {
			err = eachField(value, func(field protowire.Number, v uint64, _ []byte) error {
				switch field {
				case fieldKeptAttempt:
					entry.Event.attempt = int(v)
				case fieldKeptFinal:
					entry.Event.final = true
				}
				return nil
			})
		}
		if err != nil {
			bad = fmt.Errorf("%w: run %q: kept result of operation %s: %w", ErrDamaged, r.id, key[len(prefix):], err)
			return false
		}
		entry.Event.kept = true
		op := r.machine.pending[entry.Event.Op]
		s := r.saved[entry.Event.Op]
		if op != nil && op.runs() && s.attempt(op) == entry.Event.attempt {
			events = append(events, entry.Event)
		}
		return true
	})
	if bad != nil {
		return bad
	}
	if err != nil {
		return e.fail(err)
	}
	slices.SortStableFunc(events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	e.mu.Lock()
	if !found {
		delete(e.kept, r.id)
	}
	r.inbox = append(events, r.inbox...)
	e.mu.Unlock()
	return nil
}

// forgetKept removes results of a run that has ended without them.
func (q *round) forgetKept() {
	q.e.mu.Lock()
	kept := q.e.kept[q.run.id]
	delete(q.e.kept, q.run.id)
	q.e.mu.Unlock()
	if kept {
		prefix := keptKey(q.run.id, "")
		q.batch.DeleteRange(prefix, after(prefix))
	}
}
