package durable

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// Programs for transcripts about the life of runs.
func init() {
	maps.Copy(programs, map[string]Definition{
		"trip": Define("trip", func(ctx Context, in string) (string, error) {
			if _, err := Step(ctx, "book", say, in); err != nil {
				return "", err
			}
			err := ctx.Sleep(time.Hour)
			if errors.Is(err, ErrCancelled) {
				_, undone := Step(ctx.Detached(), "unbook", say, in)
				return "", errors.Join(err, undone)
			}
			return "travelled", err
		}),
		"deaf-to-cancellation": Define("deaf-to-cancellation", func(ctx Context, in string) (string, error) {
			err := ctx.Sleep(time.Hour)
			return fmt.Sprint("awake: ", errors.Is(err, ErrCancelled)), nil
		}),
		"shop": Define("shop", func(ctx Context, in string) (string, error) {
			return Step(ctx, "pay", say, in)
		}),
		"shop-checks": Define("shop-checks", func(ctx Context, in string) (string, error) {
			if Version(ctx, "check first", 0, 1) >= 1 {
				if _, err := Step(ctx, "check", say, in); err != nil {
					return "", err
				}
			}
			paid, err := Step(ctx, "pay", say, in)
			if Version(ctx, "say thanks", 0, 2) == 2 {
				paid += ", thanks"
			}
			return fmt.Sprint(paid, Version(ctx, "check first", 0, 1)), err
		}),
		"shop-only-checks": Define("shop-only-checks", func(ctx Context, in string) (string, error) {
			Version(ctx, "check first", 1, 1)
			Step(ctx, "check", say, in)
			return Step(ctx, "pay", say, in)
		}),
		"fork-in-the-road": Define("fork-in-the-road", func(ctx Context, in string) (string, error) {
			before := ctx.NewID() + ctx.RunID()
			if _, err := Step(ctx, "look", say, before); err != nil {
				return "", err
			}
			c := StartChild(ctx, anyWorkflow, in)
			done, err := c.Await(ctx)
			return fmt.Sprint(done, ctx.RunID(), ctx.NewID(), ctx.Rand().IntN(1000)), err
		}),
		"tally": Define("tally", func(ctx Context, in string) (string, error) {
			said, err := Step(ctx, "say", say, in)
			if err != nil || said == "enough" {
				return said, err
			}
			OnFailure(ctx, "never", say, in)
			Go(ctx, "left", func(ctx Context) (int, error) { return 0, ctx.Sleep(time.Hour) })
			_ = ctx.Sleep(0)
			return ContinueAsNew[string](ctx, said)
		}),
		"saga": Define("saga", func(ctx Context, in string) (string, error) {
			OnFailure(ctx, "unbook", say, in)
			if _, err := Step(ctx, "book", say, in); err != nil {
				return "", err
			}
			OnFailure(ctx, "refund", say, in)
			return Step(ctx, "pay", say, in)
		}),
	})
}

// A tour books and packs in a Scope, and says how that went.
func init() {
	programs["tour"] = Define("tour", func(ctx Context, in string) (string, error) {
		do := func(ctx Context, what string) error {
			OnFailure(ctx, "undo "+what, say, in)
			_, err := Step(ctx, what, say, in)
			return err
		}
		if err := do(ctx, "lock"); err != nil {
			return "", err
		}
		err := Scope(ctx, func(ctx Context) error {
			if err := do(ctx, "book"); err != nil {
				return err
			}
			Go(ctx, "payment", func(ctx Context) (int, error) { return 0, do(ctx, "pay") })
			return Scope(ctx, func(ctx Context) error { return do(ctx, "pack") })
		})
		said, failed := Step(ctx, "report", say, fmt.Sprint(err))
		return said, failed
	})
}

var anyWorkflow = Define("any", func(_ Context, in string) (string, error) { return in, nil })
