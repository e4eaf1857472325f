package kernels

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/reprise-dst/reprise/sim"
)

// messages: what was accepted arrives.
func messages() []Kernel {
	const family = "lost messages"
	return []Kernel{{
		Name: "check, then register", Family: family,
		About: "A receiver looks into its mailbox, finds nothing, writes down that it waits, and only then " +
			"registers for a wake-up. A message that comes while it writes is saved and wakes nobody. Nearly " +
			"every durable engine has had this gap between the check and the registration once.",
		Needs: "one early completion", Property: noDeadlock,
		build: onNodes(checkThenRegister),
	}, {
		Name: "message at completion", Family: family,
		About: "A run handles its messages until there are none, writes its report, and ends. A message that is " +
			"accepted while it writes the report is never looked at. Runs that drain a queue before they " +
			"complete need the look and the end to be one step.",
		Needs: "one early completion", Property: "an accepted message is handled",
		build: onNodes(messageAtCompletion),
	}, {
		Name: "message at continue-as-new", Family: family,
		About: "A run that has become long starts anew with what it has gathered so far. Messages that come " +
			"while the new generation is being saved are added to the old one and are gone. Continuing as new " +
			"and receiving must agree on the moment at which the one run ends and the next begins.",
		Needs: "one early completion", Property: "an accepted message counts",
		build: onNodes(messageAtContinue),
	}, {
		Name: "waiter who has left", Family: family,
		About: "A queue hands a message to whoever waits longest. A receiver that gave up after its timeout is " +
			"still in the list: the message is handed to it, and nobody has it. Cancelled and timed-out " +
			"waiters that stay registered swallow signals and queue items.",
		Needs: "one slow message", Property: noDeadlock,
		build: onNodes(waiterWhoHasLeft),
	}, {
		Name: "stale timer", Family: family,
		About: "A run waits for one answer after the other, each at most five seconds. The timer of a wait that " +
			"ended well is not stopped; when it fires it wakes the run in a later wait, which takes it for " +
			"its own timeout and gives up on an answer that was on its way.",
		Needs: "one slow answer", Property: "a wait has all its time",
		build: onNodes(staleTimer),
	}, {
		Name: "one wake-up, several waiters", Family: family,
		About: "Two receivers of one mailbox wait for different things. A message wakes only the one that waits " +
			"longest; if it is not for that one, it goes back to sleep, and the other is never told. " +
			"Notifying one waiter is right only where any waiter will do.",
		Needs: "one early completion", Property: noDeadlock,
		build: onNodes(oneWakeUp),
	}, {
		Name: "buffer of early parts", Family: family,
		About: "A receiver puts numbered parts back into order and keeps those that come early in a buffer, " +
			"which has room for two. With three parts overtaken the last one is dropped, though the sender " +
			"was told that all went out. Bounds that hold for the orders one has seen fail for the ones that " +
			"are possible.",
		Needs: "three early completions", Property: "every part is put in its place",
		build: onNodes(bufferOfEarlyParts),
	}}
}

func checkThenRegister(w *sim.World, fixed bool) {
	var waiter signal // of the process; nil when nobody waits
	s := serve(w, "mailbox", func(*service) { waiter = nil })
	s.clients(func(ctx context.Context) {
		if fixed {
			waiter = s.NewSignal()
		}
		if s.number("mail") == 0 {
			s.put("status", "waits for mail")
			if !fixed {
				waiter = s.NewSignal()
			}
			_ = waiter.Wait(ctx)
		}
	}, func(context.Context) {
		s.work("write")
		s.put("mail", 1)
		if waiter != nil {
			waiter.Fire()
		}
	})
}

func messageAtCompletion(w *sim.World, fixed bool) {
	accepted, handled := false, false
	s := serve(w, "run", nil)
	s.clients(func(context.Context) {
		s.work("write")
		if s.number("ended") == 0 {
			s.put("mail", 1)
			accepted = true
		}
	}, func(context.Context) {
		s.work("begin")
		for s.number("ended") == 0 {
			if s.number("mail") != 0 {
				handled = true
				s.put("mail", 0)
			}
			s.work("write the report")
			if !fixed || s.number("mail") == 0 {
				s.put("ended", 1)
			}
		}
	})
	w.Always("an accepted message is handled", handled || !accepted)
}

