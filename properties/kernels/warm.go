package kernels

import (
	"context"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
)

// coldAndWarm: what a process remembers must be what its disk says.
func coldAndWarm() []Kernel {
	const family = "cold against warm"
	return []Kernel{{
		Name: "price list kept by the process", Family: family,
		About: "A workflow asks for a price in a step and keeps it in a map of the process, so that the next run " +
			"can spare the step. A process that has the price replays a journal in which the step is " +
			"recorded, or one that hasn't replays one in which it is missing. Memoised clients, connection " +
			"caches and package variables do this to workflow code; it works until the first eviction.",
		Needs: "an engine that evicts, or a second run", Property: properties.ReplayIdentical,
		build: onDurable(processCache),
	}, {
		Name: "winner on disk, prize in memory", Family: family,
		About: "A shop asks two suppliers and takes the first offer. Which of them was first goes to disk; what " +
			"it said is kept in memory, and goes to disk too only on the path that is tested every day. After " +
			"a restart there is a winner without a price. States of which a part is cached and a part is " +
			"stored pass every test in which the process lives on.",
		Needs: "one early completion, then a crash", Property: "a price is paid",
		build: onNodes(prizeInMemory),
	}, {
		Name: "cache filled behind a write", Family: family,
		About: "A reader misses the cache, reads the store, decodes for a while and puts what it has read into " +
			"the cache. A writer that saves and invalidates in between is forgotten: the cache now holds the " +
			"old value and keeps it. The classic race of cache-aside, also found in sticky caches of workflow " +
			"state.",
		Needs: "one slow answer", Property: "the cache agrees with the store",
		build: onNodes(cacheBehindWrite),
	}}
}

func processCache(_ *sim.World, fixed bool) world {
	return world{Boot: func() *durable.Workflow[int, string] {
		prices := map[int]int{} // of the process
		return durable.Define("quote", func(ctx durable.Context, item int) (string, error) {
			if _, known := prices[item]; !known || fixed {
				price, err := durable.Step(ctx, "ask for the price", nothing, item)
				if err != nil {
					return "", err
				}
				prices[item] = price //reprise:deterministic it isn't: this is the kernel's bug
			}
			_, err := durable.Step(ctx, "send the quote", nothing, prices[item])
			return "sent", err
		})
	}}
}

func prizeInMemory(w *sim.World, fixed bool) {
	price := 0 // in the memory of the process
	s := serve(w, "shop", func(*service) { price = 0 })
	s.insist("ask", func(ctx context.Context) {
		if s.number("winner") != 0 {
			return
		}
		winner, heard := 0, s.NewSignal()
		for i, name := range []string{"near", "far"} {
			s.ask(name, 0, func() {
				if winner == 0 {
					winner = i + 1
					heard.Fire()
				}
			})
		}
		_ = heard.Wait(ctx)
		price = 10 * winner
		if winner == 1 || fixed {
			s.put("winner", winner, "price", price)
		} else {
			s.put("winner", winner)
		}
	})
	s.insist("buy", func(context.Context) {
		if onDisk := s.number("price"); onDisk != 0 {
			price = onDisk
		}
		s.work("pay")
		w.Always("a price is paid", price > 0)
	})
}

func cacheBehindWrite(w *sim.World, fixed bool) {
	var cache, writes int // of the process; 0: nothing is cached
	s := serve(w, "profiles", func(*service) { cache, writes = 0, 0 })
	s.insist("set up", func(context.Context) { s.put("name", 1) })
	s.clients(func(context.Context) {
		before, name := writes, s.number("name")
		s.work("decode")
		if !fixed || before == writes {
			cache = name
		}
	}, func(context.Context) {
		s.work("ask for the new name")
		s.put("name", 2)
		cache = 0
		writes++
	})
	s.insist("read", func(context.Context) {
		w.Always("the cache agrees with the store", cache == 0 || cache == s.number("name"))
	})
}
