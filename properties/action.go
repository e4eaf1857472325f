package properties

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/reprise-dst/reprise/durable"
	"pgregory.net/rapid"
)

// Action is something that clients of a service do. Starts, Posts, Asks, Cancels and others make the usual
// ones; for the rest, write Name and Do.
type Action struct {
	// Name names it in reports.
	Name string
	// Process is the one that it is about; the first of the deployment when it is empty.
	Process string
	// Choices is how many values Call.Choice may have; 1 when it is 0.
	Choices int
	// Do acts on the node of the process. It is called again, with the same Call, when the node crashed before
	// it could answer. What it returns, the error included, is the answer; errors that say that the engine or
	// the run can't go on fail the test.
	Do func(ctx context.Context, c Call) (answer any, err error)

	sends    func(choice int) any      // what is sent; nil: nothing
	code     string                    // of the call: 1 is the engine, 2 the run, 3 the id, 4 what is sent
	start    string                    // the workflow that it starts
	touches  bool                      // it finds out whether there is such a run
	reopens  bool                      // it may open a run again that has ended
	answered func(one *played, d *Did) // what follows from its answer
}

// Call is one action of one client.
type Call struct {
	Engine *durable.Engine // of the process, in its current life
	Run    string          // the run that it is about, which need not exist
	ID     string          // of this call, the same when it is repeated: for messages and updates
	Choice int             // from 0 to Action.Choices-1, the dullest first
}

// Did is an action that a client did.
type Did struct {
	Client                   int // from 1
	Action, Process, Run, ID string
	Choice                   int
	Sent                     any   // the input, or the message, of an action that this package has made
	Tries                    int   // how often it was done: all but the last time, a crash swallowed the answer
	Answer                   any   // what Action.Do returned, with Err
	Err                      error // also when the client gave up
	// Open says that the client has got no answer, and gave up after an hour or was cut short by the end of the
	// world: whether it was done, and how it was answered, nobody knows.
	Open bool

	action       *Action
	at           string
	began, ended int // in the order of all beginnings and answers
}

// String is the Go code of the call, with who made it, when, and what it was answered.
func (d *Did) String() string {
	name := strings.ReplaceAll(d.Action, " ", "_")
	call := fmt.Sprintf("%s(ctx, %s, %q, %d)", name, d.Process, d.Run, d.Choice)
	if d.action.code != "" {
		call = fmt.Sprintf(d.action.code, d.Process, d.Run, d.ID, d.Sent)
	}
	again := ""
	if d.Tries > 1 {
		again = fmt.Sprintf(", %d tries", d.Tries)
	}
	answer := "done"
	switch {
	case d.Open:
		answer = "no answer"
	case d.Err != nil:
		answer, _, _ = strings.Cut(d.Err.Error(), "\n")
	case d.Answer != nil:
		answer = fmt.Sprintf("%#v", d.Answer)
	}
	return fmt.Sprintf("%s // client %d at %s%s: %s", call, d.Client, d.at, again, answer)
}

// On is the action for another process.
func (a Action) On(process string) Action {
	a.Process = process
	return a
}

// Starts is to start a run of the workflow with a generated input. Starting it again with the same input must
// do nothing, and with another one be refused.
func Starts[In, Out any](w *durable.Workflow[In, Out], inputs *rapid.Generator[In]) Action {
	a, values := sending(w.Name()+".Start(ctx, %[1]s, %[2]q, %#[4]v)", "start "+w.Name(), inputs)
	a.start, a.answered = w.Name(), started
	a.Do = func(ctx context.Context, c Call) (any, error) {
		_, err := w.Start(ctx, c.Engine, c.Run, values[c.Choice])
		return nil, err
	}
	return a
}

// Enqueues is to put a run of the workflow with a generated input into its queue, which is to start it when
// its turn has come.
func Enqueues[In, Out any](
	w *durable.Workflow[In, Out], q *durable.Queue[In, Out], inputs *rapid.Generator[In],
) Action {
	code := q.Name() + ".Enqueue(ctx, %[1]s, %#[4]v, durable.Item{ID: %[2]q})"
	a, values := sending(code, "enqueue "+q.Name(), inputs)
	a.start, a.answered = w.Name(), started
	a.Do = func(ctx context.Context, c Call) (any, error) {
		_, err := q.Enqueue(ctx, c.Engine, values[c.Choice], durable.Item{ID: c.Run})
		return nil, err
	}
	return a
}

func started(one *played, d *Did) {
	if d.Err == nil {
		one.watch.startAcknowledged(d.Run)
	}
}

// Posts is to send a run a message of the topic, with an id. What was accepted must arrive once.
func Posts[T any](topic durable.Topic[T], contents *rapid.Generator[T]) Action {
	code := topic.Name() + ".PostOnce(ctx, %[1]s, %[2]q, %[3]q, %#[4]v)"
	a, values := sending(code, "post "+topic.Name(), contents)
	a.touches = true
	a.Do = func(ctx context.Context, c Call) (any, error) {
		return nil, topic.PostOnce(ctx, c.Engine, c.Run, c.ID, values[c.Choice])
	}
	a.answered = func(one *played, d *Did) {
		if d.Err == nil {
			one.letters = append(one.letters, letter{d.Run, topic.Name(), d.ID})
		}
	}
	return a
}

