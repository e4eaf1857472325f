package properties

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// faultTime is how much virtual time a world has until its faults stop, by default.
const faultTime = 24 * time.Hour

// defaultPatience is half of the time that a world has by default.
const defaultPatience = 50 * 365 * 24 * time.Hour

// session is one world's play: a node with the engine, and a client for each run.
type session[In, Out any] struct {
	cfg   *Config[In, Out]
	world *sim.World
	World[In, Out]
	node       *sim.Node
	engine     *durable.Engine            // of the node's current life
	workflow   *durable.Workflow[In, Out] // of the node's current life
	watch      watch
	cold       bool              // runs are evicted after every event
	exhaustive bool              // all that can be chosen is to be tried
	merging    bool              // it tells its states
	upgrade    *upgrade[In, Out] // nil: the workflow stays as it is
	clients    []client[In, Out]
}

// client has started one run, or is about to.
type client[In, Out any] struct {
	Outcome[In, Out]
	knows int // how much it was told
}

// What a client knows.
const (
	knowsNothing = iota
	knowsStart
	knowsResult
)

func newSession[In, Out any](cfg *Config[In, Out], w *sim.World) *session[In, Out] {
	s := &session[In, Out]{cfg: cfg, world: w, World: cfg.World(w)}
	s.watch.world = w
	return s
}

func (s *session[In, Out]) play(inputs []In) {
	w := s.world
	runs := s.cfg.Runs
	if !s.exhaustive {
		runs = 1 + w.Pick("runs", s.cfg.Runs)
	}
	s.clients = make([]client[In, Out], runs)
	for i := range s.clients {
		s.clients[i].ID = fmt.Sprintf("run-%d", i+1)
		s.clients[i].Input = inputs[w.Pick("input", len(inputs))]
		s.watch.run(s.clients[i].ID)
	}
	s.cold = w.Pick("cold engine", 2) == 1
	s.watch.cold = s.cold
	s.watch.name = s.Boot().Name()
	s.node = w.Node("worker", s.bootNode)
	if !s.exhaustive {
		w.Go("end of faults", func(ctx context.Context) {
			if w.Sleep(ctx, s.cfg.FaultTime) == nil {
				w.StopFaults()
			}
		})
	}
	w.AfterFunc(s.patience(), s.watch.giveUp)
	name := func(i int) string { return "client of " + s.clients[i].ID }
	w.Concurrently(name, len(s.clients), func(ctx context.Context, i int) { s.serve(ctx, &s.clients[i]) })
	w.StopFaults()
	s.settle()
	if s.cfg.FaultFree && !s.exhaustive {
		s.twins()
	}
	if s.Holds != nil {
		outcomes := make([]Outcome[In, Out], len(s.clients))
		for i := range s.clients {
			outcomes[i] = s.clients[i].Outcome
		}
		s.Holds(outcomes)
	}
}

// patience is after how much virtual time a run should have ended.
func (s *session[In, Out]) patience() time.Duration {
	if limit := s.cfg.Sim.MaxTime; limit > 0 {
		return limit / 2
	}
	return defaultPatience
}

// bootNode is the process: it opens the engine on what the crash has left.
func (s *session[In, Out]) bootNode(n *sim.Node) {
	st := n.Store()
	s.watch.compare(st)
	if s.upgrade != nil {
		s.upgrade.boots(st)
	}
	if s.merging {
		s.state(st)
	}
	s.workflow = s.Boot()
	engine, err := s.open(durable.Config{
		Store: s.store(st), Host: s.host(n), Codec: s.cfg.Codec, Logger: s.world.Logger(),
		Interceptors: []durable.Interceptor{s.watch.interceptor()},
		Workflows:    s.definitions(s.workflow), Queues: s.queues(), Cold: s.cold,
	})
	if err != nil {
		s.world.Fail(EngineOpens, n.Name(), err.Error())
	}
	s.engine = engine
}

// open opens an engine, as the program does.
func (s *session[In, Out]) open(cfg durable.Config) (*durable.Engine, error) {
	if s.Open == nil {
		return durable.Open(cfg)
	}
	return s.Open(cfg)
}

// definitions are the workflows of a process that has just booted with this one.
func (s *session[In, Out]) definitions(first *durable.Workflow[In, Out]) []durable.Definition {
	all := []durable.Definition{first}
	if s.Others != nil {
		all = append(all, s.Others()...)
	}
	return all
}

// queues are those of a process that has just booted.
func (s *session[In, Out]) queues() []durable.QueueDefinition {
	if s.Queues == nil {
		return nil
	}
	return s.Queues()
}

// store is what the engine writes to.
func (s *session[In, Out]) store(st store.Store) store.Store {
	st = guarded{st, &s.watch}
	if s.cfg.store != nil {
		return s.cfg.store(st)
	}
	return st
}

// host is where the engine lives.
func (s *session[In, Out]) host(n *sim.Node) durable.Host {
	if s.cfg.host != nil {
		return s.cfg.host(n)
	}
	return n
}

// serve starts one run and waits for its result, through every crash of the node.
func (s *session[In, Out]) serve(ctx context.Context, c *client[In, Out]) {
	s.insist(ctx, "start "+c.ID, func(ctx context.Context) error {
		_, err := s.workflow.Start(ctx, s.engine, c.ID, c.Input)
		return err
	})
	c.knows = knowsStart
	s.watch.startAcknowledged(c.ID)
	s.insist(ctx, "result of "+c.ID, func(ctx context.Context) error {
		result, err := s.workflow.Run(s.engine, c.ID).Result(ctx)
		var failed *durable.RunError
		if errors.As(err, &failed) {
			result, err, c.Err = *new(Out), nil, failed.Cause
		}
		c.Result = result
		return err
	})
	c.knows = knowsResult
	s.watch.run(c.ID).told = true
}

// insist calls the node until it answers. An answer that means that the run can't go on breaks a property.
func (s *session[In, Out]) insist(ctx context.Context, name string, call func(context.Context) error) {
	for {
		err := s.node.Call(ctx, name, call)
		switch {
		case err == nil:
			return
		case errors.Is(err, sim.ErrCrashed):
			continue
		}
		s.watch.cantGoOn(name, err)
	}
}
