package durable_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// curse is on the code of run "r": while it is on, the process ends as soon as that code runs.
type curse struct {
	on   bool
	died int
}

// cursed is a store by which the process ends: when it has read the run's journal, or is about to add to it.
type cursed struct {
	store.Store
	node *sim.Node
	*curse
}

func (c cursed) Commit(b *store.Batch) error {
	for op := range b.Ops() {
		c.strike(op.Key)
	}
	return c.Store.Commit(b)
}

func (c cursed) Scan(from, to []byte, visit func(key, value []byte) bool) error {
	defer c.strike(from)
	return c.Store.Scan(from, to, visit)
}

func (c cursed) strike(key []byte) {
	if c.on && bytes.HasPrefix(key, []byte("rr\x00j")) {
		c.died++
		c.node.Crash()
	}
}

// wakings are the ways in which a run that only waits is woken. Each run returns "x".
var wakings = []struct {
	by   string
	code func(ctx durable.Context) (string, error)
	wake func(ctx context.Context, e *durable.Engine) error
}{
	{"a timer", func(ctx durable.Context) (string, error) { return "x", ctx.Sleep(time.Hour) }, nil},
	{"a timeout", func(ctx durable.Context) (string, error) {
		_, _ = letters.ReceiveTimeout(ctx, time.Hour)
		return "x", nil
	}, nil},
	{"another attempt", func(ctx durable.Context) (string, error) {
		fails := func(context.Context, string) (string, error) { return "", errBusy }
		often := durable.StepOptions{Retry: durable.Retry{Attempts: 2, Interval: time.Hour}}
		_, _ = durable.StepWith(ctx, often, "fails", fails, "")
		return "x", nil
	}, nil},
	{
		"a message", func(ctx durable.Context) (string, error) { return letters.Receive(ctx) },
		func(ctx context.Context, e *durable.Engine) error { return letters.PostOnce(ctx, e, "r", "id", "x") },
	},
	{"its child", func(ctx durable.Context) (string, error) {
		return durable.StartChild(ctx, napper, time.Hour).Await(ctx)
	}, nil},
}

var napper = durable.Define("napper", func(ctx durable.Context, d time.Duration) (string, error) {
	return "x", ctx.Sleep(d)
})

// haunted is a process with a run that is woken, while the curse is on, by the i-th waking. It is parked by
// itself; when the curse is lifted it goes on.
func haunted(w *sim.World, i int, cold, wasParked bool) *curse {
	how, fate := wakings[i], &curse{}
	waker := durable.Define("waker", func(ctx durable.Context, _ int) (string, error) { return how.code(ctx) })
	workflows := []durable.Definition{waker, napper}
	p := &plant{w: w}
	p.node = w.Node("worker", func(n *sim.Node) {
		e, err := durable.Open(durable.Config{
			Store: cursed{n.Store(), n, fate}, Host: n, Workflows: workflows, Cold: cold, Recoveries: 3,
		})
		require.NoError(w, err)
		p.engine = e
	})
	ctx := w.Context()
	startOn(ctx, p, waker, "r", 0)
	require.NoError(w, w.Sleep(ctx, time.Minute))
	awake := func(ctx context.Context) error {
		if how.wake == nil {
			return nil
		}
		return how.wake(ctx, p.engine)
	}
	fate.on = !wasParked
	if wasParked { // for want of its workflow
		workflows = workflows[1:]
		p.node.Restart()
		require.NoError(w, p.insist(ctx, "wake", awake))
		require.NoError(w, w.Sleep(ctx, 2*time.Hour))
		fate.on, workflows = true, []durable.Definition{waker, napper}
		p.node.Restart()
	}
	require.NoError(w, p.insist(ctx, "wake", awake))
	isParked := func() (is bool) {
		require.NoError(w, p.insist(ctx, "look", func(context.Context) error {
			l, err := p.engine.Status("r")
			var why *durable.RecoveryError
			is = err == nil && l.Status == durable.Parked && len(p.engine.Parked()) == 1
			if is {
				require.ErrorAs(w, p.engine.Parked()[0], &why)
				require.Equal(w, 3, why.Times)
			}
			return err
		}))
		return is
	}
	for !isParked() {
		require.NoError(w, w.Sleep(ctx, time.Minute))
	}
	p.node.Restart()
	require.NoError(w, w.Sleep(ctx, time.Hour))
	require.True(w, isParked(), "Open tries it again")
	fate.on = false
	require.NoError(w, p.insist(ctx, "resume", func(context.Context) error {
		if l, err := p.engine.Status("r"); err != nil || l.Status != durable.Parked {
			return err
		}
		return p.engine.Resume("r")
	}))
	got, err := resultOn(ctx, p, waker, "r")
	require.NoError(w, err)
	require.Equal(w, "x", got)
	p.settled(named(waker, napper))
	return fate
}

func TestARunThatEndsItsProcessWhenItIsWokenIsParked(t *testing.T) {
	for i, how := range wakings {
		for _, cold := range []bool{false, true} {
			for _, wasParked := range []bool{false, true} {
				r, err := sim.Sweep(sim.Config{
					Name: t.Name(), Runs: 1, NoFaults: true, Explore: "fifo", Disk: store.NewMemoryDisk,
				}, func(w *sim.World) {
					fate := haunted(w, i, cold, wasParked)
					require.Equal(w, map[bool]int{false: 4, true: 3}[wasParked], fate.died, how.by)
				})
				require.NoError(t, err)
				require.Nil(t, r.Failure, "%s, cold %v, parked %v: %s", how.by, cold, wasParked, r.Report)
			}
		}
	}
}

func TestARunThatEndsItsProcessWhenItIsWokenThroughCrashes(t *testing.T) {
	sweepPlant(t, 300, func(w *sim.World) {
		haunted(w, w.Pick("waking", len(wakings)), w.Pick("cold", 2) == 1, w.Pick("parked", 2) == 1)
	})
}
