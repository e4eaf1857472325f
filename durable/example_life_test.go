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

// What a failed run has done is undone, the last first.
func ExampleOnFailure() {
	say := func(_ context.Context, what string) (bool, error) {
		fmt.Println(what)
		return true, nil
	}
	pay := func(context.Context, int) (bool, error) { return false, errors.New("the card has expired") }
	travel := durable.Define("travel", func(ctx durable.Context, price int) (bool, error) {
		durable.OnFailure(ctx, "give back flight", say, "flight given back")
		if _, err := durable.Step(ctx, "book flight", say, "flight booked"); err != nil {
			return false, err
		}
		durable.OnFailure(ctx, "give back room", say, "room given back")
		if _, err := durable.Step(ctx, "book room", say, "room booked"); err != nil {
			return false, err
		}
		return durable.Step(ctx, "pay", pay, price)
	})
	ctx := context.Background()
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{travel},
	})
	if err != nil {
		panic(err)
	}
	defer engine.Close(ctx)
	run, _ := travel.Start(ctx, engine, "trip-1", 700)
	_, err = run.Result(ctx)
	fmt.Println(err)
	// Output:
	// flight booked
	// room booked
	// room given back
	// flight given back
	// run "trip-1" failed: the card has expired
}

// Runs that began before a change keep doing what they did.
func ExampleVersion() {
	order := durable.Define("order", func(ctx durable.Context, item string) (string, error) {
		if durable.Version(ctx, "gift wrap", 0, 1) >= 1 {
			item = "wrapped " + item
		}
		return item, nil
	})
	ctx := context.Background()
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{order},
	})
	if err != nil {
		panic(err)
	}
	defer engine.Close(ctx)
	run, _ := order.Start(ctx, engine, "order-1", "book")
	fmt.Println(run.Result(ctx))
	// Output:
	// wrapped book <nil>
}

// A run that lives long starts its journal anew now and then.
func ExampleContinueAsNew() {
	visitors := durable.NewTopic[string]("visitors")
	diary := durable.Define("diary", func(ctx durable.Context, seen int) (string, error) {
		for range 2 { // hundreds, in earnest
			who, err := visitors.Receive(ctx)
			if err != nil {
				return "", err
			}
			if who == "the last" {
				return fmt.Sprint(seen, " visitors"), nil
			}
			seen++
		}
		return durable.ContinueAsNew[string](ctx, seen)
	})
	ctx := context.Background()
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{diary},
	})
	if err != nil {
		panic(err)
	}
	defer engine.Close(ctx)
	run, _ := diary.Start(ctx, engine, "museum", 0)
	for _, who := range []string{"Ada", "Bob", "Cid", "the last"} {
		_ = visitors.Post(ctx, engine, "museum", who)
	}
	fmt.Println(run.Result(ctx))
	parts, _, _ := engine.List(durable.Filter{})
	for _, l := range parts {
		fmt.Println(l.Run, l.Status)
	}
	// Output:
	// 3 visitors <nil>
	// museum done
	// museum#1 continued
}

// A paused run does nothing until it is resumed, and loses nothing.
func ExampleRun_Pause() {
	orders := durable.NewTopic[string]("orders")
	kitchen := durable.Define("kitchen", func(ctx durable.Context, _ int) (string, error) {
		return orders.Receive(ctx)
	})
	ctx := context.Background()
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{kitchen},
	})
	if err != nil {
		panic(err)
	}
	defer engine.Close(ctx)
	run, _ := kitchen.Start(ctx, engine, "today", 0)
	_ = run.Pause(ctx, "the oven is broken")
	_ = orders.Post(ctx, engine, "today", "soup")
	l, _ := engine.Status("today")
	fmt.Println(l.Status, l.Reason)
	_ = engine.Resume("today")
	fmt.Println(run.Result(ctx))
	// Output:
	// paused the oven is broken
	// soup <nil>
}
