package durable_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

// Two pictures are made at once at most, and those of one customer one after the other.
func ExampleQueue() {
	draw := func(_ context.Context, picture string) (string, error) { return "[" + picture + "]", nil }
	paint := durable.Define("paint", func(ctx durable.Context, picture string) (string, error) {
		return durable.Step(ctx, "draw", draw, picture)
	})
	pictures := durable.NewQueue("pictures", paint, durable.QueueConfig{
		Concurrency: 2,
		Rate:        durable.Rate{Starts: 100, Per: time.Minute},
	})
	album := durable.Define("album", func(ctx durable.Context, customer string) ([]string, error) {
		cover := pictures.EnqueueChild(ctx, "cover", durable.Item{Key: customer, Priority: 1})
		page := pictures.EnqueueChild(ctx, "page", durable.Item{Key: customer})
		return durable.Gather(ctx, cover.Future, page.Future)
	})
	ctx := context.Background()
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{album},
		Queues: []durable.QueueDefinition{pictures},
	})
	if err != nil {
		panic(err)
	}
	defer engine.Close(ctx)
	run, _ := album.Start(ctx, engine, "album-1", "mira")
	fmt.Println(run.Result(ctx))
	one, _ := pictures.Enqueue(ctx, engine, "portrait", durable.Item{ID: "order-2", Key: "jon"})
	fmt.Println(one.Result(ctx))
	// Output:
	// [[cover] [page]] <nil>
	// [portrait] <nil>
}

// While one rebuild of an index waits or runs, another one is not added.
func ExampleQueue_Enqueue_unique() {
	rebuild := durable.Define("rebuild", func(ctx durable.Context, index string) (string, error) {
		return index, ctx.Sleep(time.Hour)
	})
	rebuilds := durable.NewQueue("rebuilds", rebuild, durable.QueueConfig{Concurrency: 1})
	ctx := context.Background()
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Queues: []durable.QueueDefinition{rebuilds},
	})
	if err != nil {
		panic(err)
	}
	defer engine.Close(ctx)
	for _, id := range []string{"r-1", "r-2"} {
		run, err := rebuilds.Enqueue(ctx, engine, "names", durable.Item{ID: id, Unique: "names"})
		fmt.Println(run.ID(), errors.Is(err, durable.ErrDuplicate))
	}
	// Output:
	// r-1 false
	// r-1 true
}

// A report each working day at half past nine in Berlin, summer and winter.
func ExampleWorkflow_Schedule() {
	report := durable.Define("report", func(ctx durable.Context, to string) (string, error) {
		return fmt.Sprint(to, " ", ctx.ScheduledFor()), nil
	})
	ctx := context.Background()
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{report},
	})
	if err != nil {
		panic(err)
	}
	defer engine.Close(ctx)
	err = report.Schedule(ctx, engine, "daily-report", durable.Schedule{
		Cron: "30 9 * * mon-fri", Zone: "Europe/Berlin", CatchUp: time.Hour,
	}, "the board")
	fmt.Println(err)
	info, err := engine.ScheduleInfo("daily-report")
	berlin, _ := time.LoadLocation("Europe/Berlin")
	fmt.Println(info.Next.In(berlin).Format("15:04"), info.Workflow, err)
	// Output:
	// <nil>
	// 09:30 report <nil>
}
