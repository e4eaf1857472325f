package eventloop_test

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// A verb plays one line of a script for a task. What it returns is printed, if it is not empty.
type verb func(s *stage, who string, args []string) (string, error)

var verbs map[string]verb

func init() {
	verbs = map[string]verb{}
	for _, table := range []map[string]verb{taskVerbs, waitVerbs, queueVerbs, lockVerbs} {
		maps.Copy(verbs, table)
	}
}

// acts is a verb that neither waits nor has a result.
func acts(do func(s *stage, args []string)) verb {
	return func(s *stage, _ string, args []string) (string, error) {
		do(s, args)
		return "", nil
	}
}

// waits is a verb that waits and prints the word afterwards.
func waits(word string, do func(s *stage, args []string) error) verb {
	return func(s *stage, _ string, args []string) (string, error) { return word, do(s, args) }
}

var taskVerbs = map[string]verb{
	"say": func(s *stage, who string, args []string) (string, error) {
		s.say(who, "%s", strings.Join(args, " "))
		return "", nil
	},
	"panic":    acts(func(_ *stage, args []string) { panic(strings.Join(args, " ")) }),
	"start":    acts(func(s *stage, args []string) { s.spawn(args[0]) }),
	"wake":     acts(func(s *stage, args []string) { s.task(args[0]).Wake() }),
	"kill":     acts(func(s *stage, args []string) { s.task(args[0]).Kill() }),
	"uncancel": acts(func(s *stage, _ []string) { s.l.Current().Uncancel() }),
	"cancel":   cancel,
	"ondone":   onDone,
	"soon": func(s *stage, who string, args []string) (string, error) {
		s.l.CallSoon(s.calls(who, args))
		return "", nil
	},
	"after": func(s *stage, who string, args []string) (string, error) {
		s.timers[args[1]] = s.l.CallLater(s.duration(args[0]), s.calls(who, args[1:]))
		return "", nil
	},
	"stop": func(s *stage, _ string, args []string) (string, error) {
		return yes(s.timers[args[0]].Stop()), nil
	},
}

var waitVerbs = map[string]verb{
	"yield": waits("back", func(s *stage, _ []string) error { return s.l.Yield() }),
	"park":  waits("woken", func(s *stage, _ []string) error { return s.l.Park("a wake") }),
	"sleep": waits("", func(s *stage, args []string) error { return s.l.Sleep(s.duration(args[0])) }),
	"spin":  spin,
	"await": func(s *stage, _ string, args []string) (string, error) {
		return ended(s.futures[args[0]].Await())
	},
	"shield": func(s *stage, _ string, args []string) (string, error) {
		return ended(eventloop.Shield(s.futures[args[0]]).Await())
	},
	"gather":    gather,
	"settle":    settle,
	"wait":      wait,
	"completed": completed,
	"timeout": func(s *stage, who string, args []string) (string, error) {
		return "", s.l.Timeout(s.duration(args[0]), func() error {
			return s.do(who, strings.Join(args[1:], " "))
		})
	},
	"within":   within,
	"detached": detached,
	"derived":  derived,
}

var queueVerbs = map[string]verb{
	"send":     waits("sent", func(s *stage, args []string) error { return s.chans[args[0]].Send(args[1]) }),
	"recv":     func(s *stage, _ string, args []string) (string, error) { return s.chans[args[0]].Recv() },
	"close":    acts(func(s *stage, args []string) { s.chans[args[0]].Close() }),
	"put":      waits("put", func(s *stage, args []string) error { return s.queues[args[0]].Put(args[1]) }),
	"get":      func(s *stage, _ string, args []string) (string, error) { return s.queues[args[0]].Get() },
	"join":     waits("joined", func(s *stage, args []string) error { return s.queues[args[0]].Join() }),
	"taskdone": acts(func(s *stage, args []string) { s.queues[args[0]].TaskDone() }),
}

var lockVerbs = map[string]verb{
	"acquire":   waits("acquired", func(s *stage, args []string) error { return s.sems[args[0]].Acquire() }),
	"release":   acts(func(s *stage, args []string) { s.sems[args[0]].Release() }),
	"lock":      waits("locked", func(s *stage, args []string) error { return s.mutex(args[0]).Lock() }),
	"unlock":    acts(func(s *stage, args []string) { s.mutex(args[0]).Unlock() }),
	"cwait":     waits("signalled", func(s *stage, args []string) error { return s.cond(args[0]).Wait() }),
	"signal":    acts(func(s *stage, args []string) { s.cond(args[0]).Signal() }),
	"broadcast": acts(func(s *stage, args []string) { s.cond(args[0]).Broadcast() }),
	"add":       acts(func(s *stage, args []string) { s.group(args[0]).Add(s.number(args[1])) }),
	"done":      acts(func(s *stage, args []string) { s.group(args[0]).Done() }),
	"wgwait":    waits("zero", func(s *stage, args []string) error { return s.group(args[0]).Wait() }),
	"set":       acts(func(s *stage, args []string) { s.event(args[0]).Set() }),
	"clear":     acts(func(s *stage, args []string) { s.event(args[0]).Clear() }),
	"ewait":     waits("set", func(s *stage, args []string) error { return s.event(args[0]).Wait() }),
}

