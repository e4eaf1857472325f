package durable

import (
	"time"

	"github.com/reprise-dst/reprise/store"
)

// round is what a run does between two commits: it takes the events that have arrived, and what they lead
// to is committed in one batch.
type round struct {
	e       *Engine
	run     *run
	now     time.Time
	batch   store.Batch
	entries []Entry
	parkFor error // why the run can't go on
}

func (e *Engine) newRound(r *run) *round {
	q := &round{e: e, run: r, now: e.host.Now()}
	q.batch.RequireValue(keyOwner, e.owner)
	return q
}

// advance does one round: events in, commit, commands out. It reports whether there may be more to do.
func (e *Engine) advance(r *run) bool {
	events, ok := e.takeInbox(r)
	if !ok || r.machine == nil && !e.loaded(r) {
		return false
	}
	q := e.newRound(r)
	for i := range events {
		q.take(events[i])
	}
	if len(q.entries) > 0 {
		if err := e.commit(q); err != nil {
			e.fail(err)
			e.finish(r)
			return false
		}
		e.release(r, q.entries)
	}
	switch {
	case q.parkFor != nil:
		e.park(r, q.parkFor)
		return false
	case r.machine.ended:
		e.finish(r)
		return false
	case len(r.machine.pending) == 0:
		e.park(r, stuck(r.machine))
		return false
	}
	if e.cfg.Cold {
		r.machine.close()
		r.machine = nil
	}
	return true
}

// take applies an event, unless it is a duplicate or late: then the operation has ended, or the run has.
func (q *round) take(ev Event) {
	m := q.run.machine
	if ev.Kind != EventStarted && !m.awaits(ev.Kind, ev.Op) {
		return
	}
	ev.Time = q.now
	if q.now.Before(m.now) {
		ev.Time = m.now // the clock stepped back; a run's time does not
	}
	entry := Entry{Seq: q.run.seq + len(q.entries) + 1, Event: ev}
	if q.parkFor == nil {
		entry.Commands, q.parkFor = m.apply(&ev)
	}
	if q.parkFor != nil {
		// The code can't answer the event. The event itself is kept, so that no step runs again for
		// it; its answer is given when the run is loaded with code that can.
		entry.Commands, entry.Unanswered = nil, true
	}
	q.entries = append(q.entries, entry)
}
