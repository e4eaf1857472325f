package program

import (
	"time"

	"github.com/reprise-dst/reprise/durable"
)

// waits is a verb that may wait for something that never comes, so it waits for n seconds at most. In its
// code, $n is n.
func waits(name string, do func(r *run, ctx durable.Context, n int), code string) verb {
	return verb{
		name: name, n: seconds,
		run: func(r *run, s scene, op *Op) scene {
			ctx, cancel := s.ctx.WithTimeout(time.Duration(op.N) * time.Second)
			do(r, ctx, op.N)
			cancel()
			return s
		},
		write: func(w *writer, s names, op *Op) names {
			w.line("{")
			w.indented(func() {
				w.line("ctx, cancel := ctx.WithTimeout(%d * time.Second)", op.N)
				w.line("%s", expand(code, op.N))
				w.line("cancel()")
			})
			w.line("}")
			return s
		},
	}
}

var sharedVerbs = []verb{
	waits("send", func(r *run, ctx durable.Context, n int) {
		r.note(r.ch.Send(ctx, n))
	}, `note(ch.Send(ctx, $n))`),
	waits("recv", func(r *run, ctx durable.Context, _ int) {
		r.note(r.ch.Recv(ctx))
	}, `note(ch.Recv(ctx))`),
	waits("select", func(r *run, ctx durable.Context, n int) {
		r.note(durable.Select(ctx, r.ch.Sending(n, nil), r.ch.Receiving(func(v int, err error) { r.note(v, err) })))
	}, "note(durable.Select(ctx, ch.Sending($n, nil), ch.Receiving(func(v int, err error) { note(v, err) })))"),
	waits("choose", func(r *run, ctx durable.Context, n int) {
		r.note(durable.Select(ctx, r.ch.Receiving(func(v int, err error) { r.note(v, err) }), r.ch.Sending(n, nil)))
	}, "note(durable.Select(ctx, ch.Receiving(func(v int, err error) { note(v, err) }), ch.Sending($n, nil)))"),
	waits("next", func(r *run, ctx durable.Context, _ int) {
		next := mail.Next(ctx)
		r.note(next.Await(ctx))
		r.note(next.Cancel(ctx, nil))
	}, "next := mail.Next(ctx)\nnote(next.Await(ctx))\nnote(next.Cancel(ctx, nil))"),
	waits("join", func(r *run, ctx durable.Context, _ int) {
		r.note(r.wg.Wait(ctx))
	}, "note(wg.Wait(ctx))"),
	waits("watch", func(r *run, ctx durable.Context, _ int) {
		if err := r.gate.Lock(ctx); err == nil {
			r.note(r.cond.Wait(ctx))
			r.gate.Unlock(ctx)
		}
	}, "if err := gate.Lock(ctx); err == nil {\n\tnote(cond.Wait(ctx))\n\tgate.Unlock(ctx)\n}"),
	statement("signal", 1, func(r *run, ctx durable.Context, _ int) { r.cond.Signal(ctx) }, "cond.Signal(ctx)"),
	statement("broadcast", 1, func(r *run, ctx durable.Context, _ int) {
		r.cond.Broadcast(ctx)
	}, "cond.Broadcast(ctx)"),
	statement("try send", seconds, func(r *run, ctx durable.Context, n int) {
		r.note(r.ch.TrySend(ctx, n), r.ch.Len())
	}, "note(ch.TrySend(ctx, %d), ch.Len())"),
	statement("try recv", 1, func(r *run, ctx durable.Context, _ int) {
		r.note(r.ch.TryRecv(ctx))
	}, "note(ch.TryRecv(ctx))"),
	statement("close", 1, func(r *run, ctx durable.Context, _ int) { r.ch.Close(ctx) }, "ch.Close(ctx)"),
}
