package durable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/store"
)

// pump starts the items of one lane, in one task at a time.
type pump struct {
	lane   string
	name   string // of the queue or schedule, for names of tasks
	limits QueueConfig
	state  *laneState // of the task; nil before the lane was read
	fleet  bool       // it is made when it is needed, and forgotten when it rests

	// guarded by Engine.mu
	pumping bool
	kicked  bool
	news    []laneNews
	wake    time.Time // when it has something to do again; zero for never
}

// laneNews is what commits of others have changed in a lane: an item has come, or a slot is free.
type laneNews struct {
	item
	freed bool
}

// pumpChunk is how many items are started with one commit.
const pumpChunk = 64

// tell lets the pump of a lane know what has changed, and makes it look. A lane that this engine does not
// serve has none.
func (e *Engine) tell(lane string, news ...laneNews) {
	e.mu.Lock()
	p := e.pumps[lane]
	if name, is := scheduleOfLane(lane); p == nil && is {
		p = &pump{lane: lane, name: name, limits: QueueConfig{Concurrency: 1}, fleet: true}
		e.pumps[lane] = p
	}
	if p == nil || e.usable() != nil {
		e.mu.Unlock()
		return
	}
	p.news = append(p.news, news...)
	p.kicked = true
	if p.pumping {
		e.mu.Unlock()
		return
	}
	p.pumping = true
	e.begin()
	e.mu.Unlock()
	e.host.Go("queue "+p.name, func(context.Context) {
		defer e.end()
		for e.waitForRoom() == nil && e.pass(p) {
		}
	})
}

// passLanes makes the pumps look whose time has come, and returns when the next one wants to; zero when none
// does.
func (e *Engine) passLanes() (next time.Time) {
	now := e.host.Now()
	var due []string
	e.mu.Lock()
	for _, lane := range sortedIDs(e.pumps) {
		switch p := e.pumps[lane]; {
		case p.wake.IsZero():
		case p.wake.After(now):
			next = sooner(next, p.wake)
		default:
			due = append(due, lane)
		}
	}
	e.mu.Unlock()
	for _, lane := range due {
		e.tell(lane)
	}
	return next
}

// pass hears the news, starts what may start, and reports whether there may be more to do.
func (e *Engine) pass(p *pump) (more bool) {
	e.mu.Lock()
	news := p.news
	p.news = nil
	if !p.kicked || e.usable() != nil {
		p.pumping = false
		if p.fleet {
			delete(e.pumps, p.lane)
		}
		e.mu.Unlock()
		return false
	}
	p.kicked = false
	e.mu.Unlock()

	d := &dispatch{e: e, pump: p, now: e.host.Now()}
	d.batch.RequireValue(keyOwner, e.owner)
	err := d.prepare(news)
	if err == nil {
		err = d.choose()
	}
	if err == nil && d.batch.Len() > 0 {
		err = e.store.Commit(&d.batch)
	}
	if err != nil {
		p.state = nil
		if lostRace(err) { // an item was terminated in this moment
			e.kick(p, time.Time{})
			return true
		}
		_ = e.fail(fmt.Errorf("queue %q: %w", p.name, err))
		return true
	}
	d.release()
	if wake := d.wake(); wake.IsZero() || wake.After(d.now) {
		e.sleepUntil(p, wake)
	} else {
		e.kick(p, time.Time{})
	}
	return true
}

// kick makes the pump look once more.
func (e *Engine) kick(p *pump, wake time.Time) {
	e.mu.Lock()
	p.kicked, p.wake = true, wake
	e.mu.Unlock()
}

// sleepUntil sets when the pump has to look again, if nothing happens before.
func (e *Engine) sleepUntil(p *pump, wake time.Time) {
	e.mu.Lock()
	p.wake = wake
	e.mu.Unlock()
	if !wake.IsZero() {
		e.expect(wake)
	}
}

// dispatch is what one commit of a pump does.
type dispatch struct {
	e     *Engine
	pump  *pump
	now   time.Time
	batch store.Batch
	ready []*item // whose delay is over
	begun []begun
	full  bool // there may be more that can start
}

// begun is an item that has got a slot.
type begun struct {
	*item
	again bool // its run had begun before
}

