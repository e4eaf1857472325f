package durable

import (
	"fmt"
	"slices"
)

// Awaitable is a Future of any type.
type Awaitable interface {
	// Done reports whether the operation has ended.
	Done() bool
	in(b *branch, call string) *operation
}

// Outcome is what became of one operation.
type Outcome[T any] struct {
	Value T
	Err   error
}

// Gather waits for all futures and returns their results in the order of the arguments. When one fails it
// returns that error at once, the first in the journal's order; the others go on.
func Gather[T any](ctx Context, futures ...Future[T]) ([]T, error) {
	b := ctx.enter("Gather")
	ops := operations(b, "Gather", futures)
	var failed *operation
	err := b.awaitSeveral(ctx.s, "Gather", ops, func(op *operation, left int) bool {
		if op.err != nil && (failed == nil || op.ended < failed.ended) {
			failed = op
		}
		return failed != nil || left == 0
	})
	switch {
	case failed != nil:
		return nil, failed.err
	case err != nil:
		return nil, err
	}
	results := make([]T, len(ops))
	for i, op := range ops {
		if results[i], err = resultOf[T](op); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// Settle waits for all futures, whether they fail or not, and returns their outcomes in the order of the
// arguments. Its own error says that ctx was cancelled meanwhile.
func Settle[T any](ctx Context, futures ...Future[T]) ([]Outcome[T], error) {
	b := ctx.enter("Settle")
	ops := operations(b, "Settle", futures)
	if err := b.awaitSeveral(ctx.s, "Settle", ops, allEnded); err != nil {
		return nil, err
	}
	outcomes := make([]Outcome[T], len(ops))
	for i, op := range ops {
		outcomes[i] = outcomeOf[T](op)
	}
	return outcomes, nil
}

// WaitMode says when Wait has waited long enough.
type WaitMode int

// The modes of Wait.
const (
	AllCompleted   WaitMode = iota // all have ended
	FirstCompleted                 // at least one has ended
	FirstError                     // at least one has failed, or all have ended
)

// Wait waits until the mode is satisfied and returns which futures are done and which are pending, both in
// the order of the arguments. It cancels nothing. Its error says that ctx was cancelled meanwhile; the lists
// are right all the same. To wait for futures of different types write Wait[durable.Awaitable].
func Wait[A Awaitable](ctx Context, mode WaitMode, futures ...A) (done, pending []A, err error) {
	b := ctx.enter("Wait")
	if mode < AllCompleted || mode > FirstError {
		panic(fmt.Sprintf("durable: Wait was called with the unknown mode %d; use AllCompleted, FirstCompleted "+
			"or FirstError", mode))
	}
	err = b.awaitSeveral(ctx.s, "Wait", operations(b, "Wait", futures), func(op *operation, left int) bool {
		return left == 0 || mode == FirstCompleted || mode == FirstError && op.err != nil
	})
	for _, f := range futures {
		if f.Done() {
			done = append(done, f)
		} else {
			pending = append(pending, f)
		}
	}
	return done, pending, err
}

// Race waits for the first future to end, in the journal's order, whether it fails or not, and returns its
// place among the arguments and its outcome. The others are cancelled, in the order in which they were
// started, and Race returns when they have ended: steps and timers at once, they leave nothing behind; a
// branch when it has cleaned up. Shielded futures are left alone. When ctx is cancelled first, all are, the
// place is -1, and err says so.
func Race[T any](ctx Context, futures ...Future[T]) (place int, value T, err error) {
	b := ctx.enter("Race")
	if len(futures) == 0 {
		panic("durable: Race was called without futures; it needs one at least")
	}
	ops := operations(b, "Race", futures)
	cut := b.awaitSeveral(ctx.s, "Race", ops, func(*operation, int) bool { return true })
	place = -1
	cause := error(ErrCancelled)
	if cut == nil {
		cause = errLost
		for i, op := range ops {
			if op.ended > 0 && (place < 0 || op.ended < ops[place].ended) {
				place = i
			}
		}
	}
	var losers []*operation
	for i, op := range ops {
		if op.ended == 0 && !futures[i].shielded {
			losers = append(losers, op)
		}
	}
	slices.SortStableFunc(losers, func(a, b *operation) int { return a.order - b.order })
	for _, op := range losers {
		op.cancel(cause)
	}
	_ = b.awaitSeveral(b.outside(), "cleanup after Race", losers, allEnded)
	if cut != nil {
		return place, value, cut
	}
	value, err = resultOf[T](ops[place])
	return place, value, err
}

func allEnded(_ *operation, left int) bool { return left == 0 }

func outcomeOf[T any](op *operation) Outcome[T] {
	value, err := resultOf[T](op)
	return Outcome[T]{Value: value, Err: err}
}

func operations[A Awaitable](b *branch, call string, futures []A) []*operation {
	ops := make([]*operation, len(futures))
	for i, f := range futures {
		ops[i] = f.in(b, call)
	}
	return ops
}
