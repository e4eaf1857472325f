package explore_test

import (
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/explore"
)

// runLength is the number of choices after which the benchmarks begin a new run.
const runLength = 2000

func benchmark(b *testing.B, source func(seed uint64) choice.Source, pick func(p *choice.Point)) {
	b.ReportAllocs()
	var p *choice.Point
	seed, left := uint64(0), 0
	for b.Loop() {
		if left == 0 {
			p, left = choice.NewList(source(seed)).Point("worker/completes"), runLength
			seed++
		}
		left--
		pick(p)
	}
}

func BenchmarkPickSwarm(b *testing.B) {
	benchmark(b, explore.Swarm, func(p *choice.Point) { p.Pick(5) })
}

func BenchmarkChanceSwarm(b *testing.B) {
	benchmark(b, explore.Swarm, func(p *choice.Point) { p.Chance(0.02, 4) })
}

func BenchmarkPickPCT(b *testing.B) {
	size := explore.Size{Labels: []explore.LabelSize{{Label: "worker/completes", Chains: 5, Picks: runLength}}}
	source := func(seed uint64) choice.Source { return explore.PCT(seed, 3, size, explore.Config{}) }
	benchmark(b, source, func(p *choice.Point) { p.Pick(5) })
}

// BenchmarkDeviations is what the strategy itself costs for each run of 300 choices.
func BenchmarkDeviations(b *testing.B) {
	b.ReportAllocs()
	s, _ := explore.Parse("deviations:2", explore.Config{})
	choices := make([]choice.Choice, 300)
	for i := range choices {
		choices[i] = choice.Choice{Label: "worker/crash/commit", Occurrence: i + 1, N: 4, Rated: true}
	}
	for b.Loop() {
		run, ok := s.Next()
		if !ok {
			s, _ = explore.Parse("deviations:2", explore.Config{})
			continue
		}
		s.Done(run, explore.Result{Choices: choices})
	}
}
