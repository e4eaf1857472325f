package durable_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

// A cancelled run learns of it where it waits, cleans up and returns.
func ExampleRun_Cancel() {
	give := func(_ context.Context, room int) (string, error) {
		return fmt.Sprint("room ", room, " is free"), nil
	}
	stay := durable.Define("stay", func(ctx durable.Context, room int) (string, error) {
		err := ctx.Sleep(7 * 24 * time.Hour)
		if errors.Is(err, durable.ErrCancelled) {
			freed, _ := durable.Step(ctx.Detached(), "give back", give, room)
			return "", fmt.Errorf("%s: %w", freed, err)
		}
		return "paid", err
	})
	ctx := context.Background()
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{stay},
	})
	if err != nil {
		panic(err)
	}
	defer engine.Close(ctx)
	run, _ := stay.Start(ctx, engine, "guest-7", 12)
	fmt.Println(run.Cancel(ctx, "the guest has left"))
	_, err = run.Result(ctx)
	fmt.Println(err)
	// Output:
	// <nil>
	// run "guest-7" failed: room 12 is free: sleep (id 1) was cancelled: the guest has left
}
