package sim

import (
	"hash/fnv"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/choice"
)

// Result is what a sweep has seen.
type Result struct {
	Runs    int           // worlds that ran
	Elapsed time.Duration // wall time
	Virtual time.Duration // virtual time, over all worlds
	Events  int64         // events in the traces of all worlds
	Choices int64         // choices with more than one answer
	Crashes int           // crashes of nodes
	Orders  int           // distinct orders in which steps completed, counted up to a million

	Faults     []fault.Count // how often each kind of the plan could have fired, and did
	Sometimes  []Reached     // every Sometimes, in alphabetical order
	Unreached  []string      // what is wrong with the sweep as a whole: what it never reached
	Failure    *Failure      // of the failing seed with the lowest index; nil when all passed
	FailedSeed uint64
	Report     string // the whole report of the failure
	Schedule   choice.Schedule
}

// Reached says in how many worlds a Sometimes held, of those that asked it.
type Reached struct {
	Property string
	Held     int
	Asked    int
}

// SeedsPerSecond is the speed of the sweep in wall time.
func (r *Result) SeedsPerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Runs) / r.Elapsed.Seconds()
}

// maxOrders bounds the memory of a sweep that counts distinct completion orders.
const maxOrders = 1_000_000

// sweep runs many worlds, on several workers.
type sweep struct {
	cfg    *Config
	body   func(*World)
	first  uint64       // the base of the seeds
	limit  int64        // the number of seeds; a sweep that has time left goes on
	expire func() bool  // whether a sweep's time is over; nil when only the limit counts
	next   atomic.Int64 // the next index
	lowest atomic.Int64 // the lowest failing index so far
	lanes  []*lane
	mu     sync.Mutex
	found  map[int64]*finding
}

// finding is a seed that did not pass.
type finding struct {
	seed    uint64
	failure *Failure
	hash    uint64
	blocked bool // the world still hangs, and so would a second one
}

// tally is what one worker has counted; workers share nothing.
type tally struct {
	runs    int
	virtual time.Duration
	events  int64
	choices int64
	crashes int
	orders  map[uint64]struct{}
	faults  []fault.Count
	reached map[string]*Reached
}

// seedAt is the seed with the given index in a sequence.
func seedAt(base uint64, i int64) uint64 {
	if i == 0 {
		return base
	}
	x := base + uint64(i)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// baseSeed is where the sequence of seeds starts for a test that names none.
func baseSeed(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

// run runs the worlds and returns the finding with the lowest index, or nil.
func (s *sweep) run() (*tally, *finding) {
	s.lowest.Store(math.MaxInt64)
	s.found = make(map[int64]*finding)
	workers := s.cfg.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	workers = int(max(1, min(int64(workers), s.limit)))
	tallies := make([]tally, workers)
	for i := range workers {
		s.lanes = append(s.lanes, startLane(func(l *lane) bool { return s.one(l, &tallies[i]) }))
	}
	if hung := awaitLanes(s.lanes); hung != nil {
		s.report(hung.index, &finding{seed: hung.world.seed, failure: hung.failure, blocked: true})
		return &tally{}, s.found[s.lowest.Load()] // the hung worker may still write to its own
	}
	total := &tallies[0]
	for i := range tallies[1:] {
		total.add(&tallies[i+1])
	}
	return total, s.found[s.lowest.Load()]
}

// one runs the next world. It returns false when there is none.
func (s *sweep) one(l *lane, t *tally) bool {
	i := s.next.Add(1) - 1
	if i > s.lowest.Load() || i >= s.limit && (s.expire == nil || s.expire()) {
		return false
	}
	seed := seedAt(s.first, i)
	var first *World
	l.perform(&job{world: newWorld(s.cfg, seed, choice.Seeded(seed), false), index: i, ended: func(w *World) {
		first = w
		t.count(w)
		if w.failure != nil {
			s.report(i, &finding{seed: seed, failure: w.failure, hash: w.trace.hash})
		}
	}}, s.body)
	if first.failure == nil && s.selfChecks(seed) {
		l.perform(&job{world: newWorld(s.cfg, seed, choice.Seeded(seed), false), index: i, ended: func(w *World) {
			if w.trace.hash != first.trace.hash || w.failure != nil {
				s.report(i, &finding{seed: seed, failure: &Failure{Property: propAlike}, hash: first.trace.hash})
			}
		}}, s.body)
	}
	return true
}

// selfChecks reports whether a passing seed runs a second time. It is a function of the seed.
func (s *sweep) selfChecks(seed uint64) bool {
	return s.cfg.SelfCheck > 0 && float64(mix(seed, 1)>>11) < s.cfg.SelfCheck*(1<<53)
}

func (s *sweep) report(i int64, f *finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found[i] = f
	if i < s.lowest.Load() {
		s.lowest.Store(i)
	}
}

// count adds a world that has ended.
func (t *tally) count(w *World) {
	t.runs++
	t.virtual += w.offset()
	t.events += int64(w.trace.count)
	t.choices += int64(w.list.Len())
	t.crashes += w.crashes
	if t.orders == nil {
		t.orders = make(map[uint64]struct{})
		t.reached = make(map[string]*Reached)
	}
	if w.order != 0 && len(t.orders) < maxOrders {
		t.orders[w.order] = struct{}{}
	}
	t.faults = addCounts(t.faults, w.faults.Counts())
	for _, s := range w.sometimes {
		r := t.reached[s.property]
		if r == nil {
			r = &Reached{Property: s.property}
			t.reached[s.property] = r
		}
		r.Asked++
		if s.held {
			r.Held++
		}
	}
}

// addCounts adds b to a, which it changes when both list the same kinds.
func addCounts(a, b []fault.Count) []fault.Count {
	if len(a) != len(b) {
		return fault.Add(a, b)
	}
	for i := range a {
		a[i].Enabled += b[i].Enabled
		a[i].Fired += b[i].Fired
	}
	return a
}

// add merges the tally of another worker.
func (t *tally) add(o *tally) {
	if o.runs == 0 {
		return
	}
	if t.runs == 0 {
		*t = *o
		return
	}
	t.runs += o.runs
	t.virtual += o.virtual
	t.events += o.events
	t.choices += o.choices
	t.crashes += o.crashes
	maps.Copy(t.orders, o.orders)
	t.faults = addCounts(t.faults, o.faults)
	for _, property := range slices.Sorted(maps.Keys(o.reached)) {
		r := o.reached[property]
		if mine := t.reached[property]; mine != nil {
			mine.Held += r.Held
			mine.Asked += r.Asked
		} else {
			t.reached[property] = r
		}
	}
}
