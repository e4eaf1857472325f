package sim

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/explore"
)

// The values of -sim.trace.
const (
	traceOff  = "off"
	traceText = "text"
	traceJSON = "json"
)

// The values of -sim.starts.
const (
	startsFIFO   = "fifo"
	startsRandom = "random"
)

// A setting changes a Config from outside: by the flag -sim.NAME, or by the variable REPRISE_NAME when the
// flag isn't given.
type setting struct {
	name    string
	usage   string
	allowed string // what a value may be, for the error about one that is not
	apply   func(c *Config, value string) error
	sweeps  bool // it is about sweeps over seeds, and changes nothing in a test that enumerates
}

var settings = []setting{
	{
		"seed", "run only the world with this `seed`", "a whole number from 0 to 18446744073709551615",
		applySeed, true,
	},
	{"runs", "run `n` worlds", "a whole number from 1 to 1000000000000", applyRuns, true},
	{"for", "keep going for this `duration`", "a duration above zero, such as 30s or 2h", applyFor, true},
	{"schedule", "run only the schedule in this `file`", "the path of a schedule file", applySchedule, false},
	{
		"trace", "show the trace of what fails: off, text or json (`form`)", "off, text or json", applyTrace,
		false,
	},
	{"explore", "try what this `strategy` says: " + strategies, strategies, applyExplore, true},
	{
		"starts", "the `order` in which ready tasks run: fifo, or random as trio does it", "fifo or random",
		applyStarts, true,
	},
	{"shard", "run part `i/n` of the sweep", "i/n with i from 1 to n, such as 1/4", applyShard, false},
	{
		"shrink", "what shrinking may cost: a number of runs, a duration, or off (`budget`)",
		"a number of runs, a duration such as 10s, or off", applyShrink, false,
	},
	{
		"selfcheck", "the `share` of passing runs that run twice", "a number from 0 to 1", applySelfCheck, false,
	},
	{
		"faults", "the fault `plan` instead of the test's", "a fault plan such as crash 2% max 3; slow 5%",
		applyFaults, true,
	},
}

const strategies = "random, uniform, fifo, pct:D, deviations:K, exhaust:K, portfolio, or several joined by +"

// given holds the values of the flags that were set, by the setting's name.
var given = map[string]string{}

func init() {
	for _, s := range settings {
		flag.Func("sim."+s.name, s.usage, func(value string) error {
			if err := s.check(value); err != nil {
				return err
			}
			given[s.name] = value
			return nil
		})
	}
}

var errRange = errors.New("out of range")

// check says what is wrong with a value.
func (s *setting) check(value string) error {
	var c Config
	err := s.apply(&c, value)
	if err == nil {
		return nil
	}
	if err == errRange {
		return fmt.Errorf("want %s", s.allowed)
	}
	return fmt.Errorf("want %s: %w", s.allowed, err)
}

// override applies the flags and variables to the configuration of a test.
func (c *Config) override() error {
	if err := misspelt(os.Environ()); err != nil {
		return err
	}
	enumerates := c.enumerates()
	for i := range settings {
		s := &settings[i]
		value, isFlag := given[s.name]
		if !isFlag {
			if value = os.Getenv(variable(s.name)); value == "" {
				continue
			}
			if err := s.check(value); err != nil {
				return fmt.Errorf("sim: invalid value %q for the variable %s: %w", value, variable(s.name), err)
			}
		}
		if s.sweeps && enumerates {
			continue
		}
		if err := s.apply(c, value); err != nil {
			return fmt.Errorf("sim: invalid value %q for -sim.%s: %w", value, s.name, err)
		}
	}
	if c.seedIsSet && c.Runs == 1 {
		c.Shard, c.Shards = 0, 1 // one seed is not divided
	}
	if c.enumerates() && c.Shards > 1 { // nor is what depends on all that was seen
		c.elsewhere = c.Shard > 0
		c.Shard, c.Shards = 0, 1
	}
	return nil
}

// enumerates reports whether the test tries every schedule within bounds.
func (c *Config) enumerates() bool { return strings.HasPrefix(c.Explore, "exhaust:") }

// misspelt refuses variables that would be meant for this package but say nothing to it: a sweep that
// silently is the short one passes for the long one.
func misspelt(environment []string) error {
	known := make([]string, len(settings))
	for i, s := range settings {
		known[i] = variable(s.name)
	}
	for _, entry := range environment {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, variables) && !slices.Contains(known, name) {
			return fmt.Errorf("sim: there is no variable %s, want %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// variables is what the names of the variables begin with.
const variables = "REPRISE_"

// variable is that of a setting.
func variable(name string) string { return variables + strings.ToUpper(name) }

// applySeed runs one seed, unless a later setting asks for more.
func applySeed(c *Config, value string) error {
	seed, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return errRange
	}
	c.Seed, c.seedIsSet, c.Runs, c.For = seed, true, 1, 0
	return nil
}

func applyRuns(c *Config, value string) error {
	runs, err := strconv.ParseInt(value, 10, 64)
	if err != nil || runs < 1 || runs > 1e12 {
		return errRange
	}
	c.Runs, c.For = int(runs), 0
	return nil
}

func applyFor(c *Config, value string) error {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return errRange
	}
	c.For = d
	return nil
}

func applySchedule(c *Config, value string) error {
	if value == "" {
		return errRange
	}
	c.schedule = value
	return nil
}

func applyTrace(c *Config, value string) error {
	switch value {
	case traceOff, traceText, traceJSON:
		c.trace = value
		return nil
	}
	return errRange
}

func applyExplore(c *Config, value string) error {
	if _, err := explore.Parse(value, explore.Config{}); err != nil {
		return err
	}
	c.Explore = value
	return nil
}

func applyStarts(c *Config, value string) error {
	if value != startsFIFO && value != startsRandom {
		return errRange
	}
	c.ownStarts = c.RandomStarts != (value == startsRandom)
	c.RandomStarts = value == startsRandom
	return nil
}

func applyShard(c *Config, value string) error {
	left, right, ok := strings.Cut(value, "/")
	i, err1 := strconv.Atoi(left)
	n, err2 := strconv.Atoi(right)
	if !ok || err1 != nil || err2 != nil || i < 1 || i > n {
		return errRange
	}
	c.Shard, c.Shards = i-1, n
	return nil
}

func applyShrink(c *Config, value string) error {
	if value == "off" || value == "0" {
		c.ShrinkRuns = -1
		return nil
	}
	if runs, err := strconv.Atoi(value); err == nil && runs > 0 {
		c.ShrinkRuns, c.ShrinkTime = runs, math.MaxInt64
		return nil
	}
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return errRange
	}
	c.ShrinkRuns, c.ShrinkTime = math.MaxInt32, d
	return nil
}

func applySelfCheck(c *Config, value string) error {
	share, err := strconv.ParseFloat(value, 64)
	if err != nil || !(share >= 0 && share <= 1) {
		return errRange
	}
	c.SelfCheck = share
	if share == 0 {
		c.SelfCheck = -1
	}
	return nil
}

func applyFaults(c *Config, value string) error {
	plan, err := fault.Parse(value)
	if err != nil {
		return err
	}
	c.Faults, c.NoFaults, c.ownFaults = plan, len(plan.Rules) == 0, true
	return nil
}
