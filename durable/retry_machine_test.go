package durable

import (
	"fmt"
	"math"
	"time"
)

// The programs of the transcripts about steps that are tried again.

func init() {
	retried := func(name string, options StepOptions) {
		programs[name] = Define(name, func(ctx Context, in string) (string, error) {
			before := ctx.Now()
			out, err := StepWith(ctx, options, "try", say, in)
			return fmt.Sprintf("%s after %v", out, ctx.Now().Sub(before)), err
		})
	}
	retried("three-attempts", StepOptions{Retry: Retry{Attempts: 3}})
	retried("one-attempt", StepOptions{Timeout: time.Minute})
	retried("steady", StepOptions{Retry: Retry{Attempts: math.MaxInt, Interval: time.Minute, Factor: 1}})
	retried("capped", StepOptions{Retry: Retry{
		Attempts: 9, Interval: 3 * time.Second, Factor: 10, MaxInterval: time.Minute,
	}})
	retried("jittered", StepOptions{Retry: Retry{Attempts: 9, Interval: time.Minute, Factor: 1, Jitter: 1}})
	retried("bounded", StepOptions{
		Retry: Retry{Attempts: 9, Interval: time.Minute}, TotalTimeout: 4 * time.Minute,
	})
	programs["two-retried"] = Define("two-retried", func(ctx Context, in string) (string, error) {
		options := StepOptions{Retry: Retry{Attempts: 3, Interval: time.Minute}}
		a := AsyncWith(ctx, options, "a", say, in)
		b := AsyncWith(ctx, options, "b", say, in)
		_, first, err := Race(ctx, a, b)
		return first, err
	})
	programs["retry-cut-short"] = Define("retry-cut-short", func(ctx Context, in string) (string, error) {
		short, _ := ctx.WithTimeout(time.Hour)
		return StepWith(short, StepOptions{Retry: Retry{Attempts: 99, Interval: 40 * time.Minute}}, "try", say, in)
	})
	const less = "no-retries-any-more"
	programs[less] = Define(less, func(ctx Context, in string) (string, error) {
		before := ctx.Now()
		out, err := Step(ctx, "try", say, in)
		return fmt.Sprintf("%s after %v", out, ctx.Now().Sub(before)), err
	})
}
