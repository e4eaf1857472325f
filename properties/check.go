package properties

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"pgregory.net/rapid"
)

// Config says what to check. World and Inputs are required.
type Config[In, Out any] struct {
	// World is called once for each simulated world and makes what is outside of the process under test.
	World func(w *sim.World) World[In, Out]
	// Inputs generates the runs' inputs.
	Inputs *rapid.Generator[In]
	// Runs is how many runs a world has at most; 3 when it is 0. Each world chooses.
	Runs int
	// Codec is the engine's; durable.JSON() when nil.
	Codec durable.Codec
	// Sim says how to explore; its zero value works.
	Sim sim.Config
}

// World is what a workflow meets in one simulated world: what outlives the crashes of its process (the
// bank, the stock …) is captured by the functions.
type World[In, Out any] struct {
	// Boot is the program's start: it is called at each boot of the process, and whenever a fresh process
	// is needed to replay a journal, and returns the workflow with empty process memory.
	Boot func() *durable.Workflow[In, Out]
	// Old is Boot before a change of the workflow, for CheckUpgrade.
	Old func() *durable.Workflow[In, Out]
	// Others is called right after Boot, for the further workflows of that process, such as those of child
	// runs. It may be nil.
	Others func() []durable.Definition
	// Holds checks invariants of one's own once all runs have ended; it reports with World.Fail,
	// World.Always or require. It may be nil.
	Holds func(outcomes []Outcome[In, Out])
}

// WithoutWorld is the world of a workflow whose steps need nothing that a test would have to make.
func WithoutWorld[In, Out any](workflow *durable.Workflow[In, Out]) func(*sim.World) World[In, Out] {
	return func(*sim.World) World[In, Out] {
		return World[In, Out]{Boot: func() *durable.Workflow[In, Out] { return workflow }}
	}
}

// Outcome is one run and how it ended.
type Outcome[In, Out any] struct {
	ID     string
	Input  In
	Result Out
	Err    error // the workflow's own error, nil when it returned a result
}

// Names of the properties that Check watches.
const (
	ReplayIdentical = "replay is identical"
	EntriesKept     = "recorded entries are kept"
	NoStepAgain     = "a checkpointed step does not run again"
	AckDurable      = "what was acknowledged is durable"
	NothingLeft     = "an ended run leaves nothing behind"
	EveryRunEnds    = "when faults stop, every run ends"
	EngineOpens     = "the engine opens after a crash"
)

// examples is how many inputs are generated; they are sorted by size, so that a shrunk input is a small one.
const examples = 128

// faultTime is how much virtual time a world has until its faults stop.
const faultTime = 24 * time.Hour

// Check tries to break a workflow, see the package comment, and fails the test with a report when it can.
func Check[In, Out any](t testing.TB, cfg Config[In, Out]) {
	t.Helper()
	sim.Check(t, cfg.Sim, Body(cfg))
}

// Body is what Check runs in each world, for callers that explore with sim.Sweep.
func Body[In, Out any](cfg Config[In, Out]) func(w *sim.World) {
	return body(cfg, func(*session[In, Out]) {})
}

// body is Body with sessions that are prepared.
func body[In, Out any](cfg Config[In, Out], prepare func(s *session[In, Out])) func(w *sim.World) {
	if cfg.World == nil || cfg.Inputs == nil {
		panic("properties: Config.World and Config.Inputs must be set: World makes the steps' outside world and " +
			"the workflow, Inputs generates what its runs start with")
	}
	if cfg.Codec == nil {
		cfg.Codec = durable.JSON()
	}
	if cfg.Runs == 0 {
		cfg.Runs = 3
	}
	inputs := generate(cfg.Inputs, cfg.Codec)
	return func(w *sim.World) {
		s := &session[In, Out]{cfg: &cfg, world: w, World: cfg.World(w)}
		s.watch.world = w
		prepare(s)
		s.play(inputs)
	}
}

// generate makes the inputs, the smallest first.
func generate[In any](gen *rapid.Generator[In], codec durable.Codec) []In {
	type sized struct {
		in   In
		data []byte
	}
	all := make([]sized, examples)
	for i := range all {
		in := gen.Example(i)
		data, err := codec.Encode(in)
		if err != nil {
			panic(fmt.Sprintf("properties: an input that Config.Inputs generated does not encode: %v", err))
		}
		all[i] = sized{in, data}
	}
	slices.SortFunc(all, func(a, b sized) int {
		return cmp.Or(cmp.Compare(len(a.data), len(b.data)), bytes.Compare(a.data, b.data))
	})
	inputs := make([]In, examples)
	for i := range all {
		inputs[i] = all[i].in
	}
	return inputs
}

// session is one world's play: a node with the engine, and a client for each run.
type session[In, Out any] struct {
	cfg   *Config[In, Out]
	world *sim.World
	World[In, Out]
	node     *sim.Node
	engine   *durable.Engine            // of the node's current life
	workflow *durable.Workflow[In, Out] // of the node's current life
	watch    watch
	cold     bool // runs are evicted after every event
	outcomes []Outcome[In, Out]
	upgrade  *upgrade[In, Out] // nil: the workflow stays as it is
}

func (s *session[In, Out]) play(inputs []In) {
	w := s.world
	s.outcomes = make([]Outcome[In, Out], 1+w.Pick("runs", s.cfg.Runs))
	for i := range s.outcomes {
		s.outcomes[i].ID = fmt.Sprintf("run-%d", i+1)
		s.outcomes[i].Input = inputs[w.Pick("input", len(inputs))]
		s.watch.run(s.outcomes[i].ID)
	}
	s.cold = w.Pick("cold engine", 2) == 1
	s.watch.name = s.Boot().Name()
	s.node = w.Node("worker", s.bootNode)
	w.Go("end of faults", func(ctx context.Context) {
		if w.Sleep(ctx, faultTime) == nil {
			w.StopFaults()
		}
	})
	name := func(i int) string { return "client of " + s.outcomes[i].ID }
	w.Concurrently(name, len(s.outcomes), func(ctx context.Context, i int) { s.client(ctx, &s.outcomes[i]) })
	w.StopFaults()
	s.settle()
	if s.Holds != nil {
		s.Holds(s.outcomes)
	}
}

