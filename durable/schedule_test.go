package durable_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// report is a workflow of schedules: it sleeps, and tells for when it was started.
var report = durable.Define("report", func(ctx durable.Context, d time.Duration) (string, error) {
	err := ctx.Sleep(d)
	return ctx.ScheduledFor().Format("15:04:05"), err
})

// inWorld runs a test without faults, with an engine on a node that it may restart.
func inWorld(t *testing.T, test func(p *plant)) {
	t.Helper()
	for _, cold := range []bool{false, true} {
		cfg := sim.Config{Name: t.Name(), Runs: 1, Disk: store.NewMemoryDisk, Explore: "fifo"}
		r, err := sim.Sweep(cfg, func(w *sim.World) {
			p := &plant{w: w}
			p.node = w.Node("worker", func(n *sim.Node) {
				e, err := durable.Open(durable.Config{
					Store: n.Store(), Host: n, Workflows: []durable.Definition{report}, Cold: cold,
				})
				require.NoError(w, err)
				p.engine = e
			})
			test(p)
		})
		require.NoError(t, err)
		require.Nil(t, r.Failure, r.Report)
	}
}

// on calls the node.
func (p *plant) on(call func(ctx context.Context, e *durable.Engine) error) {
	require.NoError(p.w, p.insist(p.w.Context(), "call", func(ctx context.Context) error {
		return call(ctx, p.engine)
	}))
}

func (p *plant) schedule(name string, s durable.Schedule, d time.Duration) {
	p.on(func(ctx context.Context, e *durable.Engine) error { return report.Schedule(ctx, e, name, s, d) })
}

func (p *plant) sleep(d time.Duration) { _ = p.w.Sleep(p.w.Context(), d) }

// fired lists the runs of a schedule: for when, and where they are.
func (p *plant) fired(name string) (s string) {
	p.on(func(_ context.Context, e *durable.Engine) error {
		list, _, err := e.List(durable.Filter{Prefix: name + "/"})
		for _, l := range list {
			at, _ := strings.CutPrefix(l.Run, name+"/2026-01-01T")
			s += fmt.Sprintf("%s %s, ", at, l.Status)
		}
		return err
	})
	return s
}

func TestOverlaps(t *testing.T) {
	inWorld(t, func(p *plant) {
		long := 150 * time.Second
		for name, overlap := range map[string]durable.Overlap{
			"skip": durable.SkipOverlap, "queue": durable.QueueOverlap, "cancel": durable.CancelOverlap,
			"allow": durable.AllowOverlap,
		} {
			p.schedule(name, durable.Schedule{Cron: "* * * * *", Overlap: overlap}, long)
		}
		p.sleep(5*time.Minute + time.Second)
		require.Equal(p.w, "00:01:00Z done, 00:04:00Z waiting, ", p.fired("skip"))
		require.Equal(p.w, "00:01:00Z done, 00:02:00Z waiting, 00:04:00Z queued, ", p.fired("queue"))
		require.Equal(p.w, "00:01:00Z cancelled, 00:02:00Z cancelled, 00:03:00Z cancelled, 00:04:00Z cancelled, "+
			"00:05:00Z waiting, ", p.fired("cancel"))
		require.Equal(p.w, "00:01:00Z done, 00:02:00Z done, 00:03:00Z waiting, 00:04:00Z waiting, "+
			"00:05:00Z waiting, ", p.fired("allow"))
		got, err := resultOn(p.w.Context(), p, report, "queue/2026-01-01T00:01:00Z")
		require.NoError(p.w, err)
		require.Equal(p.w, "00:01:00", got)
	})
}

func TestMissedTimesAreMadeUpForWithinTheWindow(t *testing.T) {
	inWorld(t, func(p *plant) {
		hour := durable.Schedule{Cron: "*/10 * * * *", Overlap: durable.AllowOverlap, CatchUp: 35 * time.Minute}
		p.schedule("wide", hour, 0)
		hour.CatchUp = 0
		p.schedule("none", hour, 0)
		p.sleep(11 * time.Minute)
		p.node.Stop()
		p.sleep(2*time.Hour + 30*time.Second)
		p.node.Restart()
		p.sleep(time.Second)
		require.Equal(p.w, "00:10:00Z done, 01:40:00Z done, 01:50:00Z done, 02:00:00Z done, 02:10:00Z done, ",
			p.fired("wide"))
		require.Equal(p.w, "00:10:00Z done, ", p.fired("none"))
		p.sleep(10 * time.Minute)
		require.Equal(p.w, "00:10:00Z done, 02:20:00Z done, ", p.fired("none"))
	})
}

