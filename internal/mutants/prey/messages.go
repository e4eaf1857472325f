package prey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
)

var (
	balls   = durable.NewTopic[int]("ball")
	letters = durable.NewTopic[string]("letter")
	more    = durable.NewTopic[string]("letters") // a name that begins like the other
	total   = durable.NewValue[int]("total")
	add     = durable.NewUpdate[int, int]("add")
)

// players: what two runs send each other arrives exactly once and in order.
func players(w *sim.World) {
	play := func(name, other string, serves bool) *durable.Workflow[int, string] {
		return durable.Define(name, func(ctx durable.Context, rounds int) (string, error) {
			seen := ""
			for i := range rounds {
				if !serves || i > 0 {
					n, err := balls.Receive(ctx)
					if err != nil {
						return "", err
					}
					seen += fmt.Sprint(n, " ")
				}
				if err := balls.Send(ctx, other, i); err != nil {
					return "", err
				}
				if serves {
					if err := balls.Send(ctx, other, 10+i); err != nil {
						return "", err
					}
				}
			}
			return seen, nil
		})
	}
	ping, pong := play("ping", "pong", true), play("pong", "ping", false)
	p := boot(w, durable.Config{}, ping, pong)
	start(w.Context(), p, pong, "pong", 4)
	start(w.Context(), p, ping, "ping", 2)
	a, err := result(w.Context(), p, ping, "ping")
	p.same("each message arrives once, in order", "ping", "0  <nil>", fmt.Sprint(a, " ", err))
	b, err := result(w.Context(), p, pong, "pong")
	ended := errors.Is(err, durable.ErrEnded) // it answers four times, and ping has ended by then
	p.holds("each message arrives once, in order", "pong", ended || err == nil && b == "0 10 1 11 ", b, err)
	p.settle()
}

// collectors: clients repeat each message until it is answered; each arrives once, in its client's order, and
// what was accepted is not lost when the run is ending.
func collectors(w *sim.World) {
	collect := durable.Define("collect", func(ctx durable.Context, d time.Duration) ([]string, error) {
		var got []string
		for {
			s, err := letters.ReceiveTimeout(ctx, d)
			if errors.Is(err, context.DeadlineExceeded) {
				if len(got) > 0 {
					return got, nil
				}
				continue
			}
			if err != nil {
				return nil, err
			}
			if got = append(got, s); len(got)%2 == 1 {
				if _, err := durable.Step(ctx, "note", echo, s); err != nil {
					return nil, err
				}
			}
		}
	})
	p := boot(w, durable.Config{}, collect)
	start(w.Context(), p, collect, "c", time.Duration(1+w.Pick("patience", 5))*time.Millisecond)
	accepted := map[string]bool{}
	clients(w, 3, func(ctx context.Context, i int) {
		for n := range 3 {
			id := fmt.Sprint(i, n)
			err := p.insist(ctx, "post "+id, func(ctx context.Context) error {
				if i == 2 {
					_ = more.Post(ctx, p.engine, "c", "not for this topic")
				}
				return letters.PostOnce(ctx, p.engine, "c", id, id)
			})
			switch {
			case err == nil:
				accepted[id] = true
			case !errors.Is(err, durable.ErrEnded):
				p.w.Fail("a post is answered", "c", err.Error())
			}
			_ = w.Sleep(ctx, time.Duration(w.Pick("pause of client", 4))*time.Millisecond)
		}
	})
	got, err := result(w.Context(), p, collect, "c")
	p.same("the collector ends", "c", nil, err)
	for _, s := range got {
		p.holds("only what was sent to the topic is received", "c", len(s) == len("0 0"), s)
	}
	for _, id := range keys(accepted) {
		p.holds("what was accepted is received", "c", slices.Contains(got, id), id, " in ", got)
	}
	for _, c := range []string{"0", "1", "2"} {
		mine := slices.DeleteFunc(slices.Clone(got), func(s string) bool { return !strings.HasPrefix(s, c) })
		p.holds("each arrives once, in its order", "c", slices.IsSorted(mine) &&
			len(slices.Compact(slices.Clone(mine))) == len(mine), mine)
	}
	p.settle()
}

