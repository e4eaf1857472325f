package sim

import (
	"time"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/store"
)

// Epoch is the virtual time at which every world begins.
var Epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// Config says how Check and Sweep explore. The zero value works: it runs 100 seeds with the default fault
// plan on Pebble. Flags and REPRISE_ variables override it, see the package comment.
type Config struct {
	// Name is the name under which schedules are kept; Check takes the test's name when it is empty.
	Name string

	// Runs is the number of seeds to run, 100 when it is zero.
	Runs int

	// For, when it is set, keeps a sweep going for at least this much wall time, whatever Runs says.
	For time.Duration

	// Seed is where the sequence of seeds starts. When it is zero, the sequence is a fixed function of
	// Name, so that a plain `go test` runs the same seeds every time.
	Seed uint64

	// Faults says what may go wrong and how often. When it has no rules, it is fault.Default().
	Faults fault.Plan

	// NoFaults switches every fault off; what is left to choose is the order of completions.
	NoFaults bool

	// Disk makes the disk of a node, store.NewPebbleDisk when it is nil. store.NewMemoryDisk is far faster.
	Disk func() store.Disk

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
}

const (
	defaultRuns       = 100
	defaultMaxEvents  = 1_000_000
	defaultMaxSpin    = 100_000
	defaultMaxTime    = 100 * 365 * 24 * time.Hour
	defaultSelfCheck  = 0.01
	defaultShrinkRuns = 5000
	defaultShrinkTime = 10 * time.Second
)

// resolved is the configuration with its defaults filled in.
func (c Config) resolved() Config {
	if c.Runs == 0 {
		c.Runs = defaultRuns
	}
	switch {
	case c.NoFaults:
		c.Faults = fault.Plan{}
	case len(c.Faults.Rules) == 0:
		c.Faults = fault.Default()
	}
	if c.Disk == nil {
		c.Disk = store.NewPebbleDisk
	}
	if c.MaxEvents == 0 {
		c.MaxEvents = defaultMaxEvents
	}
	if c.MaxSpin == 0 {
		c.MaxSpin = defaultMaxSpin
	}
	if c.MaxTime == 0 {
		c.MaxTime = defaultMaxTime
	}
	if c.SelfCheck == 0 {
		c.SelfCheck = defaultSelfCheck
	}
	if c.ShrinkRuns == 0 {
		c.ShrinkRuns = defaultShrinkRuns
	}
	if c.ShrinkTime == 0 {
		c.ShrinkTime = defaultShrinkTime
	}
	return c
}
