package clock

import (
	"math"
	"time"
)

// Virtual is a clock that stands still until [Virtual.Advance] moves it to its next timer.
type Virtual struct {
	start time.Time
	now   int64 // nanoseconds since start
	seq   uint64
	due   timerHeap
	slots []slot
	free  []int32
}

// A slot holds what the timers of the heap share with their stop functions. Slots are used again; a stop
// function whose slot went to another timer sees that by the sequence number.
type slot struct {
	fn  func()
	seq uint64
	pos int32 // in the heap
}

// NewVirtual is a clock that stands at start.
func NewVirtual(start time.Time) *Virtual {
	return &Virtual{start: start.Round(0)} // Round drops the monotonic reading: virtual time has none
}

// Now is the virtual time.
func (v *Virtual) Now() time.Time { return v.start.Add(time.Duration(v.now)) }

// AfterFunc sets a timer that calls fn when virtual time has reached d from now. Even a timer that is due
// at once waits for the next Advance.
func (v *Virtual) AfterFunc(d time.Duration, fn func()) (stop func() bool) {
	if fn == nil {
		panic("clock: AfterFunc needs a function to call, got nil")
	}
	i := v.slot()
	v.seq++
	seq := v.seq
	v.slots[i] = slot{fn: fn, seq: seq}
	v.due.push(v.slots, timer{when: later(v.now, d), seq: seq, slot: i})
	return func() bool { return v.stop(i, seq) }
}

// Advance moves time to the next timer and fires every timer that is due at that instant, in the order in
// which they were set. Timers that the fired functions set for that same instant wait for the next
// Advance. It reports false, and does nothing, when no timer is set.
func (v *Virtual) Advance() bool {
	if len(v.due) == 0 {
		return false
	}
	v.now = max(v.now, v.due[0].when)
	for last := v.seq; len(v.due) > 0; {
		next := v.due[0]
		if next.when > v.now || next.seq > last {
			break
		}
		v.fire(next)
	}
	return true
}

// AdvanceTo moves time to at, and fires on the way all timers due by then, in the order of their times.
// It reports false, and does nothing, when at lies in the past.
func (v *Virtual) AdvanceTo(at time.Time) bool {
	target := int64(at.Sub(v.start))
	if target < v.now {
		return false
	}
	for len(v.due) > 0 && v.due[0].when <= target {
		v.Advance()
	}
	v.now = max(v.now, target) // a fired function may itself have moved time
	return true
}

// Next is the time of the next timer; false when none is set.
func (v *Virtual) Next() (time.Time, bool) {
	if len(v.due) == 0 {
		return time.Time{}, false
	}
	return v.start.Add(time.Duration(max(v.now, v.due[0].when))), true
}

// Pending is the number of timers that are set.
func (v *Virtual) Pending() int { return len(v.due) }

func (v *Virtual) fire(t timer) {
	fn := v.slots[t.slot].fn
	v.drop(t.slot)
	fn()
}

func (v *Virtual) stop(i int32, seq uint64) bool {
	if v.slots[i].seq != seq {
		return false
	}
	v.drop(i)
	return true
}

// drop takes a timer off the heap and frees its slot.
func (v *Virtual) drop(i int32) {
	v.due.remove(v.slots, int(v.slots[i].pos))
	v.slots[i] = slot{}
	v.free = append(v.free, i)
}

func (v *Virtual) slot() int32 {
	if n := len(v.free); n > 0 {
		i := v.free[n-1]
		v.free = v.free[:n-1]
		return i
	}
	v.slots = append(v.slots, slot{})
	return int32(len(v.slots) - 1)
}

// later is now+d, kept inside the range of the clock.
func later(now int64, d time.Duration) int64 {
	if d <= 0 {
		return now
	}
	if now > math.MaxInt64-int64(d) {
		return math.MaxInt64
	}
	return now + int64(d)
}
