package durable_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

// opened opens an engine for an example.
func opened(workflows ...durable.Definition) *durable.Engine {
	e, err := durable.Open(durable.Config{Store: store.OpenMemory(), Workflows: workflows})
	if err != nil {
		panic(err)
	}
	return e
}

func ExampleTopic() {
	orders := durable.NewTopic[string]("orders")
	served := durable.NewTopic[string]("served")

	kitchen := durable.Define("kitchen", func(ctx durable.Context, guest string) (int, error) {
		for dishes := 0; ; dishes++ {
			dish, err := orders.ReceiveTimeout(ctx, time.Hour)
			if err != nil || dish == "the bill" {
				return dishes, err
			}
			if err := served.Send(ctx, guest, "hot "+dish); err != nil { // exactly once, whatever crashes
				return dishes, err
			}
		}
	})
	guest := durable.Define("guest", func(ctx durable.Context, kitchen string) (string, error) {
		for _, wish := range []string{"soup", "pie"} {
			if err := orders.Send(ctx, kitchen, wish); err != nil {
				return "", err
			}
		}
		first, err := served.Receive(ctx)
		if err != nil {
			return "", err
		}
		then, err := served.Receive(ctx)
		return first + ", " + then, err
	})

	ctx := context.Background()
	e := opened(kitchen, guest)
	cooking, _ := kitchen.Start(ctx, e, "kitchen-1", "guest-1")
	eating, _ := guest.Start(ctx, e, "guest-1", "kitchen-1")
	fmt.Println(eating.Result(ctx))
	fmt.Println(orders.Post(ctx, e, "kitchen-1", "the bill")) // from outside
	fmt.Println(cooking.Result(ctx))
	err := orders.Post(ctx, e, "kitchen-1", "coffee")
	fmt.Println(err, errors.Is(err, durable.ErrEnded))

	// Output:
	// hot soup, hot pie <nil>
	// <nil>
	// 2 <nil>
	// durable: the run has ended: "kitchen-1" true
}

func ExampleValue() {
	done := durable.NewValue[int]("done")
	paint := durable.Define("paint", func(ctx durable.Context, walls int) (string, error) {
		for n := range walls {
			if err := ctx.Sleep(time.Millisecond); err != nil {
				return "", err
			}
			if err := done.Publish(ctx, n+1); err != nil {
				return "", err
			}
		}
		return "all painted", nil
	})

	ctx := context.Background()
	e := opened(paint)
	run, _ := paint.Start(ctx, e, "house", 3)
	last := 0
	for n, err := range done.Watch(ctx, e, "house") { // until the run has ended
		if err != nil {
			fmt.Println(err)
		}
		last = n
	}
	fmt.Println("seen last:", last)
	fmt.Println(run.Result(ctx))
	fmt.Println(done.Get(ctx, e, "house")) // also of runs that sleep, or have ended

	// Output:
	// seen last: 3
	// all painted <nil>
	// 3 <nil>
}

func ExampleUpdate() {
	pay := durable.NewUpdate[int, int]("pay in")
	closing := durable.NewTopic[string]("closing")
	account := durable.Define("account", func(ctx durable.Context, _ string) (int, error) {
		balance := 0
		pay.Handle(ctx, func(amount int) error {
			if amount <= 0 {
				return errors.New("an amount is more than 0")
			}
			return nil
		}, func(ctx durable.Context, amount int) (int, error) {
			balance += amount
			return balance, nil
		})
		_, err := closing.Receive(ctx)
		return balance, err
	})

	ctx := context.Background()
	e := opened(account)
	run, _ := account.Start(ctx, e, "ann", "")
	fmt.Println(pay.Call(ctx, e, "ann", "slip-1", 30))
	fmt.Println(pay.Call(ctx, e, "ann", "slip-1", 30)) // the same slip again: the same answer
	_, err := pay.Call(ctx, e, "ann", "slip-2", -5)
	fmt.Println(err)
	_ = closing.Post(ctx, e, "ann", "")
	fmt.Println(run.Result(ctx))

	// Output:
	// 30 <nil>
	// 30 <nil>
	// durable: the update was rejected: update "pay in" (id "slip-2") of run "ann": an amount is more than 0
	// 30 <nil>
}

func ExampleStartChild() {
	errNoSeats := errors.New("no seats")
	durable.RegisterError(errNoSeats)
	flight := durable.Define("flight", func(ctx durable.Context, to string) (string, error) {
		if to == "the moon" {
			return "", errNoSeats
		}
		return "a seat to " + to, nil
	})
	journey := durable.Define("journey", func(ctx durable.Context, to []string) (string, error) {
		var seats []durable.Future[string]
		for _, place := range to {
			seats = append(seats, durable.StartChild(ctx, flight, place).Future)
		}
		text := ""
		outcomes, err := durable.Settle(ctx, seats...)
		for _, o := range outcomes {
			if errors.Is(o.Err, errNoSeats) {
				o.Value = o.Err.Error()
			}
			text += o.Value + "; "
		}
		return text, err
	})

	ctx := context.Background()
	e := opened(flight, journey)
	run, _ := journey.Start(ctx, e, "j", []string{"Rome", "the moon"})
	fmt.Println(run.Result(ctx))
	fmt.Println(flight.Run(e, "j/1").Result(ctx)) // a run like any other

	// Output:
	// a seat to Rome; run "j/2" failed: no seats;  <nil>
	// a seat to Rome <nil>
}
