package durable

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

// The transcripts in testdata/machine are conversations with the pure machine: events in, commands out.
// Rewrite them with
//
//	go test ./durable -run TestMachine -rewrite
//
// A transcript starts a program of the list below and feeds it events:
//
//	start <program>
//	step <op>                    the step ended, with the JSON result on the lines below
//	fail <op>                    the step ended, with the error's text below
//	final <op>                   the same, with an error that must not be tried again
//	timer <op>                   the timer fired
//	message <op>                 a message was received, with the JSON content below
//	answered <op>                the engine accepted a message or a start, or refused it with the error below
//	update <op> <id>             an update was accepted by the handler, with the JSON input below
//	child <op>                   a child ended, with the JSON result below
//	childfail <op>               a child ended, with the error's text below
//	cancel, terminate            the run is to end, with the reason below
//	replay [program]             replays all events so far, cold, and once for every prefix
//	retried <op>                 the failed run was opened again, to try the step anew
//	forked                       from here on the run is another
//	wait <duration>              moves the time of later events
//	stuck                        who waits for what, when nothing is under way any more
//	late <op>                    asks whether the machine still waits for that operation
func TestMachine(t *testing.T) {
	datadriven.Walk(t, "testdata/machine", func(t *testing.T, path string) {
		tr := &transcript{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		datadriven.RunTest(t, path, tr.command)
		if tr.m != nil {
			tr.m.close()
		}
	})
}

// playTranscripts plays every transcript and returns what was said, by the file's name.
func playTranscripts(t *testing.T) map[string]*transcript {
	played := map[string]*transcript{}
	datadriven.Walk(t, "testdata/machine", func(t *testing.T, path string) {
		tr := &transcript{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		datadriven.RunTest(t, path, tr.command)
		played[strings.TrimSuffix(filepath.Base(path), ".txt")] = tr
	})
	return played
}

// lineNumbers move when a program above them does.
var lineNumbers = regexp.MustCompile(`\.go:\d+`)

type transcript struct {
	m   *machine
	now time.Time
	all []Entry
}

func (tr *transcript) command(t *testing.T, d *datadriven.TestData) string {
	arg := func(i int) string { return d.CmdArgs[i].Key }
	switch d.Cmd {
	case "start":
		if tr.m != nil {
			tr.m.close()
		}
		tr.all = nil
		tr.m = newMachine("r", programs[arg(0)].define(), JSON())
		tr.m.maxTurns = 1000
		return tr.feed(Event{Kind: EventStarted, Start: &Start{Workflow: arg(0), Input: []byte(`"in"`), Seed: 7, Behaviour: behaviour}})
	case "step":
		return tr.feed(Event{Kind: EventStepEnded, Op: arg(0), Result: []byte(d.Input)})
	case "fail":
		return tr.feed(Event{Kind: EventStepEnded, Op: arg(0), Failure: recordFailure(errors.New(d.Input))})
	case "final":
		return tr.feed(Event{
			Kind: EventStepEnded, Op: arg(0), Failure: recordFailure(errors.New(d.Input)), final: true,
		})
	case "timer":
		return tr.feed(Event{Kind: EventTimerFired, Op: arg(0)})
	case "message":
		return tr.feed(Event{Kind: EventMessage, Op: arg(0), Result: []byte(d.Input)})
	case "update":
		ev := Event{Kind: EventUpdate, Op: arg(0), Message: arg(1), Result: []byte(d.Input)}
		return tr.feed(ev)
	case "child":
		return tr.feed(Event{Kind: EventChildEnded, Op: arg(0), From: "r/" + arg(0), Result: []byte(d.Input)})
	case "childfail":
		failure := recordFailure(errors.New(d.Input))
		return tr.feed(Event{Kind: EventChildEnded, Op: arg(0), From: "r/" + arg(0), Failure: failure})
	case "answered":
		ev := Event{Kind: EventAnswered, Op: arg(0)}
		if d.Input != "" {
			ev.Failure = recordFailure(errors.New(d.Input))
		}
		return tr.feed(ev)
	case "cancel", "terminate":
		kind := map[string]EventKind{"cancel": EventCancelled, "terminate": EventTerminated}[d.Cmd]
		return tr.feed(Event{Kind: kind, Reason: d.Input})
	case "retried":
		return tr.feed(Event{Kind: EventRetried, Op: arg(0)})
	case "forked":
		return tr.feed(Event{Kind: EventForked, Fork: &Fork{Run: "f", From: "r", Seed: 8}})
	case "wait":
		step, err := time.ParseDuration(arg(0))
		require.NoError(t, err)
		tr.now = tr.now.Add(step)
		return ""
	case "late":
		return fmt.Sprint(tr.m.pending[arg(0)] != nil && !tr.m.ended)
	case "stuck":
		return lineNumbers.ReplaceAllString(stuck(tr.m).Error(), ".go:N")
	case "replay":
		return tr.replay(d)
	}
	t.Fatalf("unknown command %q", d.Cmd)
	return ""
}

func (tr *transcript) feed(ev Event) string {
	ev.Time = tr.now
	if ev.Kind != EventStarted && (!tr.m.awaits(ev.Kind, ev.Op) || tr.m.stale(&ev)) {
		return "not awaited"
	}
	tr.m.judge(&ev)
	commands, err := tr.m.apply(&ev)
	tr.all = append(tr.all, Entry{Seq: len(tr.all) + 1, Event: ev, Commands: commands, Unanswered: err != nil})
	var out strings.Builder
	for i := range commands {
		c := &commands[i]
		out.WriteString(describeCommand(c, tr.now) + "\n")
	}
	if err != nil {
		fmt.Fprintf(&out, "can't go on: %v\n", err)
	}
	if out.Len() == 0 {
		return "nothing"
	}
	return out.String()
}

func describeCommand(c *Command, now time.Time) string {
	switch {
	case !c.Deadline.IsZero():
		return fmt.Sprintf("%s, due in %v", c, c.Deadline.Sub(now))
	case c.Kind == CommandEnd && c.failure != nil:
		return "end: error " + c.failure.Text
	case c.Kind == CommandEnd:
		return "end: " + string(c.result)
	}
	return c.String()
}

// replay encodes and decodes every entry on the way, as the store would.
func (tr *transcript) replay(d *datadriven.TestData) string {
	def := tr.m.def
	if len(d.CmdArgs) > 0 {
		def = programs[d.CmdArgs[0].Key].define()
		def.name = tr.m.def.name
	}
	for n := range len(tr.all) {
		j := Journal{Run: "r"}
		for i := range n + 1 {
			data, err := appendEntry(nil, &tr.all[i])
			if err != nil {
				return err.Error()
			}
			e, err := decodeEntry("r", i+1, data)
			if err != nil {
				return err.Error()
			}
			j.Entries = append(j.Entries, e)
		}
		done, err := Replay(j, anyDefinition{def}, nil)
		if err != nil {
			return lineNumbers.ReplaceAllString(err.Error(), ".go:N")
		}
		if n == len(tr.all)-1 {
			return fmt.Sprintf("identical, %d entries, ended: %t", done.Entries, done.Ended)
		}
	}
	return "nothing to replay"
}

type anyDefinition struct{ def definition }

func (d anyDefinition) Name() string       { return d.def.name }
func (d anyDefinition) define() definition { return d.def }

func say(_ context.Context, s string) (string, error) { return s, nil }

// programs are the workflows that transcripts run. Steps never run there: events say how they end.
var programs = map[string]Definition{
	"two-steps": Define("two-steps", func(ctx Context, in string) (string, error) {
		a, err := Step(ctx, "first", say, in)
		if err != nil {
			return "", fmt.Errorf("giving up: %w", err)
		}
		return Step(ctx, "second", say, a)
	}),
	"two-steps-renamed": Define("two-steps-renamed", func(ctx Context, in string) (string, error) {
		a, _ := Step(ctx, "first", say, in)
		return Step(ctx, "2nd", say, a)
	}),
	"two-steps-other-argument": Define("two-steps-other-argument", func(ctx Context, in string) (string, error) {
		a, _ := Step(ctx, "first", say, in)
		return Step(ctx, "second", say, a+"!")
	}),
	"one-step": Define("one-step", func(ctx Context, in string) (string, error) {
		return Step(ctx, "first", say, in)
	}),
	"three-steps": Define("three-steps", func(ctx Context, in string) (string, error) {
		a, _ := Step(ctx, "first", say, in)
		more := Async(ctx, "second", say, a)
		Async(ctx, "third", say, a)
		return more.Await(ctx)
	}),
	"other-result": Define("other-result", func(ctx Context, in string) (string, error) {
		a, _ := Step(ctx, "first", say, in)
		b, err := Step(ctx, "second", say, a)
		return b + "!", err
	}),
	"branches": Define("branches", func(ctx Context, in string) (string, error) {
		order := ""
		branch := func(name string) Future[string] {
			return Go(ctx, name, func(ctx Context) (string, error) {
				a, err := Step(ctx, "look", say, name)
				if err != nil {
					return "", err
				}
				order += name
				return Step(ctx, "take", say, a)
			})
		}
		left, right := branch("left"), branch("right")
		all, err := Gather(ctx, left, right)
		return order + ":" + strings.Join(all, "+"), err
	}),
	"race": Define("race", func(ctx Context, in string) (string, error) {
		first := ""
		note := func(name string, wait func(Context) error) Future[bool] {
			return Go(ctx, name, func(ctx Context) (bool, error) {
				err := wait(ctx)
				if first == "" {
					first = name
				}
				return true, err
			})
		}
		step := note("step", func(ctx Context) error { _, err := Step(ctx, "slow", say, in); return err })
		timer := note("timer", func(ctx Context) error { ctx.Sleep(time.Minute); return nil })
		_, err := Gather(ctx, step, timer)
		return first, err
	}),
	"abandon": Define("abandon", func(ctx Context, in string) (string, error) {
		Async(ctx, "forgotten", say, in)
		Go(ctx, "sleeper", func(ctx Context) (int, error) { ctx.Sleep(time.Hour); return 1, nil })
		return Step(ctx, "kept", say, in)
	}),
	"clock": Define("clock", func(ctx Context, in string) (string, error) {
		before := ctx.Now()
		ctx.Sleep(10 * time.Second)
		ctx.Sleep(-time.Second)
		return ctx.Now().Sub(before).String(), nil
	}),
	"dice": Define("dice", func(ctx Context, in string) (string, error) {
		a := ctx.Rand().IntN(1000)
		f := Go(ctx, "other", func(ctx Context) (int, error) { return ctx.Rand().IntN(1000), nil })
		b, _ := f.Await(ctx)
		return Step(ctx, "show", say, fmt.Sprint(a, b))
	}),
	"panics": Define("panics", func(ctx Context, in string) (string, error) {
		a, _ := Step(ctx, "first", say, in)
		if a == "boom" {
			panic("it went wrong")
		}
		return a, nil
	}),
	"wants-number": Define("wants-number", func(ctx Context, in string) (int, error) {
		return Step(ctx, "count", func(context.Context, string) (int, error) { return 1, nil }, in)
	}),
	"gather-fails": Define("gather-fails", func(ctx Context, in string) (string, error) {
		a := Async(ctx, "a", say, in)
		b := Async(ctx, "b", say, in)
		_, err := Gather(ctx, a, b)
		after, _ := a.Await(ctx)
		return fmt.Sprint(err, " then ", after), nil
	}),
}
