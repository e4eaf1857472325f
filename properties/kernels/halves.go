package kernels

import (
	"context"

	"github.com/reprise-dst/reprise/sim"
)

// halves: an event and what follows from it are kept together or not at all.
func halves() []Kernel {
	const family = "half of it committed"
	return []Kernel{{
		Name: "answer before commit", Family: family,
		About: "A counter tells its client the new count, and then saves it. A crash in between takes back what " +
			"was said. Write-behind caches and replies that are sent while the sync is under way do this.",
		Needs: "one crash", Property: "no answered count is lost",
		build: onNodes(answerBeforeCommit),
	}, {
		Name: "two commits", Family: family,
		About: "A transfer takes the money in one commit and gives it in another. A crash between the two loses " +
			"it. Wherever a state and the message about it are written to two places, this is what a crash " +
			"makes of it; an outbox or one transaction is the cure.",
		Needs: "one crash, between them", Property: "money is neither made nor lost",
		build: onNodes(twoCommits),
	}, {
		Name: "log dropped before it is applied", Family: family,
		About: "Recovery reads the log of what was under way, deletes it, and applies what it has read. A second " +
			"crash, during that recovery, finds neither. Recovery is the code that runs least and is crashed " +
			"into most, since what brings a process down once tends to bring it down again.",
		Needs: "two crashes, the second in recovery", Property: "what was logged counts",
		build: onNodes(logDropped),
	}}
}

func answerBeforeCommit(w *sim.World, fixed bool) {
	s := serve(w, "counter", nil)
	answered := 0
	for range 3 {
		s.call("count", func(context.Context) {
			next := s.number("count") + 1
			if fixed {
				s.put("count", next)
				answered = next
				return
			}
			answered = next
			s.put("count", next)
		})
	}
	s.insist("read", func(context.Context) {
		w.Always("no answered count is lost", s.number("count") >= answered)
	})
}

func twoCommits(w *sim.World, fixed bool) {
	s := serve(w, "bank", func(s *service) {
		if s.number("open") == 0 {
			s.put("open", 1, "a", 100, "b", 0)
		}
	})
	for range 3 {
		s.call("transfer", func(context.Context) {
			a, b := s.number("a"), s.number("b")
			if fixed {
				s.put("a", a-10, "b", b+10)
				return
			}
			s.put("a", a-10)
			s.put("b", b+10)
		})
	}
	s.insist("audit", func(context.Context) {
		w.Always("money is neither made nor lost", s.number("a")+s.number("b") == 100)
	})
}

func logDropped(w *sim.World, fixed bool) {
	s := serve(w, "ledger", func(s *service) {
		amount, total := s.number("log"), s.number("total")
		switch {
		case amount == 0:
		case fixed:
			s.put("log", 0, "total", total+amount)
		default:
			s.put("log", 0)
			s.put("total", total+amount)
		}
	})
	logged := false
	s.insist("log", func(context.Context) {
		if !logged && s.number("log")+s.number("total") == 0 {
			s.put("log", 7)
		}
		logged = true
		s.put("total", s.number("total")+s.number("log"), "log", 0)
	})
	s.insist("read", func(context.Context) {
		w.Always("what was logged counts", s.number("total") == 7)
	})
}
