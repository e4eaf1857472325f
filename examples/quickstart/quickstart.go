// Command quickstart is the example of the README: a workflow that books a trip, and its test.
//
//	go run ./examples/quickstart
package main

import (
	"context"

	"github.com/reprise-dst/reprise/durable"
)

// Trip is what a traveller books.
type Trip struct{ Traveller, City string }

// Book reserves a flight and a room at the same time, then confirms both.
var Book = durable.Define("book", func(ctx durable.Context, trip Trip) (string, error) {
	flight := durable.Async(ctx, "flight", reserveFlight, trip)
	room := durable.Async(ctx, "room", reserveRoom, trip)
	reserved, err := durable.Gather(ctx, flight, room)
	if err != nil {
		return "", err
	}
	return durable.Step(ctx, "confirm", confirm, reserved)
})

func reserveFlight(_ context.Context, trip Trip) (string, error) {
	return "flight to " + trip.City, nil
}

func reserveRoom(_ context.Context, trip Trip) (string, error) {
	return "room in " + trip.City, nil
}

func confirm(_ context.Context, reserved []string) (string, error) {
	return "confirmed: " + reserved[0] + ", " + reserved[1], nil
}
