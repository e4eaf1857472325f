package durable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

// Async starts steps side by side; Gather returns their results in the order of the calls.
func ExampleGather() {
	runExample("greetings", func(ctx durable.Context, _ string) (string, error) {
		all, err := durable.Gather(ctx,
			durable.Async(ctx, "first", greet, "Ada"), durable.Async(ctx, "second", greet, "Grace"))
		return strings.Join(all, ", "), err
	})
	// Output: hello Ada, hello Grace <nil>
}

// A branch is a line of workflow code of its own, and its Future is what it returns.
func ExampleGo() {
	runExample("branches", func(ctx durable.Context, _ string) (string, error) {
		long := durable.Go(ctx, "long", func(ctx durable.Context) (string, error) {
			if err := ctx.Sleep(time.Millisecond); err != nil {
				return "", err
			}
			return durable.Step(ctx, "greet", greet, "Ada")
		})
		short, err := durable.Step(ctx, "greet", greet, "Grace")
		if err != nil {
			return "", err
		}
		s, err := long.Await(ctx)
		return short + ", " + s, err
	})
	// Output: hello Grace, hello Ada <nil>
}

// After is a timer as a Future, to wait for together with others.
func ExampleContext_After() {
	runExample("soon", func(ctx durable.Context, _ string) (string, error) {
		began := ctx.Now()
		_, at, err := durable.Race(ctx, ctx.After(time.Millisecond), ctx.After(time.Hour))
		return fmt.Sprint(at.Sub(began) >= time.Millisecond), err
	})
	// Output: true <nil>
}

// SleepUntil waits for a time of the calendar, however often the process dies meanwhile.
func ExampleContext_SleepUntil() {
	runExample("moment", func(ctx durable.Context, _ string) (string, error) {
		moment := ctx.Now().Truncate(time.Millisecond).Add(2 * time.Millisecond)
		err := ctx.SleepUntil(moment)
		return fmt.Sprint(!ctx.Now().Before(moment)), err
	})
	// Output: true <nil>
}

// A step that is cancelled ends with that error; what it returns later is dropped.
func ExampleFuture_Cancel() {
	runExample("impatient", func(ctx durable.Context, _ string) (string, error) {
		slow := durable.Async(ctx, "forever", forever, "")
		slow.Cancel(ctx, errors.New("it takes too long"))
		_, err := slow.Await(ctx)
		return fmt.Sprint(errors.Is(err, durable.ErrCancelled)), nil
	})
	// Output: true <nil>
}

// A step has an idempotency key, the same in every attempt, for services that can tell repeats apart.
func ExampleInfo() {
	runExample("pay", func(ctx durable.Context, _ string) (string, error) {
		return durable.Step(ctx, "charge", func(ctx context.Context, _ string) (string, error) {
			info, _ := durable.Info(ctx)
			return fmt.Sprint(info.IdempotencyKey(), ", attempt ", info.Attempt), nil
		}, "")
	})
	// Output: pay-1/1, attempt 1 <nil>
}

// A wait for a message can have a limit, which is a timer in the store.
func ExampleTopic_ReceiveTimeout() {
	approvals := durable.NewTopic[string]("approvals")
	runExample("approval", func(ctx durable.Context, _ string) (string, error) {
		_, err := approvals.ReceiveTimeout(ctx, time.Millisecond)
		if errors.Is(err, durable.ErrTimeout) {
			return "escalated", nil
		}
		return "approved", err
	})
	// Output: escalated <nil>
}

// Replay runs today's code over a journal, for instance one that was saved from production: it tells what
// differs, and starts nothing.
func ExampleReplay() {
	ctx, st := context.Background(), store.OpenMemory()
	version := func(step string) *durable.Workflow[string, string] {
		return durable.Define("order", func(ctx durable.Context, name string) (string, error) {
			return durable.Step(ctx, step, greet, name)
		})
	}
	old := version("greet")
	engine, err := durable.Open(durable.Config{Store: st, Workflows: []durable.Definition{old}})
	if err != nil {
		panic(err)
	}
	defer engine.Close(ctx)
	run, _ := old.Start(ctx, engine, "order-1", "Ada")
	_, _ = run.Result(ctx)

	journal, _ := durable.ReadJournal(st, "order-1")
	done, err := durable.Replay(journal, old, nil)
	fmt.Println(done.Entries, done.Ended, err)
	_, err = durable.Replay(journal, version("welcome"), nil)
	fmt.Println(errors.Is(err, durable.ErrNonDeterminism))
	// Output:
	// 2 true <nil>
	// true
}

// List tells which runs there are, a page at a time.
func ExampleEngine_List() {
	ctx := context.Background()
	greets := durable.Define("greets", func(ctx durable.Context, name string) (string, error) {
		return durable.Step(ctx, "greet", greet, name)
	})
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{greets},
	})
	if err != nil {
		panic(err)
	}
	defer engine.Close(ctx)
	for _, id := range []string{"a", "b", "c"} {
		run, _ := greets.Start(ctx, engine, id, id)
		_, _ = run.Result(ctx)
	}
	runs, next, err := engine.List(durable.Filter{Status: []durable.Status{durable.Done}, Limit: 2})
	for _, r := range runs {
		fmt.Println(r.Run, r.Workflow, r.Status)
	}
	fmt.Println(next, err)
	// Output:
	// a greets done
	// b greets done
	// b <nil>
}

// A child in a queue waits for its turn, and its parent for its end.
func ExampleQueue_EnqueueChild() {
	ctx := context.Background()
	fetch := durable.Define("fetch", func(ctx durable.Context, page string) (string, error) {
		return durable.Step(ctx, "get", greet, page)
	})
	polite := durable.NewQueue("polite", fetch, durable.QueueConfig{Concurrency: 2})
	crawl := durable.Define("crawl", func(ctx durable.Context, pages []string) ([]string, error) {
		var all []durable.Future[string]
		for _, page := range pages {
			all = append(all, polite.EnqueueChild(ctx, page, durable.Item{Key: page}).Future)
		}
		return durable.Gather(ctx, all...)
	})
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{crawl},
		Queues: []durable.QueueDefinition{polite},
	})
	if err != nil {
		panic(err)
	}
	defer engine.Close(ctx)
	run, _ := crawl.Start(ctx, engine, "crawl-1", []string{"a", "b", "c"})
	fmt.Println(run.Result(ctx))
	// Output: [hello a hello b hello c] <nil>
}