func messageAtContinue(w *sim.World, fixed bool) {
	var generation, items int // of the process
	count := func() string { return "items of generation " + strconv.Itoa(generation) }
	s := serve(w, "run", func(s *service) {
		generation = s.number("generation")
		items = s.number(count())
	})
	accepted := 0
	s.clients(func(context.Context) {
		s.work("send")
		items++
		s.put(count(), items)
		accepted++
	}, func(context.Context) {
		s.work("grow long")
		carried := items
		if fixed {
			generation++
			s.put("generation", generation, count(), carried)
			return
		}
		s.put("generation", generation+1, "items of generation "+strconv.Itoa(generation+1), carried)
		generation++
		items = carried
	})
	s.insist("read", func(context.Context) {
		w.Always("an accepted message counts", s.number(count()) >= accepted)
	})
}

func waiterWhoHasLeft(w *sim.World, fixed bool) {
	s := serve(w, "queue", nil)
	s.call("receive", func(ctx context.Context) {
		var waiters []signal
		receive := func(ctx context.Context) error {
			me := s.NewSignal()
			waiters = append(waiters, me)
			err := me.Wait(ctx)
			if err != nil && fixed {
				waiters = slices.DeleteFunc(waiters, func(other signal) bool { return other == me })
			}
			return err
		}
		s.ask("message", 0, func() {
			waiters[0].Fire()
			waiters = waiters[1:]
		})
		limited, cancel := w.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if receive(limited) != nil {
			_ = receive(ctx) // there is no hurry now
		}
	})
}

func staleTimer(w *sim.World, fixed bool) {
	const limit = 5 * time.Second
	s := serve(w, "run", nil)
	s.call("ask three times", func(ctx context.Context) {
		var wake signal // of the wait that is under way
		for range 3 {
			began, answered := w.Now(), false
			mine := s.NewSignal()
			wake = mine
			s.ask("question", 1500*time.Millisecond, func() {
				answered = true
				mine.Fire()
			})
			stop := s.AfterFunc(limit, func() { wake.Fire() })
			_ = mine.Wait(ctx)
			w.Always("a wait has all its time", answered || w.Now().Sub(began) >= limit)
			if !answered {
				return
			}
			if fixed {
				stop()
			}
		}
	})
}

func oneWakeUp(w *sim.World, fixed bool) {
	s := serve(w, "mailbox", nil)
	s.call("receive", func(context.Context) {
		var box []string
		var waiters []signal
		for _, topic := range []string{"price", "stock"} {
			s.ask(topic, 0, func() {
				box = append(box, topic)
				for len(waiters) > 0 {
					waiters[0].Fire()
					waiters = waiters[1:]
					if !fixed {
						break
					}
				}
			})
		}
		s.both(func(i int) {
			for topic := []string{"price", "stock"}[i]; !slices.Contains(box, topic); {
				me := s.NewSignal()
				waiters = append(waiters, me)
				_ = me.Wait(w.Context())
			}
		})
	})
}

func bufferOfEarlyParts(w *sim.World, fixed bool) {
	const parts = 4
	room := 2
	if fixed {
		room = parts - 1
	}
	s := serve(w, "receiver", nil)
	s.call("receive", func(ctx context.Context) {
		next, arrived, all := 0, 0, s.NewSignal()
		var early []int
		for part := range parts {
			s.ask("part "+strconv.Itoa(part), 0, func() {
				if part == next || len(early) < room {
					early = append(early, part)
				}
				for slices.Contains(early, next) {
					early = slices.DeleteFunc(early, func(part int) bool { return part == next })
					next++
				}
				if arrived++; arrived == parts {
					all.Fire()
				}
			})
		}
		_ = all.Wait(ctx)
		w.Always("every part is put in its place", next == parts)
	})
}
