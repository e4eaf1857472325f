package durable

import (
	"errors"
	"slices"
	"time"

	"github.com/reprise-dst/reprise/store"
)

// round is what a run does between two commits: it takes the events that have arrived and the answers that
// the engine can give at once, and what they lead to is committed in one batch.
type round struct {
	e       *Engine
	run     *run
	now     time.Time
	batch   store.Batch
	entries []Entry
	parkFor error // why the run can't go on
	broken  error // why the engine can't go on: the store can't be read

	rewrites  bool     // the entries are in the journal already, without their commands
	end       *Command // the run ends in this round
	published bool     // a value was published
	next      *Entry   // the first of a new journal, of a run that continues

	answers []Event         // the engine's, not applied yet
	letters []letter        // to be put into mailboxes
	started []startedChild  // runs that start in this round
	reached map[string]bool // runs that get letters

	mail     mailFlags       // letters that may have come since the mailbox was looked at
	handles  bool            // the run takes updates that it did not take before
	updates  map[string]bool // accepted in this round, by id
	rejected []rejection
	answered []string // ids of updates

	more   mailFlags         // letters that are left to the next round
	txs    []*Tx             // transactions that are committed
	dirty  bool              // the batch has something to write although there are no entries
	boxes  map[string]*box   // of messages, by topic
	family map[mailKind]*box // of what came from children and the parent
	marked bool              // the run's mark was looked at
	torn   bool              // letters of several boxes were read, perhaps with a commit in between
	taken  [][]byte          // keys of the letters that were received
	skip   map[string]bool   // of them, those that are not to be read again
	waits  []string          // the topics that the run waits for after the round, sorted
}

// maxRefused is how often a run's end may be refused because a letter has come, before it ends regardless.
const maxRefused = 8

func (e *Engine) newRound(r *run) *round {
	now := e.host.Now().Round(0).UTC() // as a replay reads it from the journal, also to code that prints it
	q := &round{e: e, run: r, now: now}
	q.batch.RequireValue(keyOwner, e.owner)
	return q
}

