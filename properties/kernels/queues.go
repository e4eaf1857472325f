package kernels

import (
	"context"
	"slices"
	"time"

	"github.com/reprise-dst/reprise/sim"
)

// queues: everybody has a turn, and nobody more than his share.
func queues() []Kernel {
	const family = "queues"
	return []Kernel{{
		Name: "leaked slot", Family: family,
		About: "A queue runs one job at a time; that its slot is taken is in the store. A crash during a job " +
			"leaves it taken, by a process that is no more, and the queue stands still. Slots, like locks, " +
			"belong to someone who can die.",
		Needs: "one crash during a job", Property: noDeadlock,
		build: onNodes(leakedSlot),
	}, {
		Name: "limit that counts the finished", Family: family,
		About: "At most two calls a minute may be made. A call is counted when it has ended; those under way " +
			"count for nothing, and slow ones let any number through, just when the other side is struggling.",
		Needs: "one slow answer", Property: "two calls a minute are made at most",
		build: onNodes(limitOfFinished),
	}, {
		Name: "youngest first", Family: family,
		About: "A worker takes the youngest job. As long as it keeps up, nobody can tell. After one slow job " +
			"there is a backlog, and those who have waited longest are overtaken by everyone who comes. " +
			"Stacks used as queues and retries that go to the front starve the same ones again and again.",
		Needs: "one slow answer", Property: "few overtake a job",
		build: onNodes(youngestFirst),
	}, {
		Name: "poisoned item", Family: family,
		About: "A worker goes through its queue until a job fails; the error ends the loop, and whatever stood " +
			"behind the job that failed is never tried. An error of one item must not be an error of the " +
			"loop.",
		Needs: "one slow answer", Property: "every job is tried",
		build: onNodes(poisonedItem),
	}}
}

func leakedSlot(w *sim.World, fixed bool) {
	var freed signal
	s := serve(w, "queue", func(s *service) {
		freed = s.NewSignal()
		if fixed && s.number("taken") != 0 {
			s.put("taken", 0)
		}
	})
	job := func(ctx context.Context) {
		for s.number("taken") != 0 {
			_ = freed.Wait(ctx)
		}
		s.put("taken", 1)
		s.work("job")
		s.put("taken", 0)
		freed.Fire()
		freed = s.NewSignal()
	}
	s.clients(job, job)
}

func limitOfFinished(w *sim.World, fixed bool) {
	s := serve(w, "caller", nil)
	s.call("make calls", func(ctx context.Context) {
		var made, counted []time.Time
		lately := func(all []time.Time) int {
			return len(slices.DeleteFunc(slices.Clone(all), func(at time.Time) bool {
				return w.Now().Sub(at) >= time.Minute
			}))
		}
		for range 4 {
			for lately(counted) >= 2 {
				_ = w.Sleep(ctx, 10*time.Second)
			}
			made = append(made, w.Now())
			if fixed {
				counted = made
			}
			w.Always("two calls a minute are made at most", lately(made) <= 2)
			s.ask("call", 0, func() {
				if !fixed {
					counted = append(counted, w.Now())
				}
			})
			_ = w.Sleep(ctx, time.Second)
		}
	})
}

func youngestFirst(w *sim.World, fixed bool) {
	const jobs = 12
	s := serve(w, "worker", nil)
	s.call("work", func(ctx context.Context) {
		var queue []int // the oldest first
		var overtaken [jobs]int
		added := s.NewSignal()
		s.both(func(i int) {
			if i == 0 {
				for job := range jobs {
					queue = append(queue, job)
					added.Fire()
					_ = w.Sleep(ctx, time.Second)
				}
				return
			}
			for range jobs {
				for len(queue) == 0 {
					added = s.NewSignal()
					_ = added.Wait(ctx)
				}
				next := len(queue) - 1
				if fixed {
					next = 0
				}
				for _, older := range queue[:next] {
					overtaken[older]++
					w.Always("few overtake a job", overtaken[older] <= 3)
				}
				queue = slices.Delete(queue, next, next+1)
				s.work("job")
			}
		})
	})
}

func poisonedItem(w *sim.World, fixed bool) {
	server := w.Dependency("mail-server")
	s := serve(w, "worker", nil)
	s.call("send all", func(ctx context.Context) {
		tried := 0
		for range 3 {
			limited, cancel := w.WithTimeout(ctx, 5*time.Second)
			tried++
			err := server.Do(limited, "send", func() error { return nil })
			cancel()
			if err != nil && !fixed {
				break
			}
		}
		w.Always("every job is tried", tried == 3)
	})
}
