package properties

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
)

// Service says what CheckService checks. World is required.
type Service struct {
	// World is called once for each simulated world. What outlives the crashes of processes (the bank, the
	// stock …) is captured by the functions of what it returns.
	World func(w *sim.World) Deployment
	// Clients is how many clients act at the same time; 3 when it is 0.
	Clients int
	// Actions is how many actions each client does at most; 8 when it is 0. Each world chooses.
	Actions int
	// Runs is how many ids of runs each process has, for clients to choose from; 2 when it is 0.
	Runs int
	// Undo is as in Config.
	Undo map[string]string
	// FaultTime is as in Config.
	FaultTime time.Duration
	// Codec is the engines'; durable.JSON() when nil.
	Codec durable.Codec
	// Sim says how to explore; its zero value works.
	Sim sim.Config
}

// Deployment is a service in one simulated world.
type Deployment struct {
	// Processes are the nodes, each with an engine and a store of its own. There must be at least one.
	Processes []Process
	// Actions are what clients do, chosen at random; the first is the dullest. There must be at least one.
	Actions []Action
	// Holds checks invariants of one's own when all runs have ended. did is all that clients were answered, in
	// that order. It may be nil.
	Holds func(did []Did)
}

// Process is one node of a service.
type Process struct {
	// Name is the name of the node.
	Name string
	// Boot is the program's start: it returns the workflows with empty process memory, and may make the node
	// serve requests of others. It is called at each boot and whenever a fresh process is needed to replay.
	Boot func(n *sim.Node) []durable.Definition
	// Queues is called after Boot when the process boots, for its queues; Boot returns their workflows. It may
	// be nil.
	Queues func() []durable.QueueDefinition
	// Open is as in World.
	Open func(cfg durable.Config) (*durable.Engine, error)
}

// CheckService tries to break a service of several processes and workflows, as Check does for one workflow.
// Clients that know nothing of each other start runs, send messages, ask for updates, cancel and look, in any
// order and for the same runs; each repeats what a crash left unanswered, with the same ids. Which they do is
// a choice like all others, so that it shrinks. What they are told is held against a model: see AckDurable.
// When they have done, faults stop; runs that have not ended a day later are cancelled, and must end.
func CheckService(t testing.TB, service Service) {
	t.Helper()
	refuse(t, service.missing())
	sim.Check(t, service.Sim, ServiceBody(service))
}

// ServiceBody is what CheckService runs in each world, for callers that explore with sim.Sweep.
func ServiceBody(cfg Service) func(w *sim.World) {
	if why := cfg.missing(); why != "" {
		panic(why)
	}
	if cfg.Codec == nil {
		cfg.Codec = durable.JSON()
	}
	cfg.FaultTime = cmp.Or(cfg.FaultTime, faultTime)
	cfg.Clients, cfg.Actions, cfg.Runs = cmp.Or(cfg.Clients, 3), cmp.Or(cfg.Actions, 8), cmp.Or(cfg.Runs, 2)
	return func(w *sim.World) {
		d := cfg.World(w)
		if len(d.Processes) == 0 || len(d.Actions) == 0 {
			panic("properties: a Deployment needs at least one of Processes and one of Actions")
		}
		p := &play{cfg: &cfg, world: w, Deployment: d}
		p.run()
	}
}

// missing says what has to be set.
func (cfg Service) missing() string {
	if cfg.World == nil {
		return "properties: Service.World must be set: it makes the processes, and says what clients do"
	}
	return ""
}

// play is a service in one world.
type play struct {
	cfg   *Service
	world *sim.World
	Deployment
	processes []*played
	calls     int
	did       []Did
}

// played is a process, and what clients know of its runs.
type played struct {
	process
	told map[string]*told // by run
}

