package kernels

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
)

// cancellation: who may end what, and what is left then.
func cancellation() []Kernel {
	const family = "cancellation"
	return []Kernel{{
		Name: "shutdown taken for cancellation", Family: family,
		About: "A process that is shut down cancels the contexts of its runs and waits for them. A run whose " +
			"context is cancelled is recorded as cancelled; so a deployment cancels whatever is under way, " +
			"for good. To the code both look the same; only the cause tells them apart.",
		Needs: "a deployment during the run", Property: "a deployment cancels no run",
		build: onNodes(shutdownAsCancellation),
	}, {
		Name: "caller who leaves", Family: family,
		About: "A step runs under the context of the request that asked for it. The client waits five seconds " +
			"and gives up; the step ends with a cancellation, which is recorded as its result, so that the " +
			"client's second try is told that the order has failed. Work that is to survive its caller must " +
			"not inherit the caller's patience, and a cancellation is not a result.",
		Needs: "one slow answer", Property: "who gives up does not fail the order",
		build: onNodes(callerWhoLeaves),
	}, {
		Name: "terminal state overwritten", Family: family,
		About: "A run is cancelled while its last step is under way; the client is told so. When the step ends, " +
			"the run is recorded as done over the cancellation. Final states must be fenced: what ends a run " +
			"has to find it not ended.",
		Needs: "one early completion", Property: "a cancelled run stays cancelled",
		build: onNodes(terminalOverwritten),
	}, {
		Name: "undone all at once", Family: family,
		About: "A saga that has failed undoes what it did with concurrent steps, started in the right order. " +
			"They take effect in any order: the flight is given back before the hotel that depends on it, or " +
			"after. Compensation is a sequence, the last thing first.",
		Needs: "one slow answer", Property: "the last thing done is undone first",
		build: onDurable(undoneAtOnce),
	}, {
		Name: "undo registered after the step", Family: family,
		About: "A saga says how to undo a booking once the booking has succeeded. A booking that has had its " +
			"effect and whose answer was lost counts as failed, and nobody undoes it. The undo must be known " +
			"before the step begins, and be harmless when there is nothing to undo.",
		Needs: "an answer is lost", Property: "a failed trip leaves no booking",
		build: onDurable(undoAfterStep),
	}, {
		Name: "cleanup in a cancelled scope", Family: family,
		About: "A workflow reserves a seat and takes the payment within a time limit, and gives the seat back " +
			"when that fails. The step that gives it back is asked for in the scope whose time is over, is " +
			"refused like everything else there, and the seat stays taken. Cleanup needs a context that the " +
			"cancellation does not reach.",
		Needs: "one slow answer", Property: "a seat is sold or free",
		build: onDurable(cleanupInCancelledScope),
	}}
}

var errShutdown = errors.New("the process shuts down")

func shutdownAsCancellation(w *sim.World, fixed bool) {
	var stop context.CancelCauseFunc // of the process
	var over signal
	s := serve(w, "worker", func(s *service) {
		over = s.NewSignal()
		s.Go("run", func(ctx context.Context) {
			ctx, stop = context.WithCancelCause(ctx)
			if _, ended := s.text("ended"); !ended {
				err := w.Sleep(ctx, 10*time.Second)
				switch {
				case err == nil:
					s.put("ended", "done")
				case !fixed || context.Cause(ctx) != errShutdown:
					s.put("ended", "cancelled")
				}
			}
			over.Fire()
		})
	})
	if w.Chance("a new version is deployed", 0.1) {
		_ = w.Sleep(w.Context(), 5*time.Second)
		s.call("shut down", func(ctx context.Context) {
			stop(errShutdown)
			_ = over.Wait(ctx)
		})
		s.Restart()
	}
	s.insist("wait for the end", func(ctx context.Context) {
		_ = over.Wait(ctx)
		how, _ := s.text("ended")
		w.Always("a deployment cancels no run", how == "done")
	})
}

func callerWhoLeaves(w *sim.World, fixed bool) {
	bank := w.Dependency("bank")
	s := serve(w, "shop", nil)
	order := func(ctx context.Context) error {
		if _, recorded := s.text("order"); recorded {
			return nil
		}
		result := "paid"
		if err := bank.Do(ctx, "pay", func() error { return nil }); err != nil {
			if fixed && ctx.Err() != nil {
				return err
			}
			result = "failed"
		}
		s.put("order", result)
		return nil
	}
	for try := 1; ; try++ {
		if try == 10 {
			w.StopFaults()
		}
		limited, cancel := w.WithTimeout(w.Context(), 5*time.Second)
		err := s.Call(limited, "order", order)
		cancel()
		if err == nil {
			break
		}
	}
	s.insist("read", func(context.Context) {
		result, _ := s.text("order")
		w.Always("who gives up does not fail the order", result == "paid")
	})
}

