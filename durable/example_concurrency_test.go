package durable_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

// runExample runs a workflow on an engine of its own and prints what it returns.
func runExample(name string, fn func(ctx durable.Context, in string) (string, error)) {
	w := durable.Define(name, fn)
	engine, err := durable.Open(durable.Config{
		Store: store.OpenMemory(), Workflows: []durable.Definition{w},
	})
	if err != nil {
		panic(err)
	}
	defer engine.Close(context.Background())
	run, _ := w.Start(context.Background(), engine, name+"-1", "")
	result, err := run.Result(context.Background())
	fmt.Println(result, err)
}

func greet(_ context.Context, name string) (string, error) { return "hello " + name, nil }

// forever is a step that ends when it is cancelled.
func forever(ctx context.Context, _ string) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

// A timeout is a timer in the store: it passes whether the process lives or not.
func ExampleContext_WithTimeout() {
	runExample("patience", func(ctx durable.Context, _ string) (string, error) {
		short, cancel := ctx.WithTimeout(10 * time.Millisecond)
		defer cancel()
		_, err := durable.Step(short, "ask", forever, "")
		if errors.Is(err, durable.ErrTimeout) {
			return durable.Step(ctx, "ask another", greet, "you")
		}
		return "", err
	})
	// Output:
	// hello you <nil>
}

// What a context was used for can be called off together.
func ExampleContext_WithCancel() {
	runExample("call-off", func(ctx durable.Context, _ string) (string, error) {
		part, cancel := ctx.WithCancel()
		a, b := durable.Async(part, "a", forever, ""), durable.Async(part, "b", forever, "")
		cancel(errors.New("sold out"))
		_, err := a.Await(ctx)
		_, err2 := b.Await(ctx)
		return fmt.Sprintf("%v; %v", err, err2), nil
	})
	// Output:
	// step "a" (id 1) was cancelled: sold out; step "b" (id 2) was cancelled: sold out <nil>
}

// Cleanup asks on a detached context, which no cancellation reaches.
func ExampleContext_Detached() {
	runExample("tidy", func(ctx durable.Context, _ string) (string, error) {
		guest := durable.Go(ctx, "guest", func(ctx durable.Context) (string, error) {
			err := ctx.Sleep(24 * time.Hour)
			bye, _ := durable.Step(ctx.Detached(), "say goodbye", greet, "and goodbye")
			return bye, err
		})
		_ = ctx.Sleep(time.Millisecond)
		guest.Cancel(ctx, nil)
		_, err := guest.Await(ctx)
		return fmt.Sprint(errors.Is(err, durable.ErrCancelled)), nil
	})
	// Output:
	// true <nil>
}

// The losers of a race are cancelled and leave nothing behind.
func ExampleRace() {
	runExample("race", func(ctx durable.Context, _ string) (string, error) {
		place, greeting, err := durable.Race(ctx,
			durable.Async(ctx, "slow", forever, ""),
			durable.Async(ctx, "fast", greet, "winner"),
		)
		return fmt.Sprint(place, " ", greeting), err
	})
	// Output:
	// 1 hello winner <nil>
}

// Results are handled in the order in which they come, which is recorded.
func ExampleCompleted() {
	runExample("as they come", func(ctx durable.Context, _ string) (string, error) {
		late := durable.Go(ctx, "late", func(ctx durable.Context) (string, error) {
			return "late", ctx.Sleep(10 * time.Millisecond)
		})
		soon := durable.Async(ctx, "soon", greet, "early bird")
		order := ""
		for place, outcome := range durable.Completed(ctx, late, soon) {
			order += fmt.Sprintf("[%d %s %v]", place, outcome.Value, outcome.Err)
		}
		return order, nil
	})
	// Output:
	// [1 hello early bird <nil>][0 late <nil>] <nil>
}

// Settle waits for all, whatever becomes of them.
func ExampleSettle() {
	runExample("settle", func(ctx durable.Context, _ string) (string, error) {
		outcomes, err := durable.Settle(ctx,
			durable.Async(ctx, "good", greet, "you"),
			durable.Async(ctx, "bad", func(context.Context, string) (string, error) {
				return "", errors.New("no luck")
			}, ""),
		)
		return fmt.Sprint(outcomes[0].Value, ", ", outcomes[1].Err), err
	})
	// Output:
	// hello you, no luck <nil>
}

// Futures of different types are waited for as Awaitables.
func ExampleWait() {
	runExample("wait", func(ctx durable.Context, _ string) (string, error) {
		answer, alarm := durable.Async(ctx, "ask", greet, "you"), ctx.After(time.Hour)
		_, pending, err := durable.Wait[durable.Awaitable](ctx, durable.FirstCompleted, answer, alarm)
		alarm.Cancel(ctx, nil)
		return fmt.Sprint(answer.Done(), " ", len(pending)), err
	})
	// Output:
	// true 1 <nil>
}

// The first failure ends the others, and Scope returns when they have ended.
func ExampleScope() {
	runExample("all or nothing", func(ctx durable.Context, _ string) (string, error) {
		err := durable.Scope(ctx, func(ctx durable.Context) error {
			durable.Go(ctx, "flight", func(ctx durable.Context) (string, error) {
				return durable.Step(ctx, "book flight", forever, "")
			})
			durable.Go(ctx, "hotel", func(ctx durable.Context) (string, error) {
				return durable.Step(ctx, "book hotel", func(context.Context, string) (string, error) {
					return "", errors.New("no room")
				}, "")
			})
			return nil
		})
		return fmt.Sprint(err), nil
	})
	// Output:
	// no room <nil>
}

