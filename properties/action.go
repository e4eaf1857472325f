package properties

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"pgregory.net/rapid"
)

// Action is something that clients of a service do. Starts, Posts, Asks, Cancels and Looks make the usual
// ones; for others, write Name and Do.
type Action struct {
	// Name names it in reports.
	Name string
	// Process is the one that it is about; the first of the deployment when it is empty.
	Process string
	// Choices is how many values Call.Choice may have; 1 when it is 0.
	Choices int
	// Do acts on the node of the process. It is called again, with the same Call, when the node crashed before
	// it could answer. Its error is an answer like any other; those that say that the engine or the run can't
	// go on fail the test.
	Do func(ctx context.Context, c Call) error

	choice   string                                            // the label of the choice
	tries    func(of *told, c Call)                            // notes what may happen from here on
	answered func(one *played, of *told, c Call, answer error) // holds the answer against what is known
}

// Call is one action of one client.
type Call struct {
	Engine *durable.Engine // of the process, in its current life
	Run    string          // the run that it is about, which need not exist
	ID     string          // of this call, the same when it is repeated: for messages and updates
	Choice int             // from 0 to Action.Choices-1, the dullest first
}

// Did is an action that was answered.
type Did struct {
	Action, Process, Run, ID string
	Choice                   int
	Err                      error // the answer
}

// On is the action for another process.
func (a Action) On(process string) Action {
	a.Process = process
	return a
}

// told is what clients were told of one run, and what they may have done to it.
type told struct {
	starts  map[string]bool // the starts that were tried
	started string          // the one that was acknowledged
	letters []string        // keys of messages that were accepted
	answers []answer        // to updates
}

// answer is what an update was answered with.
type answer struct{ key, result string }

func (one *played) account(run string) *told {
	of := one.told[run]
	if of == nil {
		of = &told{starts: map[string]bool{}}
		one.told[run] = of
	}
	one.watch.run(run)
	return of
}

// began reports whether there is such a run.
func (one *played) began(r *seen) bool { return len(r.entries) > 0 }

func (one *played) broke(run, what string) {
	if !one.watch.run(run).deleted {
		one.watch.world.Fail(AckDurable, one.watch.subject(run), what)
	}
}

// Starts is to start a run of the workflow with a generated input. Starting it again with the same input must
// do nothing, and with another one be refused.
func Starts[In, Out any](w *durable.Workflow[In, Out], inputs *rapid.Generator[In]) Action {
	values := distinct(generate(inputs, durable.JSON()), durable.JSON())
	start := func(c Call) string { return fmt.Sprintf("%s with input %d", w.Name(), c.Choice) }
	return Action{
		Name: "start " + w.Name(), Choices: len(values),
		Do: func(ctx context.Context, c Call) error {
			_, err := w.Start(ctx, c.Engine, c.Run, values[c.Choice])
			return err
		},
		tries: func(of *told, c Call) { of.starts[start(c)] = true },
		answered: func(one *played, of *told, c Call, answer error) {
			switch {
			case answer == nil && of.started != "" && of.started != start(c):
				one.broke(c.Run, fmt.Sprintf("two starts were accepted: of %s, and of %s", of.started, start(c)))
			case answer == nil:
				of.started = start(c)
				one.watch.startAcknowledged(c.Run)
			case errors.Is(answer, durable.ErrConflict) && (len(of.starts) < 2 || of.started == start(c)):
				one.broke(c.Run, "its start was refused, though no other one was tried: "+answer.Error())
			}
		},
	}
}

// Posts is to send a run a message of the topic, with an id. What was accepted must arrive once.
func Posts[T any](topic durable.Topic[T], contents *rapid.Generator[T]) Action {
	values := distinct(generate(contents, durable.JSON()), durable.JSON())
	return Action{
		Name: "post " + topic.Name(), Choices: len(values),
		Do: func(ctx context.Context, c Call) error {
			return topic.PostOnce(ctx, c.Engine, c.Run, c.ID, values[c.Choice])
		},
		answered: func(one *played, of *told, c Call, answer error) {
			if answer == nil {
				of.letters = append(of.letters, "r"+c.Run+"\x00i"+topic.Name()+"\x00"+c.ID)
			}
			one.knows(of, c.Run, answer)
		},
	}
}

// Asks is to ask a run for an update, with an id. A run that does not handle it lets the client wait until it
// ends, or until the client gives up, after an hour. What was answered must stay so.
func Asks[In, Out any](update durable.Update[In, Out], inputs *rapid.Generator[In]) Action {
	values := distinct(generate(inputs, durable.JSON()), durable.JSON())
	results := map[string]Out{} // by the key under which the store keeps the answer
	key := func(c Call) string { return "u" + c.Run + "\x00" + c.ID }
	return Action{
		Name: "ask " + update.Name(), Choices: len(values),
		Do: func(ctx context.Context, c Call) error {
			out, err := update.Call(ctx, c.Engine, c.Run, c.ID, values[c.Choice])
			results[key(c)] = out
			return err
		},
		answered: func(one *played, of *told, c Call, err error) {
			if err == nil {
				result, _ := one.codec.Encode(results[key(c)])
				of.answers = append(of.answers, answer{key(c), string(result)})
			}
			one.knows(of, c.Run, err)
		},
	}
}

// Cancels is to cancel a run.
func Cancels() Action {
	return Action{
		Name: "cancel",
		Do: func(ctx context.Context, c Call) error {
			return c.Engine.Cancel(ctx, c.Run, "a client said so")
		},
		answered: func(one *played, of *told, c Call, answer error) { one.knows(of, c.Run, answer) },
	}
}

// Looks is to ask for a run's status.
func Looks() Action {
	return Action{
		Name: "look",
		Do: func(_ context.Context, c Call) error {
			_, err := c.Engine.Status(c.Run)
			return err
		},
		answered: func(one *played, of *told, c Call, answer error) { one.knows(of, c.Run, answer) },
	}
}

// knows checks whether the engine knows a run exactly when it should.
func (one *played) knows(of *told, run string, answer error) {
	switch {
	case errors.Is(answer, durable.ErrNotFound) && of.started != "":
		one.broke(run, "its start was accepted, and now: "+answer.Error())
	case answer == nil && len(of.starts) == 0 && !one.began(one.watch.run(run)):
		one.broke(run, "nobody has tried to start it, yet it is known")
	}
}

// kept looks for the messages that were accepted.
func (one *played) kept(st store.Store) {
	for _, r := range one.watch.runs {
		of := one.told[r.id]
		if of == nil {
			continue
		}
		for _, key := range of.letters {
			if _, found, err := st.Get([]byte(key)); err != nil || !found {
				one.broke(r.id, fmt.Sprintf("a message was accepted, the store has no sign of it: key %q (%v)",
					key, err))
			}
		}
		for _, a := range of.answers {
			value, found, err := st.Get([]byte(a.key))
			if err != nil || !found || !strings.HasSuffix(string(value), "r"+a.result) {
				one.broke(r.id, fmt.Sprintf("an update was answered with %s, the store has %q (%v)",
					a.result, value, err))
			}
		}
	}
}
