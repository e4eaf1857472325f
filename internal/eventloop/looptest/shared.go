package looptest

import (
	"errors"
	"strconv"
	"testing"
)

// A SharedLoop has what tasks share. All of it is fair: first come, first served, and nobody gets between.
// The names are for reports.
type SharedLoop interface {
	Loop
	// NewChan is a channel of ints; without capacity, a sender waits for a receiver.
	NewChan(name string, capacity int) Chan
	// NewQueue is a queue of ints that holds at most limit; 0 is any number.
	NewQueue(name string, limit int) Queue
	// NewMutex is an unlocked mutex.
	NewMutex(name string) Mutex
	// NewSemaphore has n free slots.
	NewSemaphore(name string, n int) Semaphore
	// NewCond is a condition that m protects.
	NewCond(m Mutex, name string) Cond
	// NewWaitGroup waits for nothing yet.
	NewWaitGroup(name string) WaitGroup
}

// A Chan is a channel.
type Chan interface {
	// Send waits for room; on error, of a cancellation or a closed channel, v was not sent.
	Send(v int) error
	// Recv waits for a value; on error, of a cancellation or a closed and empty channel, it took none.
	Recv() (int, error)
	// Close turns senders away, and receivers once the channel is empty.
	Close()
}

// A Queue is a channel that knows when all work is done.
type Queue interface {
	// Put is the Send of a channel.
	Put(v int) error
	// Get is the Recv of a channel.
	Get() (int, error)
	// TaskDone says that the work on one item is done.
	TaskDone()
	// Join waits until it was called for every item put.
	Join() error
	// Close is that of a channel.
	Close()
}

// A Mutex is held by one.
type Mutex interface {
	// Lock waits for the mutex; on error, of a cancellation, it is not held.
	Lock() error
	// Unlock hands the mutex on; any task may, and who is no task.
	Unlock()
}

// A Semaphore has slots.
type Semaphore interface {
	// Acquire waits for a slot; on error, of a cancellation, none is taken.
	Acquire() error
	// Release hands a slot on.
	Release()
}

// A Cond is what those who hold its mutex wait for.
type Cond interface {
	// Wait waits without the mutex and comes back with it, also with the error of a cancellation.
	Wait() error
	// Signal wakes who waits longest, if anyone does.
	Signal()
	// Broadcast wakes all who wait.
	Broadcast()
}

// A WaitGroup wakes those who wait when its count is zero.
type WaitGroup interface {
	// Add changes the count.
	Add(n int)
	// Done takes one away.
	Done()
	// Wait waits for zero, or returns the cause of a cancellation.
	Wait() error
}

// RunShared checks the promises about what tasks share against loops from open.
func RunShared[L SharedLoop](t *testing.T, open func() L, errs Errors) {
	hold(t, chanPromises, errs, func(*suite) SharedLoop { return open() })
	hold(t, lockPromises, errs, func(*suite) SharedLoop { return open() })
}

var chanPromises = []promise[SharedLoop]{
	{"receivers of a channel are served in the order in which they came", chanReceivers},
	{"values of a channel arrive in the order in which they were sent", chanSenders},
	{"a sender waits only while there is no room", chanRoom},
	{"nobody takes a value from the receiver whose turn it is", chanFair},
	{"a closed channel gives what is in it, and then says so", chanClose},
	{"a cancelled sender has not sent, a cancelled receiver not received", chanCancelled},
	{"a value handed over before a cancellation is not lost", chanHandedOver},
	{"a killed task takes no value and sends none", chanKilled},
	{"a queue hands items to consumers in the order in which both came", queueOrder},
	{"a full queue makes producers wait, in order", queueLimit},
	{"join waits until all work of a queue is done", queueJoin},
	{"a closed queue turns producers away, and consumers when it is empty", queueClose},
}

// receiver starts a task that receives once.
func receiver(s *suite, name string, recv func() (int, error)) Task {
	return s.l.Go(name, func() {
		v, err := recv()
		if errors.Is(err, s.errs.Closed) {
			s.say("%s-closed", name)
			return
		}
		s.say("%s=%d,%v", name, v, err)
	})
}

// sender starts a task that sends once.
func sender(s *suite, v int, send func(int) error) Task {
	return s.l.Go("sender-"+strconv.Itoa(v), func() {
		err := send(v)
		if errors.Is(err, s.errs.Closed) {
			s.say("%d-closed", v)
			return
		}
		s.say("%d-sent,%v", v, err)
	})
}

func chanReceivers(s *suite, l SharedLoop) {
	c := l.NewChan("c", 0)
	for _, name := range []string{"a", "b", "c"} {
		receiver(s, name, c.Recv)
	}
	l.Run()
	for v := range 3 {
		sender(s, v, c.Send)
	}
	l.Run()
	s.want("0-sent,<nil> 1-sent,<nil> 2-sent,<nil> a=0,<nil> b=1,<nil> c=2,<nil>")
}

func chanSenders(s *suite, l SharedLoop) {
	c := l.NewChan("c", 1)
	for v := range 4 {
		sender(s, v, c.Send)
	}
	l.Run()
	l.Go("receiver", func() {
		for range 4 {
			v, _ := c.Recv()
			s.say("%d", v)
		}
	})
	l.Run()
	s.want("0-sent,<nil> 0 1 2 3 1-sent,<nil> 2-sent,<nil> 3-sent,<nil>")
}

