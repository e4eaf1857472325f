package prey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
)

// two is a workflow of two steps.
func two(name string) *durable.Workflow[string, string] {
	return durable.Define(name, func(ctx durable.Context, in string) (string, error) {
		first, err := durable.Step(ctx, "first", echo, in)
		if err != nil {
			return "", err
		}
		return durable.Step(ctx, "second", echo, first)
	})
}

// starters: several clients start one id at the same time. Whoever was answered can rely on it.
func starters(w *sim.World) {
	flow := two("starters")
	p := boot(w, durable.Config{}, flow)
	clients(w, 3, func(ctx context.Context, i int) {
		input := "x"
		if i == 2 {
			input = "y"
		}
		err := p.insist(ctx, "start", func(ctx context.Context) error {
			_, err := flow.Start(ctx, p.engine, "s", input)
			return err
		})
		p.holds("a start is answered", "s", err == nil || errors.Is(err, durable.ErrConflict), err)
		if err != nil {
			return
		}
		got, err := result(ctx, p, flow, "s")
		p.same("a start that was answered is durable", "s", "<<"+input+">> <nil>", fmt.Sprint(got, " ", err))
	})
	p.settle()
}

// left reports whether an error comes from an engine that was closed or fenced off: then one asks the next.
func left(err error) bool {
	return errors.Is(err, durable.ErrFenced) || errors.Is(err, durable.ErrClosed) ||
		errors.Is(err, durable.ErrFailed) || errors.Is(err, context.DeadlineExceeded)
}

// successors: a second engine opens on the store of one that is still at work, which is fenced off.
func successors(w *sim.World) {
	flow := two("successors")
	p := boot(w, durable.Config{}, flow)
	p.mend = left
	clients(w, 3, func(ctx context.Context, i int) {
		if i == 2 {
			_ = w.Sleep(ctx, time.Duration(w.Pick("patience", 4))*time.Millisecond)
			_ = p.node.Call(ctx, "take over", func(context.Context) error {
				p.open(p.node)
				return nil
			})
			return
		}
		id := fmt.Sprint("s", i)
		start(ctx, p, flow, id, id)
		got, err := result(ctx, p, flow, id)
		p.same("a run ends under the new engine", id, "<<"+id+">> <nil>", fmt.Sprint(got, " ", err))
	})
	p.settle()
}

// closers: the engine is closed, which cancels the contexts of steps but is not their result.
func closers(w *sim.World) {
	var p *plant
	wait := func(ctx context.Context, s string) (string, error) {
		if err := w.Sleep(ctx, 2*time.Millisecond); err != nil {
			return "", err
		}
		return "<" + s + ">", nil
	}
	flow := durable.Define("closers", func(ctx durable.Context, in string) (string, error) {
		first, err := durable.Step(ctx, "first", wait, in)
		if err != nil {
			return "", err
		}
		return durable.Step(ctx, "second", wait, first)
	})
	p = boot(w, durable.Config{}, flow)
	p.mend = left
	clients(w, 3, func(ctx context.Context, i int) {
		if i == 2 {
			_ = w.Sleep(ctx, time.Duration(w.Pick("patience", 6))*time.Millisecond)
			_ = p.node.Call(ctx, "close", func(ctx context.Context) error {
				ctx, cancel := w.WithTimeout(ctx, time.Duration(w.Pick("grace", 3))*time.Millisecond)
				defer cancel()
				_ = p.engine.Close(ctx)
				p.open(p.node)
				return nil
			})
			return
		}
		id := fmt.Sprint("c", i)
		start(ctx, p, flow, id, id)
		got, err := result(ctx, p, flow, id)
		p.same("closing is not a result", id, "<<"+id+">> <nil>", fmt.Sprint(got, " ", err))
	})
	p.settle()
}

// disks: the disk fails now and then. What was acknowledged before is there when the process comes back.
func disks(w *sim.World) {
	flow := two("disks")
	p := boot(w, durable.Config{}, flow)
	p.mend = func(err error) bool {
		if p.node.Up() && !p.opening {
			p.node.Crash()
			p.node.Restart()
		}
		return true
	}
	clients(w, 3, func(ctx context.Context, i int) {
		id := fmt.Sprint("d", i)
		start(ctx, p, flow, id, id)
		got, err := result(ctx, p, flow, id)
		p.same("a run survives its disk", id, "<<"+id+">> <nil>", fmt.Sprint(got, " ", err))
	})
	p.settle()
}
