package eventloop

import "fmt"

// An Awaitable is what can be waited for together with others: a *Future or a *Task. Lists of both are
// lists of Awaitable.
type Awaitable interface {
	describer
	canceller

	// Done reports whether it has its outcome.
	Done() bool
	// Err is the error of the outcome; nil on success and while there is no outcome.
	Err() error

	loop() *Loop
	ends() *waiters
}

// Gather waits for all futures and returns their values in the order of the arguments. The first error ends
// the wait and is returned at once; the other tasks keep running. A cancellation is passed on to all tasks
// that are not done. If nothing is left to wait for, Gather does not yield.
func Gather[T any](fs ...*Future[T]) ([]T, error) {
	var failed *Future[T]
	err := collect("Gather", fs, func(f *Future[T], left int) bool {
		if f.err != nil && failed == nil {
			failed = f
		}
		return left == 0 || failed != nil
	}, true)
	switch {
	case err != nil:
		return nil, err
	case failed != nil:
		return nil, failed.err
	}
	values := make([]T, len(fs))
	for i, f := range fs {
		values[i] = f.value
	}
	return values, nil
}

// An Outcome is what became of one future.
type Outcome[T any] struct {
	Value T
	Err   error
}

// Settle waits for all futures, whether they fail or not, and returns their outcomes in the order of the
// arguments. A cancellation is passed on to all tasks that are not done; Settle waits for those too, and
// its own error is nil unless there was nothing to pass it on to.
func Settle[T any](fs ...*Future[T]) ([]Outcome[T], error) {
	err := collect("Settle", fs, func(_ *Future[T], left int) bool { return left == 0 }, true)
	if err != nil {
		return nil, err
	}
	outcomes := make([]Outcome[T], len(fs))
	for i, f := range fs {
		outcomes[i] = Outcome[T]{f.value, f.err}
	}
	return outcomes, nil
}

// A WaitMode says when [Wait] has waited long enough.
type WaitMode int

// The modes of Wait.
const (
	AllCompleted   WaitMode = iota // all are done
	FirstCompleted                 // at least one is done
	FirstError                     // at least one has failed, or all are done
)

// Wait waits until the mode is satisfied and returns which items are done and which are pending, both in
// the order of the arguments. It cancels nothing, also when it is cancelled itself. If the mode is
// satisfied already, Wait does not yield.
func Wait[A Awaitable](mode WaitMode, items ...A) (done, pending []A, err error) {
	if mode < AllCompleted || mode > FirstError {
		panic(fmt.Sprintf("eventloop: unknown wait mode %d", mode))
	}
	err = collect("Wait", items, func(a A, left int) bool {
		return left == 0 || mode == FirstCompleted || mode == FirstError && a.Err() != nil
	}, false)
	for _, a := range items {
		if a.Done() {
			done = append(done, a)
		} else {
			pending = append(pending, a)
		}
	}
	return done, pending, err
}

// Shield makes a future with the outcome of f, which a cancelled wait does not pass its cancellation
// through: the task behind f keeps running.
func Shield[T any](f *Future[T]) *Future[T] {
	f.l.enter("Shield")
	outer := &Future[T]{l: f.l, shields: f.waitsFor()}
	if f.done {
		outer.settle(f.value, f.err)
	} else {
		f.waiters.now(func() { outer.settle(f.value, f.err) })
	}
	return outer
}

// collect parks the current task until enough says so. It is asked for each item that is done at the
// start, in the order of the arguments, and for each that ends later; with the number of items that are
// not done.
func collect[A Awaitable](op string, items []A, enough func(a A, left int) bool, link bool) error {
	if len(items) == 0 {
		return nil
	}
	l := items[0].loop()
	t := l.task(op)
	left := 0
	for i, a := range items {
		if a.loop() != l {
			panic(fmt.Sprintf("eventloop: %s was given argument %d (%s) of another loop; "+
				"make all of them in one loop, or world", op, i+1, a))
		}
		if !a.Done() {
			left++
		}
	}
	satisfied := false
	for _, a := range items {
		satisfied = a.Done() && enough(a, left) || satisfied
	}
	if satisfied {
		return nil
	}
	several := &severals[A]{op: op, items: items}
	links := make([]*waiter, 0, left)
	defer func() {
		for _, w := range links {
			w.leave()
		}
	}()
	for _, a := range items {
		if a.Done() {
			continue
		}
		links = append(links, a.ends().now(func() {
			left--
			if enough(a, left) {
				t.wake(nil)
			}
		}))
	}
	if link {
		return t.parkLinked(several, several)
	}
	if t.pending != nil {
		return t.takePending()
	}
	return t.parkOn(several)
}

// severals is a wait for more than one.
type severals[A Awaitable] struct {
	op    string
	items []A
}

func (s *severals[A]) cancel(cause error) bool {
	some := false
	for _, a := range s.items {
		some = a.cancel(cause) || some
	}
	return some
}

func (s *severals[A]) String() string {
	text, left := s.op+" of ", 0
	for _, a := range s.items {
		if a.Done() {
			continue
		}
		if left++; left > 4 {
			continue
		}
		if left > 1 {
			text += ", "
		}
		text += a.String()
	}
	if left > 4 {
		text += fmt.Sprintf(" and %d more", left-4)
	}
	return text
}
