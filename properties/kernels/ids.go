package kernels

import (
	"context"
	"strconv"

	"github.com/reprise-dst/reprise/sim"
)

// ids: what a process calls by a number must have the same number in its next life.
func ids() []Kernel {
	const family = "ids by completion order"
	return []Kernel{{
		Name: "ids taken after a wait", Family: family,
		About: "A small engine runs two branches of two steps each and keeps each result under the step's " +
			"number. The numbers come from one counter, when a step is asked for; so the second step of a " +
			"branch is numbered by which branch got there first. After a crash the branches get there in " +
			"another order, and each takes the result of the other. Replay that trusts a call counter has " +
			"this bug in every language whose concurrent calls are numbered as they come; the cure is ids by " +
			"place.",
		Needs: "one early completion, then a crash", Property: "a branch gets its own results",
		build: onNodes(idsAfterWait),
	}, {
		Name: "results in order of arrival", Family: family,
		About: "A fan-out writes down the results of its calls one after the other, as they arrive. A process " +
			"that recovers hands them out again in the order of the calls. Histories that record completions " +
			"without saying whose they are can be read back in one way only: wrongly.",
		Needs: "one early completion, then a crash", Property: "a call gets its own result",
		build: onNodes(resultsByArrival),
	}}
}

func idsAfterWait(w *sim.World, fixed bool) {
	s := serve(w, "engine", nil)
	s.insist("run", func(context.Context) {
		last := 0
		var results [2][2]int
		s.both(func(branch int) {
			for k := range 2 {
				last++
				id := "step " + strconv.Itoa(last)
				if fixed {
					id = "step " + strconv.Itoa(branch) + "." + strconv.Itoa(k)
				}
				if s.number(id) == 0 {
					s.work(id)
					s.put(id, 10*(branch+1)+k)
				} else {
					_ = w.Yield() // a result that is there is awaited as one that comes
				}
				results[branch][k] = s.number(id)
			}
		})
		w.Always("a branch gets its own results", results == [2][2]int{{10, 11}, {20, 21}})
	})
}

func resultsByArrival(w *sim.World, fixed bool) {
	s := serve(w, "engine", nil)
	s.insist("run", func(context.Context) {
		const calls = 3
		var results [calls]int
		arrived, all := 0, s.NewSignal()
		note := func(call, result int) {
			results[call] = result
			if arrived++; arrived == calls {
				all.Fire()
			}
		}
		for call := range calls {
			if result := s.number("result " + strconv.Itoa(call)); result != 0 {
				note(call, result)
				continue
			}
			s.ask("call "+strconv.Itoa(call), 0, func() {
				place := arrived
				if fixed {
					place = call
				}
				note(call, call+1)
				s.put("result "+strconv.Itoa(place), call+1)
			})
		}
		_ = all.Wait(w.Context())
		s.work("use them")
		w.Always("a call gets its own result", results == [calls]int{1, 2, 3})
	})
}
