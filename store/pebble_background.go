package store

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// scheduler lets Pebble compact tables in the background: when the store is
// open, since Pebble does not wait for that when opening fails, and until the
// store has failed, since its tables would be written into memory.
type scheduler struct {
	pebble.CompactionScheduler
	s    *pebbleStore
	open *atomic.Bool
}

func newScheduler(s *pebbleStore) scheduler {
	// Pebble's own one, without a goroutine that asks for work ten times a
	// second: Pebble asks for itself after each flush and compaction.
	own := pebble.NewConcurrencyLimitSchedulerWithNoPeriodicGrantingForTest()
	return scheduler{own, s, &atomic.Bool{}}
}

func (c scheduler) Register(goroutines int, db pebble.DBForCompaction) {
	c.CompactionScheduler.Register(goroutines, scheduled{db, c})
}

// start lets compactions begin, and has Pebble asked whether one waits.
func (c scheduler) start() {
	c.open.Store(true)
	if ok, grant := c.TrySchedule(); ok {
		grant.Done()
	}
}

type scheduled struct {
	pebble.DBForCompaction
	c scheduler
}

func (d scheduled) GetAllowedWithoutPermission() int {
	if !d.c.open.Load() || d.c.s.durable.err() != nil {
		return 0
	}
	return d.DBForCompaction.GetAllowedWithoutPermission()
}

// pebbleLogger hears from Pebble. Of what it hears, only what Pebble would end
// the process for matters: it ends the store instead.
type pebbleLogger struct{ s *pebbleStore }

func (pebbleLogger) Infof(string, ...any)  {}
func (pebbleLogger) Errorf(string, ...any) {}

// Fatalf must not return, since Pebble can't go on.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	l.s.wedged.Store(true)
	_ = l.s.fail(err)
	if calledByStore() {
		panic(err) // rescue waits for it
	}
	runtime.Goexit() // one of Pebble's own goroutines
}

// calledByStore reports whether this package's code called what calls it.
func calledByStore() bool {
	pc := make([]uintptr, 128)
	frames := runtime.CallersFrames(pc[:runtime.Callers(3, pc)])
	for {
		frame, more := frames.Next()
		if strings.Contains(frame.Function, "store.(*pebbleStore).") ||
			strings.HasSuffix(frame.Function, "store.openDB") {
			return true
		}
		if !more {
			return false
		}
	}
}