// impatient: several wait for one topic, some give up; no message is lost to one that did, and those who
// waited longer get theirs first.
func impatient(w *sim.World) {
	flow := durable.Define("impatient", func(ctx durable.Context, d time.Duration) (string, error) {
		quick := durable.Go(ctx, "quick", func(ctx durable.Context) (string, error) {
			return letters.ReceiveTimeout(ctx, d)
		})
		slow := durable.Go(ctx, "slow", func(ctx durable.Context) (string, error) { return letters.Receive(ctx) })
		lost := durable.Go(ctx, "lost", func(ctx durable.Context) (string, error) {
			if err := ctx.Sleep(time.Millisecond); err != nil {
				return "", err
			}
			return letters.Receive(ctx)
		})
		a, err := quick.Await(ctx)
		if err != nil {
			lost.Cancel(ctx, nil)
			a = "-"
		}
		b, err := slow.Await(ctx)
		if err != nil {
			return "", err
		}
		c, err := lost.Await(ctx)
		if err != nil {
			c = "-"
		}
		rest := ""
		for err = nil; err == nil; {
			var s string
			if s, err = letters.ReceiveTimeout(ctx, time.Hour); err == nil {
				rest += s
			}
		}
		return a + b + c + rest, nil
	})
	p := boot(w, durable.Config{}, flow)
	accepted := map[string]bool{}
	start(w.Context(), p, flow, "i", time.Duration(w.Pick("patience", 5))*time.Millisecond)
	clients(w, 2, func(ctx context.Context, i int) {
		for n := range 2 {
			_ = w.Sleep(ctx, time.Duration(w.Pick("pause of client", 4))*time.Millisecond)
			id := string(rune('a' + 2*i + n))
			err := p.insist(ctx, "post "+id, func(ctx context.Context) error {
				return letters.PostOnce(ctx, p.engine, "i", id, id)
			})
			if accepted[id] = err == nil; !accepted[id] {
				p.holds("a post is answered", id, errors.Is(err, durable.ErrEnded), err)
			}
		}
	})
	got, err := result(w.Context(), p, flow, "i")
	p.same("the impatient end", "i", nil, err)
	for _, id := range keys(accepted) {
		p.holds("each message is received once", "i", strings.Count(got, id) == 1 == accepted[id], id, " in ", got)
	}
	p.settle()
}

// tills: updates are taken once, their answers stay, watchers see values that only grow.
func tills(w *sim.World) {
	errFull := errors.New("prey: full")
	till := durable.Define("till", func(ctx durable.Context, _ int) (int, error) {
		sum := 0
		add.Handle(ctx, func(n int) error {
			if sum+n > 9 {
				return errFull
			}
			return nil
		}, func(ctx durable.Context, n int) (int, error) {
			sum += n
			mine := sum
			if err := total.Publish(ctx, sum); err != nil {
				return 0, err
			}
			_, err := durable.Step(ctx, "note", echo, fmt.Sprint(n))
			return mine, err
		})
		_, err := letters.Receive(ctx)
		return sum, err
	})
	p := boot(w, durable.Config{}, till)
	start(w.Context(), p, till, "t", 0)
	answers := map[string]int{}
	want, left := 0, 2
	clients(w, 3, func(ctx context.Context, i int) {
		if i == 2 {
			watch(ctx, p)
			return
		}
		for n := 1; n <= 2; n++ {
			id := fmt.Sprint(i, "-", n)
			for range 1 + w.Pick("asks again", 2) {
				var answer int
				err := p.insist(ctx, "update "+id, func(ctx context.Context) (err error) {
					answer, err = add.Call(ctx, p.engine, "t", id, 2*n)
					return err
				})
				before, known := answers[id]
				switch {
				case errors.Is(err, durable.ErrRejected):
					p.holds("what was taken is not rejected", id, !known)
				case err != nil:
					p.w.Fail("an update is answered", id, err.Error())
				case known:
					p.same("an answer stays", id, before, answer)
				default:
					want += 2 * n
					answers[id] = answer
				}
			}
		}
		if left--; left == 0 {
			p.must(ctx, "end", func(ctx context.Context) error {
				return letters.PostOnce(ctx, p.engine, "t", "end", "")
			})
		}
	})
	sum, err := result(w.Context(), p, till, "t")
	p.same("what was taken counts once", "t", fmt.Sprint(want, " <nil>"), fmt.Sprint(sum, " ", err))
	p.settle()
}

// watch sees values that only grow.
func watch(ctx context.Context, p *plant) {
	last := 0
	p.must(ctx, "watch", func(ctx context.Context) error {
		last-- // it may see again what it has seen before a crash
		for n, err := range total.Watch(ctx, p.engine, "t") {
			if err != nil {
				return err
			}
			p.holds("a watched value only grows", "t", n > last, n, " after ", last)
			last = n
		}
		return nil
	})
}
