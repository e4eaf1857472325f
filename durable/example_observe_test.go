package durable_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

// plainLines logs to the standard output without the time.
func plainLines() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

func ExampleContext_Logger() {
	brew := func(ctx context.Context, tea string) (string, error) {
		durable.Logger(ctx).Info("water is hot")
		return "a pot of " + tea, nil
	}
	breakfast := durable.Define("breakfast", func(ctx durable.Context, tea string) (string, error) {
		log := ctx.Logger()
		log.Info("good morning")
		pot, err := durable.Step(ctx, "brew", brew, tea)
		log.Info("done", "with", pot)
		return pot, err
	})

	st := store.OpenMemory()
	ctx := context.Background()
	engine, err := durable.Open(durable.Config{
		Store: st, Workflows: []durable.Definition{breakfast}, Logger: plainLines(),
		Cold: true, // the run is replayed for each event, and says nothing twice
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	run, err := breakfast.Start(ctx, engine, "today", "assam")
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := run.Result(ctx); err != nil {
		fmt.Println(err)
	}
	_ = engine.Close(ctx)

	// Output:
	// level=INFO msg="good morning" run=today workflow=breakfast
	// level=INFO msg="water is hot" run=today workflow=breakfast step=brew id=1 attempt=1
	// level=INFO msg=done run=today workflow=breakfast with="a pot of assam"
}

func ExampleInterceptor() {
	errBusy := errors.New("the line is busy")
	phone := durable.Define("phone", func(ctx durable.Context, _ string) (string, error) {
		again := durable.StepOptions{Retry: durable.Retry{Attempts: 3, Interval: time.Millisecond}}
		return durable.StepWith(ctx, again, "call", func(ctx context.Context, _ string) (string, error) {
			if s, _ := durable.Info(ctx); s.Attempt < 2 {
				return "", errBusy
			}
			return "hello", nil
		}, "")
	})
	said := make(chan string, 10)
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{phone},
		Interceptors: []durable.Interceptor{{
			Step: func(ctx context.Context, s durable.StepInfo, next func(context.Context) error) error {
				err := next(ctx)
				said <- fmt.Sprintf("%s, attempt %d: %v", s.Name, s.Attempt, err)
				return err
			},
			Ended: func(run durable.RunInfo, status durable.Status, err error) {
				said <- fmt.Sprintf("%s %s: %s", run.Workflow, run.Run, status)
			},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if _, err := phone.Start(ctx, engine, "mum", ""); err != nil {
		fmt.Println(err)
	}
	for range 3 {
		fmt.Println(<-said)
	}
	_ = engine.Close(ctx)

	// Output:
	// call, attempt 1: the line is busy
	// call, attempt 2: <nil>
	// phone mum: done
}
