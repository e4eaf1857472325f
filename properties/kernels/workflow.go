package kernels

import (
	"context"

	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"pgregory.net/rapid"
)

// world is what a kernel that is a workflow meets.
type world = properties.World[int, string]

// onDurable is the build function of a kernel that is a workflow on package durable, checked as users check
// theirs.
func onDurable(meet func(w *sim.World, fixed bool) world) func(fixed bool) func(*sim.World) {
	return func(fixed bool) func(*sim.World) {
		return properties.Body(properties.Config[int, string]{
			World:  func(w *sim.World) world { return meet(w, fixed) },
			Inputs: rapid.IntRange(0, 9),
		})
	}
}

// nothing is a step that has no effect.
func nothing(_ context.Context, n int) (int, error) { return n, nil }
