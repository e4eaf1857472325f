package program_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/durable"
)

// The generated programs of samples, as they are printed.
var printedCode = []func() (*durable.Workflow[int, string], []durable.Definition){
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			note(durable.Step(ctx, "work", work, len(log)%4))
			note(ctx.Sleep(0 * time.Second))
			durable.Async(ctx, "work", work, 2)
			note(ctx.Sleep(2 * time.Second))
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			note(durable.Version(ctx, "change 2", 0, 2+1))
			note(durable.Version(ctx, "change 0", 0, 0+1))
			note(durable.Step(ctx, "work", work, in%4))
			note(durable.Step(ctx, "letter", letter, 1))
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			{
				timer := ctx.After(3 * time.Second)
				_, _, err := durable.Wait[durable.Awaitable](ctx, durable.FirstCompleted, timer)
				note(timer.Done(), err)
			}
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			ch := durable.NewChan[int](ctx, "ch", 1)
			f1 := durable.Async(ctx, "work", work, in%4)
			note(durable.Step(ctx, "work", work, 0))
			{
				ctx, cancel := ctx.WithTimeout(1 * time.Second)
				note(ch.Send(ctx, 1))
				cancel()
			}
			{
				timer := ctx.After(1 * time.Second)
				_, _, err := durable.Wait[durable.Awaitable](ctx, durable.FirstCompleted, timer, f1)
				note(timer.Done(), err)
			}
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var child1 = durable.Define("child1", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			durable.Go(ctx, "branch", func(ctx durable.Context) (string, error) {
				note(ctx.Sleep(0 * time.Second))
				note(durable.Step(ctx, "work", work, 3))
				return "branch", ctx.Err()
			})
			return strings.Join(log, "\n"), nil
		})

		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			note(durable.Step(ctx, "work", work, 2))
			note(durable.Transact(ctx, "count", count, 2))
			durable.StartChildWith(ctx, child1, 1, durable.Child{Unawaited: durable.AwaitChild})
			durable.Go(ctx, "branch", func(ctx durable.Context) (string, error) {
				note(durable.Step(ctx, "work", work, 2))
				note(durable.Step(ctx, "work", work, 1))
				return "branch", ctx.Err()
			})
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{child1}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			note(durable.Step(ctx, "work", work, 0))
			note(ctx.Sleep(2 * time.Second))
			durable.AsyncWith(ctx, options, "flaky", flaky, 0)
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			ch := durable.NewChan[int](ctx, "ch", 1)
			{
				ctx, cancel := ctx.WithTimeout(2 * time.Second)
				note(durable.Select(ctx, ch.Sending(2, nil), ch.Receiving(func(v int, err error) { note(v, err) })))
				cancel()
			}
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			note(mail.ReceiveTimeout(ctx, 2*time.Second))
			note(durable.Step(ctx, "work", work, len(log)%4))
			note(durable.Version(ctx, "change 1", 0, 1+1))
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			note(ctx.NewID(), ctx.Rand().IntN(10))
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			note(durable.Step(ctx, "work", work, 1))
			note(durable.Transact(ctx, "count", count, 2))
			note(durable.Step(ctx, "work", work, len(log)%4))
			{
				ctx, cancel := ctx.WithTimeout(2 * time.Second)
				next := mail.Next(ctx)
				note(next.Await(ctx))
				note(next.Cancel(ctx, nil))
				cancel()
			}
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var child1 = durable.Define("child1", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			{
				ctx, cancel := ctx.WithTimeout(1 * time.Second)
				note(ctx.Err())
				cancel()
			}
			durable.OnFailure(ctx, "undo", work, 1)
			return strings.Join(log, "\n"), nil
		})

		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			{
				ctx, cancel := ctx.WithCancel()
				note(durable.Step(ctx, "work", work, 2))
				durable.Async(ctx, "work", work, 3)
				note(durable.Step(ctx, "work", work, 3))
				cancel(errOdd)
			}
			note(durable.Step(ctx, "work", work, 1))
			durable.StartChildWith(ctx, child1, 1, durable.Child{Unawaited: durable.AwaitChild})
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{child1}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			{
				ctx, cancel := ctx.WithTimeout(2 * time.Second)
				note(durable.Step(ctx, "work", work, in%4))
				note(ctx.Err())
				cancel()
			}
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			note(durable.Step(ctx, "work", work, len(log)%4))
			note(durable.Step(ctx, "work", work, 3))
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			note(durable.Step(ctx, "work", work, 3))
			durable.Go(ctx, "branch", func(ctx durable.Context) (string, error) {
				return "branch", ctx.Err()
			})
			note(ctx.Sleep(1 * time.Second))
			if len(log)%2 == 0 {
				note(durable.Step(ctx, "work", work, 0))
			}
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			note(durable.Step(ctx, "letter", letter, 1))
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			note(durable.Step(ctx, "letter", letter, 3))
			durable.Go(ctx, "branch", func(ctx durable.Context) (string, error) {
				return "branch", ctx.Err()
			})
			note(durable.Step(ctx, "work", work, 0))
			note(ctx.Now().Format(time.TimeOnly))
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			var failed error
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			ch := durable.NewChan[int](ctx, "ch", 1)
			durable.Go(ctx, "branch", func(ctx durable.Context) (string, error) {
				{
					timer := ctx.After(3 * time.Second)
					_, _, err := durable.Wait[durable.Awaitable](ctx, durable.FirstCompleted, timer)
					note(timer.Done(), err)
				}
				{
					ctx := ctx.Detached()
					note(durable.Transact(ctx, "count", count, 0))
				}
				durable.Async(ctx, "work", work, in%4)
				return "branch", ctx.Err()
			})
			{
				ctx, cancel := ctx.WithTimeout(1 * time.Second)
				note(durable.Select(ctx, ch.Receiving(func(v int, err error) { note(v, err) }), ch.Sending(1, nil)))
				cancel()
			}
			failed = errOdd
			note(durable.Step(ctx, "work", work, 2))
			return strings.Join(log, "\n"), failed
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			f1 := durable.Go(ctx, "branch", func(ctx durable.Context) (string, error) {
				note(durable.Step(ctx, "work", work, 0))
				note(durable.Step(ctx, "work", work, 0))
				note(durable.Step(ctx, "work", work, len(log)%4))
				note(ctx.NewID(), ctx.Rand().IntN(10))
				return "branch", ctx.Err()
			})
			note(f1.Await(ctx))
			durable.Async(ctx, "work", work, 0)
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			mu := durable.NewMutex(ctx, "mu")
			{
				ctx, cancel := ctx.WithTimeout(3 * time.Second)
				err := mu.Lock(ctx)
				note(err)
				if err == nil {
					note(ctx.Sleep(1 * time.Second))
					note(durable.Step(ctx, "work", work, 0))
					mu.Unlock(ctx)
				}
				cancel()
			}
			{
				ctx, cancel := ctx.WithTimeout(1 * time.Second)
				err := mu.Lock(ctx)
				note(err)
				if err == nil {
					mu.Unlock(ctx)
				}
				cancel()
			}
			note(progress.Publish(ctx, 2))
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			var failed error
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			ch := durable.NewChan[int](ctx, "ch", 1)
			note(durable.StepWith(ctx, durable.StepOptions{Timeout: time.Second}, "work", work, 3))
			{
				ctx, cancel := ctx.WithCancel()
				failed = errOdd
				{
					ctx, cancel := ctx.WithTimeout(3 * time.Second)
					note(ch.Send(ctx, 3))
					cancel()
				}
				cancel(errOdd)
			}
			note(durable.Step(ctx, "work", work, len(log)%4))
			note(progress.Publish(ctx, 2))
			return strings.Join(log, "\n"), failed
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			durable.Async(ctx, "quit", quit, 1)
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			durable.Async(ctx, "work", work, 1)
			note(durable.Step(ctx, "work", work, 0))
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			f1 := durable.Async(ctx, "quit", quit, 3)
			note(f1.Done())
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			slots := durable.NewSemaphore(ctx, "slots", 2)
			note(durable.Step(ctx, "work", work, 0))
			{
				ctx, cancel := ctx.WithTimeout(2 * time.Second)
				err := slots.Acquire(ctx)
				note(err)
				if err == nil {
					note(durable.Step(ctx, "work", work, in%4))
					slots.Release(ctx)
				}
				cancel()
			}
			note(durable.Version(ctx, "change 1", 0, 1+1))
			durable.Go(ctx, "branch", func(ctx durable.Context) (string, error) {
				return "branch", ctx.Err()
			})
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			ch := durable.NewChan[int](ctx, "ch", 1)
			{
				ctx, cancel := ctx.WithTimeout(1 * time.Second)
				note(ch.Recv(ctx))
				cancel()
			}
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			note(durable.StepWith(ctx, durable.StepOptions{Timeout: time.Second}, "work", work, 0))
			note(mail.Send(ctx, ctx.RunID(), 0))
			note(ctx.Now().Format(time.TimeOnly))
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
	func() (*durable.Workflow[int, string], []durable.Definition) {
		var program = durable.Define("program", func(ctx durable.Context, in int) (string, error) {
			var log []string
			note := func(what ...any) { log = append(log, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }
			note(durable.Step(ctx, "work", work, 1))
			note(durable.Scope(ctx, func(ctx durable.Context) error {
				durable.Async(ctx, "work", work, len(log)%4)
				note(durable.StepWith(ctx, durable.StepOptions{Timeout: time.Second}, "work", work, 0))
				return ctx.Err()
			}))
			note(durable.Step(ctx, "work", work, 0))
			return strings.Join(log, "\n"), nil
		})
		return program, []durable.Definition{}
	},
}