// prepare brings the state up to date.
func (d *dispatch) prepare(news []laneNews) error {
	s := d.pump.state
	if s == nil { // the news are in the store
		s = newLaneState(d.pump.limits)
		d.pump.state = s
		if err := d.e.readLane(d.pump.lane, s); err != nil {
			return err
		}
		if d.pump.limits.Rate.Starts == 0 { // an earlier engine had a rate
			for _, old := range s.starts {
				d.batch.Delete(startKey(d.pump.lane, old))
			}
			s.starts = nil
		}
	} else {
		for i := range news {
			switch n := &news[i]; {
			case n.freed:
				s.free(n.run, n.slot)
			case n.state == itemDelayed:
				s.due = sooner(s.due, n.due)
			default:
				s.add(n.priority, n.key, n.number)
			}
		}
	}
	d.correctClock()
	if s.due.IsZero() || s.due.After(d.now) {
		return nil
	}
	return d.takeDelayed()
}

// correctClock treats starts that are in the future, because the clock has stepped back since, as if they had
// been now: so the rate holds, and the queue stands still for no longer than its period.
func (d *dispatch) correctClock() {
	starts := d.pump.state.starts
	for i := range starts {
		if s := &starts[i]; s.at.After(d.now) {
			d.batch.Delete(startKey(d.pump.lane, *s))
			s.at = d.now
			d.batch.Set(startKey(d.pump.lane, *s), nil)
		}
	}
}

// takeDelayed gives the items whose delay is over their place among those that wait.
func (d *dispatch) takeDelayed() error {
	from, to := laneRange(d.pump.lane, laneDelayed)
	var runs []string
	var keys [][]byte
	var next time.Time
	err := d.e.store.Scan(from, to, func(key, run []byte) bool {
		due := parseTime(key[len(from) : len(from)+8])
		if due.After(d.now) || len(runs) == pumpChunk {
			next = due
			return false
		}
		runs, keys = append(runs, string(run)), append(keys, bytes.Clone(key))
		return true
	})
	if err != nil {
		return err
	}
	for i, run := range runs {
		it, raw, err := readItem(d.e.store, run)
		switch {
		case errors.Is(err, ErrDamaged):
			d.setAside(keys[i], run, err)
			continue
		case err != nil:
			return err
		case it == nil || it.state != itemDelayed:
			continue // it has ended in this moment
		}
		d.batch.RequireValue(itemKey(run), raw)
		it.number = d.e.nextLetter()
		it.move(&d.batch, itemWaits)
		d.ready = append(d.ready, it)
	}
	d.pump.state.due = next
	return nil
}

// choose takes items in turn, as long as the limits let them start.
func (d *dispatch) choose() error {
	s := d.pump.state
	for s.room() && !s.opens().After(d.now) {
		if d.full = len(d.begun) == pumpChunk; d.full {
			return nil
		}
		t := s.next()
		if t == nil {
			return nil
		}
		if err := d.first(t); err != nil {
			return err
		}
	}
	return nil
}

// first starts the first item of a key.
func (d *dispatch) first(t *turn) error {
	lane, priority := d.pump.lane, t.ring.priority
	all := waitingKey(lane, priority, t.key, nil)
	var key, number []byte
	var run string
	err := d.e.store.Scan(waitingKey(lane, priority, t.key, t.low), after(all), func(k, v []byte) bool {
		key, run = bytes.Clone(k), string(v)
		number = key[len(all):]
		return false
	})
	switch {
	case err != nil:
		return err
	case key == nil:
		t.exhausted()
		return nil
	}
	t.served(number)
	it, raw, err := readItem(d.e.store, run)
	if err == nil && (it == nil || it.state != itemWaits) {
		return nil // it has ended in this moment
	}
	if err == nil {
		d.batch.RequireValue(itemKey(run), raw)
		err = d.begin(it)
	}
	if errors.Is(err, ErrDamaged) {
		d.setAside(key, run, err)
		return nil
	}
	if len(t.ring.known) > 1 {
		d.batch.Set(turnKey(lane, priority), []byte(t.key))
	}
	return err
}

// setAside takes an item out of its lane that can't be read: it does not stop the others.
func (d *dispatch) setAside(key []byte, run string, why error) {
	d.batch.Delete(key)
	d.batch.Set(parkedKey(run), []byte(errorText(why)))
}

