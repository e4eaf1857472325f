package main

import (
	"context"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/plantedtest"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"pgregory.net/rapid"
)

// TestBilling bills for a year, while customers change and cancel, and the process crashes all year long.
func TestBilling(t *testing.T) {
	properties.Check(t, anyYear(Receipts))
}

// TestReceiptsAreIntroduced replaces the code before receipts by the one with them at any moment of the year.
func TestReceiptsAreIntroduced(t *testing.T) {
	properties.CheckUpgrade(t, anyYear(Receipts))
}

// TestUnguardedReceipts finds a planted bug: the new code mails receipts to all, without asking for the
// Version that the run has begun with. The journals of runs that are under way don't fit it.
func TestUnguardedReceipts(t *testing.T) {
	unguarded := func(durable.Context) bool { return true }
	plantedtest.Found(t, properties.UpgradeBody(anyYear(unguarded)))
}

type outcome = properties.Outcome[Subscription, []Invoice]

// anyYear is one or two customers' year.
func anyYear(receipts func(durable.Context) bool) properties.Config[Subscription, []Invoice] {
	return properties.Config[Subscription, []Invoice]{
		Runs: 2, FaultTime: 400 * 24 * time.Hour, Sim: sim.Config{Disk: store.NewMemoryDisk},
		Inputs: rapid.Custom(func(t *rapid.T) Subscription {
			return Subscription{
				Customer: "ada",
				Plan:     rapid.SampledFrom([]string{"basic", "team"}).Draw(t, "plan"),
				Begins:   sim.Epoch.AddDate(0, rapid.IntRange(0, 2).Draw(t, "month"), 0),
			}
		}),
		World: func(w *sim.World) properties.World[Subscription, []Invoice] {
			t := &town{
				w: w, net: w.Dependency("bank"), done: map[string]bool{},
				asked: map[string][]*request{}, paid: map[string][]payment{},
			}
			for _, run := range []string{"run-1", "run-2"} {
				w.Go("customer of "+run, func(ctx context.Context) { t.customer(ctx, run) })
			}
			var b Billing // of the process's current life
			boot := func(receipts func(durable.Context) bool) func() *durable.Workflow[Subscription, []Invoice] {
				return func() *durable.Workflow[Subscription, []Invoice] {
					b = NewBilling(t, receipts)
					return b.Subscription
				}
			}
			return properties.World[Subscription, []Invoice]{
				Boot: boot(receipts), Old: boot(func(durable.Context) bool { return false }),
				Others: func() []durable.Definition { return []durable.Definition{b.Closing} },
				Open: func(cfg durable.Config) (engine *durable.Engine, err error) {
					t.node = cfg.Host.(*sim.Node)
					t.engine, err = b.Open(cfg)
					return t.engine, err
				},
				Holds: t.holds,
			}
		},
	}
}
