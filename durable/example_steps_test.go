package durable_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

// runOnce runs a workflow in an engine of its own and returns what came of it.
func runOnce[Out any](wf *durable.Workflow[string, Out], in string) (Out, error) {
	e, err := durable.Open(durable.Config{Store: store.OpenMemory(), Workflows: []durable.Definition{wf}})
	if err != nil {
		panic(err)
	}
	defer e.Close(context.Background())
	run, err := wf.Start(context.Background(), e, "run-1", in)
	if err != nil {
		panic(err)
	}
	return run.Result(context.Background())
}

// A step that fails is tried again. Failed attempts and the time of the next one survive crashes.
func ExampleStepWith() {
	charge := func(ctx context.Context, card string) (string, error) {
		info, _ := durable.Info(ctx)
		switch {
		case card == "stolen":
			return "", fmt.Errorf("card %s: %w", card, durable.ErrFinal) // no use in trying again
		case info.Attempt < 3:
			return "", errors.New("the bank is busy")
		}
		return fmt.Sprintf("charged under key %s, attempt %d", info.IdempotencyKey(), info.Attempt), nil
	}
	pay := durable.Define("pay", func(ctx durable.Context, card string) (string, error) {
		return durable.StepWith(ctx, durable.StepOptions{
			Retry:   durable.Retry{Attempts: 5, Interval: time.Millisecond, Jitter: 0.2},
			Timeout: 10 * time.Second,
		}, "charge", charge, card)
	})
	fmt.Println(runOnce(pay, "valid"))
	fmt.Println(runOnce(pay, "stolen"))
	// Output:
	// charged under key run-1/1, attempt 3 <nil>
	//  run "run-1" failed: card stolen: durable: not to be tried again
}

// A long step says how far it has come, and its next attempt starts from there.
func ExampleHeartbeat() {
	copyFiles := func(ctx context.Context, folder string) (string, error) {
		done, _, err := durable.Progress[int](ctx)
		if err != nil {
			return "", err
		}
		for begin := done; done < 6; done++ {
			if done == begin+4 {
				return "", fmt.Errorf("the connection is lost after %d files", done)
			}
			fmt.Printf("copying %s/%d\n", folder, done)
			if err := durable.Heartbeat(ctx, done+1); err != nil {
				return "", err // the step is cancelled
			}
		}
		return "all copied", nil
	}
	backup := durable.Define("backup", func(ctx durable.Context, folder string) (string, error) {
		return durable.StepWith(ctx, durable.StepOptions{
			Retry:            durable.Retry{Attempts: 10, Interval: time.Millisecond},
			HeartbeatTimeout: time.Minute,
		}, "copy", copyFiles, folder)
	})
	fmt.Println(runOnce(backup, "photos"))
	// Output:
	// copying photos/0
	// copying photos/1
	// copying photos/2
	// copying photos/3
	// copying photos/4
	// copying photos/5
	// all copied <nil>
}

// What a transaction writes is committed with the checkpoint of its result: exactly once.
func ExampleTransact() {
	take := func(tx *durable.Tx, item string) (int, error) {
		left := 10
		if value, ok := tx.Get("stock/" + item); ok {
			fmt.Sscan(string(value), &left)
		}
		if left == 0 {
			return 0, errors.New("sold out")
		}
		left--
		tx.Set("stock/"+item, fmt.Append(nil, left))
		return left, nil
	}
	order := durable.Define("order", func(ctx durable.Context, item string) (int, error) {
		return durable.Transact(ctx, "take", take, item)
	})
	ctx := context.Background()
	e, err := durable.Open(durable.Config{Store: store.OpenMemory(), Workflows: []durable.Definition{order}})
	if err != nil {
		panic(err)
	}
	defer e.Close(ctx)
	for _, id := range []string{"order-1", "order-2", "order-2"} { // the second twice: it is one run
		run, err := order.Start(ctx, e, id, "lamp")
		if err != nil {
			panic(err)
		}
		left, err := run.Result(ctx)
		fmt.Println(id, "leaves", left, err)
	}
	err = e.View(ctx, func(tx *durable.Tx) error {
		for key, value := range tx.Scan("stock/", "stock0") {
			fmt.Println(key, "=", string(value))
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// order-1 leaves 9 <nil>
	// order-2 leaves 8 <nil>
	// order-2 leaves 8 <nil>
	// stock/lamp = 8
	// <nil>
}
