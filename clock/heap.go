package clock

// A timer is an entry of the heap: when it is due, the order in which it was set, and its slot.
type timer struct {
	when int64
	seq  uint64
	slot int32
}

func (t timer) before(o timer) bool {
	return t.when < o.when || t.when == o.when && t.seq < o.seq
}

// timerHeap is a heap of arity four that keeps each timer's position in its slot, so that stopping a timer
// needs no search. Four children per node halve the depth; the entries are compared without a pointer.
type timerHeap []timer

func (h *timerHeap) push(slots []slot, t timer) {
	*h = append(*h, t)
	h.up(slots, len(*h)-1)
}

func (h *timerHeap) remove(slots []slot, i int) {
	last := len(*h) - 1
	moved := (*h)[last]
	*h = (*h)[:last]
	if i == last {
		return
	}
	(*h)[i] = moved
	h.down(slots, i)
	h.up(slots, int(slots[moved.slot].pos))
}

func (h timerHeap) up(slots []slot, i int) {
	t := h[i]
	for i > 0 {
		parent := (i - 1) / 4
		if !t.before(h[parent]) {
			break
		}
		h.place(slots, i, h[parent])
		i = parent
	}
	h.place(slots, i, t)
}

func (h timerHeap) down(slots []slot, i int) {
	t := h[i]
	for {
		first := 4*i + 1
		if first >= len(h) {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, len(h)); c++ {
			if h[c].before(h[least]) {
				least = c
			}
		}
		if !h[least].before(t) {
			break
		}
		h.place(slots, i, h[least])
		i = least
	}
	h.place(slots, i, t)
}

func (h timerHeap) place(slots []slot, i int, t timer) {
	h[i] = t
	slots[t.slot].pos = int32(i)
}
