package program

import (
	"time"

	"github.com/reprise-dst/reprise/durable"
)

type futures = []durable.Future[string]

// joins is a verb that uses the futures from the nth on, and does nothing when there is none. Its %s are
// their names.
func joins(name string, do func(r *run, ctx durable.Context, fs futures), format string) verb {
	return verb{
		name: name, n: 3,
		run: func(r *run, s scene, op *Op) scene {
			if fs := s.from(op.N); len(fs) > 0 {
				do(r, s.ctx, fs)
			}
			return s
		},
		write: func(w *writer, s names, op *Op) names {
			if some := s.from(op.N); len(some) > 0 {
				w.line(format, some.use())
			}
			return s
		},
	}
}

// each is a verb that uses the futures from the nth on one by one.
func each(name string, do func(r *run, ctx durable.Context, f durable.Future[string]), format string) verb {
	return verb{
		name: name, n: 3,
		run: func(r *run, s scene, op *Op) scene {
			for _, f := range s.from(op.N) {
				do(r, s.ctx, f)
			}
			return s
		},
		write: func(w *writer, s names, op *Op) names {
			for _, f := range s.from(op.N) {
				w.line(format, f.use())
			}
			return s
		},
	}
}

var futureVerbs = []verb{
	each("await", func(r *run, ctx durable.Context, f durable.Future[string]) {
		r.note(f.Await(ctx))
	}, `note(%s.Await(ctx))`),
	each("cancel", func(r *run, ctx durable.Context, f durable.Future[string]) {
		r.note(f.Cancel(ctx, nil))
	}, `note(%s.Cancel(ctx, nil))`),
	each("done", func(r *run, _ durable.Context, f durable.Future[string]) {
		r.note(f.Done())
	}, `note(%s.Done())`),
	joins("gather", func(r *run, ctx durable.Context, fs futures) {
		r.note(durable.Gather(ctx, fs...))
	}, `note(durable.Gather(ctx, %s))`),
	joins("settle", func(r *run, ctx durable.Context, fs futures) {
		r.note(durable.Settle(ctx, fs...))
	}, `note(durable.Settle(ctx, %s))`),
	joins("race", func(r *run, ctx durable.Context, fs futures) {
		r.note(durable.Race(ctx, fs...))
	}, `note(durable.Race(ctx, %s))`),
	joins("completed", func(r *run, ctx durable.Context, fs futures) {
		for place, o := range durable.Completed(ctx, fs...) {
			r.note(place, o.Value, o.Err)
		}
	}, "for place, o := range durable.Completed(ctx, %s) {\n\tnote(place, o.Value, o.Err)\n}"),
	joins("first", func(r *run, ctx durable.Context, fs futures) {
		for place, o := range durable.Completed(ctx, fs...) {
			r.note(place, o.Value, o.Err)
			break
		}
	}, "for place, o := range durable.Completed(ctx, %s) {\n\tnote(place, o.Value, o.Err)\n\tbreak\n}"),
	waitVerb("all", durable.AllCompleted, "AllCompleted"),
	waitVerb("any", durable.FirstCompleted, "FirstCompleted"),
	waitVerb("error", durable.FirstError, "FirstError"),
	{name: "within", n: seconds, run: within, write: writeWithin},
	{name: "shield", n: 3, run: shield, write: writeShield},
}

// waitVerb waits in one mode.
func waitVerb(name string, mode durable.WaitMode, modeName string) verb {
	return joins(name, func(r *run, ctx durable.Context, fs futures) {
		done, pending, err := durable.Wait(ctx, mode, fs...)
		r.note(len(done), len(pending), err)
	}, "{\n\tdone, pending, err := durable.Wait(ctx, durable."+modeName+
		", %s)\n\tnote(len(done), len(pending), err)\n}")
}

// within waits for a timer or the first future.
func within(r *run, s scene, op *Op) scene {
	timer := s.ctx.After(time.Duration(op.N) * time.Second)
	all := []durable.Awaitable{timer}
	for _, f := range s.futures {
		all = append(all, f)
	}
	_, _, err := durable.Wait(s.ctx, durable.FirstCompleted, all...)
	r.note(timer.Done(), err)
	return s
}

func writeWithin(w *writer, s names, op *Op) names {
	w.line("{")
	w.line("\ttimer := ctx.After(%d * time.Second)", op.N)
	args := ""
	if len(s) > 0 {
		args = ", " + s.use()
	}
	w.line("\t_, _, err := durable.Wait[durable.Awaitable](ctx, durable.FirstCompleted, timer%s)", args)
	w.line("\tnote(timer.Done(), err)")
	w.line("}")
	return s
}

// shield puts a shield before each of the futures from the nth on.
func shield(_ *run, s scene, op *Op) scene {
	for _, f := range s.from(op.N) {
		s = s.with(durable.Shield(s.ctx, f))
	}
	return s
}

func writeShield(w *writer, s names, op *Op) names {
	for _, f := range s.from(op.N) {
		s = w.future(s, "durable.Shield(ctx, %s)", f.use())
	}
	return s
}
