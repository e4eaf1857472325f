package prey

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
)

// move is a transfer between two accounts.
type move struct {
	From, To string
	Amount   int
}

func balance(tx *durable.Tx, account string) (n int) {
	v, _ := tx.Get(account)
	_, _ = fmt.Sscan(string(v), &n)
	return n
}

// bank: money moves in transactions; none is made or lost, and each transfer happens once.
func bank(w *sim.World) {
	transfer := durable.Define("transfer", func(ctx durable.Context, m move) (int, error) {
		move := func(tx *durable.Tx, m move) (int, error) {
			from, to := balance(tx, m.From), balance(tx, m.To)
			tx.Set(m.From, fmt.Append(nil, from-m.Amount))
			tx.Set(m.To, fmt.Append(nil, to+m.Amount))
			return from - m.Amount, nil
		}
		left, err := durable.Transact(ctx, "move", move, m)
		if err != nil {
			return 0, err
		}
		_, err = durable.Step(ctx, "note", echo, fmt.Sprint(left))
		return left, err
	})
	p := boot(w, durable.Config{}, transfer)
	moves := []move{{"a", "b", 1}, {"b", "c", 2}, {"a", "c", 4}}
	clients(w, 3, func(ctx context.Context, i int) {
		id := fmt.Sprint("m", i)
		start(ctx, p, transfer, id, moves[i])
		_, err := result(ctx, p, transfer, id)
		p.same("a transfer succeeds", id, nil, err)
	})
	p.must(w.Context(), "audit", func(ctx context.Context) error {
		return p.engine.View(ctx, func(tx *durable.Tx) error {
			have := fmt.Sprint(balance(tx, "a"), balance(tx, "b"), balance(tx, "c"))
			p.same("each transfer happens once", "the books", "-5 -1 6", have)
			return nil
		})
	})
	p.settle()
}

// families: each child starts once, its end reaches its parent once, whatever crashes.
func families(w *sim.World) {
	errNo := errors.New("no flour")
	baked := map[string]int{}
	bake := durable.Define("bake", func(ctx durable.Context, what string) (string, error) {
		if err := ctx.Sleep(time.Duration(len(what)) * time.Millisecond); err != nil {
			return "", err
		}
		_, err := durable.Step(ctx, "bake", func(_ context.Context, s string) (string, error) {
			baked[s]++
			return s, nil
		}, ctx.RunID())
		if what == "bread" {
			return "", errNo
		}
		return "<" + what + ">", err
	})
	nap := durable.Define("nap", func(ctx durable.Context, d time.Duration) (string, error) {
		err := ctx.Sleep(d)
		return durable.Step(ctx.Detached(), "wake", echo, fmt.Sprint(errors.Is(err, durable.ErrCancelled)))
	})
	family := durable.Define("family", func(ctx durable.Context, kinds []string) (string, error) {
		if _, err := durable.StartDetached(ctx, bake, "pie", "pie"); err != nil {
			return "", err
		}
		sleeper := durable.StartChild(ctx, nap, 1000*time.Hour)
		durable.StartChildWith(ctx, bake, "toast", durable.Child{Unawaited: durable.AwaitChild})
		var children []durable.Future[string]
		for _, kind := range kinds {
			children = append(children, durable.StartChild(ctx, bake, kind).Future)
		}
		outcomes, err := durable.Settle(ctx, children...)
		told := sleeper.ID()
		for _, o := range outcomes {
			told += fmt.Sprintf(" %s/%t", o.Value, o.Err != nil)
		}
		return told, err
	})
	p := boot(w, durable.Config{}, bake, nap, family)
	begun := w.Now()
	start(w.Context(), p, family, "f", []string{"roll", "bread"})
	told, err := result(w.Context(), p, family, "f")
	p.same("children's ends are told", "f", "f/2 <roll>/false /true <nil>", told+" "+fmt.Sprint(err))
	for _, c := range [][2]string{{"pie", "<pie>"}, {"f/3", "<toast>"}} {
		got, err := result(w.Context(), p, bake, c[0])
		p.same("children end", c[0], c[1]+" <nil>", got+" "+fmt.Sprint(err))
	}
	got, err := result(w.Context(), p, nap, "f/2")
	p.same("a child that nobody waits for is cancelled", "f/2", "<true> <nil>", got+" "+fmt.Sprint(err))
	p.holds("nobody sleeps on", "f/2", w.Now().Sub(begun) < 48*time.Hour, w.Now().Sub(begun))
	for _, id := range []string{"pie", "f/3", "f/4", "f/5"} {
		p.holds("each child is there", id, baked[id] > 0)
	}
	p.settle()
}

