package sim

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/eventloop"
)

// lane is a goroutine on which worlds run one after another. Worlds never run on a test's own goroutine: one
// that hangs could not be reported, and one that a task ends by t.FailNow would take the report with it.
type lane struct {
	next     func(l *lane) bool // runs one world with perform; false when there is none left
	done     chan struct{}      // closed when the lane has ended
	running  atomic.Pointer[job]
	watchdog *eventloop.Watchdog
	idle     eventloop.Idle // coroutines, for one world after the other
	list     *choice.List   // of the world that ran last; its memory is for the next
}

// job is one world on a lane.
type job struct {
	world   *World
	index   int64
	ended   func(*World) // called once, also when a Goexit ended the world
	failure *Failure     // of a world that hangs
}

// loop is the body of the lane's goroutine. A Goexit in a world ends the goroutine, so the lane then goes on
// in another one.
func (l *lane) loop() {
	exited := true
	defer func() {
		if exited {
			go l.loop()
			return
		}
		l.idle.Close()
		close(l.done)
	}()
	for l.next(l) {
	}
	exited = false
}

// newWorld is newWorld for this lane, whose last world has ended.
func (l *lane) newWorld(cfg *Config, seed uint64, src choice.Source, record bool) *World {
	if l.list == nil {
		l.list = choice.NewList(src)
	} else {
		l.list.Reset(src)
	}
	return newWorldWith(l.list, cfg, seed, src, record)
}

// perform runs a world to its end, whatever that is, and calls j.ended.
func (l *lane) perform(j *job, body func(*World)) {
	w := j.world
	l.running.Store(j)
	w.loop.SetIdle(&l.idle)
	l.watchdog.Watch(w.loop)
	returned := false
	defer func() {
		l.watchdog.Watch(nil)
		l.running.Store(nil)
		if !returned {
			w.broke(recover(), debug.Stack())
		}
		j.ended(w)
	}()
	w.run(body)
	returned = true
}

// broke is the failure of a world whose driver did not return: v is the panic, nil when a task ended its
// goroutine.
func (w *World) broke(v any, stack []byte) {
	if v != nil {
		w.failure = &Failure{
			Property: propPanic, Subject: "the simulator itself",
			Detail: append([]string{fmt.Sprintf("panic: %v", v)}, framesOrAll(stack)...),
		}
		return
	}
	w.failed(&Failure{Property: propExit, Detail: []string{
		"a task called runtime.Goexit, as t.FailNow, t.Skip and require.X(t, ...) do",
		"give the world itself to require and assert instead: require.NoError(w, err)",
	}})
	w.end()
}

// refuseNested panics when it is called by a task of a world.
func refuseNested(what string) {
	var pcs [128]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, modulePrefix+"internal/eventloop.(*worker)") {
			panic(misuse(what, "was called inside of a world",
				"a world has one body: make nodes with World.Node and tasks with World.Go, or move it out"))
		}
		if !more {
			return
		}
	}
}
