package sim

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/explore"
)

// Check runs the body in one simulated world after another, each from its own seed, and fails the test when
// a property does not hold in one of them. The body is the world's main task: the world ends when it
// returns, and its nodes are then stopped. Saved schedules, in testdata/sim/<test>/, run first.
func Check(t testing.TB, cfg Config, body func(w *World)) {
	t.Helper()
	refuseNested("Check")
	c := configured(t, cfg)
	if c.schedule != "" {
		checkSchedule(t, &c, body)
		return
	}
	checkSaved(t, &c, body)
	if c.elsewhere {
		t.Log("reprise: not run: shard 1 tries all of " + c.Explore + ", which can't be divided")
		return
	}
	r, err := sweepWith(&c, body)
	if err != nil {
		t.Fatal(err)
	}
	conclude(t, &c, &r)
	if c.seedIsSet && c.Runs == 1 && c.trace != "" && c.trace != traceOff {
		t.Log("reprise: the trace of seed " + strconv.FormatUint(c.Seed, 10) + "\n" + traceOfSeed(&c, body))
	}
}

// configured is a test's configuration with what the flags say, and complete.
func configured(t testing.TB, cfg Config) Config {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = t.Name()
	}
	if cfg.Dir == "" {
		cfg.Dir = folderOf(cfg.Name)
	}
	cfg.explore = cmp.Or(cfg.Explore, defaultExplore)
	if err := cfg.override(); err != nil {
		t.Fatal(err)
	}
	cfg.stalled = func() {
		fmt.Fprintf(os.Stderr, "reprise: %s: no world has ended for %v; a task that computes is not interrupted: "+
			"SIGQUIT, or -timeout of go test, shows where it is\n", cfg.Name, stallAfter)
	}
	if cfg.Progress == nil {
		cfg.Progress = func(r Result) {
			fmt.Fprintf(os.Stderr, "reprise: %s: %s, no failure so far\n", cfg.Name, r.Summary())
		}
	}
	c, err := cfg.resolved()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// traceOfSeed is the trace of the one run that -sim.seed asks for, which has passed.
func traceOfSeed(c *Config, body func(*World)) string {
	s, err := newSweep(c, body)
	if err != nil {
		panic("invariant: a sweep that ran has no strategy: " + err.Error())
	}
	run, _ := s.strategy.Next()
	w := newWorld(c, run.Seed, run.Source, true)
	performAlone(w, body)
	if c.trace == traceJSON {
		return traceAsJSON(w.trace.log)
	}
	return traceAsText(w.trace.log)
}

// conclude tells the test what the sweep has found.
func conclude(t testing.TB, c *Config, r *Result) {
	t.Helper()
	if r.Failure != nil {
		t.Fatal(r.Report)
	}
	if one := c.seedIsSet && c.Runs == 1 && c.For == 0; len(r.Unreached) > 0 && !one {
		text := "reprise: the sweep did not reach all that it should\n    " + strings.Join(r.Unreached, "\n    ")
		if c.MustReach {
			t.Fatal(text)
		}
		t.Log(text)
	}
	t.Log("reprise: " + r.Summary())
	if !c.NoFaults {
		t.Log("reprise: " + r.Covered())
	}
	if text := r.reached(); text != "" {
		t.Log("reprise: " + text)
	}
	if c.Explore != defaultExplore {
		t.Log("reprise: " + strings.ReplaceAll(r.Coverage, "; ", ";\n    "))
	}
}

// checkSchedule runs the one schedule that -sim.schedule names.
func checkSchedule(t testing.TB, c *Config, body func(*World)) {
	t.Helper()
	s, err := loadSchedule(c.schedule, c.Name)
	if err != nil {
		t.Fatal(err)
	}
	out, err := reproduce(c, body, c.schedule, s)
	if err != nil {
		t.Fatal(err)
	}
	out.showLog = c.trace == traceText
	if out.failure != nil {
		t.Fatal(out.String())
	}
	t.Log(out.passed())
}

