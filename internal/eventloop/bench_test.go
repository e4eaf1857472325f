package eventloop

import (
	"iter"
	"testing"
)

func BenchmarkPull(b *testing.B) {
	next, stop := iter.Pull(func(yield func(struct{}) bool) {
		for yield(struct{}{}) {
		}
	})
	defer stop()
	b.ReportAllocs()
	for b.Loop() {
		next()
	}
}

func BenchmarkSwitch(b *testing.B) {
	l := New()
	defer l.Close()
	for range 2 {
		l.Go("t", func() {
			for {
				_ = l.Yield()
			}
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		l.RunMax(1)
	}
}

func BenchmarkSwitchMany(b *testing.B) {
	l := New()
	defer l.Close()
	for range 2 {
		l.Go("t", func() {
			for {
				_ = l.Yield()
			}
		})
	}
	b.ReportAllocs()
	b.ResetTimer()
	l.RunMax(b.N)
}

func BenchmarkParkWake(b *testing.B) {
	l := New()
	defer l.Close()
	var a, c *Task
	a = l.Go("a", func() {
		for {
			c.Wake()
			_ = l.Park("x")
		}
	})
	c = l.Go("c", func() {
		for {
			a.Wake()
			_ = l.Park("x")
		}
	})
	b.ReportAllocs()
	b.ResetTimer()
	l.RunMax(b.N)
}

func BenchmarkSpawn(b *testing.B) {
	l := New()
	defer l.Close()
	b.ReportAllocs()
	for b.Loop() {
		l.Go("t", func() {})
		l.RunMax(1)
	}
}
func BenchmarkLoop10(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		l := New()
		for range 10 {
			l.Go("t", func() { _ = l.Park("x") })
		}
		l.Run()
		l.Close()
	}
}
