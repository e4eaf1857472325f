package program

import (
	"fmt"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/durable"
)

var blockVerbs = []verb{
	{name: "go", n: 1, weight: 4, block: true, run: branch, write: writeBranch},
	{name: "timeout", n: seconds, weight: 2, block: true, run: timeout, write: writeTimeout},
	{name: "part", n: 1, block: true, run: part, write: writePart},
	{name: "detached", n: 1, block: true, run: detached, write: writeDetached},
	{name: "scope", n: 2, block: true, run: inScope, write: writeScope},
	{name: "locked", n: seconds, block: true, run: locked, write: writeLocked},
	{name: "slot", n: seconds, block: true, run: slot, write: writeSlot},
	{name: "if", n: 2, block: true, run: when, write: writeWhen},
	{name: "handle", n: 1, block: true, run: handle, write: writeHandle},
	{name: "child", n: len(policies), block: true, run: child, write: writeChild},
	{name: "queued", n: len(items), block: true, run: queued, write: writeQueued},
	{name: "start", n: seconds, block: true, run: start, write: writeStart},
	{name: "member", n: 1, block: true, run: member, write: writeMember},
	{name: "if free", n: 2, block: true, run: ifFree, write: writeIfFree},
}

func branch(r *run, s scene, op *Op) scene {
	return s.with(durable.Go(s.ctx, "branch", func(ctx durable.Context) (string, error) {
		r.do(s.in(ctx), op.Body)
		return "branch", ctx.Err()
	}))
}

func writeBranch(w *writer, s names, op *Op) names {
	open := `durable.Go(ctx, "branch", func(ctx durable.Context) (string, error) {`
	return w.futureOf(s, future{text: open}, func() {
		w.body(s, op.Body)
		w.line(`return "branch", ctx.Err()`)
	}, "})")
}

func timeout(r *run, s scene, op *Op) scene {
	ctx, cancel := s.ctx.WithTimeout(time.Duration(op.N) * time.Second)
	r.do(s.in(ctx), op.Body)
	r.note(ctx.Err())
	cancel()
	return s
}

func writeTimeout(w *writer, s names, op *Op) names {
	declare := expand(", cancel := ctx.WithTimeout($n * time.Second)", op.N)
	w.within(s, op.Body, declare, "note(ctx.Err())\ncancel()")
	return s
}

// part is cancelled at its end, with all that it has left.
func part(r *run, s scene, op *Op) scene {
	ctx, cancel := s.ctx.WithCancel()
	r.do(s.in(ctx), op.Body)
	cancel(ErrOdd)
	return s
}

func writePart(w *writer, s names, op *Op) names {
	w.within(s, op.Body, ", cancel := ctx.WithCancel()", "cancel(errOdd)")
	return s
}

func detached(r *run, s scene, op *Op) scene {
	r.do(s.in(s.ctx.Detached()), op.Body)
	return s
}

func writeDetached(w *writer, s names, op *Op) names {
	w.within(s, op.Body, " := ctx.Detached()", "")
	return s
}

func inScope(r *run, s scene, op *Op) scene {
	r.note(durable.Scope(s.ctx, func(ctx durable.Context) error {
		r.do(s.in(ctx), op.Body)
		if op.N == 1 {
			return ErrOdd
		}
		return ctx.Err()
	}))
	return s
}

func writeScope(w *writer, s names, op *Op) names {
	w.line("note(durable.Scope(ctx, func(ctx durable.Context) error {")
	w.indented(func() {
		w.body(s, op.Body)
		if op.N == 1 {
			w.line("return errOdd")
		} else {
			w.line("return ctx.Err()")
		}
	})
	w.line("}))")
	return s
}

func locked(r *run, s scene, op *Op) scene {
	return holding(r, s, op, r.mu.Lock, r.mu.Unlock)
}

func slot(r *run, s scene, op *Op) scene {
	return holding(r, s, op, r.slots.Acquire, r.slots.Release)
}

// holding does the body with a lock, and waits for the lock no longer than n seconds, so that locks make no
// ring.
func holding(
	r *run, s scene, op *Op, lock func(durable.Context) error, unlock func(durable.Context),
) scene {
	ctx, cancel := s.ctx.WithTimeout(time.Duration(op.N) * time.Second)
	err := lock(ctx)
	r.note(err)
	if err == nil {
		r.do(s.in(ctx), op.Body)
		unlock(ctx)
	}
	cancel()
	return s
}

func writeLocked(w *writer, s names, op *Op) names { return w.holding(s, op, "mu.Lock", "mu.Unlock") }

func writeSlot(w *writer, s names, op *Op) names {
	return w.holding(s, op, "slots.Acquire", "slots.Release")
}

func (w *writer) holding(s names, op *Op, lock, unlock string) names {
	w.block("{", func() {
		w.line("ctx, cancel := ctx.WithTimeout(%d * time.Second)", op.N)
		w.line("err := %s(ctx)", lock)
		w.line("note(err)")
		w.block("if err == nil {", func() {
			w.body(s, op.Body)
			w.line("%s(ctx)", unlock)
		})
		w.line("cancel()")
	})
	return s
}

