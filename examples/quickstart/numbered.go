package main

import (
	"fmt"
	"sync/atomic"

	"github.com/reprise-dst/reprise/durable"
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
		n := count.Add(1) //reprise:deterministic it isn't: this is the planted bug
		reserved[0] = fmt.Sprintf("no. %d, %s", n, reserved[0])
		return durable.Step(ctx, "confirm", confirm, reserved)
	})
}
