package durable

import (
	"context"

	"github.com/cespare/xxhash/v2"
)

// Step runs a step and waits for its result: a named piece of work in the outside world, whose result is
// checkpointed in the journal. fn runs at least once; once its result is checkpointed it never runs again,
// and replay gives the recorded result. A crash between the effect and the checkpoint runs it again, so a
// step whose effect must not happen twice passes its idempotency key (Info) along.
//
// The argument and the result travel through the codec even when nothing crashes, so that a step sees the
// same value the first time as after a recovery. A panic in fn is the step's error, a *PanicError.
func Step[I, O any](
	ctx Context, name string, fn func(context.Context, I) (O, error), arg I,
) (O, error) {
	b := ctx.enter("Step")
	op := startStep(b, name, fn, arg)
	b.m.await(op)
	return resultOf[O](op)
}

// Async starts a step and does not wait for it. A run may end without awaiting it; its result is then
// dropped.
func Async[I, O any](
	ctx Context, name string, fn func(context.Context, I) (O, error), arg I,
) Future[O] {
	return Future[O]{op: startStep(ctx.enter("Async"), name, fn, arg)}
}

// stepFunc is a step without its types: it returns the encoded result and the value it decodes to.
type stepFunc func(ctx context.Context) (result []byte, value any, err error)

func startStep[I, O any](
	b *branch, name string, fn func(context.Context, I) (O, error), arg I,
) *operation {
	m := b.m
	if err := checkID("step's name", name); err != nil {
		panic(err.Error())
	}
	op := b.newOperation(CommandStep, name)
	encoded, err := m.codec.Encode(arg)
	if err != nil {
		op.resolve(outcome{err: &CodecError{What: "argument of " + op.String(), Type: typeName[I](), Cause: err}})
		return op
	}
	b.issue(op, Command{Fingerprint: xxhash.Sum64(encoded), step: bindStep(m.codec, op.String, fn, encoded)})
	return op
}

func bindStep[I, O any](
	codec Codec, describe func() string, fn func(context.Context, I) (O, error), encoded []byte,
) stepFunc {
	return func(ctx context.Context) ([]byte, any, error) {
		var arg I
		if err := codec.Decode(encoded, &arg); err != nil {
			return nil, nil, &CodecError{What: "argument of " + describe(), Type: typeName[I](), Cause: err}
		}
		out, err := fn(ctx, arg)
		if err != nil {
			return nil, nil, err
		}
		result, err := codec.Encode(out)
		if err != nil {
			return nil, nil, &CodecError{What: "result of " + describe(), Type: typeName[O](), Cause: err}
		}
		var value O
		if err := codec.Decode(result, &value); err != nil {
			return nil, nil, &CodecError{What: "result of " + describe(), Type: typeName[O](), Cause: err}
		}
		return result, value, nil
	}
}

// StepInfo tells a step which one it is.
type StepInfo struct {
	Workflow string
	Run      string
	ID       string // the operation's id: its place in the tree of branches
	Name     string
}

// IdempotencyKey is the same for every attempt at this step of this run, and for no other step: what to
// hand to a service that promises to do things once per key.
func (s StepInfo) IdempotencyKey() string { return s.Run + "/" + s.ID }

// Info returns which step ctx belongs to; ok is false outside of steps.
func Info(ctx context.Context) (info StepInfo, ok bool) {
	info, ok = ctx.Value(stepInfoKey{}).(StepInfo)
	return info, ok
}

type stepInfoKey struct{}

// stepContext carries the StepInfo.
type stepContext struct {
	context.Context
	info StepInfo
}

func (c *stepContext) Value(key any) any {
	if key == (stepInfoKey{}) {
		return c.info
	}
	return c.Context.Value(key)
}
