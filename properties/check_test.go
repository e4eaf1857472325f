package properties_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func plus(_ context.Context, n int) (int, error) { return n + 1, nil }

// steps runs n+1 steps; the last is named by what remember returns.
func steps(remember func() string) *durable.Workflow[int, int] {
	return durable.Define("steps", func(ctx durable.Context, n int) (int, error) {
		n, err := durable.Step(ctx, "plus", plus, n)
		if err != nil {
			return 0, err
		}
		return durable.Step(ctx, "plus"+remember(), plus, n)
	})
}

func always() string { return "" }

func sweep(t *testing.T, cfg properties.Config[int, int], opt sim.Config) sim.Result {
	t.Helper()
	opt.Name = t.Name()
	if opt.Disk == nil {
		opt.Disk = store.NewMemoryDisk
	}
	if opt.Runs == 0 {
		opt.Runs = 1000
	}
	if cfg.Inputs == nil {
		cfg.Inputs = rapid.IntRange(0, 9)
	}
	r, err := sim.Sweep(opt, properties.Body(cfg))
	require.NoError(t, err)
	return r
}

func found(t *testing.T, r sim.Result, property string) {
	t.Helper()
	require.NotNil(t, r.Failure, "not found: %s", r.Summary())
	require.Equal(t, property, r.Failure.Property, r.Report)
}

func TestAGoodWorkflowPasses(t *testing.T) {
	r := sweep(t, properties.Config[int, int]{World: properties.WithoutWorld(steps(always))}, sim.Config{})
	require.Nil(t, r.Failure, r.Report)
}

func TestAWorkflowThatContinuesAsNewPasses(t *testing.T) {
	countdown := durable.Define("countdown", func(ctx durable.Context, n int) (int, error) {
		n, err := durable.Step(ctx, "plus", plus, n)
		if err != nil || n > 9 {
			return n, err
		}
		return durable.ContinueAsNew[int](ctx, n+2)
	})
	r := sweep(t, properties.Config[int, int]{World: properties.WithoutWorld(countdown)}, sim.Config{})
	require.Nil(t, r.Failure, r.Report)
}

// Each oracle has a planted violation that it must see.

func TestReplayThatDiffersIsFound(t *testing.T) {
	r := sweep(t, properties.Config[int, int]{World: func(*sim.World) properties.World[int, int] {
		return properties.World[int, int]{Boot: func() *durable.Workflow[int, int] {
			memory := 0
			return steps(func() string { memory++; return strconv.Itoa(memory) })
		}}
	}}, sim.Config{Workers: 1})
	found(t, r, properties.ReplayIdentical)
	require.Regexp(t, `recorded  step "plus[12]"`, r.Report)
	require.Regexp(t, `replayed  step "plus[12]"`, r.Report)
	require.Regexp(t, `at check_test\.go:\d+`, r.Report)
}

func TestResultThatDiffersIsFound(t *testing.T) {
	r := sweep(t, properties.Config[int, int]{World: func(*sim.World) properties.World[int, int] {
		return properties.World[int, int]{Boot: func() *durable.Workflow[int, int] {
			calls := 0
			return durable.Define("counts", func(ctx durable.Context, n int) (int, error) {
				n, err := durable.Step(ctx, "plus", plus, n)
				calls++
				return n + calls, err
			})
		}}
	}}, sim.Config{})
	found(t, r, properties.ReplayIdentical)
}

func TestAPanicInWorkflowCodeIsFound(t *testing.T) {
	r := sweep(t, properties.Config[int, int]{World: properties.WithoutWorld(steps(func() string {
		panic("no idea")
	}))}, sim.Config{})
	found(t, r, properties.EveryRunEnds)
	require.Contains(t, r.Report, "panic: no idea")
	require.Contains(t, r.Report, "at check_test.go:")
}

func TestARunThatWaitsForEverIsFound(t *testing.T) {
	r := sweep(t, properties.Config[int, int]{World: properties.WithoutWorld(
		durable.Define("stuck", func(ctx durable.Context, n int) (int, error) {
			var other durable.Future[int]
			first := durable.Go(ctx, "first", func(ctx durable.Context) (int, error) {
				ctx.Sleep(1)
				return other.Await(ctx)
			})
			other = durable.Go(ctx, "other", func(ctx durable.Context) (int, error) { return first.Await(ctx) })
			return first.Await(ctx)
		}))}, sim.Config{})
	found(t, r, properties.EveryRunEnds)
}

// forgetful is a disk that acknowledges commits and keeps them from a crash only when it feels like it.
type forgetful struct{ store.Disk }

func (d forgetful) Crash(int) error { return d.Disk.Crash(d.TailBytes()) }

func TestADiskThatLosesAcknowledgedCommitsIsFound(t *testing.T) {
	r := sweep(t, properties.Config[int, int]{World: properties.WithoutWorld(steps(always))}, sim.Config{
		Disk: func() store.Disk { return forgetful{store.NewMemoryDisk()} },
	})
	require.NotNil(t, r.Failure, "not found: %s", r.Summary())
	require.Contains(t, []string{properties.EntriesKept, properties.AckDurable}, r.Failure.Property)
}

func TestUsersInvariantIsChecked(t *testing.T) {
	r := sweep(t, properties.Config[int, int]{World: func(w *sim.World) properties.World[int, int] {
		return properties.World[int, int]{
			Boot: func() *durable.Workflow[int, int] { return steps(always) },
			Holds: func(outcomes []properties.Outcome[int, int]) {
				for _, o := range outcomes {
					require.Equal(w, o.Input+1, o.Result)
				}
			},
		}
	}}, sim.Config{})
	found(t, r, "the test's assertions hold")
}

// What a run asked for and did not wait for may end after the run: that must not start it again, nor leave a
// trace of it.
func TestAStepThatEndsAfterItsRunIsLetGo(t *testing.T) {
	hasty := durable.Define("hasty", func(ctx durable.Context, n int) (int, error) {
		ctx = ctx.Detached()
		_, err := durable.Step(ctx, "plus", plus, n)
		durable.Async(ctx, "late", plus, n)
		return n, err
	})
	parent := durable.Define("parent", func(ctx durable.Context, n int) (int, error) {
		if _, err := durable.Step(ctx, "plus", plus, n); err != nil {
			return 0, err
		}
		durable.StartChild(ctx, hasty, n)
		return durable.Step(ctx, "plus", plus, n)
	})
	r := sweep(t, properties.Config[int, int]{World: func(*sim.World) properties.World[int, int] {
		return properties.World[int, int]{
			Boot:   func() *durable.Workflow[int, int] { return parent },
			Others: func() []durable.Definition { return []durable.Definition{hasty} },
		}
	}}, sim.Config{Runs: 1500})
	require.Nil(t, r.Failure, r.Report)
}
