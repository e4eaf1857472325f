package properties_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func exhaust(t *testing.T, cfg properties.Config[int, int], bounds properties.Bounds) sim.Result {
	t.Helper()
	if cfg.Sim.Disk == nil {
		cfg.Sim.Disk = store.NewMemoryDisk
	}
	if cfg.Inputs == nil {
		cfg.Inputs = rapid.Just(0)
	}
	cfg.Sim.Name = t.Name()
	config, body := properties.Exhaustive(cfg, bounds)
	r, err := sim.Sweep(config, body)
	require.NoError(t, err)
	return r
}

// fan runs n steps at once.
func fan(n int) *durable.Workflow[int, int] {
	return durable.Define("fan", func(ctx durable.Context, _ int) (int, error) {
		var all []durable.Future[int]
		for i := range n {
			all = append(all, durable.Async(ctx, "plus", plus, i))
		}
		sums, err := durable.Gather(ctx, all...)
		return len(sums), err
	})
}

// witness stands in for the test that Exhaust is called by.
type witness struct {
	testing.TB
	log []string
}

func (*witness) Helper()             {}
func (*witness) Name() string        { return "TestWitness" }
func (*witness) Failed() bool        { return false }
func (v *witness) Log(args ...any)   { v.log = append(v.log, fmt.Sprint(args...)) }
func (v *witness) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// What Exhaust proves is the last line of its log.
func TestWhatExhaustProves(t *testing.T) {
	var said []string
	try := func(workflow *durable.Workflow[int, int], cfg sim.Config, bounds properties.Bounds) {
		v := &witness{TB: t}
		cfg.Disk = store.NewMemoryDisk
		properties.Exhaust(v, properties.Config[int, int]{
			World: properties.WithoutWorld(workflow), Inputs: rapid.Just(0), Sim: cfg,
		}, bounds)
		require.Equal(t, "reprise: tries runs of the inputs [0], 1 at once, on one node", v.log[0])
		said = append(said, v.log[len(v.log)-1])
	}
	try(steps(always), sim.Config{}, properties.Bounds{})
	try(fan(2), sim.Config{}, properties.Bounds{Crashes: 1})
	try(fan(3), sim.Config{}, properties.Bounds{Crashes: -1})
	try(fan(3), sim.Config{}, properties.Bounds{Crashes: 1, Orders: 1})
	try(fan(3), sim.Config{Runs: 300}, properties.Bounds{})
	golden.Assert(t, "exhaust.txt", strings.Join(said, "\n")+"\n")
}

// The number of crashes is checked against one that is found in another way: the simulator counts where the
// one run without a deviation could have crashed.
func TestSingleCrashesAreCounted(t *testing.T) {
	cfg := properties.Config[int, int]{World: properties.WithoutWorld(steps(always)), Inputs: rapid.Just(0)}
	r := exhaust(t, cfg, properties.Bounds{Crashes: 1})

	cfg.Sim.Disk = store.NewMemoryDisk
	config, body := properties.Exhaustive(cfg, properties.Bounds{})
	config.Explore, config.Name = "fifo", t.Name()
	plain, err := sim.Sweep(config, body)
	require.NoError(t, err)
	points, commits := plain.Faults[0].Enabled, plain.Faults[1].Enabled
	warm := points + // a node dies at each of them; at a commit with nothing of it left,
		commits + // or with all of it,
		3*commits // or torn at one of three places
	require.Contains(t, r.Coverage, fmt.Sprintf("all %d single crashes", 2*warm), "warm and cold")
}

// diary runs steps that write down what happens outside, and when. A world that ends is an outcome: all that
// can be told apart of it.
func diary(outcomes *outcomes) func(w *sim.World) properties.World[int, int] {
	return func(w *sim.World) properties.World[int, int] {
		var log []string
		note := func(ctx context.Context, n int) (int, error) {
			info, _ := durable.Info(ctx)
			log = append(log, fmt.Sprint(info.Name, n, " at ", w.Now().Sub(sim.Epoch)))
			err := w.Sleep(ctx, time.Duration(n)*time.Second)
			return len(log), err
		}
		return properties.World[int, int]{
			Boot: func() *durable.Workflow[int, int] {
				return durable.Define("diary", func(ctx durable.Context, n int) (int, error) {
					for i, name := range []string{"first", "second", "third"} {
						var err error
						if n, err = durable.Step(ctx, name, note, i%2); err != nil {
							return 0, err
						}
					}
					return n, nil
				})
			},
			Holds: func(ended []properties.Outcome[int, int]) {
				outcomes.add(fmt.Sprint(ended[0].Result, log, w.Now().Sub(sim.Epoch)))
			},
		}
	}
}

// outcomes is a set that worlds fill at the same time.
type outcomes struct {
	mu  sync.Mutex
	all map[string]bool
}

func (o *outcomes) add(one string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil {
		o.all = map[string]bool{}
	}
	o.all[one] = true
}

// Worlds that end in a known state change no count and no verdict, and hide nothing that can happen.
func TestMergingHidesNothing(t *testing.T) {
	var some, every outcomes
	bounds := properties.Bounds{}
	merged := exhaust(t, properties.Config[int, int]{World: diary(&some)}, bounds)
	whole := exhaust(t, properties.Config[int, int]{World: diary(&every)}, properties.Unmerged(bounds))
	require.Nil(t, merged.Failure, merged.Report)
	require.Nil(t, whole.Failure, whole.Report)
	proved := func(r sim.Result) string { text, _, _ := strings.Cut(r.Coverage, "; "); return text }
	require.Equal(t, proved(whole), proved(merged))
	require.Contains(t, strings.ReplaceAll(proved(whole), ",", ""), fmt.Sprintf("in %d schedules", whole.Runs))
	require.Less(t, 3*merged.Runs, whole.Runs)
	require.Equal(t, slices.Sorted(maps.Keys(every.all)), slices.Sorted(maps.Keys(some.all)))
	require.Greater(t, len(every.all), 20)
}

