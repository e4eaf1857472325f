// Command hunt runs the prey on the engine that it was built with, until one of them fails. It prints after
// how many worlds, which prey and which property; or that all passed.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/mutants/prey"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

func main() {
	explore := flag.String("explore", "random", "the strategy")
	seed := flag.Uint64("seed", 1, "where the seeds start")
	runs := flag.Int("runs", 1000, "worlds of each prey")
	only := flag.String("prey", "", "the prey that is run, one of: "+list()+"; all when it is empty")
	pebble := flag.Bool("pebble", false, "on Pebble instead of the in-memory store")
	verbose := flag.Bool("v", false, "shrink, and print the report")
	flag.Parse()
	var best sim.Result
	var name string
	for most := min(30, *runs); ; most = min(10*most, *runs) { // what dies at once does so cheaply
		best, name = round(*only, *explore, *seed, most, *pebble, *verbose)
		if best.Failure != nil || most == *runs {
			break
		}
	}
	if best.Failure == nil {
		fmt.Println("survived", best.Runs)
		return
	}
	fmt.Printf("killed %d %s %q\n", best.Runs, name, best.Failure.Property)
	if *verbose {
		fmt.Println(best.Report)
	}
}

// round runs each prey, no longer than until the first failure of another, and returns the first failure.
func round(only, explore string, seed uint64, runs int, pebble, verbose bool) (best sim.Result, name string) {
	best.Runs = runs
	for _, p := range prey.All() {
		if only != "" && p.Name != only {
			continue
		}
		r := hunt(p, explore, seed, best.Runs, pebble, verbose)
		if verbose {
			fmt.Println(p.Name+":", r.Summary(), r.Unreached)
		}
		if r.Failure != nil && (best.Failure == nil || r.Runs < best.Runs) {
			best, name = r, p.Name
		}
	}
	return best, name
}

func hunt(p prey.Prey, explore string, seed uint64, runs int, pebble, shrink bool) sim.Result {
	cfg := sim.Config{
		Name: p.Name, Explore: explore, Seed: seed, Runs: runs, Disk: store.NewMemoryDisk, SelfCheck: -1,
		ShrinkRuns: -1, MaxEvents: 50_000, MaxSpin: 10_000,
	}
	if p.Faults != "" {
		cfg.Faults = fault.MustParse(p.Faults)
	}
	if pebble {
		cfg.Disk = store.NewPebbleDisk
	}
	if shrink {
		cfg.ShrinkRuns, cfg.ShrinkTime = 0, 10*time.Second
	}
	r, err := sim.Sweep(cfg, p.Body)
	if err != nil {
		fmt.Fprintln(os.Stderr, "hunt:", err)
		os.Exit(2)
	}
	return r
}

func list() string {
	var names []string
	for _, p := range prey.All() {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}
