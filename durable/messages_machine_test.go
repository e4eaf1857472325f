package durable

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

var talk = NewTopic[string]("talk")

var (
	grow = NewUpdate[string, string]("grow")
	size = NewValue[int]("size")
)

var oneStep = Define("one", func(ctx Context, in string) (string, error) {
	return Step(ctx, "first", say, in)
})

// Programs for transcripts about messages.
func init() {
	maps.Copy(programs, map[string]Definition{
		"mail": Define("mail", func(ctx Context, in string) (string, error) {
			first, err := talk.Receive(ctx)
			if err != nil {
				return "", err
			}
			soon := talk.Next(ctx)
			_, err = talk.ReceiveTimeout(ctx, 5*time.Second)
			late := errors.Is(err, context.DeadlineExceeded)
			err = talk.Send(ctx, "other", fmt.Sprint(first, late))
			if err != nil {
				return "", err
			}
			return soon.Await(ctx)
		}),
		"children": Define("children", func(ctx Context, in string) (string, error) {
			one := oneStep.Name()
			alone, err := StartDetached(ctx, oneStep, "", in)
			if err != nil {
				return "", err
			}
			a := StartChild(ctx, oneStep, in+one)
			b := StartChildWith(ctx, oneStep, in, Child{ID: "bee", Unawaited: AwaitChild})
			c := StartChildWith(ctx, oneStep, in, Child{Unawaited: AbandonChild})
			got, err := a.Await(ctx)
			return fmt.Sprint(got, alone, a.ID(), b.ID(), c.ID()), err
		}),
		"children-other-id": Define("children-other-id", func(ctx Context, in string) (string, error) {
			return StartDetached(ctx, oneStep, "mine", in)
		}),
	})
}

// Programs for transcripts about updates and waiters.
func init() {
	maps.Copy(programs, map[string]Definition{
		"updates": Define("updates", func(ctx Context, in string) (string, error) {
			log := ""
			grow.Handle(ctx, nil, func(ctx Context, s string) (string, error) {
				log += s
				if s == "" {
					return "", errors.New("nothing to grow by")
				}
				err := size.Publish(ctx, len(log))
				if _, err := Step(ctx, "first", say, s); err != nil {
					return "", err
				}
				return log, err
			})
			_, err := talk.Receive(ctx)
			return log, err
		}),
		"updates-detached": Define("updates-detached", func(ctx Context, in string) (string, error) {
			grow.Handle(ctx.Detached(), nil, func(ctx Context, s string) (string, error) {
				return s, ctx.Sleep(time.Second)
			})
			return talk.Receive(ctx)
		}),
		"waiters": Define("waiters", func(ctx Context, in string) (string, error) {
			a, b := talk.Next(ctx), talk.Next(ctx)
			all, err := Gather(ctx, a, b)
			return strings.Join(all, "+"), err
		}),
		"mail-elsewhere": Define("mail-elsewhere", func(ctx Context, in string) (string, error) {
			if _, err := talk.Receive(ctx); err != nil {
				return "", err
			}
			talk.Next(ctx)
			_, err := talk.ReceiveTimeout(ctx, 5*time.Second)
			return "", errors.Join(err, talk.Send(ctx, "another", "hellotrue"))
		}),
		"mail-sooner": Define("mail-sooner", func(ctx Context, in string) (string, error) {
			return talk.ReceiveTimeout(ctx, time.Second)
		}),
	})
}