// Asks is to ask a run for an update, with an id. A run that does not handle it lets the client wait until it
// ends, or until the client gives up, after an hour. What was answered must stay so.
func Asks[In, Out any](update durable.Update[In, Out], inputs *rapid.Generator[In]) Action {
	a, values := sending(update.Name()+".Call(ctx, %[1]s, %[2]q, %[3]q, %#[4]v)", "ask "+update.Name(), inputs)
	a.touches = true
	a.Do = func(ctx context.Context, c Call) (any, error) {
		return update.Call(ctx, c.Engine, c.Run, c.ID, values[c.Choice])
	}
	a.answered = func(one *played, d *Did) {
		if d.Err == nil {
			data, _ := one.codec.Encode(d.Answer)
			one.answers = append(one.answers, answer{d.Run, "u" + d.Run + "\x00" + d.ID, string(data)})
		}
	}
	return a
}

// Awaits is to wait for a run's end, for an hour at most. It must not change any more.
func Awaits[In, Out any](w *durable.Workflow[In, Out]) Action {
	a := touching("await "+w.Name(), "", func(ctx context.Context, c Call) (any, error) {
		return w.Run(c.Engine, c.Run).Result(ctx)
	})
	a.code, a.answered = w.Name()+".Run(%[1]s, %[2]q).Result(ctx)", ended
	return a
}

func ended(one *played, d *Did) {
	var failed *durable.RunError
	if r := one.watch.run(d.Run); !r.reopens && (d.Err == nil || errors.As(d.Err, &failed)) {
		r.told = true
		one.endsAs(d)
	}
}

// Gets is to read what a run has published last.
func Gets[T any](value durable.Value[T]) Action {
	a := touching("get "+value.Name(), "", func(ctx context.Context, c Call) (any, error) {
		return value.Get(ctx, c.Engine, c.Run)
	})
	a.code = value.Name() + ".Get(ctx, %[1]s, %[2]q)"
	return a
}

// sending is an action that sends one of some generated values.
func sending[T any](code, name string, gen *rapid.Generator[T]) (Action, []T) {
	values := distinct(generate(gen, durable.JSON()), durable.JSON())
	return Action{
		Name: name, Choices: len(values), code: code,
		sends: func(choice int) any { return values[choice] },
	}, values
}

// Looks is to ask for a run's status.
func Looks() Action {
	return touching("look", "Status(%[2]q)", func(_ context.Context, c Call) (any, error) {
		l, err := c.Engine.Status(c.Run)
		return l.Status, err
	})
}

// Cancels is to cancel a run.
func Cancels() Action {
	return touching("cancel", "Cancel(ctx, %[2]q, %[3]q)", func(ctx context.Context, c Call) (any, error) {
		return nil, c.Engine.Cancel(ctx, c.Run, c.ID)
	})
}

// Terminates is to end a run without its code.
func Terminates() Action {
	return touching("terminate", "Terminate(ctx, %[2]q, %[3]q)", func(ctx context.Context, c Call) (any, error) {
		return nil, c.Engine.Terminate(ctx, c.Run, c.ID)
	})
}

// Pauses is to set a run aside. When clients have done, all that they have paused is resumed.
func Pauses() Action {
	return touching("pause", "Pause(ctx, %[2]q, %[3]q)", func(ctx context.Context, c Call) (any, error) {
		return nil, c.Engine.Pause(ctx, c.Run, c.ID)
	})
}

// Resumes is to let a run go on that was paused; of any other run it is refused.
func Resumes() Action {
	a := touching("resume", "Resume(%[2]q)", func(_ context.Context, c Call) (any, error) {
		return nil, c.Engine.Resume(c.Run)
	})
	a.touches = false // it looks at what is paused only
	return a
}

// Retries is to open a run again that has failed.
func Retries() Action {
	a := touching("retry", "Retry(ctx, %[2]q)", func(ctx context.Context, c Call) (any, error) {
		return nil, c.Engine.Retry(ctx, c.Run)
	})
	a.reopens = true
	return a
}

// Forks is to start a run, of an id of its own, from one of the first entries of the run's journal.
func Forks() Action {
	const entries = 8
	a := touching("fork", "Fork(ctx, %[2]q, %[4]v, %[3]q)", func(ctx context.Context, c Call) (any, error) {
		return nil, c.Engine.Fork(ctx, c.Run, 1+c.Choice, c.ID)
	})
	a.Choices, a.sends = entries, func(choice int) any { return 1 + choice }
	return a
}

// touching is an action on a run that finds out whether there is one.
func touching(name, code string, do func(ctx context.Context, c Call) (any, error)) Action {
	return Action{Name: name, Do: do, code: "%[1]s." + code, touches: true}
}
