package eventloop_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reprise-dst/reprise/internal/eventloop/looptest"
)

// TestModel draws programs of tasks that act on one another, and compares what happens on the loop with
// what happens on the plain reference.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := program{
			scripts: rapid.SliceOfN(rapid.SliceOfN(drawAct(), 0, 6), 1, 6).Draw(t, "scripts"),
			outside: rapid.SliceOfN(drawAct(), 0, 6).Draw(t, "outside"),
		}
		want := p.run(looptest.NewReference())
		got := p.run(openLoop())
		require.Equal(t, want, got)
	})
}

// A program is a script for each task, and what is done from outside between runs of the loop.
type program struct {
	scripts [][]act
	outside []act
}

type act struct {
	Verb  string
	Which int // of the tasks that exist by then
}

func (a act) String() string { return fmt.Sprintf("%s %d", a.Verb, a.Which) }

func drawAct() *rapid.Generator[act] {
	verbs := []string{"park", "yield", "wake", "cancel", "await", "spawn", "soon", "ondone", "kill", "panic"}
	return rapid.Custom(func(t *rapid.T) act {
		return act{rapid.SampledFrom(verbs).Draw(t, "verb"), rapid.IntRange(0, 7).Draw(t, "which")}
	})
}

// run plays the program and returns what happened, in order.
func (p program) run(l looptest.Loop) (log []string) {
	defer func() { log = append(log, "closed") }()
	defer l.Close()
	g := &player{p: p, l: l, log: &log}
	for i := range p.scripts {
		g.spawn(i)
	}
	log = append(log, fmt.Sprintf("ran %d", l.Run()))
	for _, a := range p.outside {
		if a.Verb == "park" || a.Verb == "yield" || a.Verb == "await" || a.Verb == "panic" {
			continue // for tasks only
		}
		g.do("outside", a)
		log = append(log, fmt.Sprintf("ran %d", l.Run()))
	}
	for _, t := range l.Tasks() {
		log = append(log, t.Name()+" is left")
	}
	for _, t := range g.tasks {
		log = append(log, fmt.Sprintf("%s: %v %s", t.Name(), t.Done(), describe(t.Err())))
	}
	return log
}

type player struct {
	p     program
	l     looptest.Loop
	tasks []looptest.Task
	log   *[]string
}

func (g *player) say(format string, args ...any) {
	*g.log = append(*g.log, fmt.Sprintf(format, args...))
}

func (g *player) spawn(script int) {
	name := fmt.Sprintf("task-%d", len(g.tasks))
	if len(g.tasks) > 30 {
		return
	}
	g.tasks = append(g.tasks, g.l.Go(name, func() {
		defer g.say("%s ends", name)
		for _, a := range g.p.scripts[script%len(g.p.scripts)] {
			g.do(name, a)
		}
	}))
}

func (g *player) do(who string, a act) {
	g.say("%s: %v", who, a)
	other := g.tasks[a.Which%len(g.tasks)]
	switch a.Verb {
	case "park":
		g.say("%s: parked: %s", who, describe(g.l.Park("a wake")))
	case "yield":
		g.say("%s: yielded: %s", who, describe(g.l.Yield()))
	case "await":
		g.say("%s: awaited %s: %s", who, other.Name(), describe(other.Await()))
	case "wake":
		other.Wake()
	case "cancel":
		g.say("%s: cancelled: %v", who, other.Cancel(errors.New("by "+who)))
	case "kill":
		other.Kill()
	case "spawn":
		g.spawn(a.Which)
	case "soon":
		g.l.CallSoon(func() { g.say("callback of %s", who) })
	case "ondone":
		other.OnDone(func() { g.say("%s: saw the end of %s", who, other.Name()) })
	case "panic":
		panic("by " + who)
	}
}

// describe makes errors of both loops comparable.
func describe(err error) string {
	if errors.Is(err, looptest.ErrRefKilled) || errors.Is(err, loopErrors.Killed) {
		return "killed"
	}
	var ref *looptest.RefPanic
	if errors.As(err, &ref) {
		return fmt.Sprintf("panic: %v", ref.Value)
	}
	if value, _, is := loopErrors.Panic(err); is {
		return fmt.Sprintf("panic: %v", value)
	}
	return fmt.Sprint(err)
}
