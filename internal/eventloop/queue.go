package eventloop

import (
	"fmt"
	"math"
)

// A Queue hands work from producers to consumers, like asyncio's: besides what a [Chan] does, it knows when
// all work is done.
type Queue[T any] struct {
	c       Chan[T]
	done    int // how often TaskDone was called
	joiners waiters
}

// NewQueue is a queue that holds at most limit items; 0 means any number.
func NewQueue[T any](l *Loop, name string, limit int) *Queue[T] {
	if limit < 0 {
		panic(fmt.Sprintf("eventloop: NewQueue %q needs a limit of 0 (none) or more, got %d", name, limit))
	}
	if limit == 0 {
		limit = math.MaxInt
	}
	return &Queue[T]{c: Chan[T]{l: l, name: name, cap: limit}}
}

// Put adds an item, and waits while the queue is full. It returns [ErrClosed] after Close, and the cause
// when the task is cancelled; in both cases the item was not added.
func (q *Queue[T]) Put(v T) error { return q.c.Send(v) }

// TryPut is [Queue.Put] without waiting. It reports whether the item was added.
func (q *Queue[T]) TryPut(v T) bool { return q.c.TrySend(v) }

// Get takes the oldest item, and waits for one if need be. It returns [ErrClosed] once the queue is closed
// and empty, and the cause when the task is cancelled.
func (q *Queue[T]) Get() (T, error) { return q.c.Recv() }

// TryGet is [Queue.Get] without waiting. It reports whether there was an item.
func (q *Queue[T]) TryGet() (T, bool) { return q.c.TryRecv() }

// Len is the number of items in the queue.
func (q *Queue[T]) Len() int { return q.c.Len() }

// TaskDone says that the work on one item from Get is done.
func (q *Queue[T]) TaskDone() {
	q.c.l.enter("TaskDone")
	if q.done == q.c.accepted {
		panic("eventloop: TaskDone was called more often than Put on queue " + quote(q.c.name))
	}
	q.done++
	if q.done == q.c.accepted {
		q.joiners.fire(q.c.l)
	}
}

// Join waits until TaskDone was called for every item put.
func (q *Queue[T]) Join() error {
	t := q.c.l.task("Join")
	if q.done == q.c.accepted {
		return nil
	}
	return q.joiners.add(t, (*joining[T])(q))
}

// Close turns producers away; consumers see the end once the queue is empty.
func (q *Queue[T]) Close() { q.c.Close() }

type joining[T any] Queue[T]

func (q *joining[T]) String() string { return "all work of queue " + quote(q.c.name) }
