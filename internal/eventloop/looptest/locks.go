package looptest

import "errors"

var lockPromises = []promise[SharedLoop]{
	{"a mutex is handed to who waits longest, and nobody gets between", mutexFair},
	{"who was cancelled while it waited does not hold the mutex", mutexCancelled},
	{"a mutex handed over before a cancellation is held", mutexHandedOver},
	{"a mutex is not handed to a killed task", mutexKilled},
	{"a semaphore lets in as many as it has slots, in order", semaphoreOrder},
	{"a released slot goes to who waits longest, and nobody gets between", semaphoreFair},
	{"who was cancelled while it waited has no slot", semaphoreCancelled},
	{"signal wakes who waits longest for a condition, broadcast all, in order", condOrder},
	{"waiting for a condition lets others have the mutex, and comes back with it", condMutex},
	{"a cancelled wait for a condition comes back with the mutex", condCancelled},
	{"a wait group wakes all who wait, in order, when its count is zero", groupOrder},
	{"a wait group at zero does not make anyone wait, and counts again", groupAgain},
	{"a cancellation that found the task running ends its next wait, whatever for", cancelledBefore},
	{"cancelling who waits for a group leaves it to the others", groupCancelled},
}

func mutexFair(s *suite, l SharedLoop) {
	m := l.NewMutex("m")
	for _, name := range []string{"a", "b"} {
		l.Go(name, func() {
			for range 2 {
				_ = m.Lock()
				s.say("%s", name)
				_ = l.Yield() // it may be held over a wait
				s.say("%s", name)
				m.Unlock()
			}
		})
	}
	l.Run()
	s.want("a a b b a a b b")
}

// locked takes the mutex for the test, in a task, and returns how to unlock it.
func locked(l Loop, m Mutex) (unlock func()) {
	l.Go("holder", func() { _ = m.Lock() })
	l.Run()
	return m.Unlock
}

func mutexCancelled(s *suite, l SharedLoop) {
	m := l.NewMutex("m")
	unlock := locked(l, m)
	t := l.Go("gone", func() { s.say("gone=%v", m.Lock()) })
	l.Go("next", func() { s.say("next=%v", m.Lock()) })
	l.Run()
	t.Cancel(errStop)
	unlock()
	l.Run()
	s.want("gone=stop next=<nil>")
}

func mutexHandedOver(s *suite, l SharedLoop) {
	m := l.NewMutex("m")
	unlock := locked(l, m)
	t := l.Go("task", func() {
		s.say("task=%v", m.Lock())
		s.say("%v", l.Park("anything"))
		m.Unlock()
	})
	l.Go("next", func() { s.say("next=%v", m.Lock()) })
	l.Run()
	unlock()
	t.Cancel(errStop)
	l.Run()
	s.want("task=<nil> stop next=<nil>")
}

func mutexKilled(s *suite, l SharedLoop) {
	m := l.NewMutex("m")
	unlock := locked(l, m)
	t := l.Go("dead", func() { s.say("dead=%v", m.Lock()) })
	l.Go("next", func() { s.say("next=%v", m.Lock()) })
	l.Run()
	t.Kill()
	unlock()
	l.Run()
	s.want("next=<nil>")
}

func semaphoreOrder(s *suite, l SharedLoop) {
	sem := l.NewSemaphore("s", 2)
	for _, name := range []string{"a", "b", "c", "d"} {
		l.Go(name, func() {
			_ = sem.Acquire()
			s.say("%s", name)
		})
	}
	l.Run()
	s.want("a b")
	sem.Release()
	l.Run()
	s.want("a b c")
	sem.Release()
	sem.Release()
	l.Run()
	s.want("a b c d")
	l.Go("e", func() {
		_ = sem.Acquire()
		s.say("e")
		_ = sem.Acquire()
		s.say("e-again")
	})
	l.Run()
	s.want("a b c d e")
}

func semaphoreFair(s *suite, l SharedLoop) {
	sem := l.NewSemaphore("s", 1)
	for _, name := range []string{"a", "b"} {
		l.Go(name, func() {
			for range 2 {
				_ = sem.Acquire()
				s.say("%s", name)
				_ = l.Yield()
				sem.Release()
			}
		})
	}
	l.Run()
	s.want("a b a b")
}

