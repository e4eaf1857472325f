package durable

import (
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/reprise-dst/reprise/store"
)

// startedChild is a run that starts with its parent's commit. Its journal's first entry has no answer yet;
// it is given when the run is loaded.
type startedChild struct {
	id     string
	op     string // the parent's operation
	header header
	entry  Entry
	item   *item // when it waits in a queue; its entry is written when it begins
}

// startChild lets a child start with this round's commit, or answers that it can't.
func (q *round) startChild(c *Command) {
	want := header{workflow: c.Name, fingerprint: xxhash.Sum64(c.content), item: c.child.place != nil}
	exists, refused, err := q.occupied(c.To, want)
	var holder string
	if place := c.child.place; place != nil && err == nil && !exists {
		place.run = c.To
		holder, err = q.holder(place)
		refused = duplicate(place, holder)
	}
	switch {
	case err != nil:
		q.fail(err)
		return
	case holder != "":
	case !exists:
		q.begin(c, want)
	case refused == nil && !c.child.detached:
		refused = fmt.Errorf("%w: %q was not started as this child; use another id", ErrConflict, c.To)
	}
	switch {
	case c.child.detached:
		q.answers = append(q.answers, Event{Kind: EventAnswered, Op: c.Op, Failure: recordFailure(refused)})
	case refused != nil:
		q.answers = append(q.answers, Event{Kind: EventChildEnded, Op: c.Op, Failure: recordFailure(refused)})
	}
}

// occupied looks whether a run has this id, and how it differs from the wanted one.
func (q *round) occupied(id string, want header) (exists bool, differs, err error) {
	for i := range q.started {
		if s := &q.started[i]; s.id == id {
			return true, s.header.compare(id, want), nil
		}
	}
	if id == q.run.id {
		return true, q.run.startWith.compare(id, want), nil
	}
	return q.existing(id, want)
}

// existing looks whether the store has a run of this id, and how it differs from the wanted one.
func (q *round) existing(id string, want header) (exists bool, differs, err error) {
	data, found, err := q.e.store.Get(runKey(id, partHeader))
	if err != nil {
		return false, nil, fmt.Errorf("durable: looking for run %q: %w", id, err)
	}
	if !found {
		return false, nil, nil
	}
	have, err := decodeHeader(id, data)
	return true, have.compare(id, want), err
}

// begin notes a child that starts.
func (q *round) begin(c *Command, h header) {
	start := newStart(c.To, c.Name, c.content, q.now, q.run.machine.headers)
	start.Parent = q.run.id
	if !c.child.detached {
		start.ParentOp = c.Op
	}
	c.child.started = true
	s := startedChild{id: c.To, op: c.Op, header: h, entry: Entry{
		Seq: 1, Unanswered: true, Event: Event{Kind: EventStarted, Time: q.now, Start: start},
	}}
	if c.child.place != nil {
		it := *c.child.place
		s.item = &it
	}
	q.started = append(q.started, s)
}

// starts reports whether the run starts in this round.
func (q *round) starts(run string) bool {
	return slices.ContainsFunc(q.started, func(s startedChild) bool { return s.id == run })
}

// recordChildren adds the first entries of the runs that start to the batch.
func (q *round) recordChildren() error {
	b := &q.batch
	for i := range q.started {
		s := &q.started[i]
		if s.item != nil {
			if err := q.putItem(s.item, s.header, s.entry.Event.Start); err != nil {
				return err
			}
			continue
		}
		data, err := appendEntry(nil, &s.entry)
		if err != nil {
			return err
		}
		b.RequireAbsent(runKey(s.id, partHeader))
		b.Set(runKey(s.id, partHeader), s.header.encode())
		b.Set(journalKey(s.id, 1), data)
		b.Set(activeKey(s.id), nil)
	}
	return nil
}

// childStarted loads a run that has started with a commit.
func (e *Engine) childStarted(s *startedChild) {
	if s.item != nil {
		e.tell(s.item.lane, laneNews{item: *s.item})
		return
	}
	e.wake(s.id, nil)
}

// tellParent puts a run's end into the mailbox of its parent, if it has one that has not ended.
func (q *round) tellParent(run, parent, parentOp string, end []byte) error {
	if parentOp == "" {
		return nil
	}
	unreachable, err := q.reach(parent)
	if err != nil || unreachable != nil {
		return err
	}
	q.letters = append(q.letters, letter{
		kind: mailChildEnd, to: parent, name: parentOp, from: run, content: end,
	})
	return nil
}

// cancelChild asks a child to end that the parent does not wait for any more.
func (q *round) cancelChild(op *operation) error {
	if !op.child.started || op.child.unawaited != CancelChild || op.child.detached {
		return nil
	}
	if !q.starts(op.child.id) {
		unreachable, err := q.reach(op.child.id)
		if err != nil || unreachable != nil {
			return err
		}
	}
	var why string
	if c, ok := op.err.(*cancelled); ok && c.cause != ErrCancelled {
		why = bounded(c.cause.Error())
	}
	q.letters = append(q.letters, letter{
		kind: mailCancel, to: op.child.id, name: op.id, from: q.run.id, content: []byte(why),
	})
	return nil
}

// openChildren are the children that a journal has started and whose ends it does not have, by operation,
// unless they were called off: what a parent that is ended without its code has to see to.
type openChildren map[string]*Command

// note takes the next entry of the journal into account.
func (o openChildren) note(e *Entry) {
	delete(o, e.Event.Op)
	for i := range e.Commands {
		switch c := &e.Commands[i]; c.Kind {
		case CommandChild:
			o[c.Op] = c
		case CommandCancel:
			delete(o, c.Op)
		}
	}
}

// terminateChildren ends the children of a run that is terminated, those that are not to go on alone.
func (q *round) terminateChildren(run string, open openChildren, reason string) error {
	for _, op := range sortedIDs(open) {
		c := open[op]
		if c.Unawaited != CancelChild {
			continue
		}
		unreachable, err := q.reach(c.To)
		if err != nil {
			return err
		}
		if unreachable != nil {
			continue
		}
		first, err := readStart(q.e.store, c.To)
		if err != nil {
			return err
		}
		if first != nil && (first.Parent != run || first.ParentOp != op) {
			continue // another run has the id now
		}
		why := fmt.Sprintf("its parent, run %q, was terminated", run)
		if reason != "" {
			why += ": " + reason
		}
		q.letters = append(q.letters, letter{
			kind: mailEnd, to: c.To, name: op, from: run, content: []byte(bounded(why)),
		})
	}
	return nil
}

// readStart reads how a run began; nil while it has not.
func readStart(st store.Store, run string) (*Start, error) {
	data, found, err := st.Get(journalKey(run, 1))
	if err != nil {
		return nil, fmt.Errorf("durable: looking for run %q: %w", run, err)
	}
	if !found {
		return nil, nil
	}
	e, err := decodeEntry(run, 1, data)
	if err != nil || e.Event.Start == nil {
		return nil, fmt.Errorf("%w: run %q: journal entry 1: %w", ErrDamaged, run, err)
	}
	return e.Event.Start, nil
}

// childrenStarted notes, after a replay, that the pending children have started: their start is in the commit
// that has the command. Those of entries that had no answer yet start with it.
func (m *machine) childrenStarted(unanswered []Entry) {
	for _, op := range m.pending { //tidy:unordered each by itself
		if op.child != nil {
			op.child.started = true
		}
	}
	for i := range unanswered {
		for _, c := range unanswered[i].Commands {
			if c.Kind == CommandChild {
				c.child.started = false
			}
		}
	}
}
