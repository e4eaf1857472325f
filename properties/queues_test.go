package properties_test

import (
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// mailing is a process whose workflow puts its mail into a queue and waits until that was sent.
func mailing() (order, letter *durable.Workflow[int, int], mail *durable.Queue[int, int]) {
	letter = durable.Define("letter", func(ctx durable.Context, n int) (int, error) {
		return durable.Step(ctx, "send", plus, n)
	})
	mail = durable.NewQueue("mail", letter, durable.QueueConfig{Concurrency: 1})
	order = durable.Define("order", func(ctx durable.Context, n int) (int, error) {
		return mail.EnqueueChild(ctx, n, durable.Item{Key: "customer"}).Await(ctx)
	})
	return order, letter, mail
}

func queues(q durable.QueueDefinition) func() []durable.QueueDefinition {
	return func() []durable.QueueDefinition { return []durable.QueueDefinition{q} }
}

func TestAWorkflowWithAQueuePasses(t *testing.T) {
	order, letter, mail := mailing()
	world := properties.World[int, int]{
		Boot:   func() *durable.Workflow[int, int] { return order },
		Others: func() []durable.Definition { return []durable.Definition{letter} },
		Queues: queues(mail),
	}
	cfg := properties.Config[int, int]{World: func(*sim.World) properties.World[int, int] { return world }}
	require.Nil(t, sweep(t, cfg, sim.Config{Runs: 200}).Failure)

	world.Queues = nil
	found(t, sweep(t, cfg, sim.Config{Runs: 20}), properties.EveryRunEnds)
}

func TestAServiceWithAQueuePasses(t *testing.T) {
	order, letter, mail := mailing()
	r := serve(t, sim.Config{Runs: 200}, func(d *properties.Deployment) {
		d.Processes = []properties.Process{{
			Name:   "shop",
			Boot:   func(*sim.Node) []durable.Definition { return []durable.Definition{order, letter} },
			Queues: queues(mail),
		}}
		d.Holds = nil
		d.Actions = []properties.Action{properties.Starts(order, rapid.IntRange(0, 3)), properties.Cancels()}
	})
	require.Nil(t, r.Failure, r.Report)
}
