package eventloop

// looksPerPatience is how often a watchdog looks before it strikes.
const looksPerPatience = 20

// looks is what a watchdog remembers from one look to the next.
type looks struct {
	loop   *Loop
	steps  uint64
	still  int // looks at which the loop had not moved
	last   Blocked
	counts int // of a tenth of a look each
	struck bool
}

// at takes a look, and reports what it found when it is sure.
func (k *looks) at(l *Loop, onTime bool) (Blocked, bool) {
	if l == nil {
		*k = looks{}
		return Blocked{}, false
	}
	if l != k.loop || l.Steps() != k.steps {
		*k = looks{loop: l, steps: l.Steps(), struck: k.struck && l == k.loop}
		return Blocked{}, false
	}
	// A dump stops all goroutines for a moment, so it is not made for a loop that only pauses.
	if k.still++; k.struck || k.still < looksPerPatience/4 {
		return Blocked{}, false
	}
	b, ok := l.Blocked()
	return k.judge(onTime, b, ok)
}

// judge adds up what the looks found, and reports whether that is enough.
func (k *looks) judge(onTime bool, b Blocked, ok bool) (Blocked, bool) {
	same := ok && b.goroutine == k.last.goroutine && b.State == k.last.State && b.At == k.last.At
	switch {
	case k.struck:
		return Blocked{}, false
	case !same:
		k.counts, k.last = 0, b
	case onTime && b.quiet:
		k.counts += 10
	case onTime:
		k.counts++
	}
	k.struck = k.counts >= 10*looksPerPatience
	return b, k.struck
}
