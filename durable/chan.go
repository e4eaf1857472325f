package durable

import (
	"errors"
	"fmt"
	"iter"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// ErrChanClosed is what a closed Chan answers: to senders at once, to receivers when it is empty.
var ErrChanClosed = errors.New("durable: the channel is closed")

func init() { RegisterError(ErrChanClosed) }

// Chan carries values between the branches of one run, like a Go channel; it is part of the run's memory, not
// of its journal, and replay fills it again. It is FIFO-fair: values arrive in the order of the sends, and
// receivers are served in the order in which they came. A wait is cut short when its Context is cancelled;
// what needs no wait is done all the same.
type Chan[T any] struct {
	shared
	c *eventloop.Chan[T]
}

// NewChan makes a channel with room for capacity values; with 0 a sender waits for a receiver. The name is
// for reports.
func NewChan[T any](ctx Context, name string, capacity int) *Chan[T] {
	b := ctx.enter("NewChan")
	if capacity < 0 {
		panic(fmt.Sprintf("durable: NewChan %q needs a capacity of 0 or more, got %d", name, capacity))
	}
	return &Chan[T]{share(b, "channel", name), eventloop.NewChan[T](b.m.loop, name, capacity)}
}

// Send hands v to a receiver or to the buffer, and waits while there is no room. Its error is ErrChanClosed,
// also when the channel is closed during the wait, or the cancellation of ctx; v was not sent then.
func (c *Chan[T]) Send(ctx Context, v T) error {
	b := c.in(ctx.enter("Chan.Send"), "Chan.Send")
	return chanError(b.waitNative(ctx.s, wanted{"room in", c}, func() error { return c.c.Send(v) }))
}

// TrySend is Send without waiting. It reports whether v was sent.
func (c *Chan[T]) TrySend(ctx Context, v T) bool {
	c.in(ctx.enter("Chan.TrySend"), "Chan.TrySend")
	return c.c.TrySend(v)
}

// Recv takes the next value, and waits for one if need be. Its error is ErrChanClosed once the channel is
// closed and empty, or the cancellation of ctx.
func (c *Chan[T]) Recv(ctx Context) (v T, err error) {
	b := c.in(ctx.enter("Chan.Recv"), "Chan.Recv")
	err = b.waitNative(ctx.s, wanted{"a value from", c}, func() (err error) {
		v, err = c.c.Recv()
		return err
	})
	return v, chanError(err)
}

// TryRecv is Recv without waiting. It reports whether there was a value.
func (c *Chan[T]) TryRecv(ctx Context) (v T, ok bool) {
	c.in(ctx.enter("Chan.TryRecv"), "Chan.TryRecv")
	return c.c.TryRecv()
}

// All receives until the channel is closed and empty. When ctx is cancelled, it yields the cancellation and
// ends.
func (c *Chan[T]) All(ctx Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := c.Recv(ctx)
			if err == ErrChanClosed || !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Close lets receivers see the end once the buffer is empty, and turns senders away. Unlike Go's, a channel
// may be closed twice.
func (c *Chan[T]) Close(ctx Context) {
	c.in(ctx.enter("Chan.Close"), "Chan.Close")
	c.c.Close()
}

// Len is the number of values in the buffer.
func (c *Chan[T]) Len() int { return c.c.Len() }

// Cap is the room in the buffer.
func (c *Chan[T]) Cap() int { return c.c.Cap() }

func chanError(err error) error {
	if err == eventloop.ErrClosed {
		return ErrChanClosed
	}
	return err
}