func semaphoreCancelled(s *suite, l SharedLoop) {
	sem := l.NewSemaphore("s", 0)
	t := l.Go("gone", func() { s.say("gone=%v", sem.Acquire()) })
	l.Go("next", func() { s.say("next=%v", sem.Acquire()) })
	l.Run()
	t.Cancel(errStop)
	sem.Release()
	l.Run()
	s.want("gone=stop next=<nil>")
}

// waitersFor starts three tasks that wait for the condition and unlock.
func waitersFor(s *suite, l SharedLoop, m Mutex, c Cond) (tasks []Task) {
	for _, name := range []string{"a", "b", "c"} {
		tasks = append(tasks, l.Go(name, func() {
			_ = m.Lock()
			err := c.Wait()
			s.say("%s=%v", name, err)
			m.Unlock() // panics if it does not hold it
		}))
	}
	l.Run()
	return tasks
}

func condOrder(s *suite, l SharedLoop) {
	m := l.NewMutex("m")
	c := l.NewCond(m, "c")
	c.Signal() // nobody waits: it is not kept
	waitersFor(s, l, m, c)
	s.want("")
	c.Signal()
	l.Run()
	s.want("a=<nil>")
	c.Broadcast()
	l.Run()
	s.want("a=<nil> b=<nil> c=<nil>")
	s.check(len(l.Tasks()) == 0, "all came back")
}

func condMutex(s *suite, l SharedLoop) {
	m := l.NewMutex("m")
	c := l.NewCond(m, "c")
	waitersFor(s, l, m, c)
	l.Go("signaller", func() {
		s.check(m.Lock() == nil, "the mutex is free")
		c.Broadcast()
		_ = l.Yield()
		_ = l.Yield()
		s.say("unlocks")
		m.Unlock()
	})
	l.Run()
	s.want("unlocks a=<nil> b=<nil> c=<nil>")
}

func condCancelled(s *suite, l SharedLoop) {
	m := l.NewMutex("m")
	c := l.NewCond(m, "c")
	tasks := waitersFor(s, l, m, c)
	unlock := locked(l, m)
	tasks[0].Cancel(errStop)
	l.Run()
	s.want("")
	tasks[0].Cancel(errors.New("again")) // does not cut the wait for the mutex short
	l.Run()
	s.want("")
	unlock()
	c.Signal()
	l.Run()
	s.want("a=stop b=<nil>")
}

func groupOrder(s *suite, l SharedLoop) {
	g := l.NewWaitGroup("g")
	g.Add(2)
	for _, name := range []string{"a", "b"} {
		l.Go(name, func() { s.say("%s=%v", name, g.Wait()) })
	}
	l.Run()
	g.Done()
	l.Run()
	s.want("")
	l.CallSoon(func() { s.say("queued-before") })
	g.Done()
	l.Run()
	s.want("queued-before a=<nil> b=<nil>")
}

func groupAgain(s *suite, l SharedLoop) {
	g := l.NewWaitGroup("g")
	l.Go("task", func() {
		s.say("%v", g.Wait())
		g.Add(1)
		s.say("%v", g.Wait())
	})
	l.Go("other", func() { s.say("other") })
	l.Run()
	s.want("<nil> other")
	g.Done()
	l.Run()
	s.want("<nil> other <nil>")
}

func cancelledBefore(s *suite, l SharedLoop) {
	c, q := l.NewChan("c", 0), l.NewQueue("q", 1)
	m, sem, g := l.NewMutex("m"), l.NewSemaphore("s", 0), l.NewWaitGroup("g")
	cond := l.NewCond(m, "cond")
	g.Add(1)
	l.Go("task", func() {
		_, _ = q.Put(1), m.Lock()
		for i, wait := range []func() error{
			func() error { return c.Send(1) },
			func() error { _, err := c.Recv(); return err },
			func() error { return q.Put(2) },
			q.Join, cond.Wait, m.Lock, sem.Acquire, g.Wait,
		} {
			l.Current().Cancel(errStop)
			s.check(errors.Is(wait(), errStop), "the cancellation ends the wait")
			s.say("%d", i)
		}
	})
	l.Run()
	s.want("0 1 2 3 4 5 6 7")
}

func groupCancelled(s *suite, l SharedLoop) {
	g := l.NewWaitGroup("g")
	g.Add(1)
	t := l.Go("gone", func() { s.say("gone=%v", g.Wait()) })
	l.Go("stays", func() { s.say("stays=%v", g.Wait()) })
	l.Run()
	t.Cancel(errStop)
	l.Run()
	g.Done()
	l.Run()
	s.want("gone=stop stays=<nil>")
}
