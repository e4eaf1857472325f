package properties

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"pgregory.net/rapid"
)

// Config says what to check. World and Inputs are required.
type Config[In, Out any] struct {
	// World is called once for each simulated world and makes what is outside of the process under test. That
	// process is the node "worker".
	World func(w *sim.World) World[In, Out]
	// Inputs generates the runs' inputs.
	Inputs *rapid.Generator[In]
	// Runs is how many runs a world has at most; 3 when it is 0. Each world chooses.
	Runs int
	// Undo names the steps that undo others: Undo["charge"] is "refund". When a run fails, each step that it
	// had begun and that has such a step must have been undone; in a run or a Scope, no step may be undone that
	// was not done or before one that its branch did later.
	Undo map[string]string
	// FaultFree makes all runs, those that they start included, happen once more without faults, on a node and
	// in a World of their own, by a clock that shows the times of the journals. Ends of steps, messages,
	// updates, cancellations, timers and commits come in the same order; each run must end alike. When the order
	// can't be kept, because only a fault makes it possible, only those runs count that end alike all the same;
	// the summary says how many were compared, and how many were left out. It is for steps whose results do not
	// depend on time, on chance, or on how often their attempts are interrupted. For the second time, World is
	// called with choices that repeat themselves, see World.Repeat of package sim; it can't make further nodes.
	// Exhaust does not do it.
	FaultFree bool
	// FaultTime is how much virtual time a world has until its faults stop; 0 for a day. Runs that take long,
	// as a subscription does, want more.
	FaultTime time.Duration
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
	// Queues is called after Others, for the queues of that process; their workflows belong to Others. It may
	// be nil.
	Queues func() []durable.QueueDefinition
	// Open opens the engine, at each boot; durable.Open when it is nil. It may change what it is given, and do
	// what the program does with a new engine, such as to make its schedules.
	Open func(cfg durable.Config) (*durable.Engine, error)
	// Holds checks invariants of one's own once all runs have ended; it reports with World.Fail,
	// World.Always or require. It may be nil.
	Holds func(outcomes []Outcome[In, Out])
}

// WithoutWorld is the world of a workflow whose steps need nothing that a test would have to make.
//
//go:noinline
func WithoutWorld[In, Out any](workflow *durable.Workflow[In, Out]) func(*sim.World) World[In, Out] {
	return func(*sim.World) World[In, Out] {
		if workflow == nil {
			panic("properties: WithoutWorld got nil instead of a workflow; give it one that durable.Define returned")
		}
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
	StepRan         = "a checkpointed step has run"
	EndsOnce        = "an operation ends once"
	TxWithEntry     = "a transaction commits with its checkpoint"
	MessageOnce     = "a message is received once"
	AckDurable      = "what was acknowledged is durable"
	EndFinal        = "an ended run stays ended"
	TimeForward     = "no run sees time going back"
	NothingLeft     = "an ended run leaves nothing behind"
	UndoneInReverse = "a failed run is undone, the last step first"
	FaultFreeResult = "a run without faults gives the same result"
	EveryRunEnds    = "when faults stop, every run ends"
	EngineOpens     = "the engine opens after a crash"
	LikeTheModel    = "clients are answered as the model would"
)

// Check tries to break a workflow, see the package comment, and fails the test with a report when it can.
func Check[In, Out any](t testing.TB, cfg Config[In, Out]) {
	t.Helper()
	refuse(t, cfg.wrong())
	sim.Check(t, cfg.Sim, Body(cfg))
}

// Body is what Check runs in each world, for callers that explore with sim.Sweep.
func Body[In, Out any](cfg Config[In, Out]) func(w *sim.World) {
	return body(cfg, func(*session[In, Out]) {})
}

// body is Body with sessions that are prepared.
func body[In, Out any](cfg Config[In, Out], prepare func(s *session[In, Out])) func(w *sim.World) {
	cfg = cfg.complete()
	inputs, why := generated(cfg.Inputs, cfg.Codec)
	return func(w *sim.World) {
		mustWork(why)
		s := newSession(&cfg, w)
		prepare(s)
		s.play(inputs)
	}
}

// wrong says what has to be set otherwise.
func (cfg Config[In, Out]) wrong() string {
	switch {
	case cfg.World == nil || cfg.Inputs == nil:
		return "properties: Config.World and Config.Inputs must be set: World makes the steps' outside world and " +
			"the workflow, Inputs generates what its runs start with"
	case cfg.Runs < 0:
		return fmt.Sprintf("properties: Config.Runs is %d; it can't be negative, and 0 means the default", cfg.Runs)
	case cfg.FaultTime < 0:
		return fmt.Sprintf("properties: Config.FaultTime is %v; it can't be negative, and 0 means the default",
			cfg.FaultTime)
	}
	return ""
}

// complete is the configuration with its defaults.
func (cfg Config[In, Out]) complete() Config[In, Out] {
	mustWork(cfg.wrong())
	if cfg.Codec == nil {
		cfg.Codec = durable.JSON()
	}
	cfg.Runs, cfg.FaultTime = cmp.Or(cfg.Runs, 3), cmp.Or(cfg.FaultTime, faultTime)
	return cfg
}
