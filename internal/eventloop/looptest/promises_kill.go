package looptest

import "errors"

func killUnwinds(s *suite) {
	t := s.l.Go("task", func() {
		defer s.say("outer-defer")
		defer func() {
			defer s.say("inner-defer")
			_ = s.l.Park("cleanup")
			s.say("cleanup-waited")
		}()
		_ = s.l.Park("a wake")
		s.say("went-on")
	})
	s.l.Go("waiter", func() {
		s.check(errors.Is(t.Await(), s.errs.Killed), "who awaits gets the outcome of a killed task")
		s.say("waiter")
	})
	s.l.Run()
	t.Kill()
	s.say("kill-returned")
	s.check(t.Done(), "the task has ended")
	s.l.Run()
	s.want("inner-defer outer-defer kill-returned waiter")
}

func killBeforeStart(s *suite) {
	t := s.l.Go("task", func() { s.say("ran") })
	t.Kill()
	s.check(t.Done() && errors.Is(t.Err(), s.errs.Killed), "the task has ended")
	s.check(s.l.Run() == 0, "its turn does not count")
	s.want("")
}

func killRecover(s *suite) {
	t := s.l.Go("task", func() {
		for {
			func() {
				defer func() { _ = recover() }()
				_ = s.l.Park("a wake")
				s.say("went-on")
			}()
		}
	})
	s.l.Run()
	t.Kill()
	s.check(t.Done() && errors.Is(t.Err(), s.errs.Killed), "the task has ended")
	s.check(s.l.Run() == 0, "it is not ready")
	s.want("")
}

func killSilent(s *suite) {
	other := s.l.Go("other", func() { _ = s.l.Park("a wake") })
	t := s.l.Go("task", func() {
		for _, act := range []func(){
			func() { s.l.Go("late", func() { s.say("late") }) },
			func() { s.l.CallSoon(func() { s.say("late") }) },
			func() { other.Wake() },
			func() { other.Cancel(errStop) },
			func() { other.Kill() },
			func() { _ = s.l.Yield() },
		} {
			defer func() { _ = recover() }()
			defer act()
		}
		_ = s.l.Park("a wake")
	})
	s.l.Run()
	t.Kill()
	s.check(t.Done(), "the task has ended")
	s.check(s.l.Run() == 0, "it left nothing behind")
	s.check(!other.Done(), "it reached nobody")
	s.want("")
}

func closeKills(s *suite) {
	for _, name := range []string{"a", "b", "c"} {
		s.l.Go(name, func() {
			defer s.say("%s", name)
			if name != "b" {
				_ = s.l.Park("a wake")
			}
			_ = s.l.Yield()
		})
	}
	late := s.l.Go("late", func() {})
	late.OnDone(func() { s.say("a-callback") })
	s.l.Run()
	s.l.Tasks()[0].Wake() // a is ready when the loop closes
	s.l.Close()
	s.want("b a-callback a c")
}

func current(s *suite) {
	s.check(s.l.Current() == nil, "there is none outside")
	s.l.CallSoon(func() { s.check(s.l.Current() == nil, "there is none in a callback") })
	var t Task
	t = s.l.Go("task", func() {
		s.check(s.l.Current() == t, "it is the one that runs")
		_ = s.l.Yield()
		s.check(s.l.Current() == t && s.l.Current().Name() == "task", "also later")
		s.say("ran")
	})
	s.l.Go("other", func() { s.check(s.l.Current() != t, "it is another one") })
	s.l.Run()
	s.check(s.l.Current() == nil, "there is none afterwards")
	s.want("ran")
}
