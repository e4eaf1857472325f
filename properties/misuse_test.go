package properties_test

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// refused is a test that keeps why it was ended.
type refused struct {
	testing.TB
	said string
}

func (*refused) Helper()      {}
func (*refused) Failed() bool { return false }
func (*refused) Log(...any)   {}

func (r *refused) Fatal(args ...any) {
	r.said = fmt.Sprint(args...)
	runtime.Goexit()
}

// refusalOf is what a check says that can't work.
func refusalOf(t *testing.T, check func(t testing.TB)) string {
	r := &refused{TB: t}
	var ended sync.WaitGroup
	ended.Go(func() { check(r) })
	ended.Wait()
	return r.said
}

var places = regexp.MustCompile(`(\w+_test\.go):\d+`)

type (
	config = properties.Config[int, int]
	world  = properties.World[int, int]
)

// with is a configuration with this world.
func with(make func(w *sim.World) world) config {
	return config{
		World: make, Inputs: rapid.Just(1), Sim: sim.Config{Disk: store.NewMemoryDisk, Dir: "testdata/none"},
	}
}

// boot is a world with this workflow.
func boot(workflow *durable.Workflow[int, int]) func(w *sim.World) world {
	return func(*sim.World) world {
		return world{Boot: func() *durable.Workflow[int, int] { return workflow }}
	}
}

var good = steps(always)

// wrong are configurations that can't work.
var wrong = []struct {
	name string
	cfg  config
}{
	{"nothing", config{}},
	{"no inputs", config{World: properties.WithoutWorld(good)}},
	{"no boot function", with(func(*sim.World) world { return world{} })},
	{"a boot function that returns nothing", with(boot(nil))},
	{"no workflow", with(properties.WithoutWorld[int, int](nil))},
	{"a workflow without a function", with(func(*sim.World) world {
		return boot(durable.Define[int, int]("empty", nil))(nil)
	})},
	{"two workflows of one name", with(func(w *sim.World) world {
		twice := boot(good)(w)
		twice.Others = func() []durable.Definition { return []durable.Definition{good} }
		return twice
	})},
	{"a node of the world's own name", with(func(w *sim.World) world {
		w.Node("worker", func(*sim.Node) {})
		return boot(good)(w)
	})},
	{"negative runs", config{World: boot(good), Inputs: rapid.Just(1), Runs: -1}},
	{"negative time", config{World: boot(good), Inputs: rapid.Just(1), FaultTime: -1}},
	{"inputs that there are not", config{
		World: boot(good), Inputs: rapid.Int().Filter(func(int) bool { return false }),
	}},
}

// TestMisuse shows what a test is told that can't work: once, without a seed, a schedule or a trace, for all
// checks alike. It does not end the whole test binary.
func TestMisuse(t *testing.T) {
	var said strings.Builder
	show := func(name, message string) {
		require.NotEmpty(t, message, name)
		said.WriteString(name + "\n    " + strings.ReplaceAll(strings.TrimSpace(message), "\n", "\n    ") + "\n")
	}
	for _, c := range wrong {
		message := refusalOf(t, func(t testing.TB) { properties.Check(t, c.cfg) })
		require.Equal(t, message, refusalOf(t, func(t testing.TB) {
			properties.Exhaust(t, c.cfg, properties.Bounds{})
		}), c.name)
		show(c.name, message)
	}
	show("inputs that don't encode", refusalOf(t, func(t testing.TB) {
		properties.Check(t, properties.Config[chan int, int]{
			Inputs: rapid.Just(make(chan int)), World: properties.WithoutWorld(durable.Define("of channels",
				func(durable.Context, chan int) (int, error) { return 0, nil })),
		})
	}))
	show("no old code", refusalOf(t, func(t testing.TB) {
		properties.CheckUpgrade(t, with(properties.WithoutWorld(good)))
	}))
	show("no old workflow", refusalOf(t, func(t testing.TB) {
		properties.CheckUpgrade(t, with(func(w *sim.World) world {
			upgrade := boot(good)(w)
			upgrade.Old = func() *durable.Workflow[int, int] { return nil }
			return upgrade
		}))
	}))
	show("too many crashes", refusalOf(t, func(t testing.TB) {
		properties.Exhaust(t, with(boot(good)), properties.Bounds{Crashes: 10})
	}))
	show("no service", refusalOf(t, func(t testing.TB) { properties.CheckService(t, properties.Service{}) }))
	show("a process without a boot function", refusalOf(t, func(t testing.TB) {
		properties.CheckService(t, properties.Service{World: func(w *sim.World) properties.Deployment {
			return properties.Deployment{
				Processes: []properties.Process{{Name: "shop"}}, Actions: []properties.Action{properties.Looks()},
			}
		}})
	}))
	golden.Assert(t, "misuse.txt", places.ReplaceAllString(said.String(), "$1:N"))
	require.NoDirExists(t, "testdata/none")
}

// A sweep that checks next to nothing says so.
func TestWhatASweepDidNotReachIsSaid(t *testing.T) {
	r := sweep(t, properties.Config[int, int]{
		Undo: map[string]string{"pluss": "minus", "plus": "minus"},
		World: properties.WithoutWorld(durable.Define("fails",
			func(ctx durable.Context, n int) (int, error) { return 0, errEmpty })),
	}, sim.Config{Runs: 10})
	require.Nil(t, r.Failure, r.Report)
	require.Subset(t, r.Unreached, []string{
		`"a run returns a result" was never true in 10 runs`,
		`"a run has the step plus, which Undo names" was never true in 10 runs`,
		`"a run has the step pluss, which Undo names" was never true in 10 runs`,
	})
}

// A run that waits for a child whose workflow the process does not have is reported with that reason.
func TestAChildOfAnUnknownWorkflowIsFoundWithTheReason(t *testing.T) {
	r := sweep(t, with(boot(durable.Define("parent", func(ctx durable.Context, n int) (int, error) {
		return durable.StartChild(ctx, good, n).Await(ctx)
	}))), sim.Config{})
	found(t, r, properties.EveryRunEnds)
	require.Contains(t, strings.Join(r.Failure.Detail, "\n"), `run "run-1/1" is parked: `)
	require.Contains(t, strings.Join(r.Failure.Detail, "\n"), `durable: unknown workflow`)
}
