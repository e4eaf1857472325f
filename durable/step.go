package durable

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

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
	return awaitStep[O](b, startStep(b, "Step", nil, name, fn, arg))
}

// StepWith is Step with a retry policy and time limits. The step's error is that of its last attempt, or a
// *TimeoutError.
func StepWith[I, O any](
	ctx Context, options StepOptions, name string, fn func(context.Context, I) (O, error), arg I,
) (O, error) {
	b := ctx.enter("StepWith")
	return awaitStep[O](b, startStep(b, "StepWith", &options, name, fn, arg))
}

func awaitStep[O any](b *branch, op *operation) (O, error) {
	b.m.await(op)
	return resultOf[O](op)
}

// Async starts a step and does not wait for it. A run may end without awaiting it; its result is then
// dropped.
func Async[I, O any](
	ctx Context, name string, fn func(context.Context, I) (O, error), arg I,
) Future[O] {
	return Future[O]{op: startStep(ctx.enter("Async"), "Async", nil, name, fn, arg)}
}

// AsyncWith is Async with a retry policy and time limits.
func AsyncWith[I, O any](
	ctx Context, options StepOptions, name string, fn func(context.Context, I) (O, error), arg I,
) Future[O] {
	return Future[O]{op: startStep(ctx.enter("AsyncWith"), "AsyncWith", &options, name, fn, arg)}
}

// stepCall is a step without its types. It returns the encoded result and a pointer to the value that this
// decodes to.
type stepCall interface {
	run(ctx context.Context) (result []byte, value any, err error)
}

// boundStep is a step with its argument.
type boundStep[I, O any] struct {
	op      *operation
	fn      func(context.Context, I) (O, error)
	encoded []byte // the argument
}

func startStep[I, O any](
	b *branch, call string, options *StepOptions, name string, fn func(context.Context, I) (O, error), arg I,
) *operation {
	m := b.m
	if err := checkID("step's name", name); err != nil {
		panic(err.Error())
	}
	if fn == nil {
		panic("durable: " + call + "(" + name + ") needs a function to run, got nil")
	}
	if options != nil {
		if err := options.check(); err != nil {
			panic("durable: " + call + "(" + name + "): StepOptions." + err.Error())
		}
	}
	both := &struct { // in one piece of memory: replay makes many
		operation
		boundStep[I, O]
	}{}
	op, step := &both.operation, &both.boundStep
	b.begin(op, CommandStep, name)
	if options != nil && options.set() {
		op.retry = &retrying{options: *options, begun: m.now}
	}
	encoded, err := encodeBounded(m.codec, arg)
	if err != nil {
		op.resolve(outcome{err: &CodecError{What: "argument of " + op.String(), Type: typeName[I](), Cause: err}})
		return op
	}
	*step = boundStep[I, O]{op, fn, encoded}
	b.issue(op, Command{Fingerprint: xxhash.Sum64(encoded), step: step})
	return op
}

func (s *boundStep[I, O]) run(ctx context.Context) ([]byte, any, error) {
	codec := s.op.m.codec
	var arg I
	if err := codec.Decode(s.encoded, &arg); err != nil {
		return nil, nil, &CodecError{What: "argument of " + s.op.String(), Type: typeName[I](), Cause: err}
	}
	out, err := s.fn(ctx, arg)
	if err != nil {
		return nil, nil, err
	}
	result, err := encodeBounded(codec, out)
	if err != nil {
		return nil, nil, &CodecError{What: "result of " + s.op.String(), Type: typeName[O](), Cause: err}
	}
	value := new(O)
	if err := codec.Decode(result, value); err != nil {
		return nil, nil, &CodecError{What: "result of " + s.op.String(), Type: typeName[O](), Cause: err}
	}
	return result, value, nil
}

// StepInfo tells a step which one it is.
type StepInfo struct {
	RunInfo
	ID   string // the operation's id: its place in the tree of branches
	Name string
	// Attempt counts the attempts from 1, those that were interrupted by the end of their process included.
	// When it is more than 1 an earlier one may have had its effect.
	Attempt int
	// Generation is how often the run had continued as new before.
	Generation int
}

// IdempotencyKey is the same for every attempt at this step of this run, and for no other step: what to
// hand to a service that promises to do things once per key.
func (s StepInfo) IdempotencyKey() string { return s.Run + "/" + place(s.Generation, s.ID) }

// String names the step in messages.
func (s StepInfo) String() string {
	return fmt.Sprintf("step %q (id %s) of run %q", s.Name, s.ID, s.Run)
}

// Info returns which step ctx belongs to; ok is false outside of steps.
func Info(ctx context.Context) (info StepInfo, ok bool) {
	s, err := stepOf(ctx, "Info")
	if err != nil {
		return StepInfo{}, false
	}
	return s.u.info, true
}

type stepContextKey struct{}

// stepContext is what a step's function is given: it knows the attempt that it belongs to.
type stepContext struct {
	context.Context
	u      *underWay
	engine *Engine
	asked  atomic.Int64 // messages and updates so far, see requestID
}

// Value returns the attempt, or what the context below has.
func (c *stepContext) Value(key any) any {
	if key == (stepContextKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// Deadline returns when the attempt's time is up, on the host's clock.
func (c *stepContext) Deadline() (at time.Time, ok bool) {
	if c.u.due.IsZero() {
		return c.Context.Deadline()
	}
	return c.u.due, true
}

// EngineOf returns the engine that runs the step that ctx belongs to, nil outside of steps: steps are written
// before there is an engine, and may need it to reach other runs.
func EngineOf(ctx context.Context) *Engine {
	s, err := stepOf(ctx, "EngineOf")
	if err != nil {
		return nil
	}
	return s.engine
}

// requestID is an id for the next message or update that a step asks for: the same in every attempt, if the
// step asks for the same ones in the same order. It is empty outside of steps.
func requestID(ctx context.Context) string {
	s, err := stepOf(ctx, "")
	if err != nil {
		return ""
	}
	return "step:" + s.u.info.IdempotencyKey() + "#" + strconv.FormatInt(s.asked.Add(1), 10)
}

// stepOf finds the attempt that a context belongs to.
func stepOf(ctx context.Context, call string) (*stepContext, error) {
	if ctx != nil {
		if s, ok := ctx.Value(stepContextKey{}).(*stepContext); ok {
			return s, nil
		}
	}
	return nil, errors.New("durable: " + call + " was called outside of a step; call it with the " +
		"context.Context that the step's function was given, or one derived from it")
}
