package eventloop

// An entry of the ready queue is a task to resume or a callback to run.
type entry struct {
	task *Task
	fn   func()
}

// A ring is a FIFO in an array that grows: no allocation once it has its size. The zero value is empty.
type ring[V any] struct {
	at   []V // its length is zero or a power of two
	head int
	n    int
}

func (q *ring[V]) push(v V) {
	if q.n == len(q.at) {
		q.grow()
	}
	q.at[(q.head+q.n)&(len(q.at)-1)] = v
	q.n++
}

// pop takes out the oldest value; there must be one.
func (q *ring[V]) pop() V {
	at := &q.at[q.head]
	v := *at
	var zero V
	*at = zero
	q.head = (q.head + 1) & (len(q.at) - 1)
	q.n--
	return v
}

// peek is the i-th value, counted from the oldest.
func (q *ring[V]) peek(i int) V { return q.at[(q.head+i)&(len(q.at)-1)] }

// take removes the i-th value, counted from the oldest, and leaves the others in their order.
func (q *ring[V]) take(i int) V {
	mask := len(q.at) - 1
	v := q.at[(q.head+i)&mask]
	for ; i > 0; i-- {
		q.at[(q.head+i)&mask] = q.at[(q.head+i-1)&mask]
	}
	q.pop()
	return v
}

// keep removes the values for which ok is false.
func (q *ring[V]) keep(ok func(V) bool) {
	for range q.n {
		if v := q.pop(); ok(v) {
			q.push(v)
		}
	}
}

func (q *ring[V]) grow() {
	bigger := make([]V, max(8, 2*len(q.at)))
	for i := range q.n {
		bigger[i] = q.at[(q.head+i)&(len(q.at)-1)]
	}
	q.at, q.head = bigger, 0
}
