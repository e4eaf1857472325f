package durable

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The programs below are what the transcripts about concurrency run. Each tells in its result what its
// branches saw, in the order in which they saw it.

// trace is what a program saw.
type trace struct{ lines []string }

func (l *trace) add(format string, args ...any) {
	for i, a := range args {
		if a == nil {
			args[i] = "ok"
		}
	}
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *trace) result() (string, error) { return strings.Join(l.lines, "; "), nil }

type traced map[string]func(ctx Context, l *trace)

func init() {
	for _, some := range []traced{
		cancelling, combining, sharing,
		waitingFor(AllCompleted), waitingFor(FirstCompleted), waitingFor(FirstError),
	} {
		for name, fn := range some {
			name = strings.ReplaceAll(name, " ", "-")
			programs[name] = Define(name, func(ctx Context, _ string) (string, error) {
				l := &trace{}
				fn(ctx, l)
				return l.result()
			})
		}
	}
}

// worker is a branch that runs a step and says how that ended.
func worker(ctx Context, l *trace, name string) Future[string] {
	return Go(ctx, name, func(ctx Context) (string, error) {
		v, err := Step(ctx, "work", say, name)
		l.add("%s: %s %v", name, v, err)
		return v, err
	})
}

var cancelling = traced{
	"timeout": func(ctx Context, l *trace) {
		short, cancel := ctx.WithTimeout(time.Minute)
		v, err := Step(short, "slow", say, "")
		l.add("%s %v, timeout %t, cancelled %t", v, err, errors.Is(err, ErrTimeout), errors.Is(err, ErrCancelled))
		cancel()
		_, err = Step(short, "late", say, "")
		l.add("%v", err)
		v, err = Step(ctx, "next", say, "")
		l.add("%s %v", v, err)
	},
	"nested timeouts": func(ctx Context, l *trace) {
		outer, cancelOuter := ctx.WithTimeout(time.Minute)
		same, _ := outer.WithTimeout(time.Hour) // no timer: the outer one comes first
		inner, cancelInner := same.WithTimeout(time.Second)
		at, ok := inner.Deadline()
		l.add("%v %t", at.Sub(ctx.Now()), ok)
		l.add("%v", inner.Sleep(time.Hour))
		l.add("%v", same.Sleep(time.Hour))
		past, _ := ctx.WithDeadline(ctx.Now())
		l.add("%v", past.Err())
		cancelInner()
		cancelOuter()
	},
	"cleanup": func(ctx Context, l *trace) {
		f := Go(ctx, "branch", func(ctx Context) (string, error) {
			_, err := Step(ctx, "work", say, "")
			l.add("cut: %v", err)
			_, again := Step(ctx, "more work", say, "")
			l.add("refused: %v", again)
			undone, _ := Step(ctx.Detached(), "undo", say, "")
			l.add("undone: %s", undone)
			l.add("still: %v", ctx.Err())
			return undone, err
		})
		_ = ctx.Sleep(time.Second)
		l.add("cancel %t, again %t", f.Cancel(ctx, errors.New("no longer needed")), f.Cancel(ctx, nil))
		_, err := f.Await(ctx)
		l.add("branch: %v, cancelled %t", err, errors.Is(err, ErrCancelled))
		l.add("ended: cancel %t", f.Cancel(ctx, nil))
	},
	"refuses": func(ctx Context, l *trace) {
		f := Go(ctx, "branch", func(ctx Context) (string, error) {
			_, err := Step(ctx, "work", say, "")
			l.add("%v", err)
			return Step(ctx.Detached(), "all the same", say, "")
		})
		_ = ctx.Sleep(time.Second)
		f.Cancel(ctx, nil)
		v, err := f.Await(ctx)
		l.add("%s %v", v, err)
	},
	"before the start": func(ctx Context, l *trace) {
		f, g := worker(ctx, l, "never"), worker(ctx, l, "first")
		f.Cancel(ctx, nil)
		_, err := f.Await(ctx)
		l.add("%v", err)
		part, cancel := ctx.WithCancel()
		cancel(nil)
		_, err = worker(part, l, "never either").Await(ctx)
		l.add("%v", err)
		l.add("%v", func() error { _, err := g.Await(ctx); return err }())
	},
	"nested branches": func(ctx Context, l *trace) {
		outer := Go(ctx, "outer", func(ctx Context) (string, error) {
			inner := Go(ctx, "inner", func(ctx Context) (string, error) {
				_, err := Step(ctx, "work", say, "")
				l.add("inner %v", err)
				_, _ = Step(ctx.Detached(), "undo", say, "")
				l.add("inner has cleaned up")
				return "", err
			})
			_, err := inner.Await(ctx)
			l.add("outer %v", err)
			return "", err
		})
		_ = ctx.Sleep(time.Second)
		outer.Cancel(ctx, nil)
		_, err := outer.Await(ctx)
		l.add("done %v", err)
	},
	"cancel the tree": func(ctx Context, l *trace) {
		part, cancel := ctx.WithCancel()
		var all []Future[string]
		for _, name := range []string{"a", "b", "c"} {
			all = append(all, worker(part, l, name))
		}
		step, timer := Async(part, "step", say, ""), part.After(time.Hour)
		_ = ctx.Sleep(time.Second)
		cancel(nil)
		_, err := step.Await(ctx)
		l.add("step %v", err)
		_, err = timer.Await(ctx)
		l.add("timer %v", err)
		outcomes, err := Settle(ctx, all...)
		l.add("%d %v", len(outcomes), err)
	},
	"several wait": func(ctx Context, l *trace) {
		f := Async(ctx, "one", say, "")
		for _, name := range []string{"a", "b", "c"} {
			Go(ctx.Detached(), name, func(ctx Context) (int, error) {
				v, err := f.Await(ctx)
				l.add("%s: %s %v", name, v, err)
				return 0, nil
			})
		}
		_ = ctx.Sleep(time.Second)
		v, err := f.Await(ctx)
		l.add("main: %s %v", v, err)
	},
	"cancel meets completion": func(ctx Context, l *trace) {
		f := Async(ctx, "one", say, "")
		part, cancel := ctx.WithCancel()
		g := Go(part, "waits in a part", func(ctx Context) (string, error) {
			v, err := f.Await(ctx)
			l.add("branch: %s %v", v, err)
			return v, err
		})
		_, _ = Step(ctx, "signal", say, "")
		cancel(nil) // before the branch, if it is ready, has its turn
		_, _ = g.Await(ctx)
		v, err := f.Await(ctx)
		l.add("main: %s %v", v, err)
	},
}

