package sim

import (
	"hash/fnv"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/choice"
	"github.com/reprise-dst/reprise/internal/explore"
)

// sweep runs the worlds that a strategy asks for, on several lanes. It takes them in batches whose sizes
// don't depend on the number of lanes, and counts them in the order in which they were asked for; so what it
// finds and counts doesn't depend on that number either.
type sweep struct {
	cfg      *Config
	body     func(*World)
	strategy explore.Strategy
	progress func()      // called after each batch
	expired  func() bool // whether the time for the sweep is over; nil when only cfg.Runs counts
	stopped  func() bool // whether the sweep must end, however few runs it has had; nil when it need not
	alarm    *time.Timer // goes off when no world ends; nil for none
	lanes    int
	total    tally

	batch  []slot
	next   atomic.Int64 // the next slot to run
	failed atomic.Int64 // the lowest slot that failed; len(batch) when none did
}

// slot is one run of a batch and what came of it.
type slot struct {
	run     explore.Run
	ran     bool
	failure *Failure
	hash    uint64
	choices []choice.Choice    // only for strategies that learn from them
	devs    []choice.Deviation // only of a run that failed
	stats
}

// stats are what a world adds to the tally.
type stats struct {
	virtual   time.Duration
	events    int
	picks     int
	crashes   int
	hits      [placeCount]int
	over      bool
	order     uint64
	faults    []fault.Count
	sometimes []sometime
	counts    []Counted
}

// finding is a run that did not pass.
type finding struct {
	run     explore.Run
	failure *Failure
	hash    uint64
	devs    []choice.Deviation // of a run that has no seed of its own
	path    string             // of the saved schedule that was run
	blocked bool               // the world still hangs, and so would a second one
}

// maxBatch bounds the runs that are handed out before the strategy learns of their results, unless it has no
// use for them: then only the lanes count, which wait for each other at the end of each batch.
const (
	maxBatch  = 256
	wideBatch = 1024
)

// newSweep is a sweep with the strategy that cfg, which is resolved, names.
func newSweep(cfg *Config, body func(*World)) (*sweep, error) {
	seed := cfg.Seed
	if seed == 0 && !cfg.seedIsSet {
		seed = baseSeed(cfg.Name)
	}
	strategy, err := explore.Parse(cfg.Explore,
		explore.Config{Seed: seed, Shard: cfg.Shard, Shards: cfg.Shards, Class: classOf})
	if err != nil {
		return nil, err
	}
	return &sweep{cfg: cfg, body: body, strategy: strategy, lanes: laneCount(cfg), total: newTally()}, nil
}