func TestSchedulesArePausedChangedAndDeleted(t *testing.T) {
	inWorld(t, func(p *plant) {
		every := durable.Schedule{Cron: "*/10 * * * *", Zone: "Asia/Kolkata"}
		p.schedule("s", every, 0)
		p.sleep(5 * time.Minute)
		p.schedule("s", every, 0)
		p.sleep(6 * time.Minute)
		p.on(func(ctx context.Context, e *durable.Engine) error { return e.PauseSchedule(ctx, "s", true) })
		p.sleep(time.Hour)
		p.schedule("s", every, time.Second)
		p.on(func(_ context.Context, e *durable.Engine) error {
			info, err := e.ScheduleInfo("s")
			require.True(p.w, info.Paused)
			require.Equal(p.w, "00:10:00", info.Last.Format("15:04:05"))
			return err
		})
		p.on(func(ctx context.Context, e *durable.Engine) error { return e.PauseSchedule(ctx, "s", false) })
		require.Equal(p.w, "00:10:00Z done, ", p.fired("s"))
		p.sleep(10 * time.Minute)
		require.Equal(p.w, "00:10:00Z done, 01:20:00Z done, ", p.fired("s"))
		p.on(func(_ context.Context, e *durable.Engine) error {
			list, err := e.Schedules()
			require.Equal(p.w, []durable.ScheduleInfo{{
				Schedule: every, Name: "s", Workflow: "report",
				Next: time.Date(2026, 1, 1, 1, 30, 0, 0, time.UTC),
				Last: time.Date(2026, 1, 1, 1, 20, 0, 0, time.UTC),
			}}, list)
			return err
		})
		p.on(func(ctx context.Context, e *durable.Engine) error { return e.DeleteSchedule(ctx, "s") })
		p.sleep(time.Hour)
		require.Equal(p.w, "00:10:00Z done, 01:20:00Z done, ", p.fired("s"))
		p.on(func(ctx context.Context, e *durable.Engine) error {
			require.ErrorIs(p.w, e.DeleteSchedule(ctx, "s"), durable.ErrNoSchedule)
			require.ErrorIs(p.w, e.PauseSchedule(ctx, "s", true), durable.ErrNoSchedule)
			_, err := e.ScheduleInfo("s")
			require.EqualError(p.w, err, `durable: schedule not found: "s"`)
			return p.node.Store().Scan([]byte("K"), []byte("L"), func(k, _ []byte) bool {
				p.w.Fail("a deleted schedule leaves nothing", "the store", fmt.Sprintf("%q", k))
				return true
			})
		})
	})
}

// TestSchedulesThroughCrashes: each time has at most one run, those within the window have exactly one, and
// runs that must not overlap do not, whatever crashes.
func TestSchedulesThroughCrashes(t *testing.T) {
	sweepPlant(t, 600, func(w *sim.World) {
		s := durable.Schedule{Cron: "* * * * *", Overlap: durable.Overlap(w.Pick("overlap", 4)), CatchUp: time.Hour}
		running := map[string]bool{}
		var job *durable.Workflow[time.Duration, string]
		var p *plant
		job = durable.Define("job", func(ctx durable.Context, d time.Duration) (string, error) {
			at := ctx.ScheduledFor().Format(time.RFC3339)
			_, err := durable.Step(ctx, "look", func(context.Context, string) (bool, error) {
				running[at] = true
				for other := range running { //tidy:unordered whether there is one
					l, err := durable.ReadStatus(p.node.Store(), "s/"+other)
					if err == nil && other != at && !l.Status.Final() && s.Overlap != durable.AllowOverlap {
						mine, _ := durable.ReadStatus(p.node.Store(), "s/"+at)
						if !mine.Status.Final() {
							w.Fail("runs of a schedule do not overlap", at, other)
						}
					}
				}
				return true, nil
			}, at)
			if err == nil {
				err = ctx.Sleep(d)
			}
			return at, err
		})
		p = newPlant(w, job)
		d := time.Duration(w.Pick("length", 4)) * 45 * time.Second
		create := func(ctx context.Context) error { return job.Schedule(ctx, p.engine, "s", s, d) }
		require.NoError(w, p.insist(w.Context(), "schedule", create))
		_ = w.Sleep(w.Context(), 10*time.Minute+time.Second)
		w.StopFaults()
		require.NoError(w, p.insist(w.Context(), "wait", func(context.Context) error { return nil }))
		_ = w.Sleep(w.Context(), 20*time.Second)
		require.NoError(w, p.insist(w.Context(), "delete", func(ctx context.Context) error {
			if err := p.engine.DeleteSchedule(ctx, "s"); !errors.Is(err, durable.ErrNoSchedule) {
				return err
			}
			return nil
		}))
		var ids []string
		require.NoError(w, p.insist(w.Context(), "list", func(context.Context) error {
			list, _, err := p.engine.List(durable.Filter{})
			ids = nil
			for _, l := range list {
				ids = append(ids, l.Run)
			}
			return err
		}))
		for _, id := range ids {
			_, err := resultOn(w.Context(), p, job, id)
			if s.Overlap != durable.CancelOverlap || !errors.Is(err, durable.ErrCancelled) {
				require.NoError(w, err)
			}
		}
		if s.Overlap == durable.AllowOverlap {
			require.GreaterOrEqual(w, len(ids), 10, "a time was left out: %q", ids)
		}
		require.NotEmpty(w, ids)
		slices.Sort(ids)
		require.Equal(w, slices.Compact(slices.Clone(ids)), ids)
		p.settled(named(job))
		require.NoError(w, p.insist(w.Context(), "look", func(context.Context) error {
			requireEmptyQueues(w, p.node.Store())
			return nil
		}))
	})
}
