package durable

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/reprise-dst/reprise/store"
)

// errQueued says that a run has no slot of its queue, so that it is not to be loaded.
var errQueued = errors.New("durable: the run waits in its queue")

// enqueue puts a run into a queue, from outside, and returns the id of the item: another one when that is the
// same and was there before.
func (e *Engine) enqueue(
	ctx context.Context, queue string, how Item, info RunInfo, input []byte,
) (run string, err error) {
	lane := queueLane(queue)
	e.mu.Lock()
	err = e.usable()
	if err == nil && e.pumps[lane] == nil {
		err = fmt.Errorf("durable: queue %q is not in Config.Queues; list it, so that its items start", queue)
	}
	if err == nil {
		e.begin()
	}
	e.mu.Unlock()
	if err != nil {
		return info.Run, err
	}
	defer e.end()
	if err := checkHeaders(info.Run, info.Headers); err != nil {
		return info.Run, err
	}
	want := header{workflow: info.Workflow, fingerprint: xxhash.Sum64(input), item: true}
	for {
		if err := context.Cause(ctx); err != nil {
			return info.Run, err
		}
		q := e.newRound(nil)
		if exists, differs, err := q.existing(info.Run, want); exists || err != nil {
			return info.Run, errors.Join(err, differs)
		}
		it := &item{run: info.Run, lane: lane, key: how.Key, priority: how.Priority, unique: how.Unique}
		if how.Delay > 0 {
			it.due = q.now.Add(how.Delay)
		}
		if holder, err := q.holder(it); holder != "" || err != nil {
			return holder, errors.Join(err, duplicate(it, holder))
		}
		start := newStart(info.Run, info.Workflow, input, q.now, maps.Clone(info.Headers))
		if err := q.putItem(it, want, start); err != nil {
			return info.Run, err
		}
		err := e.store.Commit(&q.batch)
		switch {
		case lostRace(err):
			continue // the id, or what is unique, was taken in this moment
		case err != nil:
			return info.Run, e.fail(err)
		}
		e.tell(lane, laneNews{item: *it})
		return info.Run, nil
	}
}

// holder returns the run that has what is to be unique about an item, empty when none has.
func (q *round) holder(it *item) (run string, err error) {
	if it.unique == "" {
		return "", nil
	}
	for i := range q.started {
		if s := q.started[i].item; s != nil && s.lane == it.lane && s.unique == it.unique {
			return s.run, nil
		}
	}
	holder, _, err := q.e.store.Get(uniqueKey(it.lane, it.unique))
	if err != nil {
		return "", fmt.Errorf("durable: looking for what is unique about run %q: %w", it.run, err)
	}
	return string(holder), nil
}

func duplicate(it *item, holder string) error {
	if holder == "" {
		return nil
	}
	return fmt.Errorf("%w: run %q has the Item.Unique %q of run %q", ErrDuplicate, holder, it.unique, it.run)
}

// putItem makes the batch put a run into its lane.
func (q *round) putItem(it *item, h header, start *Start) error {
	entry := Entry{
		Seq: 1, Unanswered: true, Event: Event{Kind: EventStarted, Time: q.now, Start: start},
	}
	data, err := appendEntry(nil, &entry)
	if err != nil {
		return err
	}
	it.entry, it.number, it.state = data, q.e.nextLetter(), itemWaits
	if !it.due.IsZero() {
		it.state = itemDelayed
	}
	b := &q.batch
	b.RequireAbsent(runKey(it.run, partHeader))
	b.Set(runKey(it.run, partHeader), h.encode())
	if it.unique != "" {
		b.RequireAbsent(uniqueKey(it.lane, it.unique))
		b.Set(uniqueKey(it.lane, it.unique), []byte(it.run))
	}
	it.put(b)
	return nil
}

