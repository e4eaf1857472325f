package sim

import (
	"testing"
	"time"
)

// Check runs the body in one simulated world after another, each from its own seed, and fails the test when
// a property does not hold in one of them. The body is the world's main task: the world ends when it
// returns, and its nodes are then stopped. Saved schedules, in testdata/sim/<test>/, run first.
func Check(t testing.TB, cfg Config, body func(w *World)) {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = t.Name()
	}
	r := Sweep(cfg, body)
	if r.Failure != nil {
		t.Fatal(r.Report)
	}
	t.Log(r.Summary())
}

// Sweep is Check without a test: it returns what it has seen.
func Sweep(cfg Config, body func(w *World)) Result {
	c := cfg.resolved()
	s := &sweep{cfg: &c, body: body, first: c.Seed, limit: int64(c.Runs)}
	if s.first == 0 {
		s.first = baseSeed(c.Name)
	}
	began := time.Now()
	total, found := s.run()
	r := total.result()
	r.Elapsed = time.Since(began)
	if found != nil {
		r.Failure, r.FailedSeed = found.failure, found.seed
		r.Report = investigate(&c, body, found)
	}
	return r
}