// sagas: a run that fails is undone, last step first, wholly.
func sagas(w *sim.World) {
	var undone []string
	undo := func(_ context.Context, what string) (string, error) {
		if n := len(undone); n == 0 || undone[n-1] != what { // it may run again after a crash
			undone = append(undone, what)
		}
		return what, nil
	}
	errNo := errors.New("no")
	flow := durable.Define("saga", func(ctx durable.Context, n int) (int, error) {
		for i := range n {
			durable.OnFailure(ctx, "undo", undo, fmt.Sprint(i))
			if _, err := durable.Step(ctx, "do", echo, fmt.Sprint(i)); err != nil {
				return 0, err
			}
		}
		return 0, errNo
	})
	p := boot(w, durable.Config{}, flow)
	start(w.Context(), p, flow, "s", 3)
	_, err := result(w.Context(), p, flow, "s")
	p.holds("the run fails", "s", err != nil && err.Error() == "no", err)
	p.same("all is undone, the last first", "s", "2 1 0", strings.Join(undone, " "))
	p.settle()
}

// stops: clients cancel and terminate at any moment. What was acknowledged holds.
func stops(w *sim.World) {
	cleaned := map[string]bool{}
	flow := durable.Define("stops", func(ctx durable.Context, d time.Duration) (string, error) {
		for range 3 {
			if _, err := durable.Step(ctx, "work", echo, ""); err != nil {
				break
			}
			if err := ctx.Sleep(d); err != nil {
				break
			}
		}
		_, err := durable.Step(ctx.Detached(), "clean up", func(_ context.Context, id string) (int, error) {
			cleaned[id] = true
			return 0, nil
		}, ctx.RunID())
		return "end", errors.Join(err, ctx.Err())
	})
	p := boot(w, durable.Config{}, flow)
	clients(w, 3, func(ctx context.Context, i int) {
		id := fmt.Sprint("x", i)
		start(ctx, p, flow, id, time.Duration(1+i)*time.Millisecond)
		_ = w.Sleep(ctx, time.Duration(w.Pick("patience", 6))*time.Millisecond)
		how, stopped := "cancel", false
		if i == 1 {
			how = "terminate"
		}
		err := p.insist(ctx, how+" "+id, func(ctx context.Context) error {
			if how == "terminate" {
				return p.engine.Terminate(ctx, id, "enough")
			}
			return p.engine.Cancel(ctx, id, "enough")
		})
		stopped = err == nil
		p.holds("a stop is answered", id, stopped || errors.Is(err, durable.ErrEnded), err)
		got, err := result(ctx, p, flow, id)
		switch {
		case stopped && how == "terminate":
			p.holds("what was terminated ends so", id, errors.Is(err, durable.ErrTerminated), got, err)
		case stopped:
			p.holds("what was cancelled ends so", id, errors.Is(err, durable.ErrCancelled) || err == nil, got, err)
			p.holds("cleaning up is done", id, cleaned[id])
		case how != "terminate":
			p.holds("cleaning up is done", id, cleaned[id])
		}
	})
	p.settle()
}

// names: runs whose names begin alike, one of which is deleted.
func names(w *sim.World) {
	flow := durable.Define("names", func(ctx durable.Context, n int) (int, error) {
		if err := total.Publish(ctx, n); err != nil {
			return 0, err
		}
		for range n {
			if err := ctx.Sleep(time.Hour); err != nil {
				return 0, err
			}
			if _, err := letters.ReceiveTimeout(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
				return 0, err
			}
		}
		_, err := durable.Step(ctx, "last", echo, "")
		return n, err
	})
	p := boot(w, durable.Config{}, flow)
	ids := []string{"a", "ab", "a/1", "a\x01"}
	for i, id := range ids {
		start(w.Context(), p, flow, id, i)
	}
	_, err := result(w.Context(), p, flow, "a")
	p.same("the first run ends", "a", nil, err)
	p.deleted = "a"
	p.must(w.Context(), "delete", func(ctx context.Context) error {
		err := p.engine.Delete(ctx, "a")
		if errors.Is(err, durable.ErrNotFound) {
			return nil // done, before the crash that hid the answer
		}
		return err
	})
	for i, id := range ids[1:] {
		n, err := result(w.Context(), p, flow, id)
		p.same("others are not touched", id, fmt.Sprint(i+1, " <nil>"), fmt.Sprint(n, " ", err))
		p.must(w.Context(), "value of "+id, func(ctx context.Context) error {
			v, err := total.Get(ctx, p.engine, id)
			p.same("a value outlives its run", id, i+1, v)
			return err
		})
	}
	p.settle()
	p.must(w.Context(), "look for the deleted", func(context.Context) error {
		return p.node.Store().Scan([]byte{0}, nil, func(k, _ []byte) bool {
			p.holds("what was deleted is gone", "a", !of(k, "a"), fmt.Sprintf("%q", k))
			return true
		})
	})
}

// of reports whether a key of a run's tables belongs to the run.
func of(key []byte, run string) bool {
	return len(key) > 1 && strings.HasPrefix(string(key[1:]), run+"\x00") && key[0] != 'm'
}