// A shielded operation goes on when the context that it was asked for with is cancelled.
func ExampleShield() {
	runExample("shield", func(ctx durable.Context, _ string) (string, error) {
		part, cancel := ctx.WithCancel()
		payment := durable.Shield(part, durable.Async(part, "pay", greet, "money"))
		cancel(nil)
		_, cut := payment.Await(part)
		paid, err := payment.Await(ctx)
		return fmt.Sprintf("%v; %s", cut, paid), err
	})
	// Output:
	// the wait for step "pay" (id 1) was cancelled; hello money <nil>
}

// A channel and two branches that work off what is in it.
func ExampleChan() {
	runExample("pool", func(ctx durable.Context, _ string) (string, error) {
		jobs, done := durable.NewChan[string](ctx, "jobs", 3), durable.NewChan[string](ctx, "done", 3)
		for _, name := range []string{"ann", "bob", "cid"} {
			if err := jobs.Send(ctx, name); err != nil {
				return "", err
			}
		}
		jobs.Close(ctx)
		err := durable.Scope(ctx, func(ctx durable.Context) error {
			for range 2 {
				durable.Go(ctx, "worker", func(ctx durable.Context) (int, error) {
					for name, err := range jobs.All(ctx) {
						if err != nil {
							return 0, err
						}
						greeting, _ := durable.Step(ctx, "greet", greet, name)
						_ = done.Send(ctx, greeting)
					}
					return 0, nil
				})
			}
			return nil
		})
		return fmt.Sprint(done.Len()), err
	})
	// Output:
	// 3 <nil>
}

// The first channel that is ready is served; the order of the arguments decides between several.
func ExampleSelect() {
	runExample("select", func(ctx durable.Context, _ string) (string, error) {
		mail, stop := durable.NewChan[string](ctx, "mail", 1), durable.NewChan[bool](ctx, "stop", 1)
		_ = mail.Send(ctx, "a letter")
		got := ""
		place, err := durable.Select(ctx,
			stop.Receiving(func(bool, error) { got = "stopped" }),
			mail.Receiving(func(v string, _ error) { got = v }))
		return fmt.Sprint(place, " ", got), err
	})
	// Output:
	// 1 a letter <nil>
}

// At most two of the branches are in the middle of their step at any time.
func ExampleSemaphore() {
	runExample("bounded", func(ctx durable.Context, _ string) (string, error) {
		slots := durable.NewSemaphore(ctx, "slots", 2)
		var all []durable.Future[string]
		for _, name := range []string{"a", "b", "c", "d"} {
			all = append(all, durable.Go(ctx, name, func(ctx durable.Context) (string, error) {
				if err := slots.Acquire(ctx); err != nil {
					return "", err
				}
				defer slots.Release(ctx)
				return durable.Step(ctx, "greet", greet, name)
			}))
		}
		greetings, err := durable.Gather(ctx, all...)
		return fmt.Sprint(len(greetings)), err
	})
	// Output:
	// 4 <nil>
}

// What two branches do to an account stays in one piece, although each waits in the middle of it.
func ExampleMutex() {
	runExample("account", func(ctx durable.Context, _ string) (string, error) {
		account, balance := durable.NewMutex(ctx, "account"), 0
		deposit := func(ctx durable.Context) (int, error) {
			if err := account.Lock(ctx); err != nil {
				return 0, err
			}
			defer account.Unlock(ctx)
			before := balance
			_, err := durable.Step(ctx, "log", greet, "bank")
			balance = before + 10
			return balance, err
		}
		_, err := durable.Gather(ctx, durable.Go(ctx, "first", deposit), durable.Go(ctx, "second", deposit))
		return fmt.Sprint(balance), err
	})
	// Output:
	// 20 <nil>
}

// A branch waits until another has made something true.
func ExampleCond() {
	runExample("stock", func(ctx durable.Context, _ string) (string, error) {
		shelf, stock := durable.NewMutex(ctx, "shelf"), 0
		filled := durable.NewCond(ctx, shelf, "filled")
		buyer := durable.Go(ctx, "buyer", func(ctx durable.Context) (int, error) {
			if err := shelf.Lock(ctx); err != nil {
				return 0, err
			}
			defer shelf.Unlock(ctx)
			for stock == 0 {
				if err := filled.Wait(ctx); err != nil {
					return 0, err
				}
			}
			stock--
			return stock, nil
		})
		_, err := durable.Step(ctx, "order", greet, "supplier")
		stock = 5
		filled.Signal(ctx)
		left, _ := buyer.Await(ctx)
		return fmt.Sprint(left), err
	})
	// Output:
	// 4 <nil>
}

// A wait group waits for things that are not branches, too.
func ExampleWaitGroup() {
	runExample("signatures", func(ctx durable.Context, _ string) (string, error) {
		signed := durable.NewWaitGroup(ctx, "signatures")
		signed.Add(ctx, 2)
		for _, name := range []string{"ann", "bob"} {
			durable.Go(ctx, name, func(ctx durable.Context) (int, error) {
				_, err := durable.Step(ctx, "sign", greet, name)
				signed.Done(ctx)
				return 0, err
			})
		}
		return "signed", signed.Wait(ctx)
	})
	// Output:
	// signed <nil>
}

// An id that is the same on every replay.
func ExampleContext_NewID() {
	runExample("ids", func(ctx durable.Context, _ string) (string, error) {
		a, b := ctx.NewID(), ctx.NewID()
		return fmt.Sprint(len(a), a != b), nil
	})
	// Output:
	// 36 true <nil>
}
