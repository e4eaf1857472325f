package properties_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"pgregory.net/rapid"
)

// A deposit is answered with the balance. Two at the same time lose one of them, which the model of an
// account notices: no order of the two explains what both were answered.
func ExampleLinearizable() {
	deposit := durable.NewUpdate[int, int]("deposit")
	account := durable.Define("account", func(ctx durable.Context, _ int) (int, error) {
		balance := 0
		deposit.Handle(ctx, nil, func(ctx durable.Context, amount int) (int, error) {
			sum := balance + amount
			if err := ctx.Sleep(time.Second); err != nil { // the other deposit is made meanwhile
				return 0, err
			}
			balance = sum
			return balance, nil
		})
		return balance, ctx.Sleep(time.Hour)
	})
	model := func(balance int, d properties.Did) (int, bool) {
		if d.Action != "ask deposit" || d.Err != nil && !d.Open {
			return balance, true // it changes nothing
		}
		balance += d.Sent.(int)
		return balance, d.Open || d.Answer == balance
	}
	r, err := sim.Sweep(sim.Config{Name: "TestAccount", Disk: store.NewMemoryDisk},
		properties.ServiceBody(properties.Service{Runs: 1, World: func(w *sim.World) properties.Deployment {
			return properties.Deployment{
				Processes: []properties.Process{{
					Name: "bank",
					Boot: func(*sim.Node) []durable.Definition { return []durable.Definition{account} },
				}},
				Actions: []properties.Action{
					properties.Starts(account, rapid.Just(0)), properties.Asks(deposit, rapid.IntRange(1, 9)),
				},
				Holds: func(did []properties.Did) { properties.Linearizable(w, did, model) },
			}
		}}))
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Failure.Property)
	fmt.Println(strings.TrimSpace(strings.Join(r.Failure.Detail, "\n")))
	// Output:
	// clients are answered as the model would
	// these answers can be explained, in this order:
	//   account.Start(ctx, bank, "run-1", 0) // client 1 at +0s: done
	//   deposit.Call(ctx, bank, "run-1", "id-2.3", 1) // client 2 at +0s: 1
	// in the state 1 none of these can come next:
	//   deposit.Call(ctx, bank, "run-1", "id-1.8", 1) // client 1 at +0s: 1
	//
	// clients:
	// 	account.Start(ctx, bank, "run-1", 0) // client 1 at +0s: done
	// 	deposit.Call(ctx, bank, "run-1", "id-2.3", 1) // client 2 at +0s: 1
	// 	deposit.Call(ctx, bank, "run-1", "id-1.8", 1) // client 1 at +0s: 1
}
