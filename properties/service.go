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
	"github.com/reprise-dst/reprise/internal/span"
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
	// Actions are what clients do, chosen at random. There must be at least one.
	Actions []Action
	// Holds checks invariants of one's own when all runs have ended. did is all that clients did, in the order
	// in which they began it; see Linearizable. It may be nil.
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
// order and for the same runs; each repeats what a crash left unanswered, with the same ids. What they do,
// and when, is a choice like all others, so that it shrinks; a report lists it as Go code. What they are told
// is held against a model: see Linearizable and AckDurable. When they have done, faults stop; runs that have
// not ended a day later are cancelled, and must end.
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
	slots := slotsOf(cfg.Clients, cfg.Actions)
	return func(w *sim.World) {
		d := cfg.World(w)
		if len(d.Processes) == 0 || len(d.Actions) == 0 {
			panic("properties: a Deployment needs at least one of Processes and one of Actions")
		}
		p := &play{cfg: &cfg, slots: slots, world: w, Deployment: d}
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
	slots [][]slot
	world *sim.World
	Deployment
	processes []*played
	clock     int // beginnings and answers so far
	did       []*Did
}

// played is a process, and what clients were told that must stay so.
type played struct {
	process
	letters []letter
	answers []answer
	ends    []*Did // the answers of Awaits, one for each run
}