// laneCount is the number of worlds that run at the same time.
func laneCount(cfg *Config) int {
	if cfg.Workers > 0 {
		return cfg.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// classOf tells strategies what a label asks.
func classOf(label string) explore.Class {
	if label == labelArrives || label == labelStarts {
		return explore.Order
	}
	for at, p := range places {
		if strings.HasSuffix(label, p.label) {
			return classes[at]
		}
	}
	return explore.Free
}

// classes says what is asked at each place; what is not listed is explore.Free.
var classes = [placeCount]explore.Class{
	atCommit: explore.Crash, atSpawn: explore.Crash, atStart: explore.Crash, atEnd: explore.Crash,
	atTimer: explore.Crash, atAnswer: explore.Crash, atTorn: explore.Crash,
	atLost: explore.Form, atTornBytes: explore.Form,
	atCompletes: explore.Order,
	atReboot:    explore.Fixed, atFlush: explore.Fixed,
}

// baseSeed is where the sequence of seeds starts for a test that names none.
func baseSeed(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

// run runs the worlds until one fails, the strategy has no more, or the limit is reached. It returns the
// first failure in the strategy's order, or nil.
func (s *sweep) run() *finding {
	for size := 1; ; size = min(4*size, s.widest()) {
		if s.fill(size) == 0 {
			return nil
		}
		if hung := s.runBatch(); hung != nil {
			return &finding{run: s.batch[hung.index].run, failure: hung.failure, blocked: true}
		}
		if f := s.settle(); f != nil {
			return f
		}
		s.progress()
	}
}

// widest bounds the batch that follows this one.
func (s *sweep) widest() int {
	if slices.ContainsFunc(s.batch, func(b slot) bool { return b.run.Learns }) {
		return maxBatch
	}
	return wideBatch
}

// fill asks the strategy for the next batch.
func (s *sweep) fill(size int) int {
	s.batch = s.batch[:0]
	left := s.cfg.Runs - s.total.runs
	if s.stopped != nil && s.stopped() {
		return 0
	}
	if s.expired != nil && !s.expired() {
		left = max(left, size)
	}
	for len(s.batch) < min(size, left) {
		run, ok := s.strategy.Next()
		if !ok {
			break
		}
		s.batch = append(s.batch, slot{run: run})
	}
	s.next.Store(0)
	s.failed.Store(int64(len(s.batch)))
	return len(s.batch)
}

// runBatch runs the batch on all lanes and returns the world that hangs, if one does.
func (s *sweep) runBatch() (hung *job) {
	hung = runLanes(min(s.lanes, len(s.batch)), s.one)
	if hung != nil {
		s.failed.Store(-1) // the lanes left behind shall not begin anything
	}
	return hung
}

// settle counts the batch, up to the first failure, and tells the strategy.
func (s *sweep) settle() *finding {
	for i := range s.batch {
		b := &s.batch[i]
		if !b.ran {
			continue
		}
		s.total.count(&b.stats)
		s.strategy.Done(b.run, explore.Result{Choices: b.choices, Failed: b.failure != nil})
		if b.failure != nil {
			return &finding{run: b.run, failure: b.failure, hash: b.hash, devs: b.devs}
		}
	}
	return nil
}

// one runs the next world of the batch. It returns false when there is none that matters.
func (s *sweep) one(l *lane) bool {
	i := s.next.Add(1) - 1
	if i >= s.failed.Load() || s.late(i) {
		return false
	}
	b := &s.batch[i]
	l.perform(&job{world: l.newWorld(s.cfg, b.run.Seed, b.run.Source, false), index: i, ended: func(w *World) {
		b.take(w)
		s.note(i)
		if s.alarm != nil {
			s.alarm.Reset(stallAfter)
		}
	}}, s.body)
	if b.failure == nil && s.selfChecks(b.run) {
		s.again(l, i)
	}
	return true
}

// late reports whether the time for the sweep ends it in front of slot i. What a strategy learns from is run.
func (s *sweep) late(i int64) bool {
	return s.expired != nil && s.total.runs+int(i) >= s.cfg.Runs && s.expired() ||
		s.stopped != nil && !s.batch[i].run.Learns && s.stopped()
}

// again runs a world that passed a second time: it must have the same trace.
func (s *sweep) again(l *lane, i int64) {
	b := &s.batch[i]
	l.perform(&job{world: l.newWorld(s.cfg, b.run.Seed, b.run.Again(), false), index: i, ended: func(w *World) {
		if w.trace.hash != b.hash || w.failure != nil {
			b.failure = &Failure{Property: propAlike}
			s.note(i)
		}
	}}, s.body)
}

// note lowers the bound behind which runs matter no more, if slot i failed.
func (s *sweep) note(i int64) {
	if s.batch[i].failure == nil {
		return
	}
	for {
		lowest := s.failed.Load()
		if i >= lowest || s.failed.CompareAndSwap(lowest, i) {
			return
		}
	}
}

// selfChecks reports whether a passing run runs a second time. It is a function of the seed.
func (s *sweep) selfChecks(run explore.Run) bool {
	share := s.cfg.SelfCheck
	return share > 0 && run.Seeded && float64(mix(run.Seed, 1)>>11) < share*(1<<53)
}

// take keeps what matters of a world that has ended.
func (b *slot) take(w *World) {
	b.ran, b.failure, b.hash = true, w.failure, w.trace.hash
	b.stats = stats{
		virtual: w.offset(), events: w.trace.count, picks: w.list.Len(), crashes: w.crashes, hits: w.hits,
		over: w.over, order: w.order, faults: w.faults.Counts(), sometimes: w.sometimes,
		counts: w.counts,
	}
	if w.failure != nil {
		b.devs = w.list.Deviations()
	}
	if b.run.Learns {
		b.choices = w.list.Choices()
	}
}
