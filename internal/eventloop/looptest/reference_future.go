package looptest

import (
	"context"
	"iter"
	"slices"
	"strconv"
)

// refFuture is a value that comes later, or the result of a task.
type refFuture struct {
	l     *Reference
	task  *refTask // nil for a bare future
	about string
	value int
	err   error
	done  bool
	then  []*func() // what to do when there is an outcome
}

// NewFuture implements [FutureLoop].
func (l *Reference) NewFuture() Future { return &refFuture{l: l, about: "a future"} }

// Start implements [FutureLoop].
func (l *Reference) Start(name string, fn func() (int, error)) Future {
	f := &refFuture{l: l, about: "task " + strconv.Quote(name)}
	f.task = l.Go(name, func() { f.value, f.task.result = fn(); f.task.typed = true }).(*refTask)
	f.task.done = append(f.task.done, func() { f.settle(f.value, f.task.err) })
	return f
}

// Resolve implements [Future].
func (f *refFuture) Resolve(v int) bool {
	f.l.enter()
	return f.settle(v, nil)
}

// Reject implements [Future].
func (f *refFuture) Reject(err error) bool {
	f.l.enter()
	return f.settle(0, err)
}

func (f *refFuture) settle(v int, err error) bool {
	if f.done {
		return false
	}
	f.value, f.err, f.done = v, err, true
	for _, fn := range f.then {
		(*fn)()
	}
	f.then = nil
	return true
}

// after calls fn when there is an outcome, unless it is told to forget that.
func (f *refFuture) after(fn func()) (forget func()) {
	f.then = append(f.then, &fn)
	return func() { fn = func() {} }
}

// Done implements [Future].
func (f *refFuture) Done() bool { return f.done }

// OnDone implements [Future].
func (f *refFuture) OnDone(fn func()) {
	f.l.enter()
	if f.done {
		f.l.soon(fn)
		return
	}
	f.after(func() { f.l.soon(fn) })
}

// Cancel implements [Future].
func (f *refFuture) Cancel(cause error) bool {
	f.l.enter()
	if f.task != nil {
		return f.task.Cancel(cause)
	}
	if cause == nil {
		cause = context.Canceled
	}
	return f.settle(0, cause)
}

// Await implements [Future].
func (f *refFuture) Await() (int, error) {
	if err := f.l.several([]Future{f}, f.about, true, func() bool { return f.done }); err != nil {
		return 0, err
	}
	return f.value, f.err
}

// Shield implements [FutureLoop].
func (l *Reference) Shield(f Future) Future {
	l.enter()
	inner := f.(*refFuture)
	outer := &refFuture{l: l, about: "shielded " + inner.about}
	if inner.done {
		outer.settle(inner.value, inner.err)
	} else {
		inner.after(func() { outer.settle(inner.value, inner.err) })
	}
	return outer
}

// Gather implements [FutureLoop].
func (l *Reference) Gather(fs ...Future) ([]int, error) {
	var failed *refFuture
	err := l.several(fs, "Gather", true, func() bool {
		if failed == nil {
			failed = firstFailed(fs)
		}
		return failed != nil || len(unfinished(fs)) == 0
	})
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed.err
	}
	var values []int
	for _, f := range fs {
		values = append(values, f.(*refFuture).value)
	}
	return values, nil
}

// Settle implements [FutureLoop].
func (l *Reference) Settle(fs ...Future) (all []Outcome, err error) {
	err = l.several(fs, "Settle", true, func() bool { return len(unfinished(fs)) == 0 })
	if err != nil {
		return nil, err
	}
	for _, f := range fs {
		all = append(all, Outcome{f.(*refFuture).value, f.(*refFuture).err})
	}
	return all, nil
}

// Wait implements [FutureLoop].
func (l *Reference) Wait(mode WaitMode, fs ...Future) (done, pending []Future, err error) {
	err = l.several(fs, "Wait", false, func() bool {
		left := len(unfinished(fs))
		return left == 0 || mode == FirstCompleted && left < len(fs) || mode == FirstError && firstFailed(fs) != nil
	})
	for _, f := range fs {
		if f.Done() {
			done = append(done, f)
		} else {
			pending = append(pending, f)
		}
	}
	return done, pending, err
}

// Completed implements [FutureLoop].
func (l *Reference) Completed(fs ...Future) iter.Seq2[Future, error] {
	return func(yield func(Future, error) bool) {
		l.enter()
		var ended []Future
		for _, f := range fs {
			if f := f.(*refFuture); f.done {
				ended = append(ended, f)
			} else {
				defer f.after(func() { ended = append(ended, f) })()
			}
		}
		for i := range fs {
			err := l.several(fs, "Completed", false, func() bool { return len(ended) > i })
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(ended[i], nil) {
				return
			}
		}
	}
}

// several waits until enough says so, which is asked now and whenever one of the futures gets its outcome.
func (l *Reference) several(fs []Future, op string, pass bool, enough func() bool) error {
	if enough() {
		return nil
	}
	l.enter()
	t := l.cur
	for _, f := range fs {
		if !f.Done() {
			defer f.(*refFuture).after(func() {
				if enough() {
					t.wake(nil)
				}
			})()
		}
	}
	if !pass {
		return t.waitFor(op, nil)
	}
	return t.waitFor(op, func(cause error) bool {
		some := false
		for _, f := range unfinished(fs) {
			if inner := f.(*refFuture).task; inner != nil {
				some = inner.cancel(cause) || some
			}
		}
		return some
	})
}

func unfinished(fs []Future) []Future {
	return slices.DeleteFunc(slices.Clone(fs), Future.Done)
}

func firstFailed(fs []Future) *refFuture {
	for _, f := range fs {
		if f := f.(*refFuture); f.err != nil {
			return f
		}
	}
	return nil
}