func (p *play) run() {
	w := p.world
	cold := w.Pick("cold engines", 2) == 1
	for _, of := range p.Processes {
		one := &played{process{Process: of, codec: p.cfg.Codec, undo: p.cfg.Undo}, map[string]*told{}}
		one.watch.name, one.opens, one.closes = of.Name, one.kept, one.kept
		p.processes = append(p.processes, one)
		one.begin(w, cold)
	}
	for _, a := range p.Actions {
		w.Sometimes("clients "+a.Name, false)
		if p.process(a.Process) == nil {
			panic(fmt.Sprintf("properties: the action %q is for process %q, which Deployment.Processes doesn't have",
				a.Name, a.Process))
		}
	}
	stopFaults(w, p.cfg.FaultTime)
	clients := 1 + w.Pick("clients", p.cfg.Clients)
	name := func(i int) string { return fmt.Sprintf("client %d", i+1) }
	w.Concurrently(name, clients, p.client)
	w.StopFaults()
	for _, one := range p.processes {
		p.finish(one)
	}
	for _, one := range p.processes {
		one.settle(func(string) bool { return false }, func(string, durable.Replayed) {})
	}
	if p.Holds != nil {
		p.Holds(p.did)
	}
}

// process finds a process by its name; the first one when it is empty.
func (p *play) process(name string) *played {
	i := slices.IndexFunc(p.processes, func(one *played) bool { return name == "" || one.Name == name })
	if i < 0 {
		return nil
	}
	return p.processes[i]
}

// client does some actions, one after the other.
func (p *play) client(ctx context.Context, _ int) {
	for range 1 + p.world.Pick("actions", p.cfg.Actions) {
		a := &p.Actions[p.world.Pick("action", len(p.Actions))]
		p.calls++
		c := Call{
			Run: fmt.Sprintf("run-%d", 1+p.world.Pick("run", p.cfg.Runs)), ID: fmt.Sprintf("id-%d", p.calls),
			Choice: p.world.Pick(cmp.Or(a.choice, "choice of "+a.Name), max(a.Choices, 1)),
		}
		p.act(ctx, a, c)
	}
}

// attention is how long a client waits for an answer.
const attention = time.Hour

// act does one action, again and again until it is answered or the client gives up.
func (p *play) act(ctx context.Context, a *Action, c Call) {
	one := p.process(a.Process)
	account := one.account(c.Run)
	if a.tries != nil {
		a.tries(account, c)
	}
	name := a.Name + " " + c.Run
	ctx, cancel := p.world.WithTimeout(ctx, attention)
	defer cancel()
	for {
		var answer error
		err := one.node.Call(ctx, name, func(ctx context.Context) error {
			c.Engine = one.engine
			answer = a.Do(ctx, c)
			return nil
		})
		if errors.Is(err, context.DeadlineExceeded) {
			err, answer = nil, err
		}
		switch {
		case errors.Is(err, sim.ErrCrashed):
			continue
		case err != nil:
			p.world.Fail(EveryRunEnds, name, err.Error())
		case errors.Is(answer, durable.ErrFailed), errors.Is(answer, durable.ErrFenced),
			errors.Is(answer, durable.ErrDamaged), errors.Is(answer, durable.ErrParked):
			one.watch.cantGoOn(name, answer)
		}
		p.world.Sometimes("clients "+a.Name, true)
		p.did = append(p.did, Did{
			Action: a.Name, Process: one.Name, Run: c.Run, ID: c.ID, Choice: c.Choice, Err: answer,
		})
		if a.answered != nil {
			a.answered(one, account, c, answer)
		}
		return
	}
}

// patient is how long a run may go on after the clients have done, before it is cancelled.
const patient = 24 * time.Hour

// finish waits for the ends of all runs of a process, and cancels those that take long.
func (p *play) finish(one *played) {
	ctx := p.world.Context()
	for _, r := range one.watch.runs {
		if !one.began(r) {
			continue
		}
		p.await(ctx, one, r, patient)
		if r.ended {
			continue
		}
		one.insist(ctx, "cancel "+r.id, func(ctx context.Context) error {
			err := one.engine.Cancel(ctx, r.id, "the test is over")
			if errors.Is(err, durable.ErrEnded) {
				return nil
			}
			return err
		})
		p.await(ctx, one, r, defaultPatience)
		if !r.ended {
			one.watch.giveUp()
		}
	}
}

// await looks, less and less often, whether a run has ended.
func (p *play) await(ctx context.Context, one *played, r *seen, within time.Duration) {
	for step := time.Second; !r.ended && within > 0; step *= 2 {
		if parked := one.engine.Parked(); len(parked) > 0 {
			one.watch.parted(parked[0].Run, parked[0].Cause)
		}
		if p.world.Sleep(ctx, min(step, within)) != nil {
			return
		}
		within -= step
	}
}
