package sim_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// rotting is a plan under which disks rot often.
func rotting(disk func() store.Disk) sim.Config {
	plan := fault.MustParse("crash 2% max 3; torn 1% max 2; slow 5%; bit-rot 50% max 2")
	return sim.Config{Disk: disk, Faults: plan}
}

// threeKeys is a node whose disk holds three keys.
func threeKeys(w *sim.World) *sim.Node {
	n := w.Node("worker", func(n *sim.Node) { n.Store() })
	for _, key := range []string{"a", "b", "c"} {
		err := n.Call(w.Context(), "set "+key, func(context.Context) error { return set(n, key, "v") })
		require.NoError(w, err)
	}
	return n
}

// TestRotAsWritten shows a world whose store notices the damage, and ones that go on.
func TestRotAsWritten(t *testing.T) {
	for _, c := range []struct {
		name, deviations string
		body             func(w *sim.World)
	}{
		{"seen", "worker/rot#1 = 1\nworker/rot/place#1 = 17", func(w *sim.World) {
			n := threeKeys(w)
			n.Restart()
			require.Equal(w, "v", ask(w, n, "b"))
			w.Fail("the world ends at the damage", "")
		}},
		{"not-read", "worker/rot#1 = 1\nworker/rot/place#1 = 17", func(w *sim.World) {
			n := threeKeys(w)
			n.Restart()
			require.Equal(w, "v", ask(w, n, "a"))
		}},
		{"outlived", "worker/rot#1 = 1\nworker/rot/place#1 = 17", func(w *sim.World) {
			var told error
			n := threeKeys(w)
			n.Restart()
			n.OnDamage(func(err error) { told = err })
			for _, key := range []string{"a", "b", "c"} {
				err := n.Call(w.Context(), "get", func(context.Context) error { get(w, n, key); return nil })
				if key == "a" {
					require.NoError(w, err)
					continue
				}
				require.True(w, errors.Is(err, sim.ErrCrashed) || errors.Is(err, store.ErrDamaged), err)
			}
			require.ErrorIs(w, told, store.ErrDamaged)
			require.Equal(w, told, n.Call(w.Context(), "get", func(context.Context) error { return nil }))
			n.Restart()
			require.Equal(w, "v", ask(w, n, "a"), "it may boot again, on the same disk")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			trace, failure := sim.Run(rotting(store.NewMemoryDisk), c.deviations, c.body)
			require.Nil(t, failure, trace)
			golden.Assert(t, "rot/"+c.name+".txt", trace)
		})
	}
}

// TestRot sweeps over a workload on disks that rot. What a store shows is what it held, or the world ends.
func TestRot(t *testing.T) {
	for _, disk := range disks {
		t.Run(disk.name, func(t *testing.T) {
			cfg := rotting(disk.open)
			cfg.Flushes, cfg.SelfCheck, cfg.MustReach = true, 0.1, true
			sim.Check(t, cfg, growAndRead)
			cfg.Name, cfg.Runs = t.Name(), 100
			r, err := sim.Sweep(cfg, growAndRead)
			require.NoError(t, err)
			require.Nil(t, r.Failure, r.Report)
			require.Positive(t, r.Damaged)
			require.Less(t, r.Damaged, r.Runs)
			require.Contains(t, r.Summary(), fmt.Sprintf("; %d worlds ended at a damaged disk", r.Damaged))
			for seed := range uint64(10) {
				trace, _, _ := sim.RunSeed(cfg, seed, growAndRead)
				again, _, _ := sim.RunSeed(cfg, seed, growAndRead)
				require.Equal(t, trace, again)
			}
		})
	}
}

// growAndRead lets six orders grow, each read before it is written, over several restarts.
func growAndRead(w *sim.World) {
	n := w.Node("worker", func(n *sim.Node) {
		for i := range 6 {
			n.Go(fmt.Sprintf("order-%d", i), func(context.Context) {
				for range 3 {
					key := fmt.Sprintf("order-%d", i)
					require.NoError(w, set(n, key, get(w, n, key)+"+1"))
				}
			})
		}
	})
	for range 4 {
		_ = w.Sleep(w.Context(), time.Minute)
		n.Restart()
	}
	w.StopFaults()
	for i := range 6 {
		require.GreaterOrEqual(w, len(ask(w, n, fmt.Sprintf("order-%d", i))), 2)
	}
}

