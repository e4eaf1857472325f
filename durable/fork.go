package durable

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// Fork says where a run that was forked from another went its own way.
type Fork struct {
	Run  string // that began there
	From string // that it was forked from
	Seed uint64 // of the random numbers from there on
}

// Fork starts a run with this id whose journal begins with the first entries of another run's, up to and with
// the given one, and which goes on from there by itself; the other run is left as it is. When Fork returns
// nil, that is durable, and it may be repeated. An id that another run has is ErrConflict.
//
// The new run remembers what the other had seen: results of steps, messages and ends of children that it had
// received. It does not do again what it remembers. What was under way at that entry it has anew: steps run
// again, with idempotency keys of its own; timers keep their times, those that are over fire at once. It
// inherits neither unread messages nor clients that wait for updates; its parent is not told of its end. Ids
// and random numbers that it asks for from there on are its own.
//
// An entry is refused at which the run had ended, or was waiting for a child that has not ended meanwhile, or
// whose answer by the engine is in the next entries. The code must be able to replay the entries: the error
// may be a *NonDeterminismError.
func (e *Engine) Fork(ctx context.Context, run string, entry int, id string) error {
	for _, id := range []string{run, id} {
		if err := checkID("run's id", id); err != nil {
			return err
		}
	}
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.end()
	j, err := ReadJournal(e.store, run)
	if l, unknown := e.Status(run); unknown == nil && l.Status == Queued {
		return fmt.Errorf("durable: run %q waits in a queue and has not begun; fork it when it runs", run)
	}
	if err != nil {
		return err
	}
	if err := checkForkable(&j, entry); err != nil {
		return err
	}
	return e.aside(ctx, id, func(aside bool) error {
		done, err := e.forked(run, entry, id)
		switch {
		case done || err != nil:
			return err
		case !aside:
			return errInMemory
		}
		return e.fork(&j, entry, id)
	})
}

// checkForkable refuses entries from which nothing can go on.
func checkForkable(j *Journal, entry int) error {
	if entry < 1 || entry > len(j.Entries) {
		return fmt.Errorf("durable: run %q can't be forked from entry %d: its journal has the entries 1 to %d",
			j.Run, entry, len(j.Entries))
	}
	last := entry
	for last < len(j.Entries) && j.Entries[last].Event.byEngine() {
		last++
	}
	if last > entry {
		return fmt.Errorf("durable: run %q can't be forked from entry %d: what the engine answered belongs to it; "+
			"fork it from entry %d", j.Run, entry, last)
	}
	return nil
}

// byEngine reports whether the event is the engine's immediate answer to the entry before.
func (ev *Event) byEngine() bool {
	return ev.Kind == EventAnswered || ev.Kind == EventChildEnded && ev.From == ""
}

// forked reports whether the run is there already as that fork.
func (e *Engine) forked(run string, entry int, id string) (bool, error) {
	data, found, err := e.store.Get(journalKey(id, entry+1))
	if err != nil {
		return false, fmt.Errorf("durable: looking for run %q: %w", id, err)
	}
	if found {
		last, err := decodeEntry(id, entry+1, data)
		if err != nil {
			return false, err
		}
		if f := last.Event.Fork; f != nil && f.Run == id && f.From == run {
			return true, nil
		}
	}
	_, taken, err := e.store.Get(runKey(id, partHeader))
	if err == nil && taken {
		err = fmt.Errorf("%w: %q; fork run %q under another id", ErrConflict, id, run)
	}
	return false, err
}

// fork commits the new run.
func (e *Engine) fork(j *Journal, entry int, id string) error {
	entries := slices.Clone(j.Entries[:entry])
	start := *entries[0].Event.Start
	start.Origin, start.ParentOp = cmp.Or(start.Origin, j.Run), ""
	entries[0].Event.Start = &start
	q := e.newRound(nil)
	last := &entries[entry-1]
	seed := newStart(id, "", nil, q.now, nil).Seed
	entries = append(entries, Entry{Seq: entry + 1, Unanswered: last.Unanswered, Event: Event{
		Kind: EventForked, Time: later(q.now, last.Event.Time), Fork: &Fork{Run: id, From: j.Run, Seed: seed},
	}})
	def, err := e.definitionOf(j.Run, start.Workflow)
	if err != nil {
		return err
	}
	p := &rebuilt{id: id, entries: entries, values: map[string][]byte{}}
	defer func() { p.m.close() }()
	if err := p.replay(def, e.codec); err != nil {
		return err
	}
	if p.m.ended {
		return fmt.Errorf("durable: run %q can't be forked from entry %d: it had ended then; fork it from an "+
			"earlier entry", j.Run, entry)
	}
	q.batch.RequireAbsent(runKey(id, partHeader))
	h := header{workflow: start.Workflow, fingerprint: xxhash.Sum64(start.Input)}
	q.batch.Set(runKey(id, partHeader), h.encode())
	for _, name := range sortedIDs(p.values) {
		q.batch.Set(valueKey(id, name), p.values[name])
	}
	if p.m.asked {
		q.batch.Set(runKey(id, partAsked), nil)
	}
	return e.commitRebuilt(q, p, 1)
}

