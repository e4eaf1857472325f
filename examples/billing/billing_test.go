package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// TestBilling bills for a year, while customers change and cancel, and the process crashes all year long.
func TestBilling(t *testing.T) {
	properties.Check(t, anyYear(NewBilling))
}

// TestReceiptsAreIntroduced replaces the code before receipts by the one with them at any moment of the year.
func TestReceiptsAreIntroduced(t *testing.T) {
	properties.CheckUpgrade(t, anyYear(NewBilling))
}

// TestTheDrifterIsFound: months are left out when paying takes long.
func TestTheDrifterIsFound(t *testing.T) {
	cfg := sim.Config{Name: "TestDrifter", Runs: 1000, Disk: store.NewMemoryDisk}
	r, err := sim.Sweep(cfg, properties.Body(anyYear(NewDrifter)))
	require.NoError(t, err)
	require.NotNil(t, r.Failure, "not found: %s", r.Summary())
	golden.Report(t, "README.md", r.Report)
}

// anyYear is one or two customers' year.
func anyYear(billing func(Services) Billing) properties.Config[Subscription, []Invoice] {
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
			bank := w.Dependency("bank")
			town := &town{w: w, asked: map[string][]request{}, bank: &Bank{Now: w.Now, Do: bank.Do}}
			for _, run := range []string{"run-1", "run-2"} {
				w.Go("customer of "+run, func(ctx context.Context) { town.customer(ctx, run) })
			}
			var b Billing // of the process's current life
			boot := func(billing func(Services) Billing) func() *durable.Workflow[Subscription, []Invoice] {
				return func() *durable.Workflow[Subscription, []Invoice] {
					b = billing(town.bank)
					return b.Subscription
				}
			}
			return properties.World[Subscription, []Invoice]{
				Boot: boot(billing), Old: boot(NewBillingBefore),
				Others: func() []durable.Definition { return []durable.Definition{b.Closing} },
				Open: func(cfg durable.Config) (engine *durable.Engine, err error) {
					town.node = cfg.Host.(*sim.Node)
					town.engine, err = b.Open(cfg)
					return town.engine, err
				},
				Holds: town.holds,
			}
		},
	}
}

// town is what outlives the process.
type town struct {
	w      *sim.World
	bank   *Bank
	node   *sim.Node
	engine *durable.Engine
	asked  map[string][]request // by run
}

// request is a change that was accepted.
type request struct {
	Change
	accepted time.Time
}

// customer asks for changes, at any time, and insists.
func (t *town) customer(ctx context.Context, run string) {
	plans := []string{"team", "basic", ""}
	for n := range t.w.Pick("changes", 4) {
		days := 1 + t.w.Pick("days until a change", 150)
		if t.w.Sleep(ctx, time.Duration(days)*24*time.Hour) != nil {
			return
		}
		change := Change{plans[t.w.Pick("plan", len(plans))], t.w.Now()}
		var answer error
		for err := sim.ErrCrashed; errors.Is(err, sim.ErrCrashed); {
			err = t.node.Call(ctx, "change "+run, func(ctx context.Context) error {
				answer = Changes.PostOnce(ctx, t.engine, run, fmt.Sprint(n), change)
				return nil
			})
		}
		if answer != nil || ctx.Err() != nil { // it has not begun, or it is over
			return
		}
		t.asked[run] = append(t.asked[run], request{change, t.w.Now()})
	}
}

func (t *town) holds(outcomes []properties.Outcome[Subscription, []Invoice]) {
	paid, _ := t.bank.Payments()
	sum := 0
	for _, p := range paid {
		sum += p.Amount
	}
	for _, o := range outcomes {
		require.NoError(t.w, o.Err)
		over := false
		for i := range 12 {
			month := o.Input.Begins.AddDate(0, i, 0)
			bills := slices.DeleteFunc(slices.Clone(paid), func(p Payment) bool {
				return p.Run != o.ID || p.Month != month.Format("2006-01")
			})
			may := t.plans(o.Input.Plan, month, t.asked[o.ID])
			if broken := billed(month, bills, may, over); broken != "" {
				t.w.Fail(broken, o.ID, fmt.Sprintf("%s is billed with %v", month.Format("2006-01"), bills),
					fmt.Sprintf("by what was asked for, the plan then is one of %q", may))
			}
			over = len(bills) == 0
		}
	}
	t.w.Always("each payment is in the books once", t.books() == sum)
}

// books is what was closed and what is open.
func (t *town) books() (sum int) {
	require.NoError(t.w, t.node.Call(t.w.Context(), "look", func(ctx context.Context) error {
		return t.engine.View(ctx, func(tx *durable.Tx) error {
			sum = 0
			closed, err := Closed(tx)
			for _, n := range closed { //tidy:unordered a sum
				sum += n
			}
			for _, line := range tx.Scan("open/", "open0") {
				var e entry
				err = errors.Join(err, json.Unmarshal(line, &e))
				sum += e.Amount
			}
			return err
		})
	}))
	return sum
}

// billed says what of a month's bills breaks a rule.
func billed(month time.Time, bills []Payment, may []string, over bool) string {
	switch {
	case len(bills) > 1:
		return "no month is billed twice"
	case len(bills) == 0 && !slices.Contains(may, ""):
		return "each month is billed"
	case len(bills) == 0:
		return ""
	case over:
		return "nothing is billed after a cancellation"
	case !slices.Contains(may, bills[0].Plan), bills[0].Amount != Prices[bills[0].Plan],
		bills[0].At.Before(month):
		return "a month is billed at its beginning, by the plan that then holds"
	}
	return ""
}

// plans are those that may hold when the month begins: by the changes that were accepted before, and perhaps
// by those that had been asked for and were not accepted yet.
func (t *town) plans(plan string, month time.Time, asked []request) (may []string) {
	for _, r := range asked {
		if !r.accepted.Before(month) {
			break
		}
		if plan != "" {
			plan = r.Plan
		}
	}
	may = []string{plan}
	for _, r := range asked {
		if !r.accepted.Before(month) && r.At.Before(month) && plan != "" {
			plan = r.Plan
			may = append(may, plan)
		}
	}
	return may
}
