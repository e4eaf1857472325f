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
	})
}
