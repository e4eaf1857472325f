package durable

import (
	"cmp"
	"iter"
	"slices"
)

// Completed yields the futures' places among the arguments and their outcomes in the order in which they
// end, which is the journal's, each exactly once; it waits in between. Leaving the loop early leaves nothing
// behind; the operations that have not ended go on. When ctx is cancelled, it yields what has ended, then
// once the place -1 with the cancellation, and ends.
func Completed[T any](ctx Context, futures ...Future[T]) iter.Seq2[int, Outcome[T]] {
	b := ctx.enter("Completed")
	ops := operations(b, "Completed", futures)
	return func(yield func(int, Outcome[T]) bool) {
		ctx.enter("Completed")
		c := &completions{b: b, ops: ops}
		c.watch()
		defer c.leave()
		for range ops {
			i, err := c.next(ctx.s)
			if err != nil {
				yield(-1, Outcome[T]{Err: err})
				return
			}
			if !yield(i, outcomeOf[T](ops[i])) {
				return
			}
		}
	}
}

// completions is one loop over Completed.
type completions struct {
	b     *branch
	ops   []*operation
	ready []int // places of those that have ended and were not yielded
	open  []*completion
}

// completion watches one of the operations.
type completion struct {
	all   *completions
	place int
}

func (c *completions) watch() {
	for i, op := range c.ops {
		if op.ended > 0 {
			c.ready = append(c.ready, i)
			continue
		}
		w := &completion{c, i}
		c.open = append(c.open, w)
		op.watch(w)
	}
	slices.SortStableFunc(c.ready, func(i, j int) int { return cmp.Compare(c.ops[i].ended, c.ops[j].ended) })
}

func (w *completion) ended(*operation) {
	w.all.ready = append(w.all.ready, w.place)
	if w.all.b.on == w.all {
		w.all.b.wake(nil)
	}
}

func (c *completions) next(s *scope) (int, error) {
	if len(c.ready) == 0 {
		if err := c.b.wait(s, c); err != nil {
			return -1, err
		}
	}
	i := c.ready[0]
	c.ready = c.ready[1:]
	return i, nil
}

func (c *completions) leave() {
	for _, w := range c.open {
		if op := c.ops[w.place]; op.ended == 0 {
			op.unwatch(w)
		}
	}
}

// String says what is still waited for.
func (c *completions) String() string { return "Completed of " + describeOpen(c.ops) }
