package planted

import (
	"context"
	"time"

	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// answerBeforeCommit: a counter that answers, then writes.
func answerBeforeCommit(w *sim.World, mended bool) {
	var st store.Store
	n := w.Node("counter", func(n *sim.Node) { st = n.Store() })
	answered := 0
	for range 3 {
		_ = n.Call(w.Context(), "count", func(context.Context) error {
			next := number(st, "count") + 1
			if mended {
				put(st, "count", next)
				answered = next
				return nil
			}
			answered = next
			put(st, "count", next)
			return nil
		})
	}
	w.StopFaults()
	insist(w, n, "read", func(context.Context) {
		w.Always("no answered count is lost", number(st, "count") >= answered)
	})
}

// twoCommits: a transfer that takes in one commit and gives in another.
func twoCommits(w *sim.World, mended bool) {
	var st store.Store
	n := w.Node("bank", func(n *sim.Node) {
		st = n.Store()
		if number(st, "open") == 0 {
			put(st, "open", 1, "a", 100, "b", 0)
		}
	})
	for range 3 {
		_ = n.Call(w.Context(), "transfer", func(context.Context) error {
			a, b := number(st, "a"), number(st, "b")
			if mended {
				put(st, "a", a-10, "b", b+10)
				return nil
			}
			put(st, "a", a-10)
			put(st, "b", b+10)
			return nil
		})
	}
	w.StopFaults()
	insist(w, n, "audit", func(context.Context) {
		w.Always("money is neither made nor lost", number(st, "a")+number(st, "b") == 100)
	})
}

// bootCountsTwice: the boot function adds the interest of the year, every time.
func bootCountsTwice(w *sim.World, mended bool) {
	var st store.Store
	n := w.Node("bank", func(n *sim.Node) {
		st = n.Store()
		if !mended || number(st, "added") == 0 {
			put(st, "balance", number(st, "balance")+5, "added", 1)
		}
	})
	for range 3 {
		_ = n.Call(w.Context(), "use", func(context.Context) error { put(st, "used", 1); return nil })
	}
	w.StopFaults()
	insist(w, n, "read", func(context.Context) {
		w.Always("interest is added once", number(st, "balance") == 5)
	})
}

// memoryCache: what completed first is on disk, what it said only in memory.
func memoryCache(w *sim.World, mended bool) {
	var st store.Store
	var price int // in the memory of the process
	n := w.Node("shop", func(n *sim.Node) { st, price = n.Store(), 0 })
	quote := func(context.Context) {
		if number(st, "first") != 0 {
			return
		}
		first := 0
		done := n.NewSignal()
		for shop := 1; shop <= 2; shop++ {
			n.Offload("quotes", []string{"", "near", "far"}[shop], func(context.Context) {}, func() {
				if first == 0 {
					first = shop
					done.Fire()
				}
			})
		}
		if done.Wait(w.Context()) != nil {
			return
		}
		price = first * 10
		if mended || first == 1 {
			put(st, "first", first, "price", first*10)
		} else {
			put(st, "first", first)
		}
	}
	buy := func(context.Context) {
		paid := number(st, "price")
		if paid == 0 {
			paid = price
		}
		put(st, "paid", paid)
	}
	insist(w, n, "quote", quote)
	insist(w, n, "buy", buy)
	w.StopFaults()
	insist(w, n, "read", func(context.Context) { w.Always("a price is paid", number(st, "paid") > 0) })
}

// lastKeyOnly: a bank that knows a repeated request by comparing it with the last one.
func lastKeyOnly(w *sim.World, mended bool) {
	done, last, charged := map[string]bool{}, "", map[string]int{}
	charge := func(key string) {
		if key == last || mended && done[key] {
			return
		}
		done[key], last = true, key
		charged[key]++
	}
	var st store.Store
	n := w.Node("shop", func(n *sim.Node) { st = n.Store() })
	order := func(context.Context) {
		all := n.NewSignal()
		left := 2
		for _, key := range []string{"goods", "postage"} {
			if number(st, key) != 0 {
				left--
				continue
			}
			n.Offload("bank", key, func(context.Context) {}, func() {
				charge(key)
				put(st, key, 1)
				if left--; left == 0 {
					all.Fire()
				}
			})
		}
		if left > 0 {
			_ = all.Wait(w.Context())
		}
	}
	insist(w, n, "order", order)
	w.Always("nothing is charged twice", charged["goods"] < 2 && charged["postage"] < 2)
}

// dropsLog: recovery reads the log, deletes it, and then applies what it read.
func dropsLog(w *sim.World, mended bool) {
	var st store.Store
	n := w.Node("ledger", func(n *sim.Node) {
		st = n.Store()
		if amount := number(st, "log"); amount != 0 {
			if mended {
				put(st, "log", 0, "total", number(st, "total")+amount)
				return
			}
			put(st, "log", 0)
			put(st, "total", number(st, "total")+amount)
		}
	})
	logged := false
	insist(w, n, "log", func(context.Context) {
		if !logged && number(st, "log") == 0 && number(st, "total") == 0 {
			put(st, "log", 7)
		}
		logged = true
		put(st, "total", number(st, "total")+number(st, "log"), "log", 0)
	})
	w.StopFaults()
	insist(w, n, "read", func(context.Context) { w.Always("what was logged counts", number(st, "total") == 7) })
}

// leaseByClock: two holders believe their own clocks.
func leaseByClock(w *sim.World, mended bool) {
	const term = 10 * time.Second
	holder := func(n *sim.Node) {}
	a, b := w.Node("a", holder), w.Node("b", holder)
	var until time.Time // as the lease says
	granted := w.Now()
	_ = a.Call(w.Context(), "take", func(context.Context) error {
		granted, until = w.Now(), a.Now().Add(term)
		return nil
	})
	_ = w.Sleep(w.Context(), term/2)
	_ = b.Call(w.Context(), "steal", func(context.Context) error {
		free := b.Now().After(until)
		if mended {
			free = w.Now().Sub(granted) > term
		}
		w.Always("one holder at a time", !free)
		return nil
	})
}