// checkSaved runs the schedules that earlier failures have left, and ends the test if one fails.
func checkSaved(t testing.TB, c *Config, body func(*World)) {
	t.Helper()
	paths, err := savedSchedules(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		s, err := loadSchedule(path, c.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		out, err := reproduce(c, body, filepath.ToSlash(path), s)
		if err != nil {
			t.Error(err)
			continue
		}
		out.showLog = c.trace == traceText
		if out.failure != nil {
			t.Fatal(out.String())
		}
		t.Log(out.passed())
	}
	if t.Failed() {
		t.FailNow()
	}
}

// reproduce runs a saved schedule. The report has no failure when it passes.
func reproduce(c *Config, body func(*World), path string, s choice.Schedule) (*report, error) {
	own := *c
	if s.Faults != "" {
		if err := applyFaults(&own, s.Faults); err != nil {
			return nil, fmt.Errorf("sim: %s: %w", path, err)
		}
		own.allowed = allowed(own.Faults)
	}
	for _, d := range s.Deviations {
		own.RandomStarts = own.RandomStarts || d.Label == labelStarts // else they would drift
	}
	src := choice.Reproduce(s.Deviations)
	w := newWorld(&own, s.Seed, src, true)
	performAlone(w, body)
	if w.failure == nil {
		return &report{path: path, drifted: src.Drifted(), deviated: len(s.Deviations), schedule: s}, nil
	}
	v := &investigation{cfg: &own, body: body, finding: &finding{
		run: explore.Run{Seed: s.Seed}, failure: w.failure, hash: w.trace.hash, devs: s.Deviations, path: path,
		blocked: w.hangs,
	}}
	out := v.investigate()
	if out.failure.Property != s.Property {
		out.notes = append(out.notes, fmt.Sprintf("the schedule was saved for another property: %q", s.Property))
	}
	return out, nil
}

// passed says that a saved schedule does not fail any more.
func (r *report) passed() string {
	var b strings.Builder
	fmt.Fprintf(&b, "reprise: %s no longer fails %q; delete it, or keep it to see that this stays so",
		r.path, r.schedule.Property)
	if len(r.drifted) > 0 {
		b.WriteByte('\n')
		r.writeDrift(&b)
	}
	return strings.TrimRight(b.String(), "\n")
}

// Sweep is Check without a test: it runs no saved schedules, takes no flags and returns what it has seen. The
// error is about the configuration.
func Sweep(cfg Config, body func(w *World)) (Result, error) {
	refuseNested("Sweep")
	c, err := cfg.resolved()
	if err != nil {
		return Result{}, err
	}
	return sweepWith(&c, body)
}

// sweepWith runs a sweep and investigates what it finds.
func sweepWith(c *Config, body func(*World)) (Result, error) {
	s, err := newSweep(c, body)
	if err != nil {
		return Result{}, err
	}
	defer raiseGCTarget()()
	began := time.Now()
	if c.For > 0 {
		s.expired = deadline(c.For)
	}
	if c.AtMost > 0 {
		s.stopped = deadline(c.AtMost)
	}
	s.progress = progress(c, s)
	if c.stalled != nil {
		s.alarm = time.AfterFunc(stallAfter, c.stalled)
	}
	found := s.run()
	if s.alarm != nil {
		s.alarm.Stop() // what follows has a limit of its own
	}
	r := s.total.result()
	r.Elapsed = time.Since(began)
	r.Coverage = s.strategy.Coverage()
	if found == nil {
		return r, nil
	}
	v := &investigation{cfg: c, body: body, finding: found, expired: deadline(c.ShrinkTime)}
	out := v.investigate()
	out.showLog = c.trace == traceText
	r.Failure, r.FailedSeed, r.Report = out.failure, found.run.Seed, out.String()
	r.Deviations = len(out.deviations)
	return r, nil
}

// after reports whether a moment has passed.
func after(moment time.Time) func() bool {
	return func() bool { return time.Now().After(moment) }
}

// deadline reports whether d has passed since it was made.
func deadline(d time.Duration) func() bool {
	now := time.Now()
	if d > time.Duration(1<<63-1)-time.Duration(now.Sub(time.Unix(0, 0))) {
		return func() bool { return false }
	}
	return after(now.Add(d))
}

// progressEvery is how often a long sweep says how far it is.
var progressEvery = 2 * time.Second

// stallAfter is how long no world may end until it is said.
var stallAfter = 10 * time.Second

// progress calls cfg.Progress with what the sweep has counted, at most every two seconds.
func progress(c *Config, s *sweep) func() {
	if c.Progress == nil {
		return func() {}
	}
	began := time.Now()
	last := began
	return func() {
		now := time.Now()
		if now.Sub(last) < progressEvery {
			return
		}
		last = now
		r := s.total.result()
		r.Elapsed = now.Sub(began)
		c.Progress(r)
	}
}
