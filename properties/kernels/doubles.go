package kernels

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
)

// doubles: what is to happen once happens once.
func doubles() []Kernel {
	const family = "double execution"
	return []Kernel{{
		Name: "start, checked too early", Family: family,
		About: "Starting a run looks whether its id is taken, validates the request and then writes the run. Two " +
			"starts of one id that validate at the same time both find it free. A check must be part of the " +
			"commit that relies on it; an upsert that forgives a duplicate hides that there were two.",
		Needs: "one early completion", Property: "a run starts once",
		build: onNodes(checkedTooEarly),
	}, {
		Name: "stale recovery list", Family: family,
		About: "A process that starts lists the jobs that are open and works through the list. A client who asks " +
			"for one of them meanwhile gets it done at once; when recovery comes to it, it trusts its list " +
			"and does it again. Recovery that runs beside live traffic has to look again before each item.",
		Needs: "one slow answer", Property: "a finished job is not done again",
		build: onNodes(staleRecoveryList),
	}, {
		Name: "ambiguous commit", Family: family,
		About: "A client whose deposit ended in an error tries again. The first one had been committed; only the " +
			"answer was lost. A connection that breaks during a commit says nothing about the commit, and a " +
			"retry that can't be told from a second request counts twice.",
		Needs: "one crash after a commit", Property: "a deposit counts once",
		build: onNodes(ambiguousCommit),
	}, {
		Name: "late answer of an old attempt", Family: family,
		About: "A request that timed out is made again. The answer to the first one arrives after that to the " +
			"second, and overwrites it. Results must say which attempt they belong to, and those of attempts " +
			"that were given up must be dropped.",
		Needs: "one slow answer", Property: "the newest answer counts",
		build: onNodes(lateAnswer),
	}, {
		Name: "attempts told apart by a bit", Family: family,
		About: "Like the one before, but each answer says whether it belongs to an even or an odd attempt. When " +
			"two attempts in a row time out, the answer to the first is taken for that to the third. A mark " +
			"that comes round again protects against one mishap and not against two.",
		Needs: "two slow answers in a row", Property: "an answer is to the question that was asked",
		build: onNodes(attemptsByBit),
	}, {
		Name: "last request remembered", Family: family,
		About: "A bank knows a repeated request by comparing its key with that of the last one. A shop that " +
			"sends two requests and crashes before it knows of either repeats both, in its own order. Who " +
			"wants to tell repeats apart has to remember more than one.",
		Needs: "one early completion, then a crash", Property: "nothing is charged twice",
		build: onNodes(lastRequestOnly),
	}, {
		Name: "charge without a key", Family: family,
		About: "A step charges a card and draws a new request number for it each time it is tried. A crash after " +
			"the charge and before its checkpoint runs the step again, and the bank sees a second request. " +
			"Steps run at least once; what they do must carry a key that is the same for every try.",
		Needs: "one crash", Property: "a customer is charged once",
		build: onDurable(chargeWithoutKey),
	}, {
		Name: "read in one step, write in another", Family: family,
		About: "A workflow reads the stock in one step and writes it back, less one, in the next. Two runs that " +
			"read before either has written sell the same item. Each step is durable and the pair of them is " +
			"not a transaction: a check and the act that relies on it belong into one step.",
		Needs: "two runs at the same time", Property: "each sale takes an item from stock",
		build: onDurable(readThenWrite),
	}, {
		Name: "lease that ran out", Family: family,
		About: "A worker takes a job for ten seconds and finishes it whenever it is done. When the work was slow " +
			"the lease has run out, another worker has the job, and both finish it. A lease is a promise " +
			"about time that the one who works can't keep; what it writes at the end must be fenced by the " +
			"lease.",
		Needs: "one slow answer", Property: "a job is finished once",
		build: onNodes(leaseThatRanOut),
	}}
}

func checkedTooEarly(w *sim.World, fixed bool) {
	started := 0
	s := serve(w, "engine", nil)
	start := func() {
		if s.number("run") != 0 {
			return
		}
		s.work("validate")
		if !fixed {
			s.put("run", 1)
		} else if !s.create("run", 1) {
			return
		}
		started++
	}
	s.clients(func(context.Context) { start() }, func(context.Context) {
		s.work("compose")
		start()
	})
	w.Always("a run starts once", started <= 1)
}

func staleRecoveryList(w *sim.World, fixed bool) {
	busy := map[string]bool{} // of the process
	do := func(s *service, job string) {
		if busy[job] {
			return
		}
		busy[job] = true
		w.Always("a finished job is not done again", s.number(job) != 2)
		s.work(job)
		s.put(job, 2)
		delete(busy, job)
	}
	s := serve(w, "worker", func(s *service) {
		clear(busy)
		var open []string
		for _, job := range []string{"first", "second"} {
			if s.number(job) == 1 {
				open = append(open, job)
			}
		}
		s.Go("recovery", func(context.Context) {
			for _, job := range open {
				if !fixed || s.number(job) == 1 {
					do(s, job)
				}
			}
		})
	})
	s.insist("enqueue", func(context.Context) { s.put("first", 1, "second", 1) })
	s.Restart() // a new version is deployed
	s.insist("do the second now", func(context.Context) {
		if s.number("second") == 1 {
			do(s, "second")
		}
	})
	w.StopFaults()
	w.Eventually("every job is done", 24*time.Hour, func() bool { return s.Up() && len(busy) == 0 })
}