// begin gives an item a slot, and its run the first entry of its journal.
func (d *dispatch) begin(it *item) error {
	s := d.pump.state
	g := begun{item: it, again: it.begun()}
	if !g.again {
		_, data, err := it.begins(d.now)
		if err != nil {
			return err
		}
		it.entry = nil
		d.batch.Set(journalKey(it.run, 1), data)
		d.batch.Set(activeKey(it.run), nil)
		if s.limits.Rate.Starts > 0 {
			for _, old := range s.started(it.run, d.now) {
				d.batch.Delete(startKey(it.lane, old))
			}
			d.batch.Set(startKey(it.lane, startOf{d.now, it.run}), nil)
		}
	}
	it.slot = d.e.nextLetter()
	it.move(&d.batch, itemRuns)
	s.take(it.run, it.key, it.slot)
	d.begun = append(d.begun, g)
	return nil
}

// release lets the runs go on that have got a slot.
func (d *dispatch) release() {
	s := d.pump.state
	for _, it := range d.ready {
		s.add(it.priority, it.key, it.number)
	}
	for _, g := range d.begun {
		if g.again {
			d.e.wakeFor(g.run, anyMail)
		} else {
			d.e.wake(g.run, nil)
		}
	}
}

// wake returns when the lane has something to do again if nothing happens before, zero for never.
func (d *dispatch) wake() time.Time {
	s := d.pump.state
	switch {
	case d.full || len(d.ready) > 0:
		return d.now
	case s.room() && s.waits():
		return sooner(s.opens(), s.due)
	}
	return s.due
}

func startKey(lane string, s startOf) []byte {
	return append(append(appendTime(laneKey(lane, laneStarts), s.at), s.run...), 0)
}

func turnKey(lane string, priority int8) []byte {
	return append(laneKey(lane, laneTurn), level(priority))
}

// readLane reads what the engine knows in memory of a lane: its slots, its keys, the latest starts.
func (e *Engine) readLane(lane string, s *laneState) error {
	var bad error
	from, to := laneRange(lane, laneSlots)
	if s.limits.Concurrency == 0 {
		from = append(from, 1) // those without a key are not counted
	}
	err := e.store.Scan(from, to, func(k, slot []byte) bool {
		key, run, ok := bytes.Cut(k[len(lane)+2:], []byte{0})
		if !ok || len(run) < 2 {
			bad = fmt.Errorf("%w: not a slot of a queue: %x", ErrDamaged, k)
			return false
		}
		s.take(string(run[:len(run)-1]), string(key), slot)
		return true
	})
	if err = errors.Join(err, bad); err != nil {
		return err
	}
	from, to = laneRange(lane, laneStarts)
	err = e.store.Scan(from, to, func(k, _ []byte) bool {
		rest := k[len(from):]
		s.starts = append(s.starts, startOf{parseTime(rest[:8]), string(rest[8 : len(rest)-1])})
		return true
	})
	if err != nil {
		return err
	}
	from, to = laneRange(lane, laneDelayed)
	err = e.store.Scan(from, to, func(k, _ []byte) bool {
		s.due = parseTime(k[len(from) : len(from)+8])
		return false
	})
	if err != nil {
		return err
	}
	return e.readTurns(lane, s)
}

// readTurns reads which keys have items that wait, each with one look, and who had the last turn.
func (e *Engine) readTurns(lane string, s *laneState) error {
	from, to := laneRange(lane, laneWaiting)
	for from != nil {
		at := from
		from = nil
		var bad error
		err := e.store.Scan(at, to, func(k, _ []byte) bool {
			priority, key, number, err := parseWaitingKey(lane, k)
			if bad = err; err == nil {
				s.add(priority, key, bytes.Clone(number))
				from = after(waitingKey(lane, priority, key, nil))
			}
			return false
		})
		if err = errors.Join(err, bad); err != nil {
			return err
		}
	}
	for _, r := range s.levels {
		last, found, err := e.store.Get(turnKey(lane, r.priority))
		if err != nil {
			return err
		}
		if found {
			r.startAfter(string(last))
		}
	}
	return nil
}