// when does its body if the run has seen an even, or an odd, number of things.
func when(r *run, s scene, op *Op) scene {
	if len(r.log)%2 == op.N {
		r.do(s, op.Body)
	}
	return s
}

func writeWhen(w *writer, s names, op *Op) names {
	if op.Body.Size() > 0 {
		w.block(expand("if len(log)%2 == $n {", op.N), func() { w.body(s, op.Body) })
	}
	return s
}

// handle takes updates while it does its body.
func handle(r *run, s scene, op *Op) scene {
	ctx, cancel := s.ctx.WithCancel()
	update := durable.NewUpdate[int, string](r.updates[op])
	update.Handle(ctx, check, func(ctx durable.Context, n int) (string, error) {
		r.note("asked", n)
		return durable.Step(ctx, r.out.step("work"), r.out.work, n)
	})
	r.do(s.in(ctx), op.Body)
	cancel(nil)
	return s
}

func writeHandle(w *writer, s names, op *Op) names {
	w.block("{", func() {
		w.line("ctx, cancel := ctx.WithCancel()")
		w.line("update := durable.NewUpdate[int, string](%q)", w.numbered[op])
		w.block("update.Handle(ctx, check, func(ctx durable.Context, n int) (string, error) {", func() {
			w.line(`note("asked", n)`)
			w.line(`return durable.Step(ctx, "work", work, n)`)
		})
		w.lines[len(w.lines)-1].text = "})"
		w.body(s, op.Body)
		w.line("cancel(nil)")
	})
	return s
}

// policies are what becomes of a child that is not awaited.
var policies = []struct {
	policy durable.ChildPolicy
	name   string
}{
	{durable.CancelChild, "CancelChild"},
	{durable.AwaitChild, "AwaitChild"},
	{durable.AbandonChild, "AbandonChild"},
}

func child(r *run, s scene, op *Op) scene {
	how := durable.Child{Unawaited: policies[op.N].policy}
	return s.with(durable.StartChildWith(s.ctx, r.children[op], op.N, how).Future)
}

func writeChild(w *writer, s names, op *Op) names {
	start := fmt.Sprintf("durable.StartChild(ctx, %s, %d)", w.numbered[op], op.N)
	if op.N > 0 {
		start = fmt.Sprintf("durable.StartChildWith(ctx, %s, %d, durable.Child{Unawaited: durable.%s})",
			w.numbered[op], op.N, policies[op.N].name)
	}
	return w.futureOf(s, future{text: start, used: ".Future"}, nil, "")
}

// items are how a child waits in its queue.
var items = []struct {
	how  durable.Item
	code string
}{
	{durable.Item{}, ""},
	{durable.Item{Key: "key"}, `Key: "key"`},
	{durable.Item{Delay: time.Second, Priority: 1}, "Delay: time.Second, Priority: 1"},
}

func queued(r *run, s scene, op *Op) scene {
	return s.with(r.queues[op].EnqueueChild(s.ctx, op.N, items[op.N].how).Future)
}

func writeQueued(w *writer, s names, op *Op) names {
	queue := "queue" + strings.TrimPrefix(w.numbered[op], "child")
	enqueue := fmt.Sprintf("%s.EnqueueChild(ctx, %d, durable.Item{%s})", queue, op.N, items[op.N].code)
	return w.futureOf(s, future{text: enqueue, used: ".Future"}, nil, "")
}

func start(r *run, s scene, op *Op) scene {
	r.note(durable.StartDetached(s.ctx, r.children[op], "", op.N))
	return s
}

func writeStart(w *writer, s names, op *Op) names {
	w.line(`note(durable.StartDetached(ctx, %s, "", %d))`, w.numbered[op], op.N)
	return s
}

// member is a branch that others can wait for together.
func member(r *run, s scene, op *Op) scene {
	r.wg.Add(s.ctx, 1)
	return s.with(durable.Go(s.ctx, "member", func(ctx durable.Context) (string, error) {
		r.do(s.in(ctx), op.Body)
		r.wg.Done(ctx)
		return "member", ctx.Err()
	}))
}

func writeMember(w *writer, s names, op *Op) names {
	w.line("wg.Add(ctx, 1)")
	open := `durable.Go(ctx, "member", func(ctx durable.Context) (string, error) {`
	return w.futureOf(s, future{text: open}, func() {
		w.body(s, op.Body)
		w.line("wg.Done(ctx)")
		w.line(`return "member", ctx.Err()`)
	}, "})")
}

// ifFree does its body with a lock, or a slot, unless it would have to wait for that.
func ifFree(r *run, s scene, op *Op) scene {
	try, end := r.mu.TryLock, r.mu.Unlock
	if op.N == 1 {
		try, end = r.slots.TryAcquire, r.slots.Release
	}
	if try(s.ctx) {
		r.do(s, op.Body)
		end(s.ctx)
	}
	return s
}

func writeIfFree(w *writer, s names, op *Op) names {
	try, end := "mu.TryLock", "mu.Unlock"
	if op.N == 1 {
		try, end = "slots.TryAcquire", "slots.Release"
	}
	w.block("if "+try+"(ctx) {", func() {
		w.body(s, op.Body)
		w.line("%s(ctx)", end)
	})
	return s
}
