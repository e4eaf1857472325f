package program

import (
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/durable"
)

// verb is an operation: how it is drawn, what it does and how it is written.
type verb struct {
	name   string
	n      int // N is 0 to n-1
	weight int // how often it is drawn; 1 when it is 0
	block  bool
	run    func(r *run, s scene, op *Op) scene
	write  func(w *writer, s names, op *Op) names
}

// verbs has all of them, the dullest first.
var verbs []verb

var verbByName map[string]*verb

func init() {
	verbs = append(verbs, stepVerbs...)
	verbs = append(verbs, futureVerbs...)
	verbs = append(verbs, sharedVerbs...)
	verbs = append(verbs, blockVerbs...)
	verbByName = make(map[string]*verb, len(verbs))
	for i := range verbs {
		verbByName[verbs[i].name] = &verbs[i]
	}
}

func verbOf(op *Op) *verb {
	v := verbByName[op.Verb]
	if v == nil {
		panic(fmt.Sprintf("program: %q is no verb; Verbs lists them", op.Verb))
	}
	return v
}

// Verbs lists the verbs that an Op can have.
func Verbs() []string {
	names := make([]string, len(verbs))
	for i := range verbs {
		names[i] = verbs[i].name
	}
	return names
}

// statement is a verb that is one line of code and makes no future.
func statement(name string, n int, do func(r *run, ctx durable.Context, n int), format string) verb {
	return verb{
		name: name, n: n,
		run: func(r *run, s scene, op *Op) scene { do(r, s.ctx, op.N); return s },
		write: func(w *writer, s names, op *Op) names {
			if n > 1 {
				w.line(format, op.N)
			} else {
				w.line("%s", format)
			}
			return s
		},
	}
}

// stepLike is a statement whose %s is a step's argument.
func stepLike(name string, weight int, do func(r *run, ctx durable.Context, n int), format string) verb {
	return verb{
		name: name, n: arguments, weight: weight,
		run: func(r *run, s scene, op *Op) scene { do(r, s.ctx, r.argument(op.N)); return s },
		write: func(w *writer, s names, op *Op) names {
			w.line(format, argumentText(op.N))
			return s
		},
	}
}

// starts is a verb that makes a future.
func starts(
	name string, n, weight int, do func(r *run, ctx durable.Context, n int) durable.Future[string],
	format string,
) verb {
	return verb{
		name: name, n: n, weight: weight,
		run: func(r *run, s scene, op *Op) scene { return s.with(do(r, s.ctx, r.argument(op.N))) },
		write: func(w *writer, s names, op *Op) names {
			return w.future(s, format, argumentText(op.N))
		},
	}
}

var stepVerbs = []verb{
	stepLike("step", 3, func(r *run, ctx durable.Context, n int) {
		r.note(durable.Step(ctx, r.out.step("work"), r.out.work, n))
	}, `note(durable.Step(ctx, "work", work, %s))`),
	statement("sleep", seconds, func(r *run, ctx durable.Context, n int) {
		r.note(ctx.Sleep(time.Duration(n) * time.Second))
	}, `note(ctx.Sleep(%d * time.Second))`),
	starts("async", arguments, 3, func(r *run, ctx durable.Context, n int) durable.Future[string] {
		return durable.Async(ctx, r.out.step("work"), r.out.work, n)
	}, `durable.Async(ctx, "work", work, %s)`),
	starts("retry", seconds, 1, func(r *run, ctx durable.Context, n int) durable.Future[string] {
		return durable.AsyncWith(ctx, options, r.out.step("flaky"), r.out.flaky, n)
	}, `durable.AsyncWith(ctx, options, "flaky", flaky, %s)`),
	statement("limit", seconds, func(r *run, ctx durable.Context, n int) {
		r.note(durable.StepWith(ctx, durable.StepOptions{Timeout: time.Second}, "work", r.out.work, n))
	}, `note(durable.StepWith(ctx, durable.StepOptions{Timeout: time.Second}, "work", work, %d))`),
	statement("transact", seconds, func(r *run, ctx durable.Context, n int) {
		r.note(durable.Transact(ctx, "count", count, n))
	}, `note(durable.Transact(ctx, "count", count, %d))`),
	statement("letter", seconds, func(r *run, ctx durable.Context, n int) {
		r.note(durable.Step(ctx, "letter", r.out.letter, n))
	}, `note(durable.Step(ctx, "letter", letter, %d))`),
	starts("ask", seconds, 1, func(r *run, ctx durable.Context, n int) durable.Future[string] {
		return durable.AsyncWith(ctx, patience, "ask", r.out.ask, n)
	}, `durable.AsyncWith(ctx, patience, "ask", ask, %s)`),
	starts("quit", seconds, 1, func(r *run, ctx durable.Context, n int) durable.Future[string] {
		return durable.Async(ctx, "quit", r.out.quit, n)
	}, `durable.Async(ctx, "quit", quit, %s)`),
	statement("undo", seconds, func(r *run, ctx durable.Context, n int) {
		durable.OnFailure(ctx, "undo", r.out.work, n)
	}, `durable.OnFailure(ctx, "undo", work, %d)`),
	starts("beat", seconds, 1, func(r *run, ctx durable.Context, n int) durable.Future[string] {
		return durable.AsyncWith(ctx, beats, "beat", r.out.beat, n)
	}, `durable.AsyncWith(ctx, beats, "beat", beat, %s)`),
	statement("continue", 1, func(r *run, _ durable.Context, _ int) { r.again = true }, `again = true`),
	statement("fail", 1, func(r *run, _ durable.Context, _ int) { r.failed = ErrOdd }, `failed = errOdd`),
	statement("version", 3, func(r *run, ctx durable.Context, n int) {
		r.note(durable.Version(ctx, fmt.Sprint("change ", n), 0, n+1))
	}, `note(durable.Version(ctx, "change %[1]d", 0, %[1]d+1))`),
	statement("now", 1, func(r *run, ctx durable.Context, _ int) {
		r.note(ctx.Now().Format(time.TimeOnly))
	}, `note(ctx.Now().Format(time.TimeOnly))`),
	statement("random", 1, func(r *run, ctx durable.Context, _ int) {
		r.note(ctx.NewID(), ctx.Rand().IntN(10))
	}, `note(ctx.NewID(), ctx.Rand().IntN(10))`),
	statement("post", seconds, func(r *run, ctx durable.Context, n int) {
		r.note(mail.Send(ctx, ctx.RunID(), n))
	}, `note(mail.Send(ctx, ctx.RunID(), %d))`),
	statement("mail", 3, func(r *run, ctx durable.Context, n int) {
		r.note(mail.Send(ctx, fmt.Sprint("run-", n), n))
	}, `note(mail.Send(ctx, "run-%[1]d", %[1]d))`),
	statement("receive", seconds, func(r *run, ctx durable.Context, n int) {
		r.note(mail.ReceiveTimeout(ctx, time.Duration(n)*time.Second))
	}, `note(mail.ReceiveTimeout(ctx, %d*time.Second))`),
	statement("publish", seconds, func(r *run, ctx durable.Context, n int) {
		r.note(progress.Publish(ctx, n))
	}, `note(progress.Publish(ctx, %d))`),
}
