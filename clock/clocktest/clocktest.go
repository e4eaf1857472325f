// Package clocktest checks what every [clock.Clock] promises.
package clocktest

import (
	"sync"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/clock"
)

// A Setup is a clock and a way to let time pass on it.
type Setup struct {
	Clock clock.Clock
	// Pass lets at least d pass and returns when all timers due by then have fired.
	Pass func(d time.Duration)
	// Exact says that timers fire in the order of their times, then of their setting, and that Now is
	// exactly a timer's time while it fires.
	Exact bool
}

// Run checks the promises on clocks from open, one subtest for each.
func Run(t *testing.T, open func(t *testing.T) Setup) {
	for _, c := range []struct {
		name  string
		check func(*suite)
	}{
		{"now does not go back", (*suite).nowIsMonotonic},
		{"a timer fires once, not early, and not from inside AfterFunc", (*suite).firesOnce},
		{"zero and negative durations are due at once", (*suite).firesSoon},
		{"timers fire in the order of their times", (*suite).firesInOrder},
		{"timers of one instant all fire", (*suite).firesAll},
		{"a stopped timer does not fire", (*suite).stops},
		{"a fired function may set and stop timers", (*suite).nests},
		{"time as it is seen by timers", (*suite).exact},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.check(&suite{T: t, Setup: open(t)})
		})
	}
}

type suite struct {
	*testing.T
	Setup

	mu  sync.Mutex
	log []string
}

const unit = 5 * time.Millisecond

func (s *suite) say(word string) func() {
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.log = append(s.log, word)
	}
}

func (s *suite) want(words ...string) {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	same := len(words) == len(s.log)
	for i := 0; same && i < len(words); i++ {
		same = words[i] == s.log[i]
	}
	if !same {
		s.Errorf("fired %q, want %q", s.log, words)
	}
}

func (s *suite) nowIsMonotonic() {
	last := s.Clock.Now()
	for range 10 {
		s.Pass(unit)
		now := s.Clock.Now()
		if now.Sub(last) < unit {
			s.Errorf("after %v, the clock shows only %v more", unit, now.Sub(last))
		}
		last = now
	}
}

func (s *suite) firesOnce() {
	start := s.Clock.Now()
	var at time.Time
	fired := make(chan struct{}, 2)
	s.Clock.AfterFunc(unit, func() {
		at = s.Clock.Now()
		fired <- struct{}{}
	})
	if len(fired) != 0 {
		s.Error("the timer fired from inside AfterFunc")
	}
	s.Pass(unit)
	<-fired
	s.Pass(2 * unit)
	if len(fired) != 0 {
		s.Error("the timer fired twice")
	}
	if at.Sub(start) < unit {
		s.Errorf("the timer for %v fired after %v", unit, at.Sub(start))
	}
}

func (s *suite) firesSoon() {
	s.Clock.AfterFunc(0, s.say("zero"))
	s.Pass(unit)
	s.Clock.AfterFunc(-time.Hour, s.say("negative"))
	s.Pass(unit)
	s.want("zero", "negative")
}

func (s *suite) firesInOrder() {
	s.Clock.AfterFunc(8*unit, s.say("third"))
	s.Clock.AfterFunc(unit, s.say("first"))
	s.Clock.AfterFunc(4*unit, s.say("second"))
	s.Pass(8 * unit)
	if s.Exact {
		s.want("first", "second", "third")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.log) != 3 {
		s.Errorf("fired %q, want all three", s.log)
	}
}

func (s *suite) firesAll() {
	for range 100 {
		s.Clock.AfterFunc(unit, s.say("timer"))
	}
	s.Pass(2 * unit)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.log) != 100 {
		s.Errorf("%d of 100 timers of one instant fired", len(s.log))
	}
}

func (s *suite) stops() {
	stop := s.Clock.AfterFunc(unit, s.say("stopped"))
	late := s.Clock.AfterFunc(unit, s.say("fired"))
	if !stop() {
		s.Error("stop must report that it kept the timer from firing")
	}
	if stop() {
		s.Error("a second stop must report false")
	}
	s.Pass(2 * unit)
	if late() {
		s.Error("stop of a fired timer must report false")
	}
	s.want("fired")
	s.Clock.AfterFunc(unit, s.say("next"))
	if stop() || late() {
		s.Error("an old stop function must not touch a new timer")
	}
	s.Pass(2 * unit)
	s.want("fired", "next")
}

func (s *suite) nests() {
	stopped := s.Clock.AfterFunc(8*unit, s.say("never"))
	s.Clock.AfterFunc(unit, func() {
		s.say("outer")()
		stopped()
		s.Clock.AfterFunc(unit, s.say("inner"))
	})
	s.Pass(4 * unit)
	s.Pass(8 * unit)
	s.want("outer", "inner")
}

func (s *suite) exact() {
	if !s.Exact {
		return
	}
	start := s.Clock.Now()
	for _, word := range []string{"a", "b", "c", "d"} {
		s.Clock.AfterFunc(unit, func() {
			s.say(word)()
			if got := s.Clock.Now().Sub(start); got != unit {
				s.Errorf("timer %s fired at %v, want %v", word, got, unit)
			}
		})
	}
	s.Pass(2 * unit)
	s.want("a", "b", "c", "d")
}