// setAside leaves a run alone that has no slot of its queue; it was called for, perhaps to be cancelled, or
// to be tried again after it was parked. It reports whether the run has got one meanwhile, and is loaded.
func (e *Engine) setAside(r *run) (loaded bool) {
	it := r.item
	r.item = nil
	e.mu.Lock()
	cancelled := slices.IndexFunc(r.inbox, func(ev Event) bool { return ev.Kind == EventCancelled })
	var reason string
	if cancelled >= 0 {
		reason = r.inbox[cancelled].Reason
	}
	e.mu.Unlock()
	switch {
	case it.state == itemParked:
		if err := e.requeue(r.id); err != nil {
			_ = e.fail(err)
			e.finish(r)
			return false
		}
	case cancelled >= 0 && !it.begun():
		err := e.terminate(r.id, Event{Kind: EventWithdrawn, Reason: reason})
		if lostRace(err) || errors.Is(err, errQueued) { // it has begun in this moment, or ended
			return e.loaded(r)
		}
		if err != nil {
			_ = e.fail(err)
		}
		e.finish(r)
		return false
	}
	if e.recountRecoveries(r.id) != nil { // it has not been tried
		e.finish(r)
		return false
	}
	e.mu.Lock()
	if r.called {
		e.mu.Unlock()
		return e.loaded(r)
	}
	r.driven = false
	delete(e.runs, r.id)
	if len(r.inbox) > 0 { // what has arrived waits with it
		e.runs[r.id] = &run{id: r.id, inbox: r.inbox, mail: r.mail}
	}
	e.mu.Unlock()
	return false
}

// rejoin makes the batch put a run back into the lane that it came from, to wait for a slot. It returns nil
// when the run came from none.
func (q *round) rejoin(run string, start *Start) (*item, error) {
	data, _, err := q.e.store.Get(runKey(run, partHeader))
	if err != nil {
		return nil, fmt.Errorf("durable: looking for run %q: %w", run, err)
	}
	if h, err := decodeHeader(run, data); err != nil || !h.item || start.place == nil {
		return nil, err
	}
	it, err := decodeItem(run, start.place)
	if err != nil {
		return nil, err
	}
	if holder, err := q.holder(it); holder != "" || err != nil {
		return nil, errors.Join(err, duplicate(it, holder))
	}
	b := &q.batch
	b.RequireAbsent(itemKey(run))
	if it.unique != "" {
		b.RequireAbsent(uniqueKey(it.lane, it.unique))
		b.Set(uniqueKey(it.lane, it.unique), []byte(run))
	}
	it.put(b)
	return it, nil
}

// requeue makes a run wait for a slot again that gave it back when it was parked.
func (e *Engine) requeue(run string) error {
	it, raw, err := readItem(e.store, run)
	if err != nil || it == nil || it.state != itemParked {
		return err
	}
	var b store.Batch
	b.RequireValue(keyOwner, e.owner)
	b.RequireValue(itemKey(run), raw)
	it.move(&b, itemWaits)
	b.Delete(parkedKey(run))
	e.survived(&b, run)
	if err := e.store.Commit(&b); err != nil {
		return err
	}
	e.mu.Lock()
	delete(e.shelved, run)
	e.mu.Unlock()
	e.tell(it.lane, laneNews{item: *it})
	return nil
}

// recoverLanes makes the pumps look at what an earlier engine has left.
func (e *Engine) recoverLanes() {
	for _, lane := range sortedIDs(e.pumps) {
		e.tell(lane)
	}
}

// giveBack tells the pump that a slot is free, once that is durable.
func (e *Engine) giveBack(it *item) {
	if it != nil {
		e.tell(it.lane, laneNews{item: *it, freed: true})
	}
}

// serve registers a queue and returns its workflow.
func (e *Engine) serve(q QueueDefinition) (Definition, error) {
	if q == nil || reflect.ValueOf(q).IsZero() {
		return nil, errors.New("durable.Open: Config.Queues has a nil queue; make queues with NewQueue")
	}
	workflow, limits := q.defineQueue()
	lane := queueLane(q.Name())
	if p := e.pumps[lane]; p != nil && p.limits != limits {
		return nil, fmt.Errorf("durable.Open: Config.Queues has two queues named %q with different limits; they "+
			"are one line, so give them the same limits, or each a name of its own", q.Name())
	}
	e.pumps[lane] = &pump{lane: lane, name: q.Name(), limits: limits}
	return workflow, nil
}
