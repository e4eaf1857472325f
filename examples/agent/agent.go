package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/durable"
)

// Reply is what the model says next: an answer, or a tool to call.
type Reply struct {
	Answer string
	Tool   string
	Input  string
}

// Call is a call of a tool. Key is the same however often the call is repeated.
type Call struct{ Tool, Input, Key string }

// The world outside. All of it may fail, and is tried again.
type (
	// Person is asked what may be done, and answers when it likes, with a message to the run.
	Person interface {
		Ask(ctx context.Context, wish string) (bool, error)
	}
	Model interface {
		Think(ctx context.Context, transcript []string) (Reply, error)
	}
	Tools interface {
		Use(ctx context.Context, c Call) (string, error)
	}
)

// Approve is the topic of a person's answers.
var Approve = durable.NewTopic[bool]("approve")

// ErrTurns says that the model has found no answer.
var ErrTurns = errors.New("agent: too many turns")

func init() { durable.RegisterError(ErrTurns) }

var again = durable.StepOptions{Retry: durable.Retry{Attempts: 5, Interval: time.Second}}

const (
	maxTurns = 10
	patience = 24 * time.Hour // of the agent with the person who is to approve
)

// NewAgent returns the loop of an agent: the model is asked what to do, the tool that it names is called,
// and what the tool says is put before the model again. Every call is a step, so an agent that is
// interrupted goes on where it was, and does not think or pay again for what it knows already. Spending
// money needs a person's approval.
func NewAgent(model Model, tools Tools, person Person) *durable.Workflow[string, string] {
	return newAgent(model, tools, person, func(i durable.StepInfo) string { return i.IdempotencyKey() })
}

// NewSpendthrift has a planted bug: its author makes the key of a call from the number of the attempt, so
// that each attempt is another call to whoever takes the payment.
func NewSpendthrift(model Model, tools Tools, person Person) *durable.Workflow[string, string] {
	return newAgent(model, tools, person, func(i durable.StepInfo) string {
		return fmt.Sprint(i.Run, i.ID, i.Attempt)
	})
}

func newAgent(
	model Model, tools Tools, person Person, key func(durable.StepInfo) string,
) *durable.Workflow[string, string] {
	use := func(ctx context.Context, c Call) (string, error) {
		info, _ := durable.Info(ctx)
		c.Key = key(info)
		return tools.Use(ctx, c)
	}
	return durable.Define("agent", func(ctx durable.Context, task string) (string, error) {
		transcript := []string{task}
		for range maxTurns {
			reply, err := durable.StepWith(ctx, again, "think", model.Think, transcript)
			if err != nil || reply.Answer != "" {
				return reply.Answer, err
			}
			result := "refused by a person"
			allowed, err := approved(ctx, person, reply)
			if err == nil && allowed {
				call := Call{Tool: reply.Tool, Input: reply.Input}
				result, err = durable.StepWith(ctx, again, "use "+reply.Tool, use, call)
			}
			if err != nil {
				return "", err
			}
			transcript = append(transcript, reply.Tool+" "+reply.Input+": "+result)
		}
		return "", ErrTurns
	})
}

// approved asks a person about what costs money. Who does not answer in time has refused.
func approved(ctx durable.Context, person Person, r Reply) (bool, error) {
	if r.Tool != "pay" {
		return true, nil
	}
	if _, err := durable.StepWith(ctx, again, "ask", person.Ask, r.Tool+" "+r.Input); err != nil {
		return false, err
	}
	yes, err := Approve.ReceiveTimeout(ctx, patience)
	if errors.Is(err, context.DeadlineExceeded) {
		return false, nil
	}
	return yes, err
}
