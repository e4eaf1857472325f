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

// twins: two clients send the same messages with the same ids at the same time, beside messages of a topic
// that nobody reads. Each arrives once.
func twins(w *sim.World) {
	flow := durable.Define("twins", func(ctx durable.Context, _ int) (string, error) {
		got := ""
		for {
			s, err := more.Receive(ctx)
			if err != nil || s == "end" {
				return got, err
			}
			got += s
		}
	})
	p := boot(w, durable.Config{}, flow)
	start(w.Context(), p, flow, "t", 0)
	p.must(w.Context(), "post the unread", func(ctx context.Context) error {
		return letters.Post(ctx, p.engine, "t", "unread") // it lies before the others
	})
	clients(w, 2, func(ctx context.Context, _ int) {
		for _, s := range []string{"a", "b", "end"} {
			p.must(ctx, "post "+s, func(ctx context.Context) error {
				return more.PostOnce(ctx, p.engine, "t", s, s)
			})
		}
	})
	got, err := result(w.Context(), p, flow, "t")
	p.same("each message arrives once", "t", "ab <nil>", fmt.Sprint(got, " ", err))
	p.settle()
}

// brief: a run ends with the first update that it takes. All who asked for it get its answer.
func brief(w *sim.World) {
	flow := durable.Define("brief", func(ctx durable.Context, _ int) (int, error) {
		taken := durable.NewChan[int](ctx, "taken", 1)
		add.Handle(ctx, nil, func(ctx durable.Context, n int) (int, error) { return n, taken.Send(ctx, n) })
		n, err := taken.Recv(ctx)
		return n, errors.Join(err, total.Publish(ctx, n))
	})
	p := boot(w, durable.Config{}, flow)
	start(w.Context(), p, flow, "b", 0)
	clients(w, 4, func(ctx context.Context, i int) {
		_ = w.Sleep(ctx, time.Duration(w.Pick("pause of client", 3))*time.Millisecond)
		var answer int
		p.must(ctx, "ask", func(ctx context.Context) (err error) {
			if i < 3 {
				answer, err = add.Call(ctx, p.engine, "b", "u", 7)
				return err
			}
			for answer, err = range total.Watch(ctx, p.engine, "b") {
				if err != nil {
					return err
				}
			}
			return nil
		})
		p.same("the last update and the last value are seen", "b", 7, answer)
	})
	n, err := result(w.Context(), p, flow, "b")
	p.same("the brief one ends", "b", "7 <nil>", fmt.Sprint(n, " ", err))
	p.settle()
}

// deadlines: a message that is accepted before a wait's deadline is in time, whatever delays the process, and
// goes to the branch that has waited longest.
func deadlines(w *sim.World) {
	type waited struct {
		Slow, Quick string
		Deadline    time.Time
	}
	flow := durable.Define("deadlines", func(ctx durable.Context, d time.Duration) (waited, error) {
		slow := letters.Next(ctx)
		deadline := ctx.Now().Add(d)
		quick, err := letters.ReceiveTimeout(ctx, d)
		if err != nil && !errors.Is(err, durable.ErrTimeout) {
			return waited{}, err
		}
		first, err := slow.Await(ctx)
		return waited{first, quick, deadline}, err
	})
	p := boot(w, durable.Config{}, flow)
	start(w.Context(), p, flow, "d", time.Duration(1+w.Pick("patience", 6))*time.Millisecond)
	accepted := map[string]time.Time{}
	for _, s := range []string{"a", "b"} {
		_ = w.Sleep(w.Context(), time.Duration(w.Pick("pause of client", 4))*time.Millisecond)
		err := p.insist(w.Context(), "post "+s, func(ctx context.Context) error {
			return letters.PostOnce(ctx, p.engine, "d", s, s)
		})
		if err == nil {
			accepted[s] = w.Now()
		}
	}
	got, err := result(w.Context(), p, flow, "d")
	p.same("who waits longest is served first", "d", "a <nil>", fmt.Sprint(got.Slow, " ", err))
	if at, ok := accepted["b"]; ok && at.Before(got.Deadline) {
		p.same("what comes in time is received", "d", "b", got.Quick)
	}
	p.settle()
}

// postmen: one commit brings messages of two topics to two runs, which read them in the order in which they
// were sent; and what was sent after a child had ended comes after that.
func postmen(w *sim.World) {
	baby := durable.Define("baby", func(ctx durable.Context, d time.Duration) (int, error) {
		return 1, ctx.Sleep(d)
	})
	reader := durable.Define("reader", func(ctx durable.Context, d time.Duration) (string, error) {
		got := ""
		read := func(topic durable.Topic[string]) durable.Future[int] {
			return durable.Go(ctx, topic.Name(), func(ctx durable.Context) (int, error) {
				for i := range 2 {
					s, err := topic.Receive(ctx)
					if err != nil {
						return i, err
					}
					got += s
				}
				return 2, nil
			})
		}
		child := durable.StartChild(ctx, baby, d)
		one, two := read(letters), read(more)
		_, err := child.Await(ctx)
		got += "."
		_, errs := durable.Gather(ctx, one, two)
		return got, errors.Join(err, errs)
	})
	postman := durable.Define("postman", func(ctx durable.Context, to []string) (int, error) {
		for _, id := range to {
			err := errors.Join(more.Send(ctx, id, "1"), letters.Send(ctx, id, "2"), more.Send(ctx, id, "3"))
			if err != nil {
				return 0, err
			}
		}
		return 0, nil
	})
	p := boot(w, durable.Config{}, baby, reader, postman)
	readers := []string{"a", "b"}
	for i, id := range readers {
		start(w.Context(), p, reader, id, time.Duration(i+1)*time.Millisecond)
	}
	start(w.Context(), p, postman, "p", readers)
	clients(w, 2, func(ctx context.Context, i int) {
		id := readers[i]
		p.must(ctx, "await the child", func(ctx context.Context) error {
			_, err := baby.Run(p.engine, id+"/1").Result(ctx)
			if errors.Is(err, durable.ErrNotFound) {
				return nil
			}
			return err
		})
		p.must(ctx, "post to "+id, func(ctx context.Context) error {
			return letters.PostOnce(ctx, p.engine, id, "4", "4")
		})
		got, err := result(ctx, p, reader, id)
		p.same("a reader ends", id, nil, err)
		sent := strings.NewReplacer(".", "", "4", "").Replace(got)
		p.same("messages arrive in their order", id, "123", sent)
		p.holds("what came later is seen later", id, strings.Index(got, ".") < strings.Index(got, "4"), got)
	})
	p.settle()
}
