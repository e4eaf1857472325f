package durable

// Go starts fn as a branch of the run: it may issue several operations, concurrently with the branch that
// called Go. Branches start in the order of the calls, when the caller first waits. A branch's operations
// have ids of their own (2.1, 2.2 …), so siblings can't disturb each other's. Its result is kept in memory
// only: replay runs the branch again.
func Go[T any](ctx Context, name string, fn func(Context) (T, error)) Future[T] {
	b := ctx.enter("Go")
	if err := checkID("branch's name", name); err != nil {
		panic(err.Error())
	}
	m := b.m
	op := b.newOperation(CommandBranch, name)
	b.issue(op, Command{})
	m.spawn(name, op.id+".", func(ctx Context) {
		value, err := fn(ctx)
		op.resolve(outcome{value: value, hasValue: true, err: err})
	})
	return Future[T]{op: op}
}
