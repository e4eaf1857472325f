package explore

import (
	"fmt"

	"github.com/reprise-dst/reprise/internal/choice"
)

// single hands out one run.
type single struct {
	name   string
	source func() choice.Source
	seeded bool
	handed bool
	done   bool
}

func (s *single) Name() string { return s.name }

func (s *single) Next() (Run, bool) {
	if s.handed {
		return Run{}, false
	}
	s.handed = true
	return Run{Strategy: s.name, Seeded: s.seeded}.from(s.source), true
}

func (s *single) Done(Run, Result) { s.done = true }

func (s *single) Coverage() string {
	if !s.done {
		return s.name + ": not yet run"
	}
	return s.name + ": its one run"
}

// seeds hands out one run for each seed, without end.
type seeds struct {
	name   string
	config Config
	source func(seed uint64) choice.Source
	handed int
	done   int
}

func (s *seeds) Name() string { return s.name }

func (s *seeds) Next() (Run, bool) {
	seed := s.config.seed(s.handed)
	run := Run{Number: s.handed, Strategy: s.name, Seed: seed, Seeded: true}
	s.handed++
	return run.from(func() choice.Source { return s.source(seed) }), true
}

func (s *seeds) Done(Run, Result) { s.done++ }

func (s *seeds) Coverage() string { return fmt.Sprintf("%s: %s", s.name, count(s.done, "seed")) }

// seed returns the seed of the i-th run of this shard. The first seed of all is the configured one.
func (c Config) seed(i int) uint64 {
	i = i*max(c.Shards, 1) + c.Shard
	if i == 0 {
		return c.Seed
	}
	return choice.NewStream(c.Seed, "seeds").At(i)
}

// count prints a number with its unit: 1 seed, 1,284 seeds.
func count(n int, unit string) string {
	if n != 1 {
		unit += "s"
	}
	return number(n) + " " + unit
}

// number prints n with commas: 1,284.
func number(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
