package prey

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
)

// shop: items wait in a queue. As their journals tell, no more run at once and no more start within a period
// than may, and every one has its turn.
func shop(w *sim.World) {
	worker := durable.Define("worker", func(ctx durable.Context, d time.Duration) (string, error) {
		if err := ctx.Sleep(d); err != nil {
			return "", err
		}
		return durable.Step(ctx, "work", echo, "")
	})
	limits := durable.QueueConfig{
		Concurrency: 1 + w.Pick("concurrency", 2), Rate: durable.Rate{Starts: 2, Per: 10 * time.Second},
	}
	queue := durable.NewQueue("q", worker, limits)
	p := boot(w, durable.Config{Queues: []durable.QueueDefinition{queue}}, worker)
	var ids []string
	clients(w, 2, func(ctx context.Context, i int) {
		for n := range 3 {
			id := fmt.Sprint(i, "/", n)
			ids = append(ids, id)
			how := durable.Item{ID: id, Key: []string{"", "k"}[i]}
			d := time.Duration(w.Pick("sleep of item", 4)) * 1500 * time.Millisecond
			p.must(ctx, "enqueue "+id, func(ctx context.Context) error {
				_, err := queue.Enqueue(ctx, p.engine, d, how)
				return err
			})
			_ = w.Sleep(ctx, time.Duration(w.Pick("pause of client", 4))*1700*time.Millisecond)
		}
		for n := range 3 {
			_, err := result(ctx, p, worker, fmt.Sprint(i, "/", n))
			p.same("an item ends", fmt.Sprint(i, "/", n), nil, err)
		}
	})
	p.settle()
	p.must(w.Context(), "audit", func(context.Context) error { return p.audit(ids, limits) })
}

// audit holds a queue's limits against the times in the journals of its items.
func (p *plant) audit(ids []string, limits durable.QueueConfig) error {
	type span struct{ begun, ended time.Time }
	var spans []span
	for _, id := range ids {
		j, err := durable.ReadJournal(p.node.Store(), id)
		if err != nil {
			return err
		}
		spans = append(spans, span{j.Entries[0].Event.Time, j.Entries[len(j.Entries)-1].Event.Time})
	}
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(a.begun.Compare(b.begun), a.ended.Compare(b.ended))
	})
	for i, s := range spans {
		at := 0
		for _, other := range spans[:i] {
			if other.ended.After(s.begun) {
				at++
			}
		}
		p.holds("no more run at once than may", fmt.Sprint("item ", i), at < limits.Concurrency, at+1)
		if n := limits.Rate.Starts; i >= n {
			apart := s.begun.Sub(spans[i-n].begun)
			p.holds("no more start within a period than may", fmt.Sprint("item ", i), apart >= limits.Rate.Per, apart)
		}
	}
	return nil
}
