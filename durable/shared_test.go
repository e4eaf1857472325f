package durable

import (
	"time"
)

// The programs below are what the transcripts about channels, locks and their like run.
var sharing = traced{
	"pipeline": func(ctx Context, l *trace) {
		jobs, results := NewChan[string](ctx, "jobs", 0), NewChan[string](ctx, "results", 1)
		for _, name := range []string{"left", "right"} {
			Go(ctx, name, func(ctx Context) (int, error) {
				for job, err := range jobs.All(ctx) {
					if err != nil {
						return 0, err
					}
					v, _ := Step(ctx, job, say, job)
					_ = results.Send(ctx, name+" "+v)
				}
				return 0, nil
			})
		}
		Go(ctx, "feeder", func(ctx Context) (int, error) {
			for _, job := range []string{"a", "b", "c"} {
				if err := jobs.Send(ctx, job); err != nil {
					return 0, err
				}
			}
			jobs.Close(ctx)
			return 0, jobs.Send(ctx, "d")
		})
		for range 3 {
			v, err := results.Recv(ctx)
			l.add("%s %v", v, err)
		}
		results.Close(ctx)
		_, err := results.Recv(ctx)
		l.add("%v, try %t, %d of %d", err, results.TrySend(ctx, ""), results.Len(), results.Cap())
	},
	"waits under a deadline": func(ctx Context, l *trace) {
		c := NewChan[string](ctx, "c", 0)
		mu, full := NewMutex(ctx, "mu"), NewSemaphore(ctx, "full", 1)
		group, cond := NewWaitGroup(ctx, "group"), NewCond(ctx, mu, "cond")
		group.Add(ctx, 1)
		_ = full.Acquire(ctx)
		waits := map[string]func(Context) error{
			"recv":    func(ctx Context) error { _, err := c.Recv(ctx); return err },
			"send":    func(ctx Context) error { return c.Send(ctx, "lost") },
			"acquire": full.Acquire,
			"group":   group.Wait,
			"cond":    cond.Wait,
			"select": func(ctx Context) error {
				place, err := Select(ctx, c.Receiving(func(string, error) { l.add("received") }))
				l.add("%d", place)
				return err
			},
		}
		for _, name := range []string{"recv", "send", "acquire", "group", "select", "cond"} {
			short, cancel := ctx.WithTimeout(time.Second)
			_ = mu.Lock(ctx)
			l.add("%v", waits[name](short))
			l.add("%v", waits[name](short)) // at once
			mu.Unlock(ctx)
			cancel()
		}
		cut, cancel := ctx.WithCancel()
		cancel(nil)
		l.add("free %v, taken %v", mu.Lock(cut), mu.Lock(cut))
	},
	"fair": func(ctx Context, l *trace) {
		mu, slots := NewMutex(ctx, "mu"), NewSemaphore(ctx, "slots", 2)
		var all []Future[int]
		for _, name := range []string{"a", "b", "c"} {
			all = append(all, Go(ctx, name, func(ctx Context) (int, error) {
				_ = slots.Acquire(ctx)
				l.add("%s has a slot", name)
				_ = mu.Lock(ctx)
				_, _ = Step(ctx, name, say, "")
				l.add("%s done, another %t", name, mu.TryLock(ctx))
				mu.Unlock(ctx)
				slots.Release(ctx)
				return 0, nil
			}))
		}
		_, _ = Gather(ctx, all...)
	},
	"handed over and cancelled": func(ctx Context, l *trace) {
		mu := NewMutex(ctx, "mu")
		_ = mu.Lock(ctx)
		part, cancel := ctx.WithCancel()
		b := Go(part, "b", func(ctx Context) (int, error) {
			l.add("b %v", mu.Lock(ctx))
			l.add("b %v", ctx.Sleep(time.Second))
			mu.Unlock(ctx)
			return 0, nil
		})
		c := Go(part, "c", func(ctx Context) (int, error) {
			l.add("c %v", mu.Lock(ctx))
			return 0, nil
		})
		_ = ctx.Sleep(time.Second)
		mu.Unlock(ctx) // b has it now, and the cancellation comes too late for that
		cancel(nil)
		_, err := Settle(ctx, b, c)
		l.add("%v %t", err, mu.TryLock(ctx))
	},
	"condition": func(ctx Context, l *trace) {
		mu := NewMutex(ctx, "mu")
		cond, group := NewCond(ctx, mu, "ready"), NewWaitGroup(ctx, "all")
		ready := 0
		for _, name := range []string{"a", "b", "c"} {
			group.Add(ctx, 1)
			Go(ctx, name, func(ctx Context) (int, error) {
				defer group.Done(ctx)
				_ = mu.Lock(ctx)
				for ready == 0 {
					_ = cond.Wait(ctx)
				}
				ready--
				l.add("%s", name)
				mu.Unlock(ctx)
				return 0, nil
			})
		}
		_, _ = Step(ctx, "one", say, "")
		ready = 1
		cond.Signal(ctx)
		_, _ = Step(ctx, "two", say, "")
		ready = 2
		cond.Broadcast(ctx)
		l.add("%v", group.Wait(ctx))
	},
	"selects": func(ctx Context, l *trace) {
		a, b := NewChan[string](ctx, "a", 1), NewChan[int](ctx, "b", 1)
		Go(ctx, "sender", func(ctx Context) (int, error) {
			_, _ = Step(ctx, "first", say, "")
			_ = b.Send(ctx, 1)
			_ = a.Send(ctx, "one")
			b.Close(ctx)
			return 0, nil
		})
		for range 4 {
			place, err := Select(ctx,
				a.Receiving(func(v string, err error) { l.add("a %s %v", v, err) }),
				b.Receiving(func(v int, err error) { l.add("b %d %v", v, err) }))
			l.add("%d %v", place, err)
		}
		place, err := Select(ctx, a.Sending("x", nil))
		l.add("%d %v", place, err)
	},
	"ids": func(ctx Context, l *trace) {
		f := Go(ctx, "branch", func(ctx Context) (string, error) { return ctx.NewID(), nil })
		first, again := ctx.NewID(), ctx.NewID()
		other, _ := f.Await(ctx)
		l.add("%s, different %t", first, first != again && first != other && again != other)
		_, err := Step(ctx, first, say, "")
		l.add("%v", err)
	},
	"sleep until": func(ctx Context, l *trace) {
		began := ctx.Now()
		l.add("%v", ctx.SleepUntil(began.Add(time.Hour)))
		l.add("%v %v", ctx.SleepUntil(began), ctx.Now().Sub(began))
	},
	"deadlock": func(ctx Context, l *trace) {
		mu, c := NewMutex(ctx, "mu"), NewChan[int](ctx, "c", 0)
		var b Future[int]
		a := Go(ctx, "a", func(ctx Context) (int, error) {
			_ = mu.Lock(ctx)
			return b.Await(ctx)
		})
		b = Go(ctx, "b", func(ctx Context) (int, error) { return 0, mu.Lock(ctx) })
		Go(ctx, "c", func(ctx Context) (int, error) { return c.Recv(ctx) })
		Go(ctx, "d", func(ctx Context) (int, error) {
			for range Completed(ctx, a, b) {
			}
			return 0, nil
		})
		_, _ = Gather(ctx, a, b)
	},
	"no way out": func(ctx Context, l *trace) {
		Go(ctx.Detached(), "endless", func(ctx Context) (int, error) {
			return NewChan[int](ctx, "c", 0).Recv(ctx)
		})
	},
	"deaf": func(ctx Context, l *trace) {
		f := Go(ctx, "loops", func(ctx Context) (int, error) {
			for {
				_ = ctx.Sleep(time.Hour)
			}
		})
		_ = ctx.Sleep(time.Second)
		f.Cancel(ctx, nil)
		_, _ = f.Await(ctx)
	},
	"ping pong": func(ctx Context, l *trace) {
		c := NewChan[int](ctx, "c", 0)
		Go(ctx, "ping", func(ctx Context) (int, error) {
			for {
				_ = c.Send(ctx, 1)
			}
		})
		for {
			_, _ = c.Recv(ctx)
		}
	},
}
