package main

import (
	"context"
	"errors"
	"time"

	"github.com/reprise-dst/reprise/durable"
)

// Call is a call of a tool.
type Call struct{ Tool, Input string }

// Reply is what the model says next: an answer, or a tool to call.
type Reply struct {
	Answer string
	Call   Call
}

// Services are the world outside: a model, tools, and a person who is asked what may be done, and answers
// when he likes, with a message. Any of them may fail, and is tried again.
type Services interface {
	Think(ctx context.Context, transcript []string) (Reply, error)
	Use(ctx context.Context, c Call, key string) (string, error) // once for each key
	Ask(ctx context.Context, wish Call) (bool, error)
}

// Approve is the topic of the person's answers.
var Approve = durable.NewTopic[bool]("approve")

// ErrTurns says that the model has found no answer.
var ErrTurns = errors.New("agent: too many turns")

func init() { durable.RegisterError(ErrTurns) }

var again = durable.StepOptions{Retry: durable.Retry{Attempts: 5, Interval: time.Second}}

const (
	maxTurns = 10
	patience = 24 * time.Hour // of the agent with the person
)

// NewAgent returns the loop of an agent: the model is asked what to do, the tool that it names is called,
// and what the tool says is put before the model again. Every call is a step, so an agent that is
// interrupted goes on where it was, and does not think or pay again for what it knows already. Spending
// money needs a person's approval.
func NewAgent(s Services) *durable.Workflow[string, string] {
	use := func(ctx context.Context, c Call) (string, error) {
		info, _ := durable.Info(ctx)
		return s.Use(ctx, c, info.IdempotencyKey()) // the same in every attempt
	}
	return durable.Define("agent", func(ctx durable.Context, task string) (string, error) {
		transcript := []string{task}
		for range maxTurns {
			reply, err := durable.StepWith(ctx, again, "think", s.Think, transcript)
			if err != nil || reply.Answer != "" {
				return reply.Answer, err
			}
			result := "refused by a person"
			allowed, err := approved(ctx, s, reply.Call)
			if err == nil && allowed {
				result, err = durable.StepWith(ctx, again, "use "+reply.Call.Tool, use, reply.Call)
			}
			if err != nil {
				return "", err
			}
			transcript = append(transcript, reply.Call.Tool+" "+reply.Call.Input+": "+result)
		}
		return "", ErrTurns
	})
}

// approved asks the person about what costs money. Who does not answer in time has refused.
func approved(ctx durable.Context, s Services, wish Call) (bool, error) {
	if wish.Tool != "pay" {
		return true, nil
	}
	if _, err := durable.StepWith(ctx, again, "ask", s.Ask, wish); err != nil {
		return false, err
	}
	yes, err := Approve.ReceiveTimeout(ctx, patience)
	if errors.Is(err, context.DeadlineExceeded) {
		return false, nil
	}
	return yes, err
}
