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

// session is one world's play: a process, and a client for each run.
type session[In, Out any] struct {
	cfg   *Config[In, Out]
	world *sim.World
	World[In, Out]
	process
	workflow   *durable.Workflow[In, Out] // of the process that booted last
	exhaustive bool                       // all that can be chosen is to be tried
	merging    bool                       // it tells its states
	upgrade    *upgrade[In, Out]          // nil: the workflow stays as it is
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
	if s.Boot == nil {
		panic("properties: World.Boot must be set by Config.World " + place(cfg.World) +
			": it is the start of the process, and returns the workflow")
	}
	s.Boot = boots("Boot", s.Boot)
	s.process = process{Process: s.worker(), codec: cfg.Codec, undo: cfg.Undo, opens: s.opened}
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
	cold := w.Pick("cold engine", 2) == 1
	s.watch.name = s.Boot().Name()
	s.begin(w, cold)
	if !s.exhaustive {
		stopFaults(w, s.cfg.FaultTime)
	}
	w.AfterFunc(s.patience(), s.watch.giveUp)
	name := func(i int) string { return "client of " + s.clients[i].ID }
	w.Concurrently(name, len(s.clients), func(ctx context.Context, i int) { s.serve(ctx, &s.clients[i]) })
	w.StopFaults()
	s.settle()
	for i := range s.clients { // else little has been tried
		w.Sometimes("a run returns a result", s.clients[i].Err == nil)
	}
	if s.Holds != nil {
		outcomes := make([]Outcome[In, Out], len(s.clients))
		for i := range s.clients {
			outcomes[i] = s.clients[i].Outcome
		}
		s.Holds(outcomes)
	}
	if s.cfg.FaultFree && !s.exhaustive {
		s.twins()
	}
}

// patience is after how much virtual time a run should have ended.
func (s *session[In, Out]) patience() time.Duration {
	if limit := s.cfg.Sim.MaxTime; limit > 0 {
		return limit / 2
	}
	return defaultPatience
}

// worker is the process that runs the workflow.
func (s *session[In, Out]) worker() Process {
	return Process{
		Name: "worker", Queues: s.Queues, Open: s.Open,
		Boot: func(*sim.Node) []durable.Definition {
			s.workflow = s.Boot()
			all := []durable.Definition{s.workflow}
			if s.Others != nil {
				all = append(all, s.Others()...)
			}
			return all
		},
	}
}

// opened is told what a crash has left.
func (s *session[In, Out]) opened(st store.Store) {
	if s.upgrade != nil {
		s.upgrade.boots(st)
	}
	if s.merging {
		s.state(st)
	}
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