func spin(s *stage, _ string, _ []string) (string, error) {
	for {
		if err := s.l.Yield(); err != nil {
			return "", err
		}
	}
}

func cancel(s *stage, _ string, args []string) (string, error) {
	var cause error
	if len(args) > 1 {
		cause = errors.New(strings.Join(args[1:], " "))
	}
	return yes(s.task(args[0]).Cancel(cause)), nil
}

func onDone(s *stage, who string, args []string) (string, error) {
	s.futures[args[0]].OnDone(func(*eventloop.Future[string]) { s.calls(who, args[1:])() })
	return "", nil
}

func gather(s *stage, _ string, args []string) (string, error) {
	values, err := eventloop.Gather(s.all(args)...)
	return "[" + strings.Join(values, " ") + "]", err
}

func settle(s *stage, _ string, args []string) (string, error) {
	outcomes, err := eventloop.Settle(s.all(args)...)
	var words []string
	for _, o := range outcomes {
		word, err := ended(o.Value, o.Err)
		if err != nil {
			word = "error(" + firstLine(err) + ")"
		}
		words = append(words, word)
	}
	return "[" + strings.Join(words, " ") + "]", err
}

func wait(s *stage, _ string, args []string) (string, error) {
	mode := map[string]eventloop.WaitMode{
		"all": eventloop.AllCompleted, "first": eventloop.FirstCompleted, "error": eventloop.FirstError,
	}[args[0]]
	done, pending, err := eventloop.Wait(mode, s.all(args[1:])...)
	return "done" + names(done) + ", pending" + names(pending), err
}

func completed(s *stage, who string, args []string) (string, error) {
	for f, err := range eventloop.Completed(s.all(args)...) {
		if err != nil {
			return "", err
		}
		s.say(who, "%s is done", f.Task().Name())
	}
	return "all done", nil
}

// within plays a line under a context with a deadline.
func within(s *stage, who string, args []string) (string, error) {
	ctx, stop := s.l.WithTimeout(s.l.Current().Context(), s.duration(args[0]))
	defer stop()
	return "", s.l.Under(ctx, func() error { return s.do(who, strings.Join(args[1:], " ")) })
}

// detached waits under a context that no cancellation of the task reaches.
func detached(s *stage, _ string, args []string) (string, error) {
	return "", sleepUnder(s, context.WithoutCancel(s.l.Current().Context()), args[0])
}

// derived waits under a context that the standard library derived from the task's.
func derived(s *stage, _ string, args []string) (string, error) {
	ctx, stop := context.WithCancel(s.l.Current().Context())
	defer stop()
	return "", sleepUnder(s, ctx, args[0])
}

func sleepUnder(s *stage, ctx context.Context, d string) error {
	t := s.l.Current()
	timer := s.l.CallLater(s.duration(d), t.Wake)
	defer timer.Stop()
	return s.l.ParkContext(ctx, "a sleep of "+d)
}

// calls is a callback that says something.
func (s *stage) calls(who string, words []string) func() {
	return func() { s.say(who, "callback: %s", strings.Join(words, " ")) }
}

func (s *stage) task(name string) *eventloop.Task {
	f := s.futures[name]
	require.NotNil(s.t, f, "no task %q in the script", name)
	return f.Task()
}

func (s *stage) all(names []string) (fs []*eventloop.Future[string]) {
	for _, name := range names {
		s.task(name)
		fs = append(fs, s.futures[name])
	}
	return fs
}

func (s *stage) mutex(name string) *eventloop.Mutex {
	if s.mutexes[name] == nil {
		s.mutexes[name] = eventloop.NewMutex(s.l, name)
	}
	return s.mutexes[name]
}

func (s *stage) cond(name string) *eventloop.Cond {
	if s.conds[name] == nil {
		s.conds[name] = eventloop.NewCond(s.mutex(name), name)
	}
	return s.conds[name]
}

func (s *stage) group(name string) *eventloop.WaitGroup {
	if s.groups[name] == nil {
		s.groups[name] = eventloop.NewWaitGroup(s.l, name)
	}
	return s.groups[name]
}

func (s *stage) event(name string) *eventloop.Event {
	if s.events[name] == nil {
		s.events[name] = eventloop.NewEvent(s.l, name)
	}
	return s.events[name]
}

func names(fs []*eventloop.Future[string]) (text string) {
	for _, f := range fs {
		text += " " + f.Task().Name()
	}
	return text
}

func ended(value string, err error) (string, error) {
	if value == "" {
		value = "ok"
	}
	return value, err
}

func yes(ok bool) string {
	if ok {
		return "yes"
	}
	return "no"
}
