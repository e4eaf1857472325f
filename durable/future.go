package durable

// Future is the result of an operation that was started and not yet awaited.
type Future[T any] struct {
	op *operation
}

// Await waits until the operation has ended and returns its result. It may be called again, by any branch
// of the run, and returns the same.
func (f Future[T]) Await(ctx Context) (T, error) {
	b := ctx.enter("Await")
	op := f.op
	if op == nil {
		panic("durable: Await was called on an empty Future; use one that Async or Go returned")
	}
	if op.m != b.m {
		panic("durable: Await was called on a Future of another run (" + op.m.run + ")")
	}
	b.m.await(op)
	return resultOf[T](op)
}

// resultOf returns the result of an operation that has ended.
func resultOf[T any](op *operation) (T, error) {
	var out T
	if op.err != nil {
		return out, op.err
	}
	if !op.hasValue {
		if err := op.m.codec.Decode(op.result, &out); err != nil {
			op.m.stop(&CodecError{What: "recorded result of " + op.String(), Type: typeName[T](), Cause: err})
		}
		op.hasValue, op.value = true, out
		return out, nil
	}
	out, _ = op.value.(T) // a nil value of an interface type leaves out nil
	return out, nil
}

// Gather waits for all futures and returns their results in the order of the arguments. When one fails it
// returns that error at once, the first in the journal's order; the others go on.
func Gather[T any](ctx Context, futures ...Future[T]) ([]T, error) {
	b := ctx.enter("Gather")
	ops := make([]*operation, len(futures))
	for i, f := range futures {
		if f.op == nil || f.op.m != b.m {
			panic("durable: Gather was called with a Future that is empty or belongs to another run")
		}
		ops[i] = f.op
	}
	if err := b.m.awaitAll(ops); err != nil {
		return nil, err
	}
	results := make([]T, len(futures))
	for i, op := range ops {
		v, err := resultOf[T](op)
		if err != nil {
			return nil, err
		}
		results[i] = v
	}
	return results, nil
}
