package properties_test

import (
	"errors"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// TestFaultsLastAsLongAsAsked: a process dies after a month of sleep only if faults go on for so long.
func TestFaultsLastAsLongAsAsked(t *testing.T) {
	const month = 30 * 24 * time.Hour
	sleeper := durable.Define("sleeper", func(ctx durable.Context, n int) (int, error) {
		if err := ctx.Sleep(month); err != nil {
			return 0, err
		}
		return durable.Step(ctx, "plus", plus, n)
	})
	lateBoots := func(faults time.Duration) (n int) {
		r := sweep(t, properties.Config[int, int]{
			FaultTime: faults,
			World: func(w *sim.World) properties.World[int, int] {
				return properties.World[int, int]{
					Boot: func() *durable.Workflow[int, int] { return sleeper },
					Open: func(cfg durable.Config) (*durable.Engine, error) {
						if w.Now().Sub(sim.Epoch) >= month {
							n++
						}
						return durable.Open(cfg)
					},
				}
			},
		}, sim.Config{Runs: 200, Workers: 1, SelfCheck: -1})
		require.Nil(t, r.Failure, r.Report)
		return n
	}
	require.Positive(t, lateBoots(2*month))
	require.Zero(t, lateBoots(0), "faults stop after a day")
}

// TestAServiceIsOpenedAsItsProgramDoes: Process.Open is called at each boot, for as long as faults last.
func TestAServiceIsOpenedAsItsProgramDoes(t *testing.T) {
	late := func(faults time.Duration) (n int) {
		cfg := sim.Config{Name: t.Name(), Runs: 200, Workers: 1, SelfCheck: -1, Disk: store.NewMemoryDisk}
		r, err := sim.Sweep(cfg,
			properties.ServiceBody(properties.Service{
				FaultTime: faults,
				World: func(w *sim.World) properties.Deployment {
					d := office(w, nil)
					d.Processes[0].Open = func(cfg durable.Config) (*durable.Engine, error) {
						if w.Now().Sub(sim.Epoch) > 50*time.Minute {
							n++
						}
						return durable.Open(cfg)
					}
					return d
				},
			}))
		require.NoError(t, err)
		require.Nil(t, r.Failure, r.Report)
		return n
	}
	require.Positive(t, late(0))
	require.Zero(t, late(time.Second))
	r := serve(t, sim.Config{Runs: 1}, func(d *properties.Deployment) {
		d.Processes[1].Open = func(durable.Config) (*durable.Engine, error) {
			return nil, errors.New("no schedule")
		}
	})
	found(t, r, properties.EngineOpens)
}

// TestAnEngineThatTheWorldCannotOpenIsFound: what World.Open returns is what the process has.
func TestAnEngineThatTheWorldCannotOpenIsFound(t *testing.T) {
	r := sweep(t, properties.Config[int, int]{World: func(*sim.World) properties.World[int, int] {
		return properties.World[int, int]{
			Boot: func() *durable.Workflow[int, int] { return steps(always) },
			Open: func(durable.Config) (*durable.Engine, error) { return nil, errors.New("no schedule") },
		}
	}}, sim.Config{Runs: 1})
	found(t, r, properties.EngineOpens)
	require.Contains(t, r.Report, "no schedule")
}