// bootNode is the process: it opens the engine on what the crash has left.
func (s *session[In, Out]) bootNode(n *sim.Node) {
	st := n.Store()
	s.watch.compare(st)
	if s.upgrade != nil {
		s.upgrade.boots(st)
	}
	s.workflow = s.Boot()
	workflows := []durable.Definition{s.workflow}
	if s.Others != nil {
		workflows = append(workflows, s.Others()...)
	}
	engine, err := durable.Open(durable.Config{
		Store: st, Host: n, Codec: s.cfg.Codec, Logger: s.world.Logger(),
		Interceptors: []durable.Interceptor{s.watch.interceptor()},
		Workflows:    workflows, Cold: s.cold,
	})
	if err != nil {
		s.world.Fail(EngineOpens, n.Name(), err.Error())
	}
	s.engine = engine
}

// client starts one run and waits for its result, through every crash of the node.
func (s *session[In, Out]) client(ctx context.Context, o *Outcome[In, Out]) {
	s.insist(ctx, "start "+o.ID, func(ctx context.Context) error {
		_, err := s.workflow.Start(ctx, s.engine, o.ID, o.Input)
		return err
	})
	s.watch.startAcknowledged(o.ID)
	s.insist(ctx, "result of "+o.ID, func(ctx context.Context) error {
		result, err := s.workflow.Run(s.engine, o.ID).Result(ctx)
		var failed *durable.RunError
		if errors.As(err, &failed) {
			result, err, o.Err = *new(Out), nil, failed.Cause
		}
		o.Result = result
		return err
	})
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

// settle checks, once every run has ended, what the store holds against what was seen, and replays.
func (s *session[In, Out]) settle() {
	w := s.world
	err := s.node.Call(context.Background(), "check the books", func(context.Context) error {
		st := s.node.Store()
		if s.upgrade != nil {
			s.upgrade.ends(st)
		}
		s.watch.compare(st)
		for i := range s.outcomes {
			o := &s.outcomes[i]
			j, err := durable.ReadJournal(st, o.ID)
			if err != nil {
				w.Fail(AckDurable, s.watch.subject(o.ID), err.Error())
			}
			if s.upgrade == nil || !s.upgrade.endedBefore(o.ID) {
				s.replay(o, j)
			}
			s.resultStays(o)
			s.nothingLeft(o, st)
		}
		return nil
	})
	if err != nil {
		w.Fail(EveryRunEnds, "the node", err.Error())
	}
}

// replay runs fresh processes' code over every prefix of the journal, and compares the result.
func (s *session[In, Out]) replay(o *Outcome[In, Out], j durable.Journal) {
	for n := 1; n <= len(j.Entries); n++ {
		prefix := durable.Journal{Run: j.Run, Entries: j.Entries[:n]}
		done, err := durable.Replay(prefix, s.Boot(), s.cfg.Codec)
		if err != nil {
			s.watch.parted(o.ID, err)
		}
		if n < len(j.Entries) {
			continue
		}
		told, err := s.cfg.Codec.Encode(o.Result)
		switch {
		case !done.Ended:
			s.world.Fail(ReplayIdentical, s.watch.subject(o.ID), "recorded  the run's end",
				"replayed  code that has not ended after the last entry")
		case (done.Err == nil) != (o.Err == nil) || err == nil && o.Err == nil && !bytes.Equal(told, done.Result):
			s.world.Fail(ReplayIdentical, s.watch.subject(o.ID),
				fmt.Sprintf("recorded  %s (error %v)", told, o.Err),
				fmt.Sprintf("replayed  %s (error %v)", done.Result, done.Err))
		}
	}
}

// resultStays asks for the result again.
func (s *session[In, Out]) resultStays(o *Outcome[In, Out]) {
	again, err := s.workflow.Run(s.engine, o.ID).Result(context.Background())
	var failed *durable.RunError
	if errors.As(err, &failed) {
		err = nil
	}
	told, _ := s.cfg.Codec.Encode(o.Result)
	now, _ := s.cfg.Codec.Encode(again)
	if err != nil || !bytes.Equal(told, now) || (failed != nil) != (o.Err != nil) {
		s.world.Fail(AckDurable, s.watch.subject(o.ID),
			fmt.Sprintf("told   %s (error %v)", told, o.Err),
			fmt.Sprintf("later  %s (error %v, %v)", now, failed, err))
	}
}

// nothingLeft looks for timers and marks of a run that has ended.
func (s *session[In, Out]) nothingLeft(o *Outcome[In, Out], st store.Store) {
	for _, table := range []struct {
		prefix byte
		skip   int // bytes between the prefix and the run's id
		what   string
	}{{'a', 0, "the mark that it has steps to run"}, {'t', 8, "a timer"}} {
		id := append([]byte(o.ID), 0)
		err := st.Scan([]byte{table.prefix}, []byte{table.prefix + 1}, func(key, _ []byte) bool {
			if rest := key[1:]; len(rest) >= table.skip && bytes.HasPrefix(rest[table.skip:], id) {
				s.world.Fail(NothingLeft, s.watch.subject(o.ID), fmt.Sprintf("%s: key %q", table.what, key))
			}
			return true
		})
		if err != nil {
			s.world.Fail(NothingLeft, s.watch.subject(o.ID), err.Error())
		}
	}
}