func (p *play) run() {
	w := p.world
	cold := w.Pick("cold engines", 2) == 1
	for _, of := range p.Processes {
		one := &played{process: process{Process: of, codec: p.cfg.Codec, undo: p.cfg.Undo}}
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
	w.Explain(p.show)
	stopFaults(w, p.cfg.FaultTime)
	name := func(i int) string { return fmt.Sprintf("client %d", i+1) }
	w.Concurrently(name, p.cfg.Clients, p.client)
	w.StopFaults()
	did := make([]Did, len(p.did))
	for i := range did {
		did[i] = *p.did[i]
	}
	p.explain(did)
	for _, one := range p.processes {
		p.finish(one)
	}
	for _, one := range p.processes {
		one.settle(func(string) bool { return false }, func(string, durable.Replayed) {})
	}
	if p.Holds != nil {
		p.Holds(did)
	}
}

// show lists what clients did.
func (p *play) show() []string {
	if len(p.did) == 0 {
		return nil
	}
	lines := []string{"", "clients:"}
	for _, d := range p.did {
		lines = append(lines, "\t"+d.String())
	}
	return lines
}

// explain holds what clients were told against the model of each run's id.
func (p *play) explain(did []Did) {
	for _, one := range p.processes {
		for _, r := range one.watch.runs {
			about := slices.DeleteFunc(slices.Clone(did), func(d Did) bool {
				return d.Process != one.Name || d.Run != r.id
			})
			starts := slices.ContainsFunc(about, func(d Did) bool { return d.action.start != "" })
			if !starts && one.began(r) { // whoever started it is no client
				continue
			}
			if why := linearize(about, known); why != nil {
				one.broke(r.id, why...)
			}
		}
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

// slot is a place for one action of one client: the labels of its choices. They are told apart, so that
// leaving out one action changes no other.
type slot struct{ action, after, run, choice string }

func slotsOf(clients, actions int) [][]slot {
	all := make([][]slot, clients)
	for i := range all {
		for k := range actions {
			at := fmt.Sprintf("client %d action %d", i+1, k+1)
			all[i] = append(all[i], slot{at, at + " after", at + " run", at + " choice"})
		}
	}
	return all
}

// pauses are how long a client waits before an action.
var pauses = []time.Duration{0, time.Second, time.Minute, time.Hour}

// client does some actions, one after the other.
func (p *play) client(ctx context.Context, i int) {
	w := p.world
	for k := range p.slots[i][:w.Pick(fmt.Sprintf("actions of client %d", i+1), p.cfg.Actions+1)] {
		s := &p.slots[i][k]
		which := w.Pick(s.action, len(p.Actions)+1)
		if which == 0 {
			continue
		}
		if after := pauses[w.Pick(s.after, len(pauses))]; after > 0 && w.Sleep(ctx, after) != nil {
			return
		}
		a := &p.Actions[which-1]
		p.act(ctx, &Did{
			Client: i + 1, Action: a.Name, Process: p.process(a.Process).Name,
			Run: fmt.Sprintf("run-%d", 1+w.Pick(s.run, p.cfg.Runs)), ID: fmt.Sprintf("id-%d.%d", i+1, k+1),
			Choice: w.Pick(s.choice, max(a.Choices, 1)), action: a,
		})
	}
}

// attention is how long a client waits for an answer.
const attention = time.Hour

// act does one action, again and again until it is answered or the client gives up.
func (p *play) act(ctx context.Context, d *Did) {
	one, a := p.process(d.Process), d.action
	if a.sends != nil {
		d.Sent = a.sends(d.Choice)
	}
	p.clock++
	d.at, d.began, d.Open = "+"+span.Text(p.world.Now().Sub(sim.Epoch)), p.clock, true
	p.did = append(p.did, d)
	if r := one.watch.run(d.Run); a.reopens {
		r.reopens = true
	}
	name := d.Action + " " + d.Run
	c := Call{Run: d.Run, ID: d.ID, Choice: d.Choice}
	ctx, cancel := p.world.WithTimeout(ctx, attention)
	defer cancel()
	for {
		d.Tries++
		var answer any
		var refused error
		err := one.node.Call(ctx, name, func(ctx context.Context) error {
			c.Engine = one.engine
			answer, refused = a.Do(ctx, c)
			return nil
		})
		switch {
		case errors.Is(err, sim.ErrCrashed):
			continue
		case errors.Is(err, context.DeadlineExceeded):
			d.Err = err
			return
		case err != nil:
			p.world.Fail(EveryRunEnds, name, err.Error())
		case errors.Is(refused, durable.ErrFailed), errors.Is(refused, durable.ErrFenced),
			errors.Is(refused, durable.ErrDamaged), errors.Is(refused, durable.ErrParked):
			one.watch.cantGoOn(name, refused)
		}
		p.clock++
		d.Answer, d.Err, d.ended = answer, refused, p.clock
		d.Open = errors.Is(refused, context.DeadlineExceeded)
		p.world.Sometimes("clients "+a.Name, refused == nil)
		if a.answered != nil && !d.Open {
			a.answered(one, d)
		}
		return
	}
}

// patient is how long a run may go on after the clients have done, before it is cancelled.
const patient = 24 * time.Hour

// finish waits for the ends of all runs of a process, and cancels those that take long.
func (p *play) finish(one *played) {
	ctx := p.world.Context()
	exist := map[*seen]bool{}
	for _, r := range one.watch.runs {
		exist[r] = one.resumed(ctx, r)
	}
	for i := 0; i < len(one.watch.runs); i++ { // more may begin meanwhile
		r := one.watch.runs[i]
		if !exist[r] && !one.began(r) {
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

// resumed lets a run go on that a client has paused, and reports whether there is such a run.
func (one *played) resumed(ctx context.Context, r *seen) (exists bool) {
	one.insist(ctx, "resume "+r.id, func(context.Context) error {
		l, err := one.engine.Status(r.id)
		exists = err == nil
		if exists && l.Status == durable.Paused {
			_ = one.engine.Resume(r.id) // refused while its pause is not acknowledged; await asks again
		}
		return nil
	})
	return exists
}

// began reports whether there is such a run.
func (one *played) began(r *seen) bool { return len(r.entries) > 0 }

// await looks, less and less often, whether a run has ended.
func (p *play) await(ctx context.Context, one *played, r *seen, within time.Duration) {
	for step := time.Second; !r.ended && within > 0; step *= 2 {
		one.resumed(ctx, r)
		if parked := one.engine.Parked(); len(parked) > 0 {
			one.watch.parted(parked[0].Run, parked[0].Cause)
		}
		if p.world.Sleep(ctx, min(step, within)) != nil {
			return
		}
		within -= step
	}
}
