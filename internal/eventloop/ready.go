package eventloop

// An entry of the ready queue is a task to resume or a callback to run.
type entry struct {
	task *Task
	fn   func()
}

// readyQueue is a ring that grows: FIFO, without allocation once it has its size. The zero value is empty.
type readyQueue struct {
	ring []entry // its length is zero or a power of two
	head int
	n    int
}

func (q *readyQueue) push(e entry) {
	if q.n == len(q.ring) {
		q.grow()
	}
	q.ring[(q.head+q.n)&(len(q.ring)-1)] = e
	q.n++
}

func (q *readyQueue) pop() entry {
	at := &q.ring[q.head]
	e := *at
	*at = entry{}
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.n--
	return e
}

// take removes the i-th entry, counted from the head, and leaves the others in their order.
func (q *readyQueue) take(i int) entry {
	mask := len(q.ring) - 1
	e := q.ring[(q.head+i)&mask]
	for ; i > 0; i-- {
		q.ring[(q.head+i)&mask] = q.ring[(q.head+i-1)&mask]
	}
	q.pop()
	return e
}

// keep removes the entries for which ok is false.
func (q *readyQueue) keep(ok func(entry) bool) {
	for range q.n {
		if e := q.pop(); ok(e) {
			q.push(e)
		}
	}
}

func (q *readyQueue) grow() {
	bigger := make([]entry, max(8, 2*len(q.ring)))
	for i := range q.n {
		bigger[i] = q.ring[(q.head+i)&(len(q.ring)-1)]
	}
	q.ring, q.head = bigger, 0
}
