package choice_test

import (
	"testing"

	"github.com/reprise-dst/reprise/internal/choice"
)

// runLength is the number of choices after which the benchmarks begin a new list, as a new run would.
const runLength = 2000

func benchmark(b *testing.B, source func() choice.Source, pick func(p *choice.Point)) {
	b.ReportAllocs()
	var p *choice.Point
	left := 0
	for b.Loop() {
		if left == 0 {
			p, left = choice.NewList(source()).Point("worker/completes"), runLength
		}
		left--
		pick(p)
	}
}

func BenchmarkPick(b *testing.B) {
	benchmark(b, func() choice.Source { return choice.Seeded(1) }, func(p *choice.Point) { p.Pick(5) })
}

func BenchmarkPickOfOne(b *testing.B) {
	benchmark(b, func() choice.Source { return choice.Seeded(1) }, func(p *choice.Point) { p.Pick(1) })
}

func BenchmarkChance(b *testing.B) {
	benchmark(b, func() choice.Source { return choice.Seeded(1) }, func(p *choice.Point) { p.Chance(0.02, 4) })
}

func BenchmarkPickReproduce(b *testing.B) {
	devs := []choice.Deviation{{Label: "worker/completes", Occurrence: 1000, Answer: 2}}
	benchmark(b, func() choice.Source { return choice.Reproduce(devs) }, func(p *choice.Point) { p.Pick(5) })
}

func BenchmarkPickByLabel(b *testing.B) {
	b.ReportAllocs()
	var list *choice.List
	left := 0
	for b.Loop() {
		if left == 0 {
			list, left = choice.NewList(choice.Seeded(1)), runLength
		}
		left--
		list.Pick("worker/completes", 5)
	}
}

func BenchmarkDeviations(b *testing.B) {
	list := choice.NewList(choice.Seeded(1))
	for range runLength {
		list.Point("worker/crash/commit").Chance(0.02, 4)
	}
	b.ReportAllocs()
	for b.Loop() {
		list.Deviations()
	}
}
