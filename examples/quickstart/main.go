package main

import (
	"context"
	"fmt"
	"os"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "quickstart")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, what := range []string{"booked", "asked again after a restart, from the journal"} {
		confirmed, err := book(ctx, dir, "trip-1", Trip{"Ada", "Lisbon"})
		if err != nil {
			return err
		}
		fmt.Printf("trip-1  %s  (%s)\n", confirmed, what)
	}
	return nil
}

// book starts the run with this id, or finds it, and waits for its end.
func book(ctx context.Context, dir, id string, trip Trip) (string, error) {
	st, err := store.OpenPebble(dir, store.PebbleOptions{})
	if err != nil {
		return "", err
	}
	defer st.Close()
	engine, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{Book}})
	if err != nil {
		return "", err
	}
	defer engine.Close(ctx)
	run, err := Book.Start(ctx, engine, id, trip)
	if err != nil {
		return "", err
	}
	return run.Result(ctx)
}
