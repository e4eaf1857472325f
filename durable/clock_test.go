package durable_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// TestNoTimerFiresBeforeItsTime: whatever the process's clock does, a run that has slept sees that the time
// has passed, and one that has got a message in time does not see the time until which it would have waited.
func TestNoTimerFiresBeforeItsTime(t *testing.T) {
	sleeper := durable.Define("sleeper", func(ctx durable.Context, d time.Duration) (string, error) {
		begun := ctx.Now()
		if err := ctx.Sleep(d); err != nil {
			return "", err
		}
		slept := ctx.Now()
		s, err := letters.ReceiveTimeout(ctx, 10*365*24*time.Hour)
		return fmt.Sprint(!slept.Before(begun.Add(d)), ctx.Now().Sub(slept) < 365*24*time.Hour, s), err
	})
	plan := fault.MustParse("clock-jump 8% max 6; crash 1% max 2")
	r, err := sim.Sweep(sim.Config{Name: t.Name(), Runs: 2000, Disk: store.NewMemoryDisk, Faults: plan},
		func(w *sim.World) {
			p := newPlant(w, sleeper)
			startOn(w.Context(), p, sleeper, "s", 4*time.Hour)
			for _, id := range []string{"s2", "s3", "s4"} {
				startOn(w.Context(), p, sleeper, id, 4*time.Hour)
			}
			for _, id := range []string{"s", "s2", "s3", "s4"} {
				require.NoError(w, p.insist(w.Context(), "post", func(ctx context.Context) error {
					return letters.PostOnce(ctx, p.engine, id, "m", "mail")
				}))
				got, err := resultOn(w.Context(), p, sleeper, id)
				require.NoError(w, err)
				require.Equal(w, "true truemail", got)
			}
			p.settled(named(sleeper))
		})
	require.NoError(t, err)
	require.Nil(t, r.Failure, r.Report)
	require.Positive(t, r.Crashes)
}

// farHost is the production host in a time zone of its own.
type farHost struct{ durable.Host }

func (h farHost) Now() time.Time { return h.Host.Now().In(time.FixedZone("far", 5*60*60)) }

// TestARunsTimeReadsAlikeInAReplay: what code makes of a run's time, a text or an argument, is the same in a
// replay, whatever zone its process lives in.
func TestARunsTimeReadsAlikeInAReplay(t *testing.T) {
	stamp := func(_ context.Context, _ time.Time) (int, error) { return 0, nil }
	stamped := durable.Define("stamped", func(ctx durable.Context, _ int) (string, error) {
		_, err := durable.Step(ctx, ctx.Now().String(), stamp, ctx.Now())
		return ctx.Now().String(), err
	})
	for _, cold := range []bool{false, true} {
		st := store.OpenMemory()
		e := openWith(t, durable.Config{
			Store: st, Workflows: []durable.Definition{stamped}, Host: farHost{durable.NewHost()}, Cold: cold,
		})
		run, err := stamped.Start(t.Context(), e, "r", 0)
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.NoError(t, err)
		j, err := durable.ReadJournal(st, "r")
		require.NoError(t, err)
		_, err = durable.Replay(j, stamped, nil)
		require.NoError(t, err)
	}
}
