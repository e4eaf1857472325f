package prey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
)

var negate = durable.NewUpdate[int, int]("negate")

// turns: a run handles one kind of update beside another, which it handles three times, for one update each
// time, with a pause before the last. Each is answered by a handler of its name, once.
func turns(w *sim.World) {
	flow := durable.Define("turns", func(ctx durable.Context, _ int) (int, error) {
		negated := durable.NewChan[int](ctx, "negated", 1)
		negate.Handle(ctx, nil, func(ctx durable.Context, n int) (int, error) { return -n, negated.Send(ctx, n) })
		sum := 0
		for i := range 3 {
			if i == 2 {
				_ = ctx.Sleep(2 * time.Millisecond)
			}
			taken := durable.NewChan[int](ctx, "taken", 1)
			within, cancel := ctx.WithCancel()
			add.Handle(within, nil, func(ctx durable.Context, n int) (int, error) { return n, taken.Send(ctx, n) })
			n, err := taken.Recv(ctx)
			if err != nil {
				return sum, err
			}
			cancel(nil)
			sum += n
		}
		_, err := negated.Recv(ctx)
		return sum, err
	})
	p := boot(w, durable.Config{}, flow)
	start(w.Context(), p, flow, "t", 0)
	clients(w, 4, func(ctx context.Context, i int) {
		update, want := add, 1+i
		if i == 3 {
			update, want = negate, -4
		}
		_ = w.Sleep(ctx, time.Duration(w.Pick("pause of client", 3))*time.Millisecond)
		p.must(ctx, "ask", func(ctx context.Context) error {
			n, err := update.Call(ctx, p.engine, "t", fmt.Sprint(i), 1+i)
			p.holds("each is answered by its handler", "t", err != nil || n == want, n)
			return err
		})
	})
	sum, err := result(w.Context(), p, flow, "t")
	p.same("each is taken once", "t", "6 <nil>", fmt.Sprint(sum, " ", err))
	p.settle()
}

// messengers: a step posts and asks. Its attempts do not agree on what, and the first one counts.
func messengers(w *sim.World) {
	attempt := 0
	flow := durable.Define("messenger", func(ctx durable.Context, to string) (string, error) {
		return durable.Step(ctx, "tell", func(ctx context.Context, to string) (string, error) {
			attempt++
			e := durable.EngineOf(ctx)
			for range 2 {
				if err := balls.Post(ctx, e, to, attempt); err != nil {
					return "", err
				}
			}
			n, err := add.Call(ctx, e, to, "", attempt)
			return fmt.Sprint(n), err
		}, to)
	})
	reader := durable.Define("reader", func(ctx durable.Context, _ int) (string, error) {
		told := ""
		add.Handle(ctx, nil, func(_ durable.Context, n int) (int, error) {
			told += fmt.Sprint("+", n)
			return n, nil
		})
		for range 3 {
			n, err := balls.Receive(ctx)
			if err != nil {
				return "", err
			}
			if n == 0 {
				return told, nil
			}
			told += "."
		}
		return told, errors.New("a message came twice")
	})
	p := boot(w, durable.Config{}, flow, reader)
	start(w.Context(), p, reader, "r", 0)
	start(w.Context(), p, flow, "m", "r")
	n, err := result(w.Context(), p, flow, "m")
	p.same("a step is answered", "m", nil, err)
	p.must(w.Context(), "end", func(ctx context.Context) error {
		return balls.PostOnce(ctx, p.engine, "r", "end", 0)
	})
	told, err := result(w.Context(), p, reader, "r")
	p.same("what a step asks for is taken once", "r", nil, err)
	p.holds("what a step asks for is taken once", "r", len(told) == len(n)+3, told, " ", n)
	p.settle()
}

// leavers: a run is terminated, and perhaps deleted, while clients send it a message and wait for an update
// that it has taken. All of them are answered.
func leavers(w *sim.World) {
	flow := durable.Define("leaver", func(ctx durable.Context, _ int) (string, error) {
		add.Handle(ctx, nil, func(ctx durable.Context, _ int) (int, error) { return balls.Receive(ctx) })
		return letters.Receive(ctx)
	})
	p := boot(w, durable.Config{}, flow)
	start(w.Context(), p, flow, "l", 0)
	deletes := w.Pick("deletes", 2) == 1
	if deletes {
		p.deleted = "l"
	}
	clients(w, 3, func(ctx context.Context, i int) {
		_ = w.Sleep(ctx, time.Duration(w.Pick("pause of client", 3))*time.Millisecond)
		err := p.insist(ctx, "leave", func(ctx context.Context) error {
			switch i {
			case 0:
				return letters.PostOnce(ctx, p.engine, "l", "m", "m")
			case 1:
				_, err := add.Call(ctx, p.engine, "l", "u", 1)
				return err
			}
			err := p.engine.Terminate(ctx, "l", "")
			if deletes && (err == nil || errors.Is(err, durable.ErrEnded)) {
				err = p.engine.Delete(ctx, "l")
			}
			return err
		})
		over := errors.Is(err, durable.ErrNotFound) || errors.Is(err, durable.ErrEnded) ||
			errors.Is(err, durable.ErrTerminated) || errors.Is(err, durable.ErrCancelled)
		p.holds("calls are answered", "l", err == nil || over, err)
	})
	p.settle()
}
