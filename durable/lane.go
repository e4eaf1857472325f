package durable

import (
	"slices"
	"time"
)

// laneState is what the engine knows in memory of a lane: who has a slot, which keys have items that wait and
// whose turn it is, and when the latest runs were started. It is read from the store when the lane is first
// looked at, and knows nothing of the items themselves: their number costs no memory, that of their keys
// does.
type laneState struct {
	limits  QueueConfig
	running map[string]taken // by run; only what counts against a limit
	perKey  map[string]int   // of them, those with a key
	levels  []*ring          // the greatest priority first
	blocked map[string][]*turn
	starts  []startOf // the latest, no more than the rate has
	due     time.Time // no item's delay is over before; zero when there is none
}

// taken is a slot that is taken.
type taken struct{ key, slot string }

// startOf is when a run was started.
type startOf struct {
	at  time.Time
	run string
}

// ring has the keys of one priority in the order of their turns.
type ring struct {
	priority int8
	turns    []*turn
	known    map[string]*turn // those in turns and those that are blocked
}

// turn is a key that may have items that wait.
type turn struct {
	ring *ring
	key  string
	low  []byte // no item before this number waits; nil when that is not known
}

func newLaneState(limits QueueConfig) *laneState {
	return &laneState{
		limits: limits, running: map[string]taken{}, perKey: map[string]int{}, blocked: map[string][]*turn{},
	}
}

// counts reports whether items of a key count against a limit.
func (s *laneState) counts(key string) bool { return key != "" || s.limits.Concurrency > 0 }

// take notes that a run has a slot.
func (s *laneState) take(run, key string, slot []byte) {
	if !s.counts(key) {
		return
	}
	if _, again := s.running[run]; !again && key != "" {
		s.perKey[key]++
	}
	s.running[run] = taken{key, string(slot)}
}

// free notes that a run has given back a slot; a slot that it had earlier is no matter any more.
func (s *laneState) free(run string, slot []byte) {
	t, has := s.running[run]
	if !has || t.slot != string(slot) {
		return
	}
	delete(s.running, run)
	if t.key == "" {
		return
	}
	if s.perKey[t.key]--; s.perKey[t.key] == 0 {
		delete(s.perKey, t.key)
	}
	for _, u := range s.blocked[t.key] {
		u.ring.turns = append(u.ring.turns, u)
	}
	delete(s.blocked, t.key)
}

// room reports whether a slot is free.
func (s *laneState) room() bool {
	return s.limits.Concurrency == 0 || len(s.running) < s.limits.Concurrency
}

// opens returns when the rate lets the next run start; a time that has passed, or none, is now.
func (s *laneState) opens() (at time.Time) {
	if n := s.limits.Rate.Starts; n > 0 && len(s.starts) >= n {
		at = s.starts[len(s.starts)-n].at.Add(s.limits.Rate.Per)
	}
	return at
}

// started notes a start and returns those that the rate can forget.
func (s *laneState) started(run string, at time.Time) (old []startOf) {
	s.starts = append(s.starts, startOf{at, run})
	if extra := len(s.starts) - s.limits.Rate.Starts; extra > 0 {
		old = slices.Clone(s.starts[:extra])
		s.starts = slices.Delete(s.starts, 0, extra)
	}
	return old
}

// level returns the ring of a priority.
func (s *laneState) level(priority int8) *ring {
	i, found := slices.BinarySearchFunc(s.levels, priority, func(r *ring, p int8) int {
		return int(p) - int(r.priority)
	})
	if !found {
		s.levels = slices.Insert(s.levels, i, &ring{priority: priority, known: map[string]*turn{}})
	}
	return s.levels[i]
}

// add notes that an item waits. A key that had none gets its turn after those that have.
func (s *laneState) add(priority int8, key string, number []byte) {
	r := s.level(priority)
	t := r.known[key]
	if t == nil {
		t = &turn{ring: r, key: key, low: number}
		r.known[key] = t
		r.turns = append(r.turns, t)
	} else if t.low != nil && lessNumber(number, t.low) {
		t.low = number
	}
}

// next takes the key whose turn it is; nil when none may go on.
func (s *laneState) next() *turn {
	for _, r := range s.levels {
		for len(r.turns) > 0 {
			t := r.turns[0]
			r.turns[0] = nil
			r.turns = r.turns[1:]
			if t.key == "" || s.perKey[t.key] < max(s.limits.PerKey, 1) {
				return t
			}
			s.blocked[t.key] = append(s.blocked[t.key], t)
		}
	}
	return nil
}

// served gives a key whose item was taken its next turn, after all others.
func (t *turn) served(number []byte) {
	t.low = afterNumber(number)
	t.ring.turns = append(t.ring.turns, t)
}

// exhausted forgets a key that has no item that waits.
func (t *turn) exhausted() { delete(t.ring.known, t.key) }

// waits reports whether a key may have an item that could start if the limits of the lane let it.
func (s *laneState) waits() bool {
	return slices.ContainsFunc(s.levels, func(r *ring) bool { return len(r.turns) > 0 })
}

// startAfter turns the ring, as it was read in the order of the keys, so that the key after this one is next.
func (r *ring) startAfter(last string) {
	i := slices.IndexFunc(r.turns, func(t *turn) bool { return t.key > last })
	if i > 0 {
		r.turns = append(slices.Clone(r.turns[i:]), r.turns[:i]...)
	}
}
