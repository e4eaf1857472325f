package eventloop

// A list is a FIFO from which any link can leave at any time. The zero value is empty.
type list[V any] struct{ first, last *link[V] }

// A link is one place in a list, or in none.
type link[V any] struct {
	prev, next *link[V]
	in         *list[V]
	v          V
}

func (l *list[V]) push(k *link[V]) {
	k.in, k.prev, k.next = l, l.last, nil
	if l.last == nil {
		l.first = k
	} else {
		l.last.next = k
	}
	l.last = k
}

// pop takes out the first link; nil when the list is empty.
func (l *list[V]) pop() *link[V] {
	k := l.first
	if k != nil {
		k.leave()
	}
	return k
}

// leave takes the link out of its list. It reports false if it was in none.
func (k *link[V]) leave() bool {
	l := k.in
	if l == nil {
		return false
	}
	if k.prev == nil {
		l.first = k.next
	} else {
		k.prev.next = k.next
	}
	if k.next == nil {
		l.last = k.prev
	} else {
		k.next.prev = k.prev
	}
	k.prev, k.next, k.in = nil, nil, nil
	return true
}
