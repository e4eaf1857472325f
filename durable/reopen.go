package durable

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/reprise-dst/reprise/store"
)

// Retry opens a failed run again, the one way back from a final state, which only a person takes: no event
// and no late result does. The journal up to the failure is kept. The steps whose errors the run failed with
// are tried anew, with all attempts and all the time of their StepOptions, and the same idempotency keys; an
// entry of the journal says so. When there is no such step, today's code answers the last event again. When
// Retry returns nil, that is durable. A parked run is resumed. A run that came from a queue waits for a slot
// of it again; when another item has its Item.Unique meanwhile, the error is ErrDuplicate.
//
// A run is refused that went on after the failure, because it has undone its work or cleaned up: it would
// take up what is not there any more; Fork it from an earlier entry, or start it anew. So is a run that would
// fail again at once, and one that failed with its child: retry the child first. What the failed run did not
// receive in time was refused or is gone; a parent was told of the failure, and is not told again.
func (r Run[Out]) Retry(ctx context.Context) error {
	if err := r.usable(); err != nil {
		return err
	}
	return r.engine.Retry(ctx, r.id)
}

// Retry is Run.Retry for the run with this id, whatever its workflow.
func (e *Engine) Retry(ctx context.Context, run string) error {
	if err := checkID("run's id", run); err != nil {
		return err
	}
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.end()
	var parked bool
	err := e.aside(ctx, run, func(aside bool) error {
		l, err := e.Status(run)
		parked = l.Status == Parked
		switch {
		case err != nil || parked:
			return err
		case l.Status != Failed:
			return fmt.Errorf("durable: run %q is %s; only runs that have failed or are parked are retried",
				run, l.Status)
		case !aside:
			return errInMemory
		}
		return e.reopen(run)
	})
	if err == nil && parked {
		return e.Resume(run)
	}
	return err
}

// reopen commits the journal with which a failed run goes on.
func (e *Engine) reopen(run string) error {
	end, found, err := e.store.Get(runKey(run, partEnd))
	if err != nil || !found {
		return fmt.Errorf("durable: looking for the end of run %q: %w", run, err)
	}
	_, ended, err := parseEndHead(run, end)
	if err != nil {
		return err
	}
	_, failure, err := parseEnd(run, end)
	if err != nil || failure == nil {
		return err
	}
	j, err := ReadJournal(e.store, run)
	if err != nil {
		return err
	}
	def, err := e.definitionOf(run, j.Entries[0].Event.Start.Workflow)
	if err != nil {
		return err
	}
	q := e.newRound(nil)
	p, from, err := q.reopened(&j, def, failure)
	if err != nil {
		return err
	}
	defer func() { p.m.close() }()
	q.batch.RequireValue(runKey(run, partEnd), end)
	q.batch.Delete(runKey(run, partEnd))
	q.batch.Delete(expiryKey(ended, run))
	it, err := q.rejoin(run, j.Entries[0].Event.Start)
	if err != nil {
		return err
	}
	err = e.commitRebuilt(q, p, from)
	if err == nil && it != nil {
		e.tell(it.lane, laneNews{item: *it})
	}
	return err
}

// reopened makes the journal, and says which is its first entry that is not as it was.
func (q *round) reopened(j *Journal, def definition, failure *Failure) (p *rebuilt, from int, err error) {
	var failed []int
	for i := range j.Entries {
		ev := &j.Entries[i].Event
		if ev.Kind == EventStepEnded && ev.Failure != nil && strings.Contains(failure.Text, ev.Failure.Text) {
			failed = append(failed, i)
		}
	}
	if len(failed) == 0 {
		return q.reanswered(j, def)
	}
	for k := max(0, len(failed)-maxRenewed); k < len(failed); k++ { // errors before may have been dealt with
		p, err = q.renewed(j, def, failed[k:])
		if err == nil {
			return p, failed[k] + 1, nil
		}
	}
	return nil, 0, err
}

// maxRenewed is how many steps may have failed together.
const maxRenewed = 16

