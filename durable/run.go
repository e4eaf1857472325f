package durable

import (
	"bytes"
	"container/list"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// run is a run that is in memory. One task at a time drives it: takes the events that have arrived,
// applies them, commits them with what follows, and only then lets the commands reach the outside.
type run struct {
	id      string
	label   string // workflow/id, for names of tasks
	machine *machine
	seq     int              // entries in the journal
	active  bool             // the active key is in the store
	waits   []string         // topics that the store says it waits for, sorted
	refused int              // commits refused since the last one, see Engine.again
	saved   map[string]saved // of steps that have not ended, by operation; what the store has
	item    *item            // its place in a queue; nil when it is in none
	mark    []byte           // the number of the letter that had come last when it looked; nil for none

	// guarded by Engine.mu
	inbox     []Event
	taken     []Event   // from the inbox, to be applied
	mail      mailFlags // letters that may have come since the mailbox was looked at
	called    bool      // it was to be loaded
	anew      bool      // it was to be loaded while it was: its id may be another run's by now
	recovered bool      // it is loaded for what an earlier engine has left
	driven    bool
	starting  bool
	starters  []Signal // others who started the same id and wait for the first commit
	startWith header

	warm *list.Element // its place in Engine.warm; nil while it has none
}

// header is what Start compares when an id is started again.
type header struct {
	workflow    string
	fingerprint uint64
	item        bool // the run is an item of a lane
}

func (h header) encode() []byte {
	data := append(binary.BigEndian.AppendUint64(nil, h.fingerprint), h.workflow...)
	if h.item {
		data = append(data, 0)
	}
	return data
}

func decodeHeader(run string, data []byte) (header, error) {
	if len(data) < 9 {
		return header{}, fmt.Errorf("%w: run %q: header %x", ErrDamaged, run, data)
	}
	workflow, item := bytes.CutSuffix(data[8:], []byte{0})
	return header{workflow: string(workflow), fingerprint: binary.BigEndian.Uint64(data), item: item}, nil
}

// wake hands an event to a run, loading the run when it isn't in memory; a nil event only loads it. It
// returns without waiting.
func (e *Engine) wake(id string, ev *Event) { e.bring(id, ev, 0, false) }

// wakeFor makes a run look into its mailbox, loading the run when it isn't in memory.
func (e *Engine) wakeFor(id string, mail mailFlags) { e.bring(id, nil, mail, false) }

// bring does both. recovered says that an earlier engine may have ended in doing so.
func (e *Engine) bring(id string, ev *Event, mail mailFlags, recovered bool) {
	e.mu.Lock()
	if e.usable() != nil || e.laidAside(id) && (ev == nil || !ev.Kind.halts()) {
		e.mu.Unlock()
		if ev != nil {
			e.unclaim(ev.claim)
		}
		return
	}
	r := e.runs[id]
	if r == nil {
		r = &run{id: id, recovered: recovered}
		e.runs[id] = r
	}
	if ev != nil {
		r.inbox = append(r.inbox, *ev)
	}
	r.called = true
	r.mail |= mail
	if r.driven {
		r.anew = r.anew || ev == nil && (mail == 0 || mail == anyMail)
		e.mu.Unlock()
		return
	}
	r.driven = true
	e.warm.remove(r)
	e.begin()
	e.mu.Unlock()
	e.host.Go("run "+id, func(context.Context) { e.drive(r) })
}

// drive loads the run if need be and works until nothing has arrived any more. The caller has set driven
// and called begin; a task that is killed on the way, in simulation, takes the engine with it.
func (e *Engine) drive(r *run) {
	if !e.overruled(r) && r.machine == nil && (!r.recovered || e.mayRecover(r)) && e.loaded(r) {
		e.mu.Lock()
		r.mail |= r.machine.expectsMail() // it may have come while the run was parked
		e.mu.Unlock()
	}
	for e.advance(r) {
	}
	e.end()
}

// loaded brings a run into memory. It reports false when the run can't go on, or needs not to.
func (e *Engine) loaded(r *run) bool {
	e.mu.Lock()
	r.called, r.anew = false, false
	e.mu.Unlock()
	err := e.load(r)
	if err == nil {
		err = e.unpark(r.id)
	}
	switch {
	case err == errQueued && e.failed() == nil:
		return e.setAside(r)
	case e.failed() != nil || err == nil && r.machine.ended:
		e.finish(r)
	case err != nil && e.over(r.id):
		e.finish(r)
	case err != nil:
		e.park(r, err)
	default:
		return true
	}
	return false
}

// over reports whether the store says that the run has ended, or doesn't know it any more.
func (e *Engine) over(run string) bool {
	l, err := e.Status(run)
	return l.Status.Final() && err == nil || errors.Is(err, ErrNotFound)
}

// takeInbox returns the events that have arrived, and whether letters may have. With nothing, it ends the
// driving, and lets the run rest when no step of it is under way.
func (e *Engine) takeInbox(r *run) (events []Event, mail mailFlags, more bool) {
	e.mu.Lock()
	if !r.driven {
		e.mu.Unlock()
		return nil, 0, false // finished or parked
	}
	events, mail = r.inbox, r.mail
	r.inbox, r.mail = nil, 0
	halts := func(ev Event) bool { return ev.Kind.halts() }
	if slices.ContainsFunc(events, halts) { // it came in this moment, and is dealt with after the round
		for _, ev := range events {
			if halts(ev) {
				r.inbox = append(r.inbox, ev)
			}
		}
		events = slices.DeleteFunc(events, halts)
	}
	if e.cfg.Cold && len(events) > 1 {
		events, r.inbox = events[:1], append(events[1:], r.inbox...)
	}
	r.taken = events
	more = (mail != 0 || len(events)+len(r.inbox) > 0) && e.failure == nil
	var evicted *run
	if !more && e.failure == nil && (e.cfg.Cold || e.inflight[r.id] == 0) && !e.closing {
		evicted = e.rest(r)
	}
	if !more {
		r.driven = false
	}
	e.mu.Unlock()
	if evicted != nil && evicted.machine != nil {
		evicted.machine.close()
	}
	return events, mail, more
}

// finish removes a run that has ended, or whose engine has, and tells everyone who waits for it.
func (e *Engine) finish(r *run) {
	if r.machine != nil {
		r.machine.close()
	}
	e.drop(r, nil)
	if r.machine != nil && r.machine.goesOn {
		e.passOn(r)
		e.wakeFor(r.id, anyMail)
		return
	}
	e.unclaimLeft(r)
	if r.anew {
		e.wakeFor(r.id, anyMail)
	}
}

func (e *Engine) drop(r *run, parked error) {
	e.mu.Lock()
	delete(e.runs, r.id)
	e.warm.remove(r)
	if parked != nil {
		e.parked[r.id] = parked
	}
	r.driven = false
	signals := r.starters
	r.starters = nil
	if s := e.waiters[r.id]; s != nil {
		signals = append(signals, s)
		delete(e.waiters, r.id)
	}
	signals = append(signals, e.stoppers[r.id]...)
	delete(e.stoppers, r.id)
	signals = append(signals, e.takeClients(r.id)...)
	if w := e.watchers[r.id]; w != nil {
		signals = append(signals, w.signal)
		delete(e.watchers, r.id)
	}
	e.mu.Unlock()
	for _, s := range signals {
		s.Fire()
	}
}

// identify reads which workflow a run belongs to.
func (e *Engine) identify(r *run) (definition, error) {
	data, found, err := e.store.Get(runKey(r.id, partHeader))
	if err != nil {
		return definition{}, e.fail(err)
	}
	if !found {
		return definition{}, fmt.Errorf("%w: %q", ErrNotFound, r.id)
	}
	h, err := decodeHeader(r.id, data)
	if err != nil {
		return definition{}, err
	}
	r.startWith = h
	if h.item {
		if r.item, _, err = readItem(e.store, r.id); err != nil {
			return definition{}, err
		}
		if r.item != nil && r.item.state != itemRuns {
			return definition{}, errQueued
		}
	}
	r.label = h.workflow + "/" + r.id
	def, known := e.defs[h.workflow]
	if !known {
		err = fmt.Errorf("%w: run %q belongs to workflow %q; add its definition to Config.Workflows",
			ErrUnknownWorkflow, r.id, h.workflow)
	}
	return def, err
}

// load replays a run's journal and starts the steps that had not ended.
func (e *Engine) load(r *run) error {
	def, err := e.identify(r)
	if err != nil {
		return err
	}
	scan := func(visit func(*Entry) error) error { return scanJournal(e.store, r.id, visit) }
	m, done, err := replay(r.id, def, e.codec, false, scan)
	if errors.Is(err, ErrNonDeterminism) { // once more, to say where
		if again, _, located := replay(r.id, def, e.codec, true, scan); errors.Is(located, ErrNonDeterminism) {
			m.close()
			m, err = again, located
		} else {
			again.close()
		}
	}
	r.machine, r.seq = m, done.Entries
	if err != nil {
		return err
	}
	e.hooks.replayed(r.info(), done)
	if len(done.answered) > 0 || m.expectsMail()&maybeMessage != 0 {
		if r.waits, err = e.readWaits(r.id); err != nil {
			return e.fail(err)
		}
	}
	m.childrenStarted(done.answered)
	fresh := map[string]bool{}
	if len(done.answered) > 0 {
		if err := e.readSaved(r); err != nil {
			return err
		}
		again, err := e.commitAnswers(r, done.answered)
		if again {
			m.close()
			return e.load(r)
		}
		if err != nil {
			return err
		}
		for i := range done.answered {
			for _, c := range done.answered[i].Commands {
				fresh[c.Op] = true
			}
		}
	}
	if m.ended { // something has come late; what it had not waited for is over
		return nil
	}
	if err := e.takeKept(r); err != nil {
		return err
	}
	if err := e.relaunch(r, fresh); err != nil {
		return err
	}
	for _, op := range m.pendingSorted() {
		if op.waits() && !e.hasFired(r, op) {
			e.expect(op.due)
		}
	}
	if len(m.pending) == 0 && !m.ended {
		return stuck(m)
	}
	return nil
}

// hasFired reports whether the event of an operation's timer has arrived already. To expect it again would
// make each of many runs that are due at once start a pass over the timers of all of them.
func (e *Engine) hasFired(r *run, op *operation) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	fired := func(ev Event) bool {
		return ev.Kind == EventTimerFired && ev.Op == op.id && ev.due.Equal(op.due)
	}
	return slices.ContainsFunc(r.taken, fired) || slices.ContainsFunc(r.inbox, fired)
}

func sortedIDs[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
