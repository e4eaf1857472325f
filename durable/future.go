package durable

// Future is the result of an operation that was started and not yet awaited. Two futures of one operation
// are equal.
type Future[T any] struct {
	op       *operation
	shielded bool
}

// Await waits until the operation has ended and returns its result. It may be called again, by any branch
// of the run, and returns the same; those who wait go on in the order in which they came. When ctx is
// cancelled first, Await returns that error; when the operation has ended, it never waits and never does.
func (f Future[T]) Await(ctx Context) (T, error) {
	b := ctx.enter("Await")
	op := f.in(b, "Await")
	if err := b.m.await(op); err != nil {
		var none T
		return none, err
	}
	return resultOf[T](op)
}

// Done reports whether the operation has ended.
func (f Future[T]) Done() bool { return f.op != nil && f.op.ended > 0 }

// in checks that the future is one of the branch's run.
func (f Future[T]) in(b *branch, call string) *operation {
	if f.op == nil {
		panic("durable: " + call + " was called on an empty Future; use one that Async or Go returned")
	}
	if f.op.m != b.m {
		panic("durable: " + call + " was called on a Future of another run (" + f.op.m.run + ")")
	}
	return f.op
}

// resultOf returns the result of an operation that has ended.
func resultOf[T any](op *operation) (T, error) {
	var out T
	if op.err != nil {
		return out, op.err
	}
	value, decoded := op.value.(*T)
	if !decoded {
		value = new(T)
		if err := op.m.codec.Decode(op.result, value); err != nil {
			op.m.stop(&CodecError{What: "recorded result of " + op.String(), Type: typeName[T](), Cause: err})
		}
		op.value = value
	}
	return *value, nil
}
