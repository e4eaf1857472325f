package eventloop

import (
	"errors"
	"fmt"
	"iter"
)

// ErrClosed is what a closed [Chan] or [Queue] answers: to senders at once, to receivers when it is empty.
var ErrClosed = errors.New("eventloop: closed")

// A Chan carries values between tasks of one loop, like a Go channel. It is FIFO-fair: values arrive in the
// order in which Send was called, and receivers are served in the order in which they came. A nil Chan
// does not work; create one with [NewChan].
type Chan[T any] struct {
	l         *Loop
	name      string
	cap       int
	buf       ring[T]
	senders   waiters // each offers a value
	receivers waiters // each has room for one
	closed    bool
	accepted  int // how many values were sent
}

// NewChan is a channel with room for capacity values; 0 means that a sender waits for a receiver. The name
// is for reports.
func NewChan[T any](l *Loop, name string, capacity int) *Chan[T] {
	if capacity < 0 {
		panic(fmt.Sprintf("eventloop: NewChan %q needs a capacity of 0 or more, got %d", name, capacity))
	}
	return &Chan[T]{l: l, name: name, cap: capacity}
}

// offer is what a waiting sender offers, or where a waiting receiver wants its value.
type offer[T any] struct {
	v      T
	served bool
	sel    *selection // the Select that it is a case of, if it is
	index  int
}

// Send hands v to a receiver or to the buffer, and waits while there is no room. It returns [ErrClosed] on
// a closed channel, also when it is closed during the wait, and the cause when the task is cancelled; in
// both cases v was not sent.
func (c *Chan[T]) Send(v T) error {
	if done, err := c.offer("Send", v); done {
		return err
	}
	o := &offer[T]{v: v}
	if err := c.wait("Send", &c.senders, o, (*sending[T])(c)); err != nil {
		return err
	}
	if !o.served {
		return ErrClosed
	}
	return nil
}

// TrySend is [Chan.Send] without waiting. It reports whether v was sent.
func (c *Chan[T]) TrySend(v T) bool {
	done, err := c.offer("TrySend", v)
	return done && err == nil
}

// offer reports whether the matter is decided without a wait.
func (c *Chan[T]) offer(op string, v T) (decided bool, err error) {
	c.l.enter(op)
	if c.closed {
		return true, ErrClosed
	}
	if w := c.receivers.pop(); w != nil {
		o := w.v.slot.(*offer[T])
		o.v, o.served = v, true
		c.accepted++
		o.sel.choose(o.index)
		w.v.task.wake(nil)
		return true, nil
	}
	if c.buf.n < c.cap {
		c.buf.push(v)
		c.accepted++
		return true, nil
	}
	return false, nil
}

// Recv takes the next value, and waits for one if need be. It returns [ErrClosed] once the channel is
// closed and empty, and the cause when the task is cancelled.
func (c *Chan[T]) Recv() (T, error) {
	v, decided, err := c.take("Recv")
	if decided {
		return v, err
	}
	o := &offer[T]{}
	if err := c.wait("Recv", &c.receivers, o, (*receiving[T])(c)); err != nil {
		return v, err
	}
	if !o.served {
		return v, ErrClosed
	}
	return o.v, nil
}

// TryRecv is [Chan.Recv] without waiting. It reports whether there was a value.
func (c *Chan[T]) TryRecv() (T, bool) {
	v, decided, err := c.take("TryRecv")
	return v, decided && err == nil
}

func (c *Chan[T]) take(op string) (v T, decided bool, err error) {
	c.l.enter(op)
	if c.buf.n > 0 {
		v = c.buf.pop()
		if w := c.senders.pop(); w != nil {
			c.buf.push(c.accept(w))
		}
		return v, true, nil
	}
	if w := c.senders.pop(); w != nil {
		return c.accept(w), true, nil
	}
	if c.closed {
		return v, true, ErrClosed
	}
	return v, false, nil
}

// accept takes the value of a waiting sender and lets it go on.
func (c *Chan[T]) accept(w *waiter) T {
	o := w.v.slot.(*offer[T])
	o.served = true
	c.accepted++
	o.sel.choose(o.index)
	w.v.task.wake(nil)
	return o.v
}

func (c *Chan[T]) wait(op string, ws *waiters, o *offer[T], on describer) error {
	t := c.l.task(op)
	t.wait.v.slot = o
	err := ws.add(t, on)
	t.wait.v.slot = nil
	return err
}

// Close lets receivers see the end once the buffer is empty, and turns senders away. Unlike Go's, a
// channel may be closed twice.
func (c *Chan[T]) Close() {
	c.l.enter("Close")
	c.closed = true
	c.receivers.fire(c.l)
	c.senders.fire(c.l)
}

// Len is the number of values in the buffer.
func (c *Chan[T]) Len() int { return c.buf.n }

// Cap is the room in the buffer.
func (c *Chan[T]) Cap() int { return c.cap }

// All receives until the channel is closed and empty. When the task is cancelled, it yields the cause and
// ends.
func (c *Chan[T]) All() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := c.Recv()
			if err == ErrClosed || !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// sending and receiving are a channel as it is described to who asks what a task waits for.
type (
	sending[T any]   Chan[T]
	receiving[T any] Chan[T]
)

func (c *sending[T]) String() string   { return "room in chan " + quote(c.name) }
func (c *receiving[T]) String() string { return "a value from chan " + quote(c.name) }