func ambiguousCommit(w *sim.World, fixed bool) {
	s := serve(w, "bank", nil)
	s.insist("deposit", func(context.Context) {
		if !fixed || s.number("request 1") == 0 {
			s.put("balance", s.number("balance")+10, "request 1", 1)
		}
	})
	s.insist("read", func(context.Context) {
		w.Always("a deposit counts once", s.number("balance") == 10)
	})
}

func lateAnswer(w *sim.World, fixed bool) {
	s := serve(w, "asker", nil)
	s.call("ask", func(ctx context.Context) {
		answer, asked := 0, 0
		ask := func() signal {
			asked++
			mine, heard := asked, s.NewSignal()
			s.ask("question "+strconv.Itoa(mine), 0, func() {
				if !fixed || mine > answer {
					answer = mine
				}
				heard.Fire()
			})
			return heard
		}
		first := ask()
		limited, cancel := w.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if first.Wait(limited) != nil {
			_ = ask().Wait(ctx)
			_ = first.Wait(ctx)
		}
		w.Always("the newest answer counts", answer == asked)
	})
}

func attemptsByBit(w *sim.World, fixed bool) {
	s := serve(w, "asker", nil)
	s.call("ask", func(ctx context.Context) {
		asked, heard := 0, s.NewSignal()
		for range 3 {
			asked++
			mine := asked
			s.ask("question "+strconv.Itoa(mine), 3*time.Second, func() {
				if fixed && mine == asked || !fixed && mine%2 == asked%2 {
					w.Always("an answer is to the question that was asked", mine == asked)
					heard.Fire()
				}
			})
			limited, cancel := w.WithTimeout(ctx, 6*time.Second)
			err := heard.Wait(limited)
			cancel()
			if err == nil {
				return
			}
		}
	})
}

func lastRequestOnly(w *sim.World, fixed bool) {
	done, last := map[string]bool{}, "" // of the bank, which outlives the shop
	charge := func(key string) {
		if key == last || fixed && done[key] {
			return
		}
		w.Always("nothing is charged twice", !done[key])
		done[key], last = true, key
	}
	s := serve(w, "shop", nil)
	s.insist("order", func(ctx context.Context) {
		left, all := 2, s.NewSignal()
		over := func() {
			if left--; left == 0 {
				all.Fire()
			}
		}
		for _, key := range []string{"goods", "postage"} {
			if s.number(key) != 0 {
				over()
				continue
			}
			s.ask(key, 0, func() {
				charge(key)
				s.put(key, 1)
				over()
			})
		}
		_ = all.Wait(ctx)
	})
}

func chargeWithoutKey(w *sim.World, fixed bool) world {
	requests := 0
	charged := map[string]int{} // by run
	known := map[string]bool{}  // requests that the bank has seen
	bank := func(run, key string) {
		if !known[key] {
			known[key] = true
			charged[run]++
		}
	}
	charge := func(ctx context.Context, cents int) (int, error) {
		step, _ := durable.Info(ctx)
		requests++
		key := strconv.Itoa(requests)
		if fixed {
			key = step.IdempotencyKey()
		}
		bank(step.Run, key)
		return cents, nil
	}
	return world{
		Boot: func() *durable.Workflow[int, string] {
			return durable.Define("pay", func(ctx durable.Context, cents int) (string, error) {
				_, err := durable.Step(ctx, "charge", charge, cents)
				return "paid", err
			})
		},
		Holds: func(outcomes []properties.Outcome[int, string]) {
			for _, o := range outcomes {
				w.Always("a customer is charged once", charged[o.ID] == 1)
			}
		},
	}
}

func readThenWrite(w *sim.World, fixed bool) world {
	const full = 5
	stock, sold := full, map[string]bool{} // by run
	read := func(context.Context, int) (int, error) { return stock, nil }
	write := func(ctx context.Context, seen int) (int, error) {
		step, _ := durable.Info(ctx)
		if sold[step.Run] {
			return 0, nil
		}
		sold[step.Run] = true
		if fixed {
			seen = stock
		}
		if seen == 0 {
			return 0, errors.New("sold out")
		}
		stock = seen - 1
		return stock, nil
	}
	return world{
		Boot: func() *durable.Workflow[int, string] {
			return durable.Define("sell", func(ctx durable.Context, customer int) (string, error) {
				seen, err := durable.Step(ctx, "read the stock", read, customer)
				if err == nil {
					_, err = durable.Step(ctx, "write the stock", write, seen)
				}
				return "sold", err
			})
		},
		Holds: func([]properties.Outcome[int, string]) {
			w.Always("each sale takes an item from stock", stock == full-len(sold))
		},
	}
}

func leaseThatRanOut(w *sim.World, fixed bool) {
	const term = 10 * time.Second
	finished := 0
	s := serve(w, "queue", nil)
	worker := func(ctx context.Context) {
		for s.number("done") == 0 {
			now := seconds(w.Now())
			if s.number("leased until") > now {
				_ = w.Sleep(ctx, term)
				continue
			}
			lease := s.number("lease") + 1
			s.put("lease", lease, "leased until", seconds(w.Now().Add(term)))
			s.work("do the job")
			if fixed && (s.number("lease") != lease || s.number("done") != 0) {
				continue
			}
			s.put("done", 1)
			finished++
		}
	}
	s.clients(worker, worker)
	w.Always("a job is finished once", finished <= 1)
}
