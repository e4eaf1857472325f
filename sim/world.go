package sim

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/reprise-dst/reprise/clock"
	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/eventloop"
)

// World is one simulated world: its tasks, its nodes, its time. It is made by Check and Sweep and ends
// when the body that it was made for returns. Its methods are for the tasks of the world only.
type World struct {
	cfg    *Config
	seed   uint64
	loop   *eventloop.Loop
	clock  *clock.Virtual
	source choice.Source
	list   *choice.List
	faults *fault.Injector
	nodes  []*Node
	names  []string // of nodes and dependencies
	links  []*link
	dialed int // connections so far, for the ports of the dialing ends
	main   *eventloop.Task
	trace  trace

	// crashing holds the incarnations that must die before anything else happens.
	crashing []*incarnation
	arrivals int   // pending over all nodes
	arrived  int64 // total, which numbers the arrivals
	events   int   // steps of the driver so far
	spun     int   // of those, since time last moved
	order    uint64
	crashes  int
	hits     [placeCount]int // crashes by choice, by place

	arrivesPoint *choice.Point
	picks        map[string]*choice.Point // the points of World.Pick
	answers      map[string][]int         // that were given at them
	repeats      map[string]int           // how many of them were given again; nil before Repeat
	dependencies map[string]*Dependency
	deviations   []deviation
	sometimes    []sometime
	counts       []Counted
	watchers     []*eventloop.Task // tasks in Eventually
	moved        bool              // something has happened since the watchers looked
	explains     []func() []string // see Explain
	failure      *Failure
	faultless    bool     // StopFaults was called
	over         bool     // it ends, as passed, because a disk is damaged
	merging      *merging // nil unless the strategy remembers states
	merged       bool     // it ends, as passed, because it came to a state that is explored already
	ended        bool
	hangs        bool // the watchdog has given it up
}

// newWorld is a world that has not begun. cfg is resolved and shared by the worlds of a sweep.
func newWorld(cfg *Config, seed uint64, src choice.Source, record bool) *World {
	return newWorldWith(choice.NewList(src), cfg, seed, src, record)
}

// newWorldWith is newWorld with an empty list of choices, which asks src.
func newWorldWith(list *choice.List, cfg *Config, seed uint64, src choice.Source, record bool) *World {
	w := &World{cfg: cfg, seed: seed, source: src, loop: eventloop.New(), clock: clock.NewVirtual(Epoch)}
	w.list = list
	w.merging = newMerging(src)
	w.faults = cfg.Faults.Injector(w.list)
	w.trace.record = record
	if cfg.RandomStarts {
		w.loop.SetPicker(w.pickReady)
	}
	w.loop.SetClock(w.clock)
	w.loop.SetOnPanic(w.panicked)
	return w
}

// labelStarts is the point at which the world chooses among ready tasks.
const labelStarts = "world/starts"

// pickReady chooses which of the ready tasks runs next.
func (w *World) pickReady(ready int) int {
	p := w.list.Point(labelStarts)
	k := p.Pick(ready)
	if k != 0 && w.trace.record {
		w.deviate(p, nil, "", w.say("%s runs before %s", w.readyName(k), w.readyName(0)))
	}
	return k
}

// readyName names what is k-th in the queue.
func (w *World) readyName(k int) string {
	t := w.loop.ReadyTask(k)
	if t == nil {
		return "a callback"
	}
	return strconv.Quote(t.Name())
}

// run lets the body run as the world's main task until it returns or the world fails.
func (w *World) run(body func(*World)) {
	w.main = w.spawn(nil, "main", func() { body(w) })
	for w.failure == nil && !w.over && !w.merged && !w.main.Done() {
		w.step()
	}
	w.askTwins()
	w.end()
}

// step is one turn of the world: a task until it waits, else an arrival, else time moves.
func (w *World) step() {
	w.events++
	w.spun++
	if w.events > w.cfg.MaxEvents || w.spun > w.cfg.MaxSpin {
		w.stuck()
		return
	}
	switch {
	case w.loop.RunOne():
		if len(w.crashing) > 0 {
			w.carryOutCrashes()
		}
	case w.moved && len(w.watchers) > 0:
		w.askWatchers()
	case w.arrivals > 0 && w.deliver():
	case w.passTime():
	case !w.bootThoseDown():
		w.deadlock()
	}
}

// passTime moves to the next timer. It returns false when none is set.
func (w *World) passTime() bool {
	before := w.clock.Now()
	if !w.clock.Advance() {
		return false
	}
	w.moved = true
	if w.clock.Now() != before {
		w.spun = 0
	}
	w.carryOutCrashes()
	if w.offset() > w.cfg.MaxTime {
		w.stuck()
	}
	return true
}

// end stops the nodes and every task that is left. Nothing that they do then reaches the world.
func (w *World) end() {
	w.ended = true
	for _, n := range w.nodes {
		if n.inc != nil {
			n.inc.dead = true
		}
	}
	w.loop.Close()
	pending := 0
	for _, n := range w.nodes {
		if n.inc != nil {
			pending += len(n.inc.pending)
		}
		n.closeStore()
	}
	if pending != w.arrivals {
		panic(fmt.Sprintf("invariant: %d arrivals are pending, %d were counted", pending, w.arrivals))
	}
}

