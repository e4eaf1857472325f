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

// process is a node with an engine, and the oracles that watch it through all its lives: the one of Check,
// and each of those of CheckService.
type process struct {
	Process
	codec  durable.Codec
	undo   map[string]string
	opens  func(st store.Store) // told of what a crash has left, before the engine opens; may be nil
	closes func(st store.Store) // told of what is there when all runs have ended; may be nil
	node   *sim.Node
	engine *durable.Engine // of the node's current life
	watch  watch
}

// begin makes the node.
func (p *process) begin(w *sim.World, cold bool) {
	if p.Boot == nil {
		panic(fmt.Sprintf("properties: Process.Boot of %q must be set: it is the start of the process, and "+
			"returns its workflows", p.Name))
	}
	p.watch.world, p.watch.cold, p.watch.when = w, cold, map[string]int{}
	p.node = w.Node(p.Name, p.boot)
}

// boot opens the engine on what the crash has left.
func (p *process) boot(n *sim.Node) {
	st, w := n.Store(), p.watch.world
	p.watch.compare(st)
	if p.opens != nil {
		p.opens(st)
	}
	cfg := durable.Config{
		Store: guarded{st, &p.watch}, Host: n, Codec: p.codec, Logger: w.Logger(),
		Interceptors: []durable.Interceptor{p.watch.interceptor()},
		Workflows:    p.Boot(n), Cold: p.watch.cold,
	}
	engine, err := p.open(cfg)
	p.watch.opened(n.Name(), err)
	p.engine = engine
}

// open completes the configuration and opens an engine, as the program does.
func (p *Process) open(cfg durable.Config) (*durable.Engine, error) {
	if p.Queues != nil {
		cfg.Queues = p.Queues()
	}
	if p.Open == nil {
		return durable.Open(cfg)
	}
	return p.Open(cfg)
}

// insist calls the node until it answers. An answer that means that a run can't go on breaks a property.
func (p *process) insist(ctx context.Context, name string, call func(context.Context) error) {
	for {
		err := p.node.Call(ctx, name, call)
		switch {
		case err == nil:
			return
		case !errors.Is(err, sim.ErrCrashed):
			p.watch.cantGoOn(name, err)
		}
	}
}

// settle checks, once every run has ended, what the store holds against what was seen, and replays. each is
// told what the replay of a run came to. Runs that ended under old code are not replayed.
func (p *process) settle(old func(run string) bool, each func(run string, replayed durable.Replayed)) {
	p.insist(p.watch.world.Context(), "check the books", func(context.Context) error {
		st := p.node.Store()
		if p.closes != nil {
			p.closes(st)
		}
		p.watch.settle(st, books{
			old: old, each: each, codec: p.codec, undo: p.undo,
			fresh: func() []durable.Definition { return p.Boot(p.node) },
		})
		return nil
	})
}

// stopFaults stops the faults of a world when it has lasted so long, whoever is still busy then.
func stopFaults(w *sim.World, after time.Duration) {
	w.Go("end of faults", func(ctx context.Context) {
		if w.Sleep(ctx, after) == nil {
			w.StopFaults()
		}
	})
}