// liar is a disk that shows something else after it has rotted.
type liar struct {
	store.Rotter
	lie func(b *store.Batch)
}

func (l liar) Rot(int, uint8) (string, error) {
	s, err := l.Open()
	if err != nil {
		return "", err
	}
	var b store.Batch
	l.lie(&b)
	return "the liar", errors.Join(s.Commit(&b), s.Close())
}

// TestSilentRot shows that no way to read, nor to leave it, hides a difference.
func TestSilentRot(t *testing.T) {
	lies := []func(b *store.Batch){
		func(b *store.Batch) { b.Set([]byte("b"), []byte("u")) },
		func(b *store.Batch) { b.Delete([]byte("b")) },
		func(b *store.Batch) { b.Set([]byte("aa"), nil) },
		func(b *store.Batch) { b.DeleteRange(nil, nil) },
	}
	says := []string{
		`key "b": it shows "u", and held "v"`, `key "b": it shows nothing, and held "v"`,
		`key "aa": it shows "", and held nothing`, `key "a": it shows nothing, and held "v"`,
	}
	// What is not seen when it is read is mended, so that it can't be seen later.
	mended := func(n *sim.Node, err error) error {
		var b store.Batch
		b.DeleteRange(nil, nil)
		for _, key := range []string{"a", "b", "c"} {
			b.Set([]byte(key), []byte("v"))
		}
		return errors.Join(err, n.Store().Commit(&b))
	}
	scan := func(n *sim.Node) error {
		return mended(n, n.Store().Scan(nil, nil, func(_, _ []byte) bool { return true }))
	}
	for i, lie := range lies {
		for name, read := range map[string]func(n *sim.Node) error{
			"scan": scan, "at the end": func(n *sim.Node) error { return nil },
		} {
			failure := lied(lie, read)
			require.NotNil(t, failure, name)
			require.Equal(t, "a store notices bit rot", failure.Property)
			require.Equal(t, []string{"rotted      the liar", says[i]}, failure.Detail, name)
		}
	}
	failure := lied(lies[0], func(n *sim.Node) error {
		_, _, err := n.Store().Get([]byte("b"))
		return mended(n, err)
	})
	require.Equal(t, says[0], failure.Detail[1])
	failure = lied(lies[1], func(n *sim.Node) error {
		var b store.Batch
		b.RequireAbsent([]byte("b"))
		return mended(n, n.Store().Commit(&b))
	})
	require.Contains(t, failure.Detail[1], `it says <nil>, and should say store: conflict`)
	require.Nil(t, lied(func(*store.Batch) {}, scan), "a disk that does not lie")
}

// lied runs a world on a liar's disk: it holds three keys when it rots, and is then read.
func lied(lie func(b *store.Batch), read func(n *sim.Node) error) *sim.Failure {
	cfg := rotting(func() store.Disk { return liar{store.NewMemoryDisk().(store.Rotter), lie} })
	_, failure := sim.Run(cfg, "worker/rot#1 = 1", func(w *sim.World) {
		n := threeKeys(w)
		n.Restart()
		require.NoError(w, n.Call(w.Context(), "read", func(context.Context) error { return read(n) }))
	})
	return failure
}

// TestReportOfRot shows the report of a store that does not notice.
func TestReportOfRot(t *testing.T) {
	cfg := rotting(func() store.Disk {
		return liar{store.NewMemoryDisk().(store.Rotter), func(b *store.Batch) { b.Delete([]byte("b")) }}
	})
	golden.Assert(t, "report/rot.txt", report(t, cfg, func(w *sim.World) {
		n := threeKeys(w)
		n.Restart()
		_ = ask(w, n, "a")
	}))
}

// TestRotNeedsRotter: a disk that can't rot is refused under a plan with bit rot.
func TestRotNeedsRotter(t *testing.T) {
	type disk struct{ store.Disk }
	_, failure := sim.Run(rotting(func() store.Disk { return disk{store.NewMemoryDisk()} }), "", growAndRead)
	require.Equal(t, "panic: sim: Node.Store got a sim_test.disk from Config.Disk, which can't rot; "+
		"make it a store.Rotter, or take the rule for bit-rot out of the fault plan", failure.Detail[0])
}
