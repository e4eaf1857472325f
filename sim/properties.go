package sim

import (
	"context"
	"time"
)

// sometime is a Sometimes of one world: whether it held at least once.
type sometime struct {
	property string
	held     bool
}

// Always ends the world unless holds is true. The details explain a failure line by line.
func (w *World) Always(property string, holds bool, detail ...string) {
	if !holds {
		w.Fail(property, "", append(detail[:len(detail):len(detail)], "at "+callerOutside())...)
	}
}

// Sometimes says that holds should be true at least once over a sweep. A property that never holds shows
// that the test does not reach what it was written for; it is reported at the end, and fails the test when
// Config.MustReach is set.
func (w *World) Sometimes(property string, holds bool) {
	w.current("World.Sometimes")
	for i := range w.sometimes {
		if s := &w.sometimes[i]; s.property == property {
			s.held = s.held || holds
			return
		}
	}
	w.sometimes = append(w.sometimes, sometime{property, holds})
}

// Count adds n to what the summary of a sweep says that it has counted: "12 orders shipped".
func (w *World) Count(what string, n int) {
	w.current("World.Count")
	w.counts = append(w.counts, Counted{what, n})
}

// Reachable says that this place should be reached at least once over a sweep. Since a place that is never
// reached can't say so, name it first, for example at the top of the body, with Sometimes(property, false).
func (w *World) Reachable(property string) { w.Sometimes(property, true) }

// Eventually waits until holds returns true and ends the world when that takes longer than within. It asks
// again whenever something has happened and no task can run.
func (w *World) Eventually(property string, within time.Duration, holds func() bool, detail ...string) {
	t := w.current("World.Eventually")
	deadline := w.Now().Add(within)
	stop := w.clock.AfterFunc(within, func() {})
	for !holds() {
		if !w.Now().Before(deadline) {
			text := "it did not hold within " + within.String() + ", at " + callerOutside()
			w.Fail(property, "", append([]string{text}, detail...)...)
		}
		w.watchers = append(w.watchers, t)
		w.mustPark(t, "a condition, in Eventually")
	}
	stop()
}

// askWatchers lets the tasks that wait for a condition look again.
func (w *World) askWatchers() {
	w.moved = false
	for _, t := range w.watchers {
		t.Wake()
	}
	w.watchers = w.watchers[:0]
}

// WithTimeout is a context that is done after d of virtual time; context.WithTimeout would count wall time.
func (w *World) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	w.current("World.WithTimeout")
	if d < 0 {
		panic(misuse("World.WithTimeout", "got the negative duration "+d.String(), "pass zero or more"))
	}
	return w.loop.WithTimeout(ctx, d)
}
