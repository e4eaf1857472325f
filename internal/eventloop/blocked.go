package eventloop

import (
	"fmt"
	"runtime"
)

// A Blocked is a task that waits for something of Go's own (a channel, a lock, a native sleep) instead of
// something of the loop's. It stops the whole loop.
type Blocked struct {
	Task  string // empty for a callback
	ID    int
	State string // how Go calls it: "chan receive", "sync.Mutex.Lock", "sleep"
	At    Place  // the call in user code
	Stack string // the goroutine, as a stack dump shows it

	goroutine uint64
	quiet     bool // nothing else in the process could end the wait at the moment
}

// String says who is blocked, how, where, and what to do.
func (b Blocked) String() string {
	who := fmt.Sprintf("task %q", b.Task)
	if b.Task == "" {
		who = "a callback"
	}
	return fmt.Sprintf("%s is blocked outside the simulation (%s) at %v; no other task can run meanwhile. "+
		"Wait through the loop instead: its channels, locks, timers and contexts", who, b.State, b.At)
}

// Blocked looks at what the loop runs, from any other goroutine, and reports whether that is blocked at the
// moment. One look proves little: another goroutine may be about to end the wait. A [Watchdog] looks again
// and again. The loop must have been watched since before the task started.
func (l *Loop) Blocked() (Blocked, bool) {
	steps := l.Steps()
	t := l.cur.watch()
	var number uint64
	if t != nil {
		w := t.w.watch()
		if w == nil {
			return Blocked{}, false
		}
		if inner := w.nested.watch(); inner != nil {
			return inner.Blocked()
		}
		if number = uint64(w.number.watch()); number == 0 {
			return Blocked{}, false // it was not watched when the task started
		}
	} else if l.on.watch() == 0 {
		return Blocked{}, false // it does not run
	}
	dump := stackDump()
	if l.Steps() != steps {
		return Blocked{}, false
	}
	g, ok := find(dump, number)
	if !ok || !g.blocked() {
		return Blocked{}, false
	}
	b := Blocked{State: g.state, At: userPlace(g.places), Stack: g.text, goroutine: g.number}
	b.quiet = quiet(dump, g.number)
	if t != nil {
		b.Task, b.ID = t.name, t.id
	}
	return b, true
}

// find picks the goroutine with the number, or, for number 0, the only one that is blocked in a callback.
func find(dump []goroutineDump, number uint64) (found goroutineDump, ok bool) {
	for _, g := range dump {
		if g.number == number {
			return g, true
		}
		if number == 0 && g.inCallback() && g.blocked() {
			if ok {
				return goroutineDump{}, false // two loops are blocked, and it is not known which is ours
			}
			found, ok = g, true
		}
	}
	return found, ok
}

// quiet reports whether no goroutine could be about to wake the blocked one. Those of loops cannot: theirs
// are tasks of other simulations.
func quiet(dump []goroutineDump, blocked uint64) bool {
	for i, g := range dump {
		if i == 0 || g.number == blocked || g.inLoop() || g.idle() {
			continue // the first is the one that took the dump
		}
		return false
	}
	return true
}

// maxDump bounds the text of a stack dump; what lies beyond is not looked at.
const maxDump = 64 << 20

func stackDump() []goroutineDump {
	for size := 1 << 20; ; size *= 4 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size || size >= maxDump {
			return parseDump(string(buf[:n]))
		}
	}
}
