package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/internal/choice"
)

const header = "reprise schedule 1\ntest: T\nseed: 1\ngo: \nreprise: \nproperty: \n"

// Run runs one world with these deviations, each as in a schedule file (worker/crash/commit#1 = 2), and
// returns its trace as text and its failure. What the deviations meant stands at the end of the trace.
func Run(cfg Config, deviations string, body func(w *World)) (trace string, failure *Failure) {
	c, err := cfg.resolved()
	if err != nil {
		panic(err)
	}
	schedule, err := choice.Parse(header + deviations)
	if err != nil {
		panic(err)
	}
	source := choice.Reproduce(schedule.Deviations)
	w := newWorld(&c, 1, source, true)
	performAlone(w, body)
	trace = traceAsText(w.trace.log)
	for _, d := range source.Drifted() {
		trace += "DRIFT " + d.String() + "\n"
	}
	return trace, w.failure
}

// RunWith runs one world whose choices a source answers.
func RunWith(cfg Config, source choice.Source, body func(w *World)) (trace string, failure *Failure) {
	c, err := cfg.resolved()
	if err != nil {
		panic(err)
	}
	w := newWorld(&c, 1, source, true)
	performAlone(w, body)
	return traceAsText(w.trace.log), w.failure
}

// RunSeed runs the world of a seed and returns its trace as text, its hash and its failure.
func RunSeed(cfg Config, seed uint64, body func(w *World)) (trace string, hash uint64, failure *Failure) {
	c, err := cfg.resolved()
	if err != nil {
		panic(err)
	}
	hashes := [2]uint64{}
	for i, record := range []bool{false, true} {
		w := newWorld(&c, seed, choice.Seeded(seed), record)
		performAlone(w, body)
		hashes[i], trace, failure = w.trace.hash, traceAsText(w.trace.log), w.failure
	}
	if hashes[0] != hashes[1] {
		panic("the hash depends on whether the trace is recorded")
	}
	return trace, hashes[0], failure
}

// TellProgressEvery makes sweeps tell their progress more often, until the test ends.
func TellProgressEvery(t *testing.T, d time.Duration) {
	before := progressEvery
	progressEvery = d
	t.Cleanup(func() { progressEvery = before })
}

// InputName is the name by which go test -run knows a fuzzing input.
func InputName(test string, data []byte) string { return inputName(test, data) }

// RunAfter is the trace of a seed, with all choices, behind so many other worlds on the same lane.
func RunAfter(cfg Config, others int, seed uint64, body func(w *World)) (trace string) {
	c, err := cfg.resolved()
	if err != nil {
		panic(err)
	}
	runLanes(1, func(l *lane) bool {
		at := seed + uint64(others)
		w := l.newWorld(&c, at, choice.Seeded(at), others == 0)
		l.perform(&job{world: w, ended: func(w *World) {
			trace = traceAsText(w.trace.log) + fmt.Sprint(w.list.Choices())
		}}, body)
		others--
		return others >= 0
	})
	return trace
}

// Stalled is a configuration with which it is told that no world has ended for d, until the test ends.
func Stalled(t *testing.T, cfg Config, d time.Duration, told func()) Config {
	before := stallAfter
	stallAfter = d
	t.Cleanup(func() { stallAfter = before })
	cfg.stalled = told
	return cfg
}
