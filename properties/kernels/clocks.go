package kernels

import (
	"context"
	"slices"
	"time"

	"github.com/reprise-dst/reprise/sim"
)

// clocks: time on a machine steps, repeats itself, and is not that of other machines.
func clocks() []Kernel {
	const family = "clocks"
	return []Kernel{{
		Name: "clock set back", Family: family,
		About: "A scheduler looks for timers that have become due since it last looked. When the clock of its " +
			"machine is set back, timers that are set from then on lie before that moment, and it never comes " +
			"to them. Ranges from the last time to now rely on a clock that only goes forward.",
		Needs: "the clock is set back", Property: "every timer fires",
		build: onNodes(clockSetBack),
	}, {
		Name: "deadline starts again", Family: family,
		About: "A reminder is stored as how long to wait. A process that recovers waits all of it again, and a " +
			"service that is deployed every day never reminds anyone of anything that is a week off. What is " +
			"stored must be the moment, not the duration.",
		Needs: "one crash before the timer fires", Property: "a reminder comes on time",
		build: onNodes(deadlineStartsAgain),
	}, {
		Name: "timers of one instant", Family: family,
		About: "A table of timers has the moment at which they are due as its key. Two that are due at the same " +
			"instant are one row: the second overwrites the first, whose owner waits for ever. Coarse clocks " +
			"and round numbers make the coincidence common.",
		Needs: "one answer that is late by a certain time", Property: noDeadlock,
		build: onNodes(timersOfOneInstant),
	}, {
		Name: "the hour that comes twice", Family: family,
		About: "A job runs every day at half past one, local time. In the night in which clocks go back that " +
			"time comes twice. The process that lives through it knows that today's job is done; one that has " +
			"just started looks for the next half past one and runs it again. Cron in local time has doubled " +
			"and skipped jobs in every system that offers it.",
		Needs: "one crash in the right night", Property: "the job runs once a day",
		build: onNodes(hourThatComesTwice),
	}, {
		Name: "lease by local clock", Family: family,
		About: "One machine takes a lease and writes down until when, by its own clock; another asks its own " +
			"clock whether it has run out. When that one is fast there are two holders. Times of two machines " +
			"can't be compared; the one who granted the lease has to be asked.",
		Needs: "a clock is set forwards", Property: "one holder at a time",
		build: onNodes(leaseByLocalClock),
	}}
}

func clockSetBack(w *sim.World, fixed bool) {
	s := serve(w, "scheduler", nil)
	s.call("keep time", func(ctx context.Context) {
		var due []time.Time
		var looked time.Time
		look := func() {
			now, from := s.Now(), looked
			if fixed {
				from = time.Time{}
			}
			if !now.Before(from) {
				due = slices.DeleteFunc(due, func(at time.Time) bool { return !at.Before(from) && !at.After(now) })
				looked = now
			}
		}
		for range 3 {
			if w.Chance("the clock is set back by an hour", 0.05) {
				s.SkewClock(-time.Hour)
			}
			due = append(due, s.Now().Add(time.Minute))
			_ = w.Sleep(ctx, 30*time.Second)
			look()
		}
		for range 20 { // four hours
			_ = w.Sleep(ctx, 12*time.Minute)
			look()
		}
		w.Always("every timer fires", len(due) == 0)
	})
}

func deadlineStartsAgain(w *sim.World, fixed bool) {
	const delay = time.Hour
	var up time.Time // since when the process runs
	var rung signal
	due := func(s *service) time.Time { return sim.Epoch.Add(time.Duration(s.number("due")) * time.Second) }
	arm := func(s *service, left time.Duration) {
		s.AfterFunc(left, func() {
			w.Always("a reminder comes on time", !w.Now().After(due(s)) || w.Now().Equal(up))
			s.put("rung", 1)
			rung.Fire()
		})
	}
	s := serve(w, "reminders", func(s *service) {
		up, rung = w.Now(), s.NewSignal()
		switch {
		case s.number("due") == 0 || s.number("rung") != 0:
		case fixed:
			arm(s, due(s).Sub(up))
		default:
			arm(s, delay)
		}
	})
	s.insist("remind me", func(context.Context) {
		if s.number("due") == 0 {
			s.put("due", seconds(w.Now().Add(delay)))
			arm(s, due(s).Sub(w.Now()))
		}
	})
	s.insist("wait for it", func(ctx context.Context) {
		if s.number("rung") == 0 {
			_ = rung.Wait(ctx)
		}
	})
}

func timersOfOneInstant(w *sim.World, fixed bool) {
	s := serve(w, "timers", nil)
	s.call("sleep", func(context.Context) {
		table := map[string]signal{}
		sleep := func(who string, d time.Duration) {
			key := w.Now().Add(d).String()
			if fixed {
				key += " " + who
			}
			table[key] = s.NewSignal()
			s.AfterFunc(d, func() {
				if owner := table[key]; owner != nil {
					owner.Fire()
					delete(table, key)
				}
			})
			_ = table[key].Wait(w.Context())
		}
		s.both(func(i int) {
			if i == 0 {
				sleep("first", 10*time.Second)
				return
			}
			s.work("look up how long")
			sleep("second", 9*time.Second)
		})
	})
}

func hourThatComesTwice(w *sim.World, fixed bool) {
	back := sim.Epoch.Add(25 * time.Hour) // clocks show 02:00, and are set to 01:00
	local := func(at time.Time) time.Time {
		if at.Before(back) {
			return at.Add(time.Hour)
		}
		return at
	}
	const days = 3
	var over signal
	var arm func(s *service, last int)
	arm = func(s *service, last int) {
		next := w.Now().Truncate(30 * time.Minute).Add(30 * time.Minute)
		for local(next).Format("15:04") != "01:30" || local(next).YearDay() <= last {
			next = next.Add(30 * time.Minute)
		}
		s.AfterFunc(next.Sub(w.Now()), func() {
			today := local(w.Now()).YearDay()
			w.Always("the job runs once a day", s.number("last") < today)
			s.put("last", today)
			s.work("write the daily report")
			if today >= days {
				over.Fire()
				return
			}
			arm(s, today)
		})
	}
	s := serve(w, "cron", func(s *service) {
		over = s.NewSignal()
		last := s.number("last")
		if last >= days {
			over.Fire()
			return
		}
		if !fixed {
			last = 0
		}
		arm(s, last)
	})
	s.insist("wait for the last day", func(ctx context.Context) { _ = over.Wait(ctx) })
}

func leaseByLocalClock(w *sim.World, fixed bool) {
	const term = 10 * time.Second
	a, b := serve(w, "a", nil), serve(w, "b", nil)
	var granted, until time.Time // until is by the clock of a
	if !a.call("take the lease", func(context.Context) { granted, until = w.Now(), a.Now().Add(term) }) {
		return
	}
	_ = w.Sleep(w.Context(), term/2)
	if w.Chance("the clock of b is set forwards by a minute", 0.05) {
		b.SkewClock(time.Minute)
	}
	b.call("take it over", func(context.Context) {
		free := b.Now().After(until)
		if fixed {
			free = w.Now().Sub(granted) > term
		}
		w.Always("one holder at a time", !free || w.Now().Sub(granted) > term)
	})
}

// seconds is a time as a number.
func seconds(at time.Time) int { return int(at.Sub(sim.Epoch) / time.Second) }
