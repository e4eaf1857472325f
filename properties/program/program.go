package program

import (
	"fmt"
	"strings"

	"github.com/reprise-dst/reprise/durable"
)

// Program is a workflow: what it does, one operation after the other.
type Program []Op

// Op is one operation of a program. The zero Op does nothing.
type Op struct {
	Verb string
	N    int // seconds, a place among futures, a variant: whatever the verb takes
	Body Program
}

// Workflow makes the workflow of a program, by the name "program", those of its child runs, "child1" and so
// on, and the queues that some of these wait in. Each call makes new ones, which share no memory with those
// of other calls.
//
// The result of a run is what its branches have seen, line by line, in the order of the journal.
func (p Program) Workflow(out Outside) (
	main *durable.Workflow[int, string], children []durable.Definition, queues []durable.QueueDefinition,
) {
	d := &definitions{
		out: out, children: map[*Op]*durable.Workflow[int, string]{},
		queues: map[*Op]*durable.Queue[int, string]{}, updates: map[*Op]string{},
	}
	p.each(isHandler, func(number int, op *Op) { d.updates[op] = updateName(number) })
	p.each(isChild, func(number int, op *Op) {
		w := d.define(childName(number), op.Body)
		d.children[op] = w
		children = append(children, w)
		if op.Verb == "queued" {
			q := durable.NewQueue(queueName(number), w, oneByOne)
			d.queues[op] = q
			queues = append(queues, q)
		}
	})
	return d.define("program", p), children, queues
}

// oneByOne are the limits of all queues.
var oneByOne = durable.QueueConfig{Concurrency: 1}

// isChild reports whether the operation's body is a workflow of its own.
func isChild(op *Op) bool { return op.Verb == "child" || op.Verb == "queued" || op.Verb == "start" }

func isHandler(op *Op) bool { return op.Verb == "handle" }

// each visits the operations of a kind, numbered from 1, those around others first.
func (p Program) each(kind func(op *Op) bool, visit func(number int, op *Op)) {
	number := 0
	var walk func(p Program)
	walk = func(p Program) {
		for i := range p {
			if kind(&p[i]) {
				number++
				visit(number, &p[i])
			}
			walk(p[i].Body)
		}
	}
	walk(p)
}

func childName(number int) string { return fmt.Sprint("child", number) }

func queueName(number int) string { return fmt.Sprint("queue", number) }

func updateName(number int) string { return fmt.Sprint("update", number) }

// Size is the number of operations, those in bodies included.
func (p Program) Size() int {
	n := 0
	for i := range p {
		if p[i].Verb != "" {
			n += 1 + p[i].Body.Size()
		}
	}
	return n
}

// Uses reports whether one of these verbs is in the program.
func (p Program) Uses(verbs ...string) bool {
	for i := range p {
		for _, v := range verbs {
			if p[i].Verb == v {
				return true
			}
		}
		if p[i].Body.Uses(verbs...) {
			return true
		}
	}
	return false
}

// definitions are the workflows of one program in one process.
type definitions struct {
	out      Outside
	children map[*Op]*durable.Workflow[int, string]
	queues   map[*Op]*durable.Queue[int, string]
	updates  map[*Op]string // their names
}

// define makes the workflow of one body.
func (d *definitions) define(name string, body Program) *durable.Workflow[int, string] {
	return durable.Define(name, func(ctx durable.Context, in int) (string, error) {
		r := &run{
			definitions: d, in: in, ch: durable.NewChan[int](ctx, "ch", 1), mu: durable.NewMutex(ctx, "mu"),
			slots: durable.NewSemaphore(ctx, "slots", 2), wg: durable.NewWaitGroup(ctx, "wg"),
			gate: durable.NewMutex(ctx, "gate"),
		}
		r.cond = durable.NewCond(ctx, r.gate, "cond")
		r.do(scene{ctx: ctx}, body)
		if r.again && in < onceMore {
			return durable.ContinueAsNew[string](ctx, in+onceMore)
		}
		return strings.Join(r.log, "\n"), r.failed
	})
}

// run is one execution. Its log is shared by all branches.
type run struct {
	*definitions
	in     int
	ch     *durable.Chan[int]
	mu     *durable.Mutex
	slots  *durable.Semaphore
	wg     *durable.WaitGroup
	gate   *durable.Mutex // of cond
	cond   *durable.Cond
	log    []string
	failed error
	again  bool // it continues as new
}

// onceMore is what a run that continues adds to its input, so that it does so once. Steps don't see it.
const onceMore = 3 * seconds

// scene is what an operation sees: its context, and the futures made before it in the bodies around it. A
// branch therefore waits only for its own and for older ones, never in a ring.
type scene struct {
	ctx     durable.Context
	futures []durable.Future[string]
}

func (s scene) in(ctx durable.Context) scene { return scene{ctx, s.futures} }

// from returns the futures from the nth on.
func (s scene) from(n int) []durable.Future[string] { return s.futures[min(n, len(s.futures)):] }

func (s scene) with(f durable.Future[string]) scene {
	return scene{s.ctx, append(s.futures[:len(s.futures):len(s.futures)], f)}
}

// do executes a body.
func (r *run) do(s scene, body Program) {
	for i := range body {
		if op := &body[i]; op.Verb != "" {
			s = verbOf(op).run(r, s, op)
		}
	}
}

// note records what a branch saw.
func (r *run) note(what ...any) {
	r.log = append(r.log, strings.TrimSuffix(fmt.Sprintln(what...), "\n"))
}

// argument is what a step with this N is called with: a constant, the run's input, or how much it has seen.
func (r *run) argument(n int) int {
	switch n {
	case argInput:
		return r.in % seconds
	case argSeen:
		return len(r.log) % seconds
	}
	return n
}

// What N means as a step's argument, beyond 0 to 3.
const (
	seconds   = 4
	argInput  = 4
	argSeen   = 5
	arguments = 6
)