// The simulated Pebble crashes like the reference: the same schedules, the same states.
func TestExhaustOnPebble(t *testing.T) {
	cfg := properties.Config[int, int]{World: properties.WithoutWorld(steps(always))}
	memory := exhaust(t, cfg, properties.Bounds{Crashes: 1})
	cfg.Sim.Disk = store.NewPebbleDisk
	pebble := exhaust(t, cfg, properties.Bounds{Crashes: 1})
	require.Nil(t, pebble.Failure, pebble.Report)
	require.Equal(t, memory.Coverage, pebble.Coverage)
}

// relapsing is a disk that lies only to a process that has recovered: a crash right after the second commit
// since it was opened again loses that commit, acknowledged or not.
type relapsing struct {
	store.Disk
	opened, commits int
}

type counted struct {
	store.Store
	commits *int
}

func (s counted) Commit(b *store.Batch) error {
	*s.commits++
	return s.Store.Commit(b)
}

func (d *relapsing) Open() (store.Store, error) {
	d.opened++
	d.commits = 0
	st, err := d.Disk.Open()
	return counted{st, &d.commits}, err
}

func (d *relapsing) Crash(cut int) error {
	if d.opened > 1 && d.commits == 2 {
		cut = d.TailBytes()
	}
	return d.Disk.Crash(cut)
}

func TestABugThatNeedsASecondCrashDuringRecoveryIsFound(t *testing.T) {
	cfg := properties.Config[int, int]{World: properties.WithoutWorld(steps(always))}
	cfg.Sim.Disk = func() store.Disk { return &relapsing{Disk: store.NewMemoryDisk()} }
	one := exhaust(t, cfg, properties.Bounds{Crashes: 1})
	require.Nil(t, one.Failure, one.Report)
	two := exhaust(t, cfg, properties.Bounds{})
	require.NotNil(t, two.Failure, two.Coverage)
	require.Contains(t, []string{properties.EntriesKept, properties.AckDurable}, two.Failure.Property)
	require.Contains(t, two.Report, "2 deviations from the FIFO, fault-free run")
	whole := exhaust(t, cfg, properties.Unmerged(properties.Bounds{}))
	require.Equal(t, whole.Failure.Property, two.Failure.Property)
}

// What steps do to the outside world is part of the state: a world must not be taken for another one whose
// disk is the same.
func TestEffectsArePartOfTheState(t *testing.T) {
	world := func(w *sim.World) properties.World[int, int] {
		charged := 0
		charge := func(_ context.Context, n int) (int, error) {
			charged++
			return n, nil
		}
		return properties.World[int, int]{
			Boot: func() *durable.Workflow[int, int] {
				return durable.Define("pay", func(ctx durable.Context, n int) (int, error) {
					return durable.Step(ctx, "charge", charge, n)
				})
			},
			Holds: func([]properties.Outcome[int, int]) {
				w.Always("nobody is charged three times", charged < 3)
			},
		}
	}
	r := exhaust(t, properties.Config[int, int]{World: world}, properties.Bounds{Crashes: 1})
	require.Nil(t, r.Failure, r.Report)
	r = exhaust(t, properties.Config[int, int]{World: world}, properties.Bounds{Crashes: 2})
	require.NotNil(t, r.Failure, r.Coverage)
	require.Equal(t, "nobody is charged three times", r.Failure.Property)
}

func TestBoundsThatMakeNoSense(t *testing.T) {
	cfg := properties.Config[int, int]{World: properties.WithoutWorld(fan(2)), Inputs: rapid.Just(0)}
	for _, b := range []properties.Bounds{{Crashes: 10}, {Orders: -1}, {Inputs: -1}} {
		require.PanicsWithValue(t, fmt.Sprintf("properties: Bounds are {Crashes:%d Orders:%d Inputs:%d}: "+
			"Crashes must be at most 9, and Orders and Inputs 0 or more; 0 is the default of each",
			b.Crashes, b.Orders, b.Inputs), func() { properties.Exhaustive(cfg, b) })
	}
}

// A failure is reported as any other: shrunk, with a command that reproduces it.
func TestExhaustReportsAsCheckDoes(t *testing.T) {
	cfg := properties.Config[int, int]{
		World: properties.WithoutWorld(steps(always)), Inputs: rapid.Just(0),
	}
	cfg.Sim = sim.Config{
		Dir: t.TempDir(), Disk: func() store.Disk { return &relapsing{Disk: store.NewMemoryDisk()} },
	}
	report := func() (text string) {
		defer func() { text = fmt.Sprint(recover()) }()
		properties.Exhaust(&witness{TB: t}, cfg, properties.Bounds{})
		return "passed"
	}
	first := report()
	require.Contains(t, first, "go test ./properties -run '^TestWitness$' -sim.schedule=")
	require.Contains(t, first, "2 deviations from the FIFO, fault-free run")
	require.Contains(t, first, "to shrink")
	again := report()
	require.Contains(t, again, "2 deviations from the FIFO, fault-free run", "the schedule was kept")
}
