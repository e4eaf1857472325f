package planted

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/reprise-dst/reprise/sim"
)

// lostUpdate: two clients read a balance, ask someone, and write it back.
func lostUpdate(w *sim.World, mended bool) {
	balance, busy := 0, sim.NewMutex(w, "balance")
	n := w.Node("bank", func(*sim.Node) {})
	name := func(i int) string { return "client " + strconv.Itoa(i) }
	w.Concurrently(name, 2, func(_ context.Context, i int) {
		insist(w, n, "deposit", func(context.Context) {
			if mended {
				_ = busy.Lock()
				defer busy.Unlock()
			}
			if i == 1 {
				work(n, "find the account")
			}
			read := balance
			if i == 0 {
				work(n, "ask the branch")
			}
			balance = read + 1
		})
	})
	w.StopFaults()
	w.Always("no deposit is lost", balance == 2)
}

// reverseOfFour: a merge that is wrong only when four parts arrive back to front.
func reverseOfFour(w *sim.World, mended bool) {
	n := w.Node("merger", func(*sim.Node) {})
	var arrived []int
	_ = n.Call(w.Context(), "merge", func(ctx context.Context) error {
		done := n.NewSignal()
		for i := range 4 {
			n.Offload("parts", strconv.Itoa(i), func(context.Context) {}, func() {
				if arrived = append(arrived, i); len(arrived) == 4 {
					done.Fire()
				}
			})
		}
		return done.Wait(ctx)
	})
	w.Always("the parts are merged", mended || !slices.Equal(arrived, []int{3, 2, 1, 0}))
}

// lateAnswer: a request that timed out is asked again, and the answer that comes last is believed.
func lateAnswer(w *sim.World, mended bool) {
	n := w.Node("asker", func(*sim.Node) {})
	answer, asked := 0, 0
	_ = n.Call(w.Context(), "ask", func(ctx context.Context) error {
		ask := func() interface{ Wait(context.Context) error } {
			asked++
			mine, heard := asked, n.NewSignal()
			n.Offload("price", "question "+strconv.Itoa(mine), func(context.Context) {}, func() {
				if !mended || mine > answer {
					answer = mine
				}
				heard.Fire()
			})
			return heard
		}
		first := ask()
		if limited, cancel := w.WithTimeout(ctx, 5*time.Second); first.Wait(limited) != nil {
			cancel()
			second := ask()
			_ = second.Wait(ctx)
			_ = first.Wait(ctx)
		} else {
			cancel()
		}
		w.Always("the newest answer counts", answer == asked)
		return nil
	})
}
