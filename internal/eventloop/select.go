package eventloop

import "fmt"

// A Case is one of the things that [Select] waits for: see [Chan.Receiving] and [Chan.Sending].
type Case interface {
	describer
	loop() *Loop
	try() bool                    // does it if that needs no wait
	join(s *selection, index int) // begins to wait
	end()                         // what follows once it was chosen
	over() bool                   // the channel was closed during the wait
}

// Receiving is a case that takes a value from the channel and calls fn with it, or with [ErrClosed]. fn is
// called in the task that selects, when its wait is over.
func (c *Chan[T]) Receiving(fn func(T, error)) Case { return &recvCase[T]{c: c, fn: fn} }

// Sending is a case that sends v and then calls fn with nil, or with [ErrClosed]. fn may be nil. It is called
// in the task that selects, when its wait is over.
func (c *Chan[T]) Sending(v T, fn func(error)) Case {
	return &sendCase[T]{c: c, fn: fn, offer: offer[T]{v: v}}
}

// Select waits until one of the cases can happen, lets it happen, and returns its index. If several can, it
// is the first of them: the order of the arguments decides, not chance. When the task is cancelled, no
// case happens, and Select returns -1 and the cause.
func Select(cases ...Case) (int, error) {
	if len(cases) == 0 {
		panic("eventloop: Select needs at least one case; a task that waits for nothing else uses Park")
	}
	l := cases[0].loop()
	t := l.task("Select")
	for i, c := range cases {
		if c.loop() != l {
			panic(fmt.Sprintf("eventloop: Select was given case %d (%v) of another loop; "+
				"make all of them in one loop, or world", i+1, c))
		}
		if c.try() {
			return i, nil
		}
	}
	if t.pending != nil {
		return -1, t.takePending()
	}
	s := &selection{task: t, cases: cases, chosen: -1}
	for i, c := range cases {
		c.join(s, i)
	}
	t.selecting = s
	err := t.parkOn(s)
	t.withdraw()
	if err != nil {
		return -1, err
	}
	for i := 0; s.chosen < 0 && i < len(cases); i++ {
		if cases[i].over() {
			s.chosen = i
		}
	}
	cases[s.chosen].end()
	return s.chosen, nil
}

// selection is a wait for one of several cases. The task has a place in the list of each channel; as soon as
// one case happens, it leaves the others.
type selection struct {
	task   *Task
	cases  []Case
	links  []*waiter
	chosen int
}

func (s *selection) wait(ws *waiters, slot any) {
	w := &waiter{v: waiting{task: s.task, slot: slot}}
	s.links = append(s.links, w)
	ws.push(w)
}

// choose is called by who serves the case. A wait without a selection has nothing to leave.
func (s *selection) choose(index int) {
	if s != nil {
		s.chosen = index
		s.leave()
	}
}

func (s *selection) leave() {
	for _, w := range s.links {
		w.leave()
	}
}

func (s *selection) String() string {
	text := "one of: "
	for i, c := range s.cases {
		if i > 0 {
			text += "; "
		}
		text += c.String()
	}
	return text
}

type recvCase[T any] struct {
	c     *Chan[T]
	fn    func(T, error)
	offer offer[T]
}

func (r *recvCase[T]) try() bool {
	v, decided, err := r.c.take("Select")
	if decided {
		r.fn(v, err)
	}
	return decided
}

func (r *recvCase[T]) join(s *selection, index int) {
	r.offer.sel, r.offer.index = s, index
	s.wait(&r.c.receivers, &r.offer)
}

func (r *recvCase[T]) end() {
	if !r.offer.served {
		r.fn(r.offer.v, ErrClosed)
		return
	}
	r.fn(r.offer.v, nil)
}

func (r *recvCase[T]) over() bool     { return r.c.closed }
func (r *recvCase[T]) loop() *Loop    { return r.c.l }
func (r *recvCase[T]) String() string { return (*receiving[T])(r.c).String() }

type sendCase[T any] struct {
	c     *Chan[T]
	fn    func(error)
	offer offer[T]
}

func (r *sendCase[T]) try() bool {
	decided, err := r.c.offer("Select", r.offer.v)
	if decided {
		r.tell(err)
	}
	return decided
}

func (r *sendCase[T]) join(s *selection, index int) {
	r.offer.sel, r.offer.index = s, index
	s.wait(&r.c.senders, &r.offer)
}

func (r *sendCase[T]) end() {
	if !r.offer.served {
		r.tell(ErrClosed)
		return
	}
	r.tell(nil)
}

func (r *sendCase[T]) tell(err error) {
	if r.fn != nil {
		r.fn(err)
	}
}

func (r *sendCase[T]) over() bool     { return r.c.closed }
func (r *sendCase[T]) loop() *Loop    { return r.c.l }
func (r *sendCase[T]) String() string { return (*sending[T])(r.c).String() }
