package eventloop_test

import (
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/internal/eventloop"
	"github.com/reprise-dst/reprise/internal/eventloop/looptest"
)

func TestConformance(t *testing.T) {
	conform(t, func() loop { return loop{eventloop.New()} }, loopErrors)
}

func TestConformanceOfTheReference(t *testing.T) {
	conform(t, looptest.NewReference, looptest.Errors{
		Killed: looptest.ErrRefKilled,
		Closed: looptest.ErrRefClosed,
		Panic: func(err error) (any, []byte, bool) {
			var p *looptest.RefPanic
			if !errors.As(err, &p) {
				return nil, nil, false
			}
			return p.Value, p.Stack, true
		},
	})
}

// conform checks all parts of the suite.
func conform[L looptest.ReportLoop](t *testing.T, open func() L, errs looptest.Errors) {
	t.Run("core", func(t *testing.T) { looptest.Run(t, open, errs) })
	t.Run("futures", func(t *testing.T) { looptest.RunFutures(t, open, errs) })
	t.Run("time", func(t *testing.T) { looptest.RunTime(t, open, errs) })
	t.Run("shared", func(t *testing.T) { looptest.RunShared(t, open, errs) })
	t.Run("reports", func(t *testing.T) { looptest.RunReports(t, open, errs) })
}

var loopErrors = looptest.Errors{
	Killed: eventloop.ErrKilled,
	Closed: eventloop.ErrClosed,
	Panic: func(err error) (any, []byte, bool) {
		var p *eventloop.PanicError
		if !errors.As(err, &p) {
			return nil, nil, false
		}
		return p.Value, p.Stack, true
	},
}

// loop, task and future fit the package to the suite's interfaces.
type loop struct{ *eventloop.Loop }

type task struct{ *eventloop.Task }

func openLoop() looptest.Loop { return loop{eventloop.New()} }

func (l loop) Go(name string, fn func()) looptest.Task { return task{l.Loop.Go(name, fn)} }

func (l loop) Current() looptest.Task {
	if t := l.Loop.Current(); t != nil {
		return task{t}
	}
	return nil
}

func (l loop) Tasks() (all []looptest.Task) {
	for _, t := range l.Loop.Tasks() {
		all = append(all, task{t})
	}
	return all
}

func (t task) OnDone(fn func()) { t.Task.OnDone(func(*eventloop.Task) { fn() }) }

func (l loop) SetClock(c looptest.Clock) { l.Loop.SetClock(c) }

func (l loop) CallLater(d time.Duration, fn func()) looptest.Timer { return l.Loop.CallLater(d, fn) }

func (l loop) CallAt(at time.Time, fn func()) looptest.Timer { return l.Loop.CallAt(at, fn) }

func (l loop) NewChan(name string, capacity int) looptest.Chan {
	return eventloop.NewChan[int](l.Loop, name, capacity)
}

func (l loop) NewQueue(name string, limit int) looptest.Queue {
	return eventloop.NewQueue[int](l.Loop, name, limit)
}

func (l loop) NewMutex(name string) looptest.Mutex { return eventloop.NewMutex(l.Loop, name) }

func (l loop) NewSemaphore(name string, n int) looptest.Semaphore {
	return eventloop.NewSemaphore(l.Loop, name, n)
}

func (l loop) NewCond(m looptest.Mutex, name string) looptest.Cond {
	return eventloop.NewCond(m.(*eventloop.Mutex), name)
}

func (l loop) NewWaitGroup(name string) looptest.WaitGroup {
	return eventloop.NewWaitGroup(l.Loop, name)
}

func (l loop) Drive(advance func() bool, limit int) *looptest.Stuck {
	stuck, all := &looptest.Stuck{}, []eventloop.Waiting(nil)
	switch e := l.Loop.Drive(advance, limit).(type) {
	case nil:
		return nil
	case *eventloop.DeadlockError:
		all = e.Waiting
	case *eventloop.LivelockError:
		stuck.Livelock, all = true, e.Ready
	}
	for _, w := range all {
		stuck.Waiting = append(stuck.Waiting, looptest.Waiting{
			Task: w.Task, On: w.On, At: w.At.String(), Cancelled: w.Cancelled,
		})
	}
	return stuck
}

type future struct{ *eventloop.Future[int] }

func (f future) OnDone(fn func()) { f.Future.OnDone(func(*eventloop.Future[int]) { fn() }) }

func (l loop) NewFuture() looptest.Future { return future{eventloop.NewFuture[int](l.Loop)} }

func (l loop) Start(name string, fn func() (int, error)) looptest.Future {
	return future{eventloop.Start(l.Loop, name, fn)}
}

func (l loop) Gather(fs ...looptest.Future) ([]int, error) { return eventloop.Gather(bare(fs)...) }

func (l loop) Settle(fs ...looptest.Future) (all []looptest.Outcome, err error) {
	outcomes, err := eventloop.Settle(bare(fs)...)
	for _, o := range outcomes {
		all = append(all, looptest.Outcome(o))
	}
	return all, err
}

func (l loop) Wait(
	mode looptest.WaitMode, fs ...looptest.Future,
) (done, pending []looptest.Future, err error) {
	modes := map[looptest.WaitMode]eventloop.WaitMode{
		looptest.AllCompleted:   eventloop.AllCompleted,
		looptest.FirstCompleted: eventloop.FirstCompleted,
		looptest.FirstError:     eventloop.FirstError,
	}
	d, p, err := eventloop.Wait(modes[mode], bare(fs)...)
	return wrapped(d), wrapped(p), err
}

func (l loop) Completed(fs ...looptest.Future) iter.Seq2[looptest.Future, error] {
	return func(yield func(looptest.Future, error) bool) {
		for f, err := range eventloop.Completed(bare(fs)...) {
			if f == nil {
				yield(nil, err)
			} else if !yield(future{f}, err) {
				return
			}
		}
	}
}

func (l loop) Shield(f looptest.Future) looptest.Future {
	return future{eventloop.Shield(f.(future).Future)}
}

func bare(fs []looptest.Future) (all []*eventloop.Future[int]) {
	for _, f := range fs {
		all = append(all, f.(future).Future)
	}
	return all
}

func wrapped(fs []*eventloop.Future[int]) (all []looptest.Future) {
	for _, f := range fs {
		all = append(all, future{f})
	}
	return all
}
