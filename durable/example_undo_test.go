package durable_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

// A Scope that fails undoes what was done in it, and the run tries something else.
func ExampleOnFailure_scope() {
	say := func(_ context.Context, what string) (bool, error) {
		fmt.Println(what)
		return true, nil
	}
	full := func(context.Context, int) (bool, error) { return false, errors.New("the train is full") }
	travel := durable.Define("travel", func(ctx durable.Context, n int) (string, error) {
		err := durable.Scope(ctx, func(ctx durable.Context) error {
			durable.OnFailure(ctx, "give back room", say, "room given back")
			if _, err := durable.Step(ctx, "book room", say, "room booked"); err != nil {
				return err
			}
			_, err := durable.Step(ctx, "book train", full, n)
			return err
		})
		if err != nil {
			return "at home, because " + err.Error(), nil
		}
		return "by train", nil
	})
	ctx := context.Background()
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{travel},
	})
	if err != nil {
		panic(err)
	}
	defer engine.Close(ctx)
	run, _ := travel.Start(ctx, engine, "trip-1", 2)
	fmt.Println(run.Result(ctx))
	// Output:
	// room booked
	// room given back
	// at home, because the train is full <nil>
}

// A failed run goes on where it failed, once what it failed for is mended. What it had done stays done.
func ExampleRun_Retry() {
	var mended atomic.Bool
	pack := func(_ context.Context, what string) (string, error) {
		fmt.Println("packing", what)
		return what, nil
	}
	ship := func(_ context.Context, what string) (string, error) {
		if !mended.Load() {
			return "", errors.New("the truck is broken")
		}
		return what + " shipped", nil
	}
	order := durable.Define("order", func(ctx durable.Context, what string) (string, error) {
		parcel, err := durable.Step(ctx, "pack", pack, what)
		if err != nil {
			return "", err
		}
		return durable.Step(ctx, "ship", ship, parcel)
	})
	ctx := context.Background()
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{order},
	})
	if err != nil {
		panic(err)
	}
	defer engine.Close(ctx)
	run, _ := order.Start(ctx, engine, "order-1", "a book")
	fmt.Println(run.Result(ctx))
	mended.Store(true)
	fmt.Println(run.Retry(ctx))
	fmt.Println(run.Result(ctx))
	// Output:
	// packing a book
	//  run "order-1" failed: the truck is broken
	// <nil>
	// a book shipped <nil>
}

// A fork has the first entries of another run's journal, and goes on from there on its own.
func ExampleEngine_Fork() {
	draw := func(_ context.Context, what string) (string, error) {
		fmt.Println("drawing", what)
		return what, nil
	}
	draft := durable.Define("draft", func(ctx durable.Context, what string) (string, error) {
		house, err := durable.Step(ctx, "house", draw, "a house")
		if err != nil {
			return "", err
		}
		garden, err := durable.Step(ctx, "garden", draw, "a garden")
		return house + " and " + garden + " " + what, err
	})
	ctx := context.Background()
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{draft},
	})
	if err != nil {
		panic(err)
	}
	defer engine.Close(ctx)
	run, _ := draft.Start(ctx, engine, "first", "in ink")
	fmt.Println(run.Result(ctx))
	fmt.Println(engine.Fork(ctx, "first", 2, "second")) // the run began, the house was drawn
	fmt.Println(draft.Run(engine, "second").Result(ctx))
	// Output:
	// drawing a house
	// drawing a garden
	// a house and a garden in ink <nil>
	// <nil>
	// drawing a garden
	// a house and a garden in ink <nil>
}