// spawn starts a task. A task that panics fails the world.
func (w *World) spawn(owner *incarnation, name string, fn func()) *eventloop.Task {
	if owner == nil && w.merging != nil {
		fn = w.merging.noted(w, name, fn)
	}
	t := w.loop.Go(name, fn)
	t.Owner = nil
	if owner != nil {
		t.Owner = owner
	}
	return t
}

// current is the running task; it panics when there is none. A task that may not act any more unwinds.
func (w *World) current(what string) *eventloop.Task {
	t := w.running(what)
	if t == nil {
		panic(misuse(what, "was called outside of the world's tasks",
			"call it in the body, or in a task started with World.Go or Node.Go"))
	}
	if inc, ok := t.Owner.(*incarnation); w.ended || ok && inc.dead {
		w.unwind(t)
	}
	return t
}

// running is the running task, or nil. It panics in a goroutine that is no task of the world while one runs.
func (w *World) running(what string) *eventloop.Task {
	defer refuseForeign(what)
	t := w.loop.Current()
	if w.merging != nil {
		w.merging.acts(w, t, what)
	}
	return t
}

// refuseForeign turns the loop's refusal of a goroutine into one that names what was called.
func refuseForeign(what string) {
	if v := recover(); v != nil {
		panic(misuse(what, "was called from a goroutine that is not a task of the world",
			"start concurrent work with World.Go or Node.Go, not with the go statement"))
	}
}

// unwind ends a task that may not act any more. It does not return.
func (w *World) unwind(t *eventloop.Task) {
	t.Kill()
	t.Unwind()
	panic("invariant: a killed task ran on")
}

// Go starts fn as a task that belongs to no node: a client, a checker. It begins when its creator waits.
func (w *World) Go(name string, fn func(ctx context.Context)) {
	w.current("World.Go")
	mustHave("World.Go", fn != nil)
	w.event(evSpawn, nil, "", name, 0)
	w.spawn(nil, name, func() { fn(w.loop.Current().Context()) })
}

// Context is the context of the running task. It is done when the task is cancelled.
func (w *World) Context() context.Context { return w.current("World.Context").Context() }

// Now is the virtual time.
func (w *World) Now() time.Time { return w.clock.Now() }

// offset is the virtual time since the world began.
func (w *World) offset() time.Duration { return w.clock.Now().Sub(Epoch) }

// Sleep waits for d of virtual time. It returns the cause of ctx when that is done first.
func (w *World) Sleep(ctx context.Context, d time.Duration) error {
	t := w.current("World.Sleep")
	if d < 0 {
		panic(misuse("World.Sleep", "got the negative duration "+d.String(), "pass zero or more"))
	}
	inc, _ := t.Owner.(*incarnation)
	stop := w.wakeLater(inc, d, t.Wake)
	err := w.loop.ParkContext(ctx, "the end of its sleep")
	if err != nil {
		stop()
	}
	return err
}

// AfterFunc runs fn as a task of no node once d has passed. stop reports whether it prevented that.
func (w *World) AfterFunc(d time.Duration, fn func()) (stop func() bool) {
	w.current("World.AfterFunc")
	mustHave("World.AfterFunc", fn != nil)
	if d < 0 {
		panic(misuse("World.AfterFunc", "got the negative duration "+d.String(), "pass zero or more"))
	}
	return w.clock.AfterFunc(d, func() { w.spawn(nil, "timer", fn) })
}

// CallAt is AfterFunc with a time, which is at once if it has passed.
func (w *World) CallAt(at time.Time, fn func()) (stop func() bool) {
	w.current("World.CallAt")
	return w.AfterFunc(max(0, at.Sub(w.Now())), fn)
}

// Timeout calls fn. A wait in it that has not ended d later returns an error that is a
// context.DeadlineExceeded, once; fn should pass it on. Timeouts nest.
func (w *World) Timeout(d time.Duration, fn func() error) error {
	w.current("World.Timeout")
	if d < 0 {
		panic(misuse("World.Timeout", "got the negative duration "+d.String(), "pass zero or more"))
	}
	mustHave("World.Timeout", fn != nil)
	return w.loop.Timeout(d, fn)
}

// Seed is the seed that the world was made from. A world that reproduces a schedule has the schedule's.
func (w *World) Seed() uint64 { return w.seed }

// Logf adds a line to the trace.
func (w *World) Logf(format string, args ...any) {
	t := w.current("World.Logf")
	w.event(evLog, nodeOf(t), "", format, 0)
	if w.trace.record {
		w.retext(fmt.Sprintf(format, args...))
	}
}

// StopFaults ends the phase in which faults happen: from here on nothing crashes by itself, nothing is slow,
// what stands still goes on, and nodes that were chosen to stay down boot. What is broken stays broken until
// the test repairs it: a node that was stopped stays down, a clock that was set stays so. A world that does
// not end then fails the property "when faults stop, every task ends".
func (w *World) StopFaults() {
	w.current("World.StopFaults")
	w.faults.Stop()
	w.resumeAll()
	w.repairChosen()
	w.faultless = true
	w.event(evLog, nil, "", "faults stop", 0)
	w.bootThoseDown()
}

// mustHave refuses a function that is nil, where it is given and not where it would be called.
func mustHave(what string, given bool) {
	if !given {
		panic(misuse(what, "got no function, but nil", "give it what is to be done"))
	}
}

// misuse is the message of a panic about a mistake in the test's code: what, why, what to do.
func misuse(what, why, do string) string { return "sim: " + what + " " + why + "; " + do }
