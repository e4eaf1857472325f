package sim

import (
	"context"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// Concurrently runs fn n times at once, each in a task of the name that belongs to no node, and returns
// when all have ended: a crowd of clients, for instance. They begin in the order of i.
func (w *World) Concurrently(name func(i int) string, n int, fn func(ctx context.Context, i int)) {
	caller := w.current("World.Concurrently")
	left := n
	for i := range n {
		label := name(i)
		w.event(evSpawn, nil, "", label, 0)
		t := w.spawn(nil, label, func() { fn(w.loop.Current().Context(), i) })
		t.OnDone(func(*eventloop.Task) {
			left--
			caller.Wake()
		})
	}
	for left > 0 {
		w.mustPark(caller, "tasks that run concurrently")
	}
}
