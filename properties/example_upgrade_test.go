package properties_test

import (
	"fmt"
	"strings"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"pgregory.net/rapid"
)

func shipAfterwards(ctx durable.Context, n int) (int, error) {
	if _, err := durable.Step(ctx, "charge", plus, n); err != nil {
		return 0, err
	}
	return durable.Step(ctx, "ship", plus, n)
}

func shipFirst(ctx durable.Context, n int) (int, error) {
	if _, err := durable.Step(ctx, "ship", plus, n); err != nil {
		return 0, err
	}
	return durable.Step(ctx, "charge", plus, n)
}

// From today on, an order is shipped before it is charged. That breaks the orders that are under way.
func ExampleCheckUpgrade() {
	cfg := properties.Config[int, int]{
		Inputs: rapid.IntRange(0, 9),
		World: func(*sim.World) properties.World[int, int] {
			return properties.World[int, int]{
				Old:  func() *durable.Workflow[int, int] { return durable.Define("order", shipAfterwards) },
				Boot: func() *durable.Workflow[int, int] { return durable.Define("order", shipFirst) },
			}
		},
	}
	// A test calls properties.CheckUpgrade(t, cfg), which prints the whole report.
	r, _ := sim.Sweep(sim.Config{Name: "ship first", Disk: store.NewMemoryDisk}, properties.UpgradeBody(cfg))
	fmt.Println(r.Failure.Property)
	fmt.Println(strings.Join(r.Failure.Detail, "\n"))
	// Output:
	// the new code replays the journals of the old
	// at entry 1 the new code parts from the journal:
	//   recorded  step "charge" (id 1)
	//   replayed  step "ship" (id 1)  at example_upgrade_test.go:22
	// the journal of run-1, recorded by the old code:
	//   1 started -> step "charge" (id 1)
}
