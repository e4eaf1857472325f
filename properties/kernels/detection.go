package kernels

import (
	"context"
	"slices"
	"time"

	"github.com/reprise-dst/reprise/sim"
)

// detection: code that has parted from its journal is noticed, and does no harm.
func detection() []Kernel {
	const family = "detection gaps"
	return []Kernel{{
		Name: "only names compared", Family: family,
		About: "An engine replays a step when its name is the recorded one. The program that recovers has a new " +
			"price list: it is told that the charge is done, which was made at the old price, and writes an " +
			"invoice at the new one. Without a fingerprint of the arguments a replay that parts from its " +
			"journal goes unnoticed until somebody adds up.",
		Needs: "one crash between two steps", Property: "what is charged is what is invoiced",
		build: onNodes(onlyNames),
	}, {
		Name: "leftovers unnoticed", Family: family,
		About: "An engine looks up the results of the steps that the code asks for. The new version of a program " +
			"neither reserves nor frees the goods any more; a run that had reserved them goes on with it, " +
			"asks for less than its journal has, and ends well, with the goods reserved for ever. That " +
			"nothing is left in the journal belongs to a replay as much as that all is found there.",
		Needs: "one crash after a checkpoint", Property: "what was reserved is freed",
		build: onNodes(leftovers),
	}, {
		Name: "mismatch tried for ever", Family: family,
		About: "Recovery goes through the open runs. One that does not fit the new code fails to replay and is " +
			"tried again, a minute later, and again; nobody is told, and those behind it never run. A run " +
			"that can't go on must be set aside, and said to be.",
		Needs: "one crash", Property: "a run that can't go on harms no other",
		build: onNodes(triedForEver),
	}}
}

func onlyNames(w *sim.World, fixed bool) {
	price := 99 // of the program: each deployment has a new one
	s := serve(w, "engine", func(*service) { price++ })
	s.insist("run", func(context.Context) {
		for _, step := range []string{"charge", "invoice"} {
			switch amount := s.number(step); {
			case amount == 0:
				s.work(step)
				s.put(step, price)
			case fixed && amount != price:
				return // parked: the arguments are not those of the journal
			}
		}
		s.work("close the books")
		w.Always("what is charged is what is invoiced", s.number("charge") == s.number("invoice"))
	})
}

func leftovers(w *sim.World, fixed bool) {
	version := 0
	s := serve(w, "engine", func(*service) { version++ }) // it is deployed anew each time
	s.insist("run", func(context.Context) {
		steps := []string{"reserve", "ship", "free"}
		if version > 1 {
			steps = []string{"ship"}
		}
		for _, step := range steps {
			if s.number(step) == 0 {
				s.work(step)
				s.put(step, 1)
			}
		}
		for _, recorded := range []string{"reserve", "ship", "free"} {
			if fixed && s.number(recorded) != 0 && !slices.Contains(steps, recorded) {
				return // parked: the code asks for less than the journal has
			}
		}
		w.Always("what was reserved is freed", s.number("reserve") == s.number("free"))
	})
}

func triedForEver(w *sim.World, fixed bool) {
	version, ended := 0, false
	goOn := func(s *service) {
		for _, run := range []string{"old", "any"} {
			for s.number(run) != 0 && s.number(run+" ended") == 0 {
				if run == "old" && s.number(run) != version {
					if fixed {
						break // parked
					}
					_ = w.Sleep(w.Context(), time.Minute)
					continue
				}
				s.work(run)
				s.put(run+" ended", 1)
			}
		}
		ended = s.number("any ended") != 0
	}
	s := serve(w, "engine", func(s *service) {
		version++ // it is deployed anew each time
		s.Go("recovery", func(context.Context) { goOn(s) })
	})
	s.insist("start", func(context.Context) {
		if s.number("old") == 0 {
			s.put("old", version, "any", version)
			goOn(s)
		}
	})
	w.StopFaults()
	w.Eventually("a run that can't go on harms no other", 24*time.Hour, func() bool { return ended })
}
