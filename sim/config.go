package sim

import (
	"cmp"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/explore"
	"github.com/reprise-dst/reprise/store"
)

// Epoch is the virtual time at which every world begins.
var Epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// Config says how Check and Sweep explore. The zero value works: it runs 100 seeds with the default fault
// plan on Pebble. Flags and REPRISE_ variables override it, see the package comment.
type Config struct {
	// Name is the name under which schedules are kept; Check takes the test's name when it is empty.
	Name string

	// Runs is the number of worlds to run, over all shards; 100 when it is zero.
	Runs int

	// For, when it is set, keeps a sweep going for at least this much wall time, whatever Runs says.
	For time.Duration

	// AtMost, when it is set, ends a sweep after this much wall time, however few runs it has had.
	AtMost time.Duration

	// Explore names the strategy that decides which runs are tried: random (when it is empty), uniform,
	// fifo, pct:D, deviations:K, exhaust:K, portfolio, or some of them joined by +. See docs/ and the package
	// comment.
	Explore string

	// Shard and Shards spread a sweep over several processes: this one takes every Shards-th run, from the
	// Shard-th on, counted from 0.
	Shard, Shards int

	// Dir is where schedules and traces of failures are kept. Check takes testdata/sim/<test> when it is
	// empty; Sweep then keeps none.
	Dir string

	// Seed is where the sequence of seeds starts. When it is zero, the sequence is a fixed function of
	// Name, so that a plain `go test` runs the same seeds every time.
	Seed uint64

	// Faults says what may go wrong and how often. When it has no rules, it is fault.Default().
	Faults fault.Plan

	// NoFaults switches every fault off; what is left to choose is the order of completions.
	NoFaults bool

	// RandomStarts makes which of the ready tasks runs next a choice, as trio does it, instead of FIFO. It
	// shows what relies on the order in which tasks start. -sim.starts=random asks for it from outside.
	RandomStarts bool

	// Disk makes the disk of a node, store.NewPebbleDisk when it is nil. store.NewMemoryDisk is far faster.
	Disk func() store.Disk

	// Flushes makes it a choice, at each commit, whether the disk first moves what it holds from its log into
	// its tables: rare in random runs, and of interest with store.NewPebbleDisk only.
	Flushes bool

	// Workers is the number of worlds that run at the same time, GOMAXPROCS when it is zero.
	Workers int

	// MaxEvents bounds the task switches, deliveries and timers of one world: 1,000,000 when it is zero. A
	// world that reaches the bound fails the property "the world makes progress".
	MaxEvents int

	// MaxSpin bounds the task switches and deliveries between two steps of virtual time, 100,000 when it
	// is zero. A world that reaches it fails the property "the world makes progress".
	MaxSpin int

	// MaxTime bounds the virtual time of one world, 100 years when it is zero.
	MaxTime time.Duration

	// SelfCheck is the share of passing seeds, from 0 to 1, that run a second time to see that they run
	// alike: 0.01 when it is zero, none when it is negative. A failing seed always runs twice.
	SelfCheck float64

	// ShrinkRuns and ShrinkTime bound the search for a smaller failing schedule: 5,000 runs and 10
	// seconds when they are zero, no shrinking when ShrinkRuns is negative.
	ShrinkRuns int
	ShrinkTime time.Duration

	// MustReach makes it a failure that, over a whole sweep, a Sometimes never held or an enabled fault
	// never fired. Otherwise it is only reported.
	MustReach bool

	// Progress is called now and then during a sweep that takes more than two seconds, with what it has
	// counted so far. Check writes a line to the standard error when it is nil.
	Progress func(soFar Result)

	seedIsSet bool   // Seed counts although it may be zero
	schedule  string // the schedule file to run instead of a sweep
	trace     string // traceText or traceJSON
	explore   string // the strategy of the test itself, which flags may have changed
	ownFaults bool   // the plan is not the test's own
	ownStarts bool   // RandomStarts is not the test's own
	elsewhere bool   // another shard runs all of it
	stalled   func() // told when no world has ended for stallAfter; may be nil
	allowed   [placeCount]bool
}

const (
	defaultExplore    = "random"
	defaultRuns       = 100
	defaultMaxEvents  = 1_000_000
	defaultMaxSpin    = 100_000
	defaultMaxTime    = 100 * 365 * 24 * time.Hour
	defaultSelfCheck  = 0.01
	defaultShrinkRuns = 5000
	defaultShrinkTime = 10 * time.Second
)

// resolved is the configuration with its defaults filled in, or an error that says what is wrong with it.
func (c Config) resolved() (Config, error) {
	if err := c.validate(); err != nil {
		return c, err
	}
	c.Shards = max(c.Shards, 1)
	orDefault(&c.Explore, defaultExplore)
	orDefault(&c.explore, c.Explore)
	orDefault(&c.Runs, defaultRuns)
	c.Runs = (c.Runs - c.Shard + c.Shards - 1) / c.Shards
	orDefault(&c.MaxEvents, defaultMaxEvents)
	orDefault(&c.MaxSpin, defaultMaxSpin)
	orDefault(&c.MaxTime, defaultMaxTime)
	orDefault(&c.SelfCheck, defaultSelfCheck)
	orDefault(&c.ShrinkRuns, defaultShrinkRuns)
	orDefault(&c.ShrinkTime, defaultShrinkTime)
	if c.Disk == nil {
		c.Disk = store.NewPebbleDisk
	}
	switch {
	case c.NoFaults:
		c.Faults = fault.Plan{}
	case len(c.Faults.Rules) == 0:
		c.Faults = fault.Default()
	}
	c.allowed = allowed(c.Faults)
	return c, nil
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate says what is wrong with a configuration that was written in code.
func (c *Config) validate() error {
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"Runs", int64(c.Runs)},
		{"For", int64(c.For)},
		{"AtMost", int64(c.AtMost)},
		{"Workers", int64(c.Workers)},
		{"MaxEvents", int64(c.MaxEvents)},
		{"MaxSpin", int64(c.MaxSpin)},
		{"MaxTime", int64(c.MaxTime)},
		{"ShrinkTime", int64(c.ShrinkTime)},
	} {
		if n.value < 0 {
			return fmt.Errorf("sim: Config.%s is %d; it can't be negative, and zero means the default",
				n.name, n.value)
		}
	}
	if c.SelfCheck > 1 || c.SelfCheck != c.SelfCheck {
		return fmt.Errorf("sim: Config.SelfCheck is %v; it is a share, from 0 to 1", c.SelfCheck)
	}
	if err := c.Faults.Validate(); err != nil {
		return fmt.Errorf("sim: Config.Faults: %w", err)
	}
	name := cmp.Or(c.Explore, defaultExplore)
	if _, err := explore.Parse(name, explore.Config{Shard: c.Shard, Shards: c.Shards}); err != nil {
		return fmt.Errorf("sim: Config.Explore: %w", err)
	}
	return nil
}