// renewed takes the failures of steps out of the journal. What else happened after the first of them must
// have happened without regard to it.
func (q *round) renewed(j *Journal, def definition, failed []int) (*rebuilt, error) {
	p := &rebuilt{id: j.Run, entries: slices.Clone(j.Entries[:failed[0]]), values: map[string][]byte{}}
	err := p.replay(def, q.e.codec)
	for i := failed[0]; i < len(j.Entries) && err == nil; i++ {
		if slices.Contains(failed, i) {
			err = p.without(&j.Entries[i], nil)
		} else {
			err = p.follow(&j.Entries[i])
		}
	}
	for _, i := range failed {
		ev := Event{Kind: EventRetried, Op: j.Entries[i].Event.Op}
		ev.Time = later(q.now, j.Entries[len(j.Entries)-1].Event.Time)
		switch {
		case err != nil:
		case !p.m.awaits(ev.Kind, ev.Op):
			err = p.cant(&j.Entries[i])
		default:
			entry := Entry{Seq: len(p.entries) + 1, Event: ev}
			entry.Commands, err = p.m.apply(&ev)
			p.entries = append(p.entries, entry)
		}
	}
	if err != nil {
		p.m.close()
		return nil, err
	}
	return p, nil
}

// follow replays an entry that came after the failure as if there had been none.
func (p *rebuilt) follow(entry *Entry) error {
	ev := entry.Event
	if !p.m.awaits(ev.Kind, ev.Op) || ev.Kind == EventCancelled {
		if ev.Kind == EventTimerFired {
			return p.without(entry, nil)
		}
		return p.cant(entry)
	}
	commands, err := p.m.apply(&ev)
	if err != nil {
		return err
	}
	for i := range commands {
		if !slices.ContainsFunc(entry.Commands, func(c Command) bool { return c.same(&commands[i]) }) {
			return p.cant(entry)
		}
	}
	if p.m.ended {
		return p.cant(entry)
	}
	p.entries = append(p.entries, Entry{Seq: len(p.entries) + 1, Event: ev, Commands: slices.Clone(commands)})
	return p.without(entry, commands)
}

// without checks that nothing the world has seen is missing of what the entry asked for.
func (p *rebuilt) without(entry *Entry, commands []Command) error {
	for i := range entry.Commands {
		c := &entry.Commands[i]
		switch c.Kind {
		case CommandChild, CommandSend, CommandAnswer, CommandStep, CommandTransact:
			if !slices.ContainsFunc(commands, func(d Command) bool { return c.same(&d) }) {
				return p.cant(entry)
			}
		}
	}
	return nil
}

func (p *rebuilt) cant(entry *Entry) error {
	return fmt.Errorf("durable: run %q can't be retried: it went on after its failure (journal entry %d: %s), "+
		"perhaps to undo its work; fork it from an earlier entry, or start it anew", p.id, entry.Seq, entry)
}

// reanswered lets today's code answer the last event again.
func (q *round) reanswered(j *Journal, def definition) (*rebuilt, int, error) {
	n := len(j.Entries)
	p := &rebuilt{id: j.Run, entries: slices.Clone(j.Entries), values: map[string][]byte{}}
	last := &p.entries[n-1]
	if err := p.without(last, nil); err != nil {
		return nil, 0, err
	}
	if last.Event.Kind == EventChildEnded && last.Event.Failure != nil && last.Event.From != "" {
		return nil, 0, fmt.Errorf("durable: run %q failed with its child %q, and was told so for good; retry the "+
			"child, and fork this run from an earlier entry when the child has ended", j.Run, last.Event.From)
	}
	last.Commands, last.Unanswered = nil, true
	err := p.replay(def, q.e.codec)
	if err == nil && p.m.ended {
		if n := len(p.m.commands); n > 0 && p.m.commands[n-1].failure != nil {
			err = fmt.Errorf("durable: run %q would fail again at once: %w; mend the code first",
				j.Run, p.m.commands[n-1].failure.err())
		}
	}
	if err != nil {
		p.m.close()
		return nil, 0, err
	}
	return p, n, nil
}

// deletable makes a batch require that the run has ended, as it was seen, and was not opened again.
func (e *Engine) deletable(b *store.Batch, run string) error {
	end, found, err := e.store.Get(runKey(run, partEnd))
	if err == nil && found {
		b.RequireValue(runKey(run, partEnd), end)
	}
	return err
}
