// Package explore holds the strategies that decide which runs of a simulation are tried.
//
// A strategy hands out runs and is told what each of them recorded. A run is a source of answers for one
// [choice.List]:
//
//	strategy, err := explore.Parse("deviations:2", explore.Config{})
//	for {
//		run, ok := strategy.Next()
//		if !ok {
//			break // with several workers: ask again once a run under way is done
//		}
//		list := choice.NewList(run.Source)
//		failed := simulate(list)
//		strategy.Done(run, explore.Result{Choices: list.Choices(), Failed: failed})
//	}
//	fmt.Println(strategy.Coverage())
//
// The strategies, by the name that [Parse] knows them by:
//
//   - fifo: the one run without deviations.
//   - random: swarm testing. Each seed draws its own rates and mixes for each class of labels, so that
//     runs differ in kind; see [Swarm].
//   - uniform: each seed answers alike everywhere, faults at the rates of the plan; see [choice.Seeded].
//   - pct:D: priorities over chains of completions, with a bound on the probability of missing a bug of
//     depth D; see [PCT].
//   - deviations:K: every schedule with at most K deviations from the run without any; see [Deviations].
//   - exhaust:K and exhaust:K,D: every schedule with at most K crashes, and at most D deviations from the
//     order in which things arrive; see [Exhaust].
//   - portfolio: deviations:1, random, pct:2 and pct:3 in turn; and any names joined by +.
//
// Which runs random, uniform and pct hand out is a function of the seed alone; deviations and a portfolio
// depend on the recorded choices too, which are a function of the program. A strategy serves one caller at
// a time: workers share one behind a mutex.
//
// [Bytes] and [Encode] join the choices to Go's native fuzzing.
package explore

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/reprise-dst/reprise/internal/choice"
)

// Run is one run that a strategy asks for.
type Run struct {
	Number   int           // counted from 0 in the order in which the strategy hands out runs
	Strategy string        // the name that Parse reads
	Seed     uint64        // what the strategy draws from, if it does
	Seeded   bool          // it is the first run of Parse(Strategy, Config{Seed: Seed})
	Source   choice.Source // for one list
	Measures bool          // it only sizes up the program for others: not one of the runs that were asked for
	Learns   bool          // the strategy needs Result.Choices

	again func() choice.Source
	node  *node    // of Deviations
	visit *visit   // of Exhaust
	owner Strategy // of a portfolio
	inner *Run     // of a portfolio
}

// Again returns a fresh source for the same run.
func (r Run) Again() choice.Source { return r.again() }

// from gives the run its sources.
func (r Run) from(source func() choice.Source) Run {
	r.Source, r.again = source(), source
	return r
}

// Result is what a run came to.
type Result struct {
	Choices []choice.Choice // all that was recorded, in order; may be left out unless Run.Learns
	Failed  bool            // whether a property was violated
}

// Strategy decides which runs are tried.
type Strategy interface {
	// Name is what [Parse] makes the strategy from.
	Name() string
	// Next hands out a run. When it returns false while runs are under way, there may be more after the next
	// Done; when none is under way, the strategy has ended.
	Next() (run Run, ok bool)
	// Done takes the result of a run that Next handed out. Each run is done once, in any order.
	Done(run Run, result Result)
	// Coverage says in one line what has been tried, with numbers.
	Coverage() string
}

// Config is what all strategies share. The zero Config works.
type Config struct {
	Seed    uint64 // the first run that is drawn has this seed, later ones have seeds derived from it
	Shard   int    // this process's part of the runs, 0..Shards-1
	Shards  int    // among how many processes the runs are spread; 0 is 1
	Answers int    // how many answers of one choice Deviations tries at most; 0 is 16

	// Class says what a label asks. Nil means that labels whose last part is "completes" or "starts" ask for an
	// Order, and all others are Free.
	Class func(label string) Class
}

// Class is what the choices under a label are about.
type Class uint8

// The classes of choices.
const (
	Free  Class = iota // anything that is none of the others
	Order              // which of the waiting items goes first, oldest first
	Crash              // whether a node dies here
	Form               // what is left after a crash that has been chosen
	Fixed              // Exhaust never deviates here
)

func (c Config) class(label string) Class {
	if c.Class != nil {
		return c.Class(label)
	}
	if last := label[strings.LastIndexByte(label, '/')+1:]; last == "completes" || last == "starts" {
		return Order
	}
	return Free
}

// ErrStrategy is what all errors of [Parse] are.
var ErrStrategy = errors.New("bad exploration")

// names is what the error about an unknown strategy lists.
const names = "fifo, random, uniform, pct:D, deviations:K, exhaust:K and portfolio, or some of them " +
	"joined by +"

// Parse makes the strategy with this name.
func Parse(name string, config Config) (Strategy, error) {
	config.Shards = max(config.Shards, 1)
	if config.Shard < 0 || config.Shard >= config.Shards {
		return nil, fmt.Errorf("%w: shard %d of %d: shards are counted from 0, so the last one is %d",
			ErrStrategy, config.Shard, config.Shards, config.Shards-1)
	}
	if config.Answers < 0 {
		return nil, fmt.Errorf("%w: %d answers per choice: it must be at least 1, or 0 for the default of %d",
			ErrStrategy, config.Answers, defaultAnswers)
	}
	if name == "portfolio" {
		name = "deviations:1+random+pct:2+pct:3"
	}
	if parts := strings.Split(name, "+"); len(parts) > 1 {
		var all []Strategy
		for _, part := range parts {
			s, err := Parse(part, config)
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
		return Portfolio(all...), nil
	}
	kind, text, numbered := strings.Cut(name, ":")
	if kind == "exhaust" {
		return parseExhaust(name, text, config)
	}
	number, err := strconv.Atoi(text)
	switch {
	case kind != "pct" && kind != "deviations":
		if numbered {
			kind = name
		}
	case err != nil || number < 1 || number > maxDepth:
		return nil, fmt.Errorf("%w: %q needs a number from 1 to %d after a colon, like %s:2",
			ErrStrategy, name, maxDepth, kind)
	}
	switch kind {
	case "fifo":
		return &single{name: "fifo", seeded: true, source: choice.FIFO}, nil
	case "random":
		return &seeds{name: name, config: config, source: Swarm}, nil
	case "uniform":
		return &seeds{name: name, config: config, source: choice.Seeded}, nil
	case "pct":
		return &pct{depth: number, config: config}, nil
	case "deviations":
		return newDeviations(number, config), nil
	}
	return nil, fmt.Errorf("%w: there is no strategy %q: the known ones are %s", ErrStrategy, name, names)
}

// maxDepth bounds the numbers of pct and deviations.
const maxDepth = 9

// Reproduce returns the strategy of one run: the one with these deviations.
func Reproduce(devs []choice.Deviation) Strategy {
	return &single{name: "reproduce", source: func() choice.Source { return choice.Reproduce(devs) }}
}