var combining = traced{
	"race of futures": func(ctx Context, l *trace) {
		slow := Go(ctx, "slow", func(ctx Context) (string, error) {
			_, err := Step(ctx, "work", say, "")
			l.add("loser: %v", err)
			_, _ = Step(ctx.Detached(), "undo", say, "")
			return "", err
		})
		place, v, err := Race(ctx, Async(ctx, "a", say, ""), Async(ctx, "b", say, ""), slow)
		l.add("%d %s %v", place, v, err)
	},
	"race that is over": func(ctx Context, l *trace) {
		a, b := Async(ctx, "a", say, ""), Async(ctx, "b", say, "")
		_ = ctx.Sleep(time.Second)
		place, v, err := Race(ctx, a, b)
		l.add("%d %s %v", place, v, err)
		part, cancel := ctx.WithCancel()
		cancel(nil)
		c := Async(ctx, "c", say, "")
		place, v, err = Race(part, c)
		l.add("%d %s %v", place, v, err)
		_, err = c.Await(ctx)
		l.add("%v", err)
	},
	"race against time": func(ctx Context, l *trace) {
		work, timer := Async(ctx, "work", say, ""), ctx.After(time.Minute)
		done, pending, err := Wait[Awaitable](ctx, FirstCompleted, work, timer)
		l.add("%d done, %d pending, %v", len(done), len(pending), err)
		if !timer.Cancel(ctx, nil) {
			at, _ := timer.Await(ctx)
			l.add("timer at %s", at.Format(time.TimeOnly))
		}
		l.add("work: cancel %t", work.Cancel(ctx, nil))
	},
	"completed": func(ctx Context, l *trace) {
		var all []Future[string]
		for _, name := range []string{"a", "b", "c", "d"} {
			all = append(all, Async(ctx, name, say, ""))
		}
		_ = ctx.Sleep(time.Second)
		for i, o := range Completed(ctx, all...) {
			l.add("%d %s %v", i, o.Value, o.Err)
			if i == 1 {
				break
			}
			_ = ctx.Sleep(time.Second)
		}
		_, err := Step(ctx, "next", say, "")
		l.add("%v", err)
	},
	"completed until": func(ctx Context, l *trace) {
		a, b := Async(ctx, "a", say, ""), Async(ctx, "b", say, "")
		short, cancel := ctx.WithTimeout(time.Minute)
		defer cancel()
		for i, o := range Completed(short, a, b, a) {
			l.add("%d %s %v", i, o.Value, o.Err)
		}
	},
	"settle": func(ctx Context, l *trace) {
		outcomes, err := Settle(ctx, Async(ctx, "a", say, ""), Async(ctx, "b", say, ""))
		for _, o := range outcomes {
			l.add("%s %v", o.Value, o.Err)
		}
		l.add("%v", err)
		none, err := Settle[string](ctx)
		l.add("%d %v", len(none), err)
	},
	"shield": func(ctx Context, l *trace) {
		part, cancel := ctx.WithCancel()
		step, branch := Async(part, "step", say, ""), worker(part, l, "branch")
		safe, safeBranch := Shield(part, step), Shield(part, branch)
		_ = ctx.Sleep(time.Second)
		cancel(nil)
		_, err := safe.Await(part)
		l.add("%v", err)
		l.add("cancel %t", safe.Cancel(ctx, nil))
		place, _, _ := Race(ctx, safe, safeBranch)
		l.add("first %d", place)
		v, err := Gather(ctx, safe, safeBranch)
		l.add("%s %v", v, err)
	},
	"shielded branch": func(ctx Context, l *trace) {
		outer := Go(ctx, "outer", func(ctx Context) (int, error) {
			Shield(ctx, worker(ctx, l, "shielded"))
			worker(ctx, l, "not shielded")
			return 1, ctx.Sleep(time.Second)
		})
		v, err := outer.Await(ctx)
		l.add("%d %v", v, err)
	},
	"scope": func(ctx Context, l *trace) {
		err := Scope(ctx, func(ctx Context) error {
			for _, name := range []string{"a", "b", "c"} {
				worker(ctx, l, name)
			}
			Async(ctx, "unwanted", say, "")
			err := ctx.Sleep(time.Minute)
			l.add("fn: %v", err)
			return err
		})
		l.add("%v", err)
	},
	"scope of one": func(ctx Context, l *trace) {
		err := Scope(ctx, func(ctx Context) error {
			short, _ := ctx.WithTimeout(time.Minute)
			a, _ := worker(short, l, "a"), worker(ctx, l, "b")
			_ = ctx.Sleep(time.Second)
			a.Cancel(ctx, nil) // alone: no failure of the scope
			return nil
		})
		l.add("%v", err)
	},
	"scope in a branch": func(ctx Context, l *trace) {
		err := Scope(ctx, func(ctx Context) error {
			Go(ctx, "child", func(ctx Context) (int, error) {
				worker(ctx, l, "grandchild")
				return 0, ctx.Sleep(time.Second)
			})
			return nil
		})
		l.add("%v", err)
		err = Scope(ctx, func(ctx Context) error {
			Go(ctx, "child", func(ctx Context) (int, error) {
				f := worker(ctx, l, "grandchild fails") // no failure of the scope
				_, err := f.Await(ctx)
				l.add("%v", err)
				return 0, nil
			})
			return nil
		})
		l.add("%v", err)
	},
	"scope times out": func(ctx Context, l *trace) {
		short, cancel := ctx.WithTimeout(time.Minute)
		defer cancel()
		var inside Context
		err := Scope(short, func(ctx Context) error {
			inside = ctx
			worker(ctx, l, "a")
			return nil
		})
		l.add("%v", err)
		l.add("%v", inside.Sleep(0))
	},
}

func waitingFor(mode WaitMode) traced {
	name := []string{"wait for all", "wait for one", "wait for an error"}[mode]
	return traced{name: func(ctx Context, l *trace) {
		all := []Future[string]{Async(ctx, "a", say, ""), Async(ctx, "b", say, ""), Async(ctx, "c", say, "")}
		short, cancel := ctx.WithTimeout(time.Minute)
		done, pending, err := Wait(short, mode, all...)
		cancel()
		l.add("%d done, %d pending, %v", len(done), len(pending), err)
		for _, f := range done {
			v, err := f.Await(ctx)
			l.add("%s %v", v, err)
		}
	}}
}