func chanRoom(s *suite, l SharedLoop) {
	c := l.NewChan("c", 2)
	for v := range 3 {
		sender(s, v, c.Send)
	}
	l.Run()
	s.want("0-sent,<nil> 1-sent,<nil>")
	receiver(s, "a", c.Recv)
	l.Run()
	s.want("0-sent,<nil> 1-sent,<nil> a=0,<nil> 2-sent,<nil>")
	none := l.NewChan("none", 0)
	sender(s, 7, none.Send)
	s.check(l.Run() == 1 && len(l.Tasks()) == 1, "without capacity, the first sender waits")
}

func chanFair(s *suite, l SharedLoop) {
	c := l.NewChan("c", 1)
	receiver(s, "first", c.Recv)
	l.Go("sender", func() {
		_ = c.Send(1)
		receiver(s, "third", c.Recv)
		v, _ := c.Recv() // the value is in the channel no more
		s.say("sender=%d", v)
	})
	l.Run()
	s.want("first=1,<nil>")
	sender(s, 2, c.Send)
	sender(s, 3, c.Send)
	l.Run()
	s.want("first=1,<nil> 2-sent,<nil> 3-sent,<nil> sender=2 third=3,<nil>")
}

func chanClose(s *suite, l SharedLoop) {
	c := l.NewChan("c", 1)
	for v := range 2 {
		sender(s, v, c.Send)
	}
	l.Run()
	c.Close()
	sender(s, 2, c.Send)
	receiver(s, "a", c.Recv)
	receiver(s, "b", c.Recv)
	l.Run()
	s.want("0-sent,<nil> 1-closed 2-closed a=0,<nil> b-closed")
	empty := l.NewChan("empty", 0)
	receiver(s, "c", empty.Recv)
	receiver(s, "d", empty.Recv)
	l.Run()
	s.log = nil
	empty.Close()
	l.Run()
	s.want("c-closed d-closed")
}

func chanCancelled(s *suite, l SharedLoop) {
	c := l.NewChan("c", 0)
	gone := receiver(s, "gone", c.Recv)
	receiver(s, "b", c.Recv)
	l.Run()
	gone.Cancel(errStop)
	sender(s, 1, c.Send)
	l.Run()
	s.want("gone=0,stop 1-sent,<nil> b=1,<nil>")

	s.log = nil
	gone = sender(s, 2, c.Send)
	sender(s, 3, c.Send)
	l.Run()
	gone.Cancel(errStop)
	receiver(s, "c", c.Recv)
	l.Run()
	s.want("2-sent,stop c=3,<nil> 3-sent,<nil>")
}

func chanHandedOver(s *suite, l SharedLoop) {
	c := l.NewChan("c", 0)
	t := l.Go("receiver", func() {
		v, err := c.Recv()
		s.say("%d,%v", v, err)
		_, err = c.Recv()
		s.say("%v", err)
	})
	l.Run()
	l.Go("sender", func() {
		_ = c.Send(1)
		t.Cancel(errStop)
	})
	l.Run()
	s.want("1,<nil> stop")
}

func chanKilled(s *suite, l SharedLoop) {
	c := l.NewChan("c", 0)
	t := receiver(s, "dead", c.Recv)
	receiver(s, "b", c.Recv)
	l.Run()
	t.Kill()
	sender(s, 1, c.Send)
	l.Run()
	t = sender(s, 2, c.Send)
	sender(s, 3, c.Send)
	l.Run()
	t.Kill()
	receiver(s, "c", c.Recv)
	l.Run()
	s.want("1-sent,<nil> b=1,<nil> c=3,<nil> 3-sent,<nil>")
}

func queueOrder(s *suite, l SharedLoop) {
	q := l.NewQueue("q", 0)
	for _, name := range []string{"a", "b"} {
		receiver(s, name, q.Get)
	}
	l.Run()
	for v := range 4 {
		sender(s, v, q.Put)
	}
	l.Run()
	s.log = nil
	receiver(s, "c", q.Get)
	receiver(s, "d", q.Get)
	l.Run()
	s.want("c=2,<nil> d=3,<nil>")
}

func queueLimit(s *suite, l SharedLoop) {
	q := l.NewQueue("q", 1)
	for v := range 3 {
		sender(s, v, q.Put)
	}
	l.Run()
	s.want("0-sent,<nil>")
	for _, name := range []string{"a", "b", "c"} {
		receiver(s, name, q.Get)
	}
	l.Run()
	s.want("0-sent,<nil> a=0,<nil> b=1,<nil> c=2,<nil> 1-sent,<nil> 2-sent,<nil>")
}

func queueJoin(s *suite, l SharedLoop) {
	q := l.NewQueue("q", 1)
	l.Go("early", func() {
		s.check(q.Join() == nil, "there is no work yet")
		s.say("early")
	})
	l.Go("producer", func() {
		_, _ = q.Put(1), q.Put(2)
		_ = q.Join()
		s.say("joined")
	})
	l.Run()
	worker := l.Go("worker", func() {
		for v := range 2 {
			_, _ = q.Get()
			_ = l.Park("work")
			s.say("done-%d", v)
			q.TaskDone()
		}
	})
	for range 3 {
		l.Run()
		worker.Wake()
	}
	l.Run()
	s.want("early done-0 done-1 joined")
}

func queueClose(s *suite, l SharedLoop) {
	q := l.NewQueue("q", 1)
	sender(s, 1, q.Put)
	sender(s, 2, q.Put)
	l.Run()
	q.Close()
	sender(s, 3, q.Put)
	receiver(s, "a", q.Get)
	receiver(s, "b", q.Get)
	l.Run()
	s.want("1-sent,<nil> 2-closed 3-closed a=1,<nil> b-closed")
}
