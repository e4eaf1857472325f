package eventloop

import "iter"

// Completed yields the items in the order in which they are done, each once, and waits in between; those
// that are done already come first, in the order of the arguments. When the task is cancelled, it yields
// the zero value with the cause, once, and ends; the items are not cancelled.
func Completed[A Awaitable](items ...A) iter.Seq2[A, error] {
	return func(yield func(A, error) bool) {
		if len(items) == 0 {
			return
		}
		t := items[0].loop().task("Completed")
		c := &completions[A]{t: t, rest: severals[A]{op: "Completed", items: items}}
		defer c.leave()
		c.watch(items)
		for range items {
			a, err := c.next()
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}

type completions[A Awaitable] struct {
	t     *Task
	rest  severals[A]
	ended ring[A]
	links []*waiter
}

func (c *completions[A]) watch(items []A) {
	for _, a := range items {
		if a.Done() {
			c.ended.push(a)
			continue
		}
		c.links = append(c.links, a.ends().now(func() {
			c.ended.push(a)
			if c.t.onWhat == describer(c) {
				c.t.wake(nil)
			}
		}))
	}
}

func (c *completions[A]) next() (a A, err error) {
	if c.ended.n == 0 {
		if c.t.pending != nil {
			return a, c.t.takePending()
		}
		if err := c.t.parkOn(c); err != nil {
			return a, err
		}
	}
	return c.ended.pop(), nil
}

func (c *completions[A]) leave() {
	for _, w := range c.links {
		w.leave()
	}
}

func (c *completions[A]) String() string { return c.rest.String() }
