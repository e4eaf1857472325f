package looptest

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// Drive implements [ReportLoop].
func (l *Reference) Drive(advance func() bool, limit int) *Stuck {
	steps, now := 0, l.clock.Now()
	for {
		for len(l.ready) > 0 {
			if steps >= limit {
				return &Stuck{Livelock: true, Waiting: l.waiting(func(t *refTask) bool { return t.state == "ready" })}
			}
			l.runOne()
			steps++
		}
		if !advance() {
			break
		}
		if at := l.clock.Now(); !at.Equal(now) {
			steps, now = 0, at
		}
	}
	all := l.waiting(func(t *refTask) bool { return t.state != "done" })
	if len(all) == 0 {
		return nil
	}
	return &Stuck{Waiting: all}
}

func (l *Reference) waiting(which func(*refTask) bool) (all []Waiting) {
	for _, t := range l.tasks {
		if which(t) {
			all = append(all, Waiting{t.name, t.on, t.at, t.cause})
		}
	}
	return all
}

// userPlace is the innermost call that does not come from the reference itself.
func userPlace() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if name := filepath.Base(f.File); !strings.HasPrefix(name, "reference") || !more {
			return fmt.Sprintf("%s:%d", name, f.Line)
		}
	}
}