func terminalOverwritten(w *sim.World, fixed bool) {
	told := false
	s := serve(w, "engine", nil)
	s.clients(func(context.Context) {
		if _, ended := s.text("state"); ended {
			return
		}
		s.work("last step")
		if fixed {
			s.create("state", "done")
		} else {
			s.put("state", "done")
		}
	}, func(context.Context) {
		s.work("decide to cancel")
		if s.create("state", "cancelled") {
			told = true
		}
	})
	s.insist("read", func(context.Context) {
		state, _ := s.text("state")
		w.Always("a cancelled run stays cancelled", !told || state == "cancelled")
	})
}

func undoneAtOnce(w *sim.World, fixed bool) world {
	agency := w.Dependency("agency")
	undone := map[string][]string{} // by run
	undo := func(ctx context.Context, part string) (int, error) {
		step, _ := durable.Info(ctx)
		return 0, agency.Do(ctx, "give back the "+part, func() error {
			if !slices.Contains(undone[step.Run], part) {
				undone[step.Run] = append(undone[step.Run], part)
			}
			return nil
		})
	}
	return world{
		Boot: func() *durable.Workflow[int, string] {
			return durable.Define("trip", func(ctx durable.Context, days int) (string, error) {
				var undos []durable.Future[int]
				for _, part := range []string{"hotel", "flight"} { // booked in the order flight, hotel
					f := durable.Async(ctx, "give back the "+part, undo, part)
					if fixed {
						_, _ = f.Await(ctx)
					}
					undos = append(undos, f)
				}
				_, err := durable.Gather(ctx, undos...)
				return "given back", err
			})
		},
		Holds: func(outcomes []properties.Outcome[int, string]) {
			for _, o := range outcomes {
				w.Always("the last thing done is undone first",
					slices.Equal(undone[o.ID], []string{"hotel", "flight"}))
			}
		},
	}
}

func undoAfterStep(w *sim.World, fixed bool) world {
	booked := map[string]bool{} // by run
	book := func(ctx context.Context, days int) (int, error) {
		step, _ := durable.Info(ctx)
		booked[step.Run] = true
		if w.Chance("the answer of the agency is lost", 0.05) {
			return 0, errors.New("no answer")
		}
		return days, nil
	}
	giveBack := func(ctx context.Context, days int) (int, error) {
		step, _ := durable.Info(ctx)
		delete(booked, step.Run)
		return days, nil
	}
	return world{
		Boot: func() *durable.Workflow[int, string] {
			return durable.Define("trip", func(ctx durable.Context, days int) (string, error) {
				if fixed {
					durable.OnFailure(ctx, "give back", giveBack, days)
				}
				_, err := durable.Step(ctx, "book", book, days)
				if err == nil && !fixed {
					durable.OnFailure(ctx, "give back", giveBack, days)
				}
				return "booked", err
			})
		},
		Holds: func(outcomes []properties.Outcome[int, string]) {
			for _, o := range outcomes {
				w.Always("a failed trip leaves no booking", o.Err == nil || !booked[o.ID])
			}
		},
	}
}

func cleanupInCancelledScope(w *sim.World, fixed bool) world {
	taken := map[string]bool{} // by run
	take := func(ctx context.Context, seat int) (int, error) {
		step, _ := durable.Info(ctx)
		taken[step.Run] = true
		return seat, nil
	}
	free := func(ctx context.Context, seat int) (int, error) {
		step, _ := durable.Info(ctx)
		delete(taken, step.Run)
		return seat, nil
	}
	return world{
		Boot: func() *durable.Workflow[int, string] {
			return durable.Define("seat", func(ctx durable.Context, seat int) (string, error) {
				limited, cancel := ctx.WithTimeout(5 * time.Second)
				defer cancel()
				_, err := durable.Step(limited, "take the seat", take, seat)
				if err == nil {
					_, err = durable.Step(limited, "take the payment", nothing, seat)
				}
				if err == nil {
					return "sold", nil
				}
				cleanup := limited
				if fixed {
					cleanup = ctx
				}
				_, _ = durable.Step(cleanup, "free the seat", free, seat)
				return "", err
			})
		},
		Holds: func(outcomes []properties.Outcome[int, string]) {
			for _, o := range outcomes {
				w.Always("a seat is sold or free", o.Err == nil || !taken[o.ID])
			}
		},
	}
}
