package main

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/plantedtest"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"pgregory.net/rapid"
)

// NewNumbered is Book with a planted bug: it numbers what it confirms, and counts in the process's memory.
// Replay runs the code again, counts again, and asks to confirm something else than what is recorded.
func NewNumbered() *durable.Workflow[Trip, string] {
	var count atomic.Int64 // of the process
	return durable.Define("book", func(ctx durable.Context, trip Trip) (string, error) {
		flight := durable.Async(ctx, "flight", reserveFlight, trip)
		room := durable.Async(ctx, "room", reserveRoom, trip)
		reserved, err := durable.Gather(ctx, flight, room)
		if err != nil {
			return "", err
		}
		reserved[0] = fmt.Sprintf("no. %d, %s", count.Add(1), reserved[0])
		return durable.Step(ctx, "confirm", confirm, reserved)
	})
}

// TestNumbered finds it: the second run, or one that a new process replays, gets another number.
func TestNumbered(t *testing.T) {
	plantedtest.Found(t, properties.Body(properties.Config[Trip, string]{
		Inputs: rapid.Make[Trip](),
		World: func(*sim.World) properties.World[Trip, string] {
			return properties.World[Trip, string]{Boot: NewNumbered}
		},
	}))
}
