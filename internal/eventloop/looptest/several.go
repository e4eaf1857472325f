package looptest

import (
	"errors"
	"strconv"
)

var severalPromises = []promise[FutureLoop]{
	{"gather gives the values in the order of the arguments", gatherOrder},
	{"gather returns at the first error, and the others keep running", gatherFails},
	{"a cancelled gather cancels all that are not done, and waits for them", gatherCancelled},
	{"settle gives all outcomes, whatever they are", settles},
	{"wait for all returns when all are done, failed or not", waitAll},
	{"wait for the first returns what is done and what is pending", waitFirst},
	{"wait for an error does not stop at a success", waitError},
	{"a cancelled wait cancels nothing", waitCancelled},
	{"completed yields each once, in the order in which they are done", completedOrder},
	{"completed yields the cause of a cancellation once, and cancels nothing", completedCancelled},
	{"completed can be left early", completedLeft},
}

// parts starts three tasks, which return their number when they are woken by name, or an error.
func parts(s *suite, l FutureLoop) (fs []Future, end func(i int, err error)) {
	tasks, errs := make([]Task, 3), make([]error, 3)
	for i := range tasks {
		fs = append(fs, l.Start("part-"+strconv.Itoa(i), func() (int, error) {
			tasks[i] = l.Current()
			err := l.Park("its end")
			s.say("part-%d", i)
			return i, errors.Join(err, errs[i])
		}))
	}
	l.Run()
	return fs, func(i int, err error) {
		errs[i] = err
		tasks[i].Wake()
		l.Run()
	}
}

func gatherOrder(s *suite, l FutureLoop) {
	fs, end := parts(s, l)
	l.Go("task", func() {
		vs, err := l.Gather(fs...)
		s.say("%d,%d,%d,%v", vs[0], vs[1], vs[2], err)
	})
	l.Run()
	for _, i := range []int{2, 0, 1} {
		end(i, nil)
	}
	s.want("part-2 part-0 part-1 0,1,2,<nil>")
}

func gatherFails(s *suite, l FutureLoop) {
	fs, end := parts(s, l)
	l.Go("task", func() {
		_, err := l.Gather(fs...)
		s.check(errors.Is(err, errStop), "it is the first error")
		s.say("gather")
	})
	l.Run()
	end(1, errStop)
	s.check(!fs[0].Done() && !fs[2].Done(), "the others keep running")
	end(0, errors.New("too late"))
	end(2, nil)
	s.want("part-1 gather part-0 part-2")
}

func gatherCancelled(s *suite, l FutureLoop) {
	fs, end := parts(s, l)
	t := l.Go("task", func() {
		_, err := l.Settle(fs...)
		s.check(err == nil, "all have an outcome")
		s.say("settle")
	})
	l.Run()
	end(1, nil)
	t.Cancel(errStop)
	l.Run()
	s.want("part-1 part-0 part-2 settle")
	for i, f := range fs {
		l.Go("asks", func() {
			_, err := f.Await()
			s.check(errors.Is(err, errStop) == (i != 1), "those that were not done were cancelled")
		})
	}
	l.Run()

	more, _ := parts(s, l)
	t = l.Go("task", func() {
		_, err := l.Gather(more...)
		s.check(errors.Is(err, errStop), "gather returns the outcome of the first that ended")
		s.say("gather")
	})
	l.Run()
	s.log = nil
	t.Cancel(errStop)
	l.Run()
	s.want("part-0 part-1 part-2 gather")
}

func settles(s *suite, l FutureLoop) {
	fs, end := parts(s, l)
	l.Go("task", func() {
		all, err := l.Settle(fs...)
		s.check(err == nil && len(all) == 3, "there is one for each")
		s.check(all[0] == Outcome{} && all[2] == Outcome{Value: 2}, "values are in the order of the arguments")
		s.check(errors.Is(all[1].Err, errStop), "errors too")
		s.say("settle")
	})
	l.Run()
	end(1, errStop)
	end(2, nil)
	end(0, nil)
	s.want("part-1 part-2 part-0 settle")
}

// waits lets a task wait for three parts, and logs what is done and pending.
func waits(s *suite, l FutureLoop, mode WaitMode) (end func(i int, err error), task Task) {
	fs, end := parts(s, l)
	task = l.Go("task", func() {
		done, pending, err := l.Wait(mode, fs...)
		s.say("%v", err)
		s.check(len(done)+len(pending) == len(fs), "each is in one list")
		for i, f := range fs {
			switch {
			case len(done) > 0 && done[0] == f:
				done = done[1:]
				s.say("done-%d", i)
			case len(pending) > 0 && pending[0] == f:
				pending = pending[1:]
				s.say("pending-%d", i)
			}
		}
	})
	l.Run()
	return end, task
}

func waitAll(s *suite, l FutureLoop) {
	end, _ := waits(s, l, AllCompleted)
	end(1, errStop)
	end(0, nil)
	s.want("part-1 part-0")
	end(2, nil)
	s.want("part-1 part-0 part-2 <nil> done-0 done-1 done-2")
}

func waitFirst(s *suite, l FutureLoop) {
	end, _ := waits(s, l, FirstCompleted)
	end(1, nil)
	s.want("part-1 <nil> pending-0 done-1 pending-2")
	end(0, nil)
	end(2, nil)
	s.want("part-1 <nil> pending-0 done-1 pending-2 part-0 part-2")
}

func waitError(s *suite, l FutureLoop) {
	end, _ := waits(s, l, FirstError)
	end(0, nil)
	s.want("part-0")
	end(2, errStop)
	s.want("part-0 part-2 <nil> done-0 pending-1 done-2")
}

func waitCancelled(s *suite, l FutureLoop) {
	end, task := waits(s, l, AllCompleted)
	end(0, nil)
	task.Cancel(errStop)
	l.Run()
	s.want("part-0 stop done-0 pending-1 pending-2")
	s.check(len(l.Tasks()) == 2, "those that are pending keep running")
}

func completedOrder(s *suite, l FutureLoop) {
	fs, end := parts(s, l)
	end(2, nil) // is done before anyone asks
	task := l.Go("task", func() {
		for f, err := range l.Completed(fs...) {
			s.check(err == nil && f.Done(), "it has its outcome")
			for i := range fs {
				if fs[i] == f {
					s.say("item-%d", i)
				}
			}
			if f == fs[1] {
				_ = l.Park("a wake") // part 0 ends meanwhile
			}
		}
		s.say("end")
	})
	l.Run()
	end(1, errStop)
	end(0, nil)
	task.Wake()
	l.Run()
	s.want("part-2 item-2 part-1 item-1 part-0 item-0 end")
}

func completedCancelled(s *suite, l FutureLoop) {
	fs, end := parts(s, l)
	t := l.Go("task", func() {
		for f, err := range l.Completed(fs...) {
			s.say("%v,%v", f != nil, err)
		}
		s.say("end")
	})
	l.Run()
	end(1, nil)
	t.Cancel(errStop)
	l.Run()
	s.want("part-1 true,<nil> false,stop end")
	s.check(len(l.Tasks()) == 2, "the others keep running")
}

func completedLeft(s *suite, l FutureLoop) {
	fs, end := parts(s, l)
	l.Go("task", func() {
		for range l.Completed(fs...) {
			s.say("item")
			break
		}
		s.check(l.Park("a wake") == nil, "what ends later wakes nobody")
		s.say("woken")
	})
	l.Run()
	end(1, nil)
	end(0, nil)
	s.want("part-1 item part-0")
}
