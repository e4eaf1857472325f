package durable

import (
	"strings"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// Case is one of the things that Select waits for; Chan.Receiving and Chan.Sending make them.
type Case struct {
	c    eventloop.Case
	on   shared
	verb string
}

// Receiving is a case of Select that takes a value from the channel and calls fn with it, or with
// ErrChanClosed.
func (c *Chan[T]) Receiving(fn func(v T, err error)) Case {
	if fn == nil {
		panic("durable: Receiving needs a function to call with the value, got nil")
	}
	receive := func(v T, err error) { fn(v, chanError(err)) }
	return Case{c.c.Receiving(receive), c.shared, "a value from"}
}

// Sending is a case of Select that sends v and then calls fn, which may be nil, with nil or ErrChanClosed.
func (c *Chan[T]) Sending(v T, fn func(err error)) Case {
	sent := func(err error) {
		if fn != nil {
			fn(chanError(err))
		}
	}
	return Case{c.c.Sending(v, sent), c.shared, "room in"}
}

// Select waits until one of the cases can happen, lets it happen, and returns its place among the arguments.
// If several can, it is the first of them: the order of the arguments decides, not chance. When ctx is
// cancelled first, none happens, and Select returns -1 and the cancellation.
func Select(ctx Context, cases ...Case) (place int, err error) {
	b := ctx.enter("Select")
	if len(cases) == 0 {
		panic("durable: Select was called without cases; it needs one at least")
	}
	list := make([]eventloop.Case, len(cases))
	for i, c := range cases {
		c.on.in(b, "Select")
		list[i] = c.c
	}
	err = b.waitNative(ctx.s, selection(cases), func() (err error) {
		place, err = eventloop.Select(list...)
		return err
	})
	return place, err
}

type selection []Case

// String lists the cases.
func (s selection) String() string {
	texts := make([]string, len(s))
	for i, c := range s {
		texts[i] = wanted{c.verb, c.on}.String()
	}
	return strings.Join(texts, " or ")
}