// advance does one round: events in, commit, commands out. It reports whether there may be more to do.
func (e *Engine) advance(r *run) bool {
	if e.overruled(r) {
		return false
	}
	events, mail, ok := e.takeInbox(r)
	defer func() { e.unclaimAll(events) }()
	if !ok || r.machine == nil && !e.loaded(r) {
		return false
	}
	q := e.newRound(r)
	q.mail = mail
	for i := range events {
		q.take(events[i])
	}
	for q.takeMail(); q.takeUpdates(); {
		q.takeMail()
	}
	if q.broken != nil {
		e.fail(q.broken)
		e.finish(r)
		return false
	}
	if len(q.entries) > 0 || q.dirty || !slices.Equal(r.waits, r.machine.topics()) {
		err := e.commit(q)
		switch {
		case lostRace(err):
			same := events
			events = nil // they keep their claims
			return e.again(r, same, err)
		case err != nil:
			e.fail(err)
			e.finish(r)
			return false
		}
		e.release(q)
	} else {
		e.tellClients(q)
	}
	if slices.ContainsFunc(events, func(ev Event) bool { return ev.Kind.stops() }) {
		e.tellStoppers(r.id)
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
	if q.more != 0 {
		e.mu.Lock()
		r.mail |= q.more
		e.mu.Unlock()
	}
	return true
}

// again forgets a round whose commit was refused because a run that it would reach has just ended, or a
// letter has just come: the machine has seen a future that does not happen. It is built anew and sees the
// events again.
func (e *Engine) again(r *run, events []Event, cause error) bool {
	var c *store.ConflictError
	if errors.As(cause, &c) && r.seq == 0 && string(c.Key) == string(runKey(r.id, partHeader)) {
		e.finish(r) // another run has taken the id in this moment
		return false
	}
	r.refused++
	r.machine.close()
	for i := range events {
		events[i].value = nil // the code may have changed it
	}
	e.mu.Lock()
	r.inbox = append(events, r.inbox...)
	r.taken, r.mail = nil, anyMail
	e.mu.Unlock()
	if r.seq == 0 {
		r.machine = newMachine(r.id, r.machine.def, e.codec)
		return true
	}
	r.machine = nil
	return e.loaded(r)
}

// going reports whether the run can take more events.
func (q *round) going() bool {
	return q.parkFor == nil && q.broken == nil && !q.run.machine.ended
}

// fail notes why the engine can't go on.
func (q *round) fail(err error) {
	if q.broken == nil {
		q.broken = err
	}
}

// take takes an event that has arrived.
func (q *round) take(ev Event) {
	q.messageFirst(&ev)
	q.apply(ev)
	q.answer()
}

// answer applies the answers that the engine gives to the commands of this round.
func (q *round) answer() {
	for len(q.answers) > 0 {
		ev := q.answers[0]
		q.answers = q.answers[1:]
		q.apply(ev)
	}
}

// apply applies an event, unless it is a duplicate or late: then the operation has ended, or the run has.
func (q *round) apply(ev Event) {
	m := q.run.machine
	if ev.Kind == eventProgress {
		q.saveProgress(&ev)
		return
	}
	if ev.kept {
		q.batch.Delete(keptKey(q.run.id, ev.Op))
		q.dirty = true
	}
	if ev.Kind != EventStarted && (!m.awaits(ev.Kind, ev.Op) || q.stale(&ev)) {
		return
	}
	ev.Time = later(q.now, m.now) // the clock may have stepped back; a run's time does not
	if ev.Kind == EventTimerFired {
		ev.Time = later(ev.Time, ev.due) // no timer fires before its time
	}
	m.judge(&ev)
	entry := Entry{Seq: q.run.seq + len(q.entries) + 1, Event: ev}
	if q.parkFor == nil {
		entry.Commands, q.parkFor = m.apply(&ev)
	}
	if q.parkFor != nil {
		// The code can't answer the event. The event itself is kept, so that no step runs again for
		// it; its answer is given when the run is loaded with code that can.
		entry.Commands, entry.Unanswered = nil, true
	}
	if ev.tx != nil {
		q.txs = append(q.txs, ev.tx)
	}
	q.entries = append(q.entries, entry)
	q.consider(entry.Commands)
}

// consider does what commands ask of the engine itself; the answers are events of this same round.
func (q *round) consider(commands []Command) {
	for i := range commands {
		c := &commands[i]
		pending := q.run.machine.pending[c.Op] != nil
		switch {
		case c.Kind == CommandSend && pending:
			q.send(c)
		case c.Kind == CommandHandle:
			q.handles = true
		case c.Kind == CommandChild && (pending || c.child.unawaited == AbandonChild):
			q.startChild(c)
		}
	}
}

// send accepts or refuses a message to another run.
func (q *round) send(c *Command) {
	ev := Event{Kind: EventAnswered, Op: c.Op}
	if c.To != q.run.id && !q.reached[c.To] && !q.starts(c.To) {
		unreachable, err := q.reach(c.To)
		if err != nil {
			q.fail(err)
			return
		}
		ev.Failure = recordFailure(unreachable)
	}
	if ev.Failure == nil {
		if q.reached == nil {
			q.reached = map[string]bool{}
		}
		q.reached[c.To] = true
		q.letters = append(q.letters, letter{
			kind: mailMessage, to: c.To, name: c.Name, from: q.run.id, content: c.content,
		})
	}
	q.answers = append(q.answers, ev)
}

// stale reports whether an event is for an earlier attempt at a step than the one that is awaited.
func (q *round) stale(ev *Event) bool {
	op := q.run.machine.pending[ev.Op]
	s := q.run.saved[ev.Op]
	return q.run.machine.stale(ev) || ev.Kind == EventStepEnded && ev.attempt != s.attempt(op)
}