// definitionOf returns the definition of a workflow by its name.
func (e *Engine) definitionOf(run, workflow string) (definition, error) {
	def, known := e.defs[workflow]
	if !known {
		return def, fmt.Errorf("%w: run %q belongs to workflow %q; add its definition to Config.Workflows",
			ErrUnknownWorkflow, run, workflow)
	}
	return def, nil
}

// rebuilt is a journal that was made from another, and what today's code makes of it.
type rebuilt struct {
	id      string
	entries []Entry
	m       *machine
	values  map[string][]byte // published so far, as the store has them
	asked   map[string]bool   // operations that entries without an answer ask for: nothing was done for them
}

// replay feeds all entries to a machine.
func (p *rebuilt) replay(def definition, codec Codec) error {
	p.m = newMachine(p.id, def, codec)
	p.m.locate = true
	p.asked = map[string]bool{}
	for i := range p.entries {
		if err := p.feed(&p.entries[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *rebuilt) feed(entry *Entry) error {
	if err := p.m.feed(entry); err != nil {
		return err
	}
	for i := range p.m.commands {
		switch c := &p.m.commands[i]; {
		case c.Kind == CommandPublish:
			version := uint64(p.m.generation)<<generationShift | uint64(entry.Seq)
			p.values[c.Name] = append(binary.BigEndian.AppendUint64(nil, version), c.content...)
		case entry.Unanswered:
			p.asked[c.Op] = true
		}
	}
	return nil
}

// errInMemory says that a run can't be given a rebuilt journal yet.
var errInMemory = errors.New("durable: the run is still in memory")

// aside calls a function that may give a run a rebuilt journal, again and again until it has won all races.
// Meanwhile the run is kept out of memory, so that nothing drives it before the commit has been told; what
// arrives for it waits. When the run is in memory already, the function is told so: unless it fails for
// another reason, such as that the run goes on, it returns errInMemory, and is called again when the run has
// left.
func (e *Engine) aside(ctx context.Context, id string, fn func(aside bool) error) error {
	for {
		e.mu.Lock()
		if err := e.usable(); err != nil {
			e.mu.Unlock()
			return err
		}
		r := e.runs[id]
		aside := r == nil
		leaves := !aside && !r.starting
		if aside {
			r = e.hold(id, header{})
		}
		e.mu.Unlock()
		err := fn(aside)
		if aside {
			e.letGoOf(r)
		}
		switch {
		case err == errInMemory:
			if err := e.makeWay(ctx, r, leaves); err != nil {
				return err
			}
		case !lostRace(err):
			return err
		}
	}
}

// commitRebuilt makes the journal that of a run from the entry with this number on, with all that follows
// from what is pending at its end, and lets the run go on. It is called aside.
func (e *Engine) commitRebuilt(q *round, p *rebuilt, from int) error {
	b, id := &q.batch, p.id
	_, to := journalRange(id)
	b.DeleteRange(journalKey(id, from), to)
	active := p.entries[len(p.entries)-1].Unanswered
	for i := from - 1; i < len(p.entries); i++ {
		data, err := appendEntry(nil, &p.entries[i])
		if err != nil {
			return err
		}
		b.Set(journalKey(id, i+1), data)
	}
	for _, op := range p.m.pendingSorted() {
		switch {
		case op.waits():
			b.Set(timerKey(op.due, id, op.id), nil)
		case op.runs():
			active = true
		case op.child != nil && !op.child.detached && !p.asked[op.id]:
			if err := q.adopt(id, op); err != nil {
				return err
			}
		}
	}
	for _, topic := range p.m.topics() {
		b.Set(waitKey(id, topic), nil)
	}
	if active {
		b.Set(activeKey(id), nil)
	}
	for i := range q.letters {
		q.put(&q.letters[i])
	}
	if err := e.store.Commit(b); err != nil {
		if !lostRace(err) {
			e.fail(err)
		}
		return err
	}
	e.hooks.committed(startedInfo(id, &p.entries[0].Event), p.entries[from-1:])
	e.wakeFor(id, anyMail)
	return nil
}

// adopt lets a run that waits for a child hear of its end, which was told before to a run that is not there
// any more.
func (q *round) adopt(id string, op *operation) error {
	child := op.child.id
	end, ended, err := q.e.store.Get(runKey(child, partEnd))
	if err != nil {
		return fmt.Errorf("durable: looking for run %q: %w", child, err)
	}
	if !ended {
		return fmt.Errorf("durable: run %q would wait for the child %q, which has not ended or was deleted; wait "+
			"for it, or end it", id, child)
	}
	q.letters = append(q.letters, letter{
		kind: mailChildEnd, to: id, name: op.id, from: child, content: end,
	})
	return nil
}
