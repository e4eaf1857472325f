// Package durable has the signatures of the real package, so that fixtures type-check without it. A test
// compares them with the real ones.
package durable

import (
	"context"
	"iter"
	"log/slog"
	"math/rand/v2"
	"time"
)

type Context struct{ b *int }

func (ctx Context) Now() time.Time                                    { return time.Time{} }
func (ctx Context) Rand() *rand.Rand                                  { return nil }
func (ctx Context) Logger() *slog.Logger                              { return nil }
func (ctx Context) RunID() string                                     { return "" }
func (ctx Context) NewID() string                                     { return "" }
func (ctx Context) Err() error                                        { return nil }
func (ctx Context) Detached() Context                                 { return ctx }
func (ctx Context) Sleep(d time.Duration) error                       { return nil }
func (ctx Context) SleepUntil(at time.Time) error                     { return nil }
func (ctx Context) After(d time.Duration) Future[time.Time]           { return Future[time.Time]{} }
func (ctx Context) WithCancel() (_ Context, cancel func(cause error)) { return ctx, nil }

func (ctx Context) WithTimeout(d time.Duration) (_ Context, cancel func()) { return ctx, nil }

type Workflow[In, Out any] struct {
	fn func(Context, In) (Out, error)
}

func Define[In, Out any](name string, fn func(Context, In) (Out, error)) *Workflow[In, Out] {
	return &Workflow[In, Out]{fn}
}

func (w *Workflow[In, Out]) Name() string { return "" }

func (w *Workflow[In, Out]) Start(ctx context.Context, e *Engine, id string, in In) (Run[Out], error) {
	return Run[Out]{}, nil
}

func (w *Workflow[In, Out]) Run(e *Engine, id string) Run[Out] { return Run[Out]{} }

type Engine struct{}

type Run[Out any] struct{}

func (r Run[Out]) ID() string { return "" }

func (r Run[Out]) Result(ctx context.Context) (Out, error) {
	var out Out
	return out, nil
}

type Future[T any] struct{}

func (f Future[T]) Await(ctx Context) (T, error) {
	var out T
	return out, nil
}

type Outcome[T any] struct {
	Value T
	Err   error
}

func Go[T any](ctx Context, name string, fn func(Context) (T, error)) Future[T] { return Future[T]{} }

func Gather[T any](ctx Context, futures ...Future[T]) ([]T, error) { return nil, nil }

func Settle[T any](ctx Context, futures ...Future[T]) ([]Outcome[T], error) { return nil, nil }

func Completed[T any](ctx Context, futures ...Future[T]) iter.Seq2[int, Outcome[T]] { return nil }

func Scope(ctx Context, fn func(ctx Context) error) error { return nil }

func Step[I, O any](ctx Context, name string, fn func(context.Context, I) (O, error), arg I) (O, error) {
	var out O
	return out, nil
}

func Async[I, O any](ctx Context, name string, fn func(context.Context, I) (O, error), arg I) Future[O] {
	return Future[O]{}
}

type StepOptions struct{ Timeout time.Duration }

func StepWith[I, O any](
	ctx Context, options StepOptions, name string, fn func(context.Context, I) (O, error), arg I,
) (O, error) {
	var out O
	return out, nil
}

func OnFailure[I, O any](ctx Context, name string, fn func(context.Context, I) (O, error), arg I) {}

type StepInfo struct{ Workflow, Run, ID, Name string }

func (s StepInfo) IdempotencyKey() string { return "" }

func Info(ctx context.Context) (info StepInfo, ok bool) { return StepInfo{}, false }

type Chan[T any] struct{}

func NewChan[T any](ctx Context, name string, capacity int) *Chan[T] { return nil }

func (c *Chan[T]) Send(ctx Context, v T) error            { return nil }
func (c *Chan[T]) All(ctx Context) iter.Seq2[T, error]    { return nil }
func (c *Chan[T]) Receiving(fn func(v T, err error)) Case { return Case{} }
func (c *Chan[T]) Sending(v T, fn func(err error)) Case   { return Case{} }
func (c *Chan[T]) Recv(ctx Context) (v T, err error)      { return v, nil }

type Case struct{}

func Select(ctx Context, cases ...Case) (place int, err error) { return 0, nil }

func (c *Chan[T]) Close(ctx Context) {}

type Mutex struct{}

func NewMutex(ctx Context, name string) *Mutex { return nil }

func (mu *Mutex) Lock(ctx Context) error { return nil }
func (mu *Mutex) Unlock(ctx Context)     {}

type WaitGroup struct{}

func NewWaitGroup(ctx Context, name string) *WaitGroup { return nil }

func (g *WaitGroup) Add(ctx Context, n int) {}
func (g *WaitGroup) Done(ctx Context)       {}
func (g *WaitGroup) Wait(ctx Context) error { return nil }

type Topic[T any] struct{}

func NewTopic[T any](name string) Topic[T] { return Topic[T]{} }

func (t Topic[T]) ReceiveTimeout(ctx Context, d time.Duration) (T, error) {
	var out T
	return out, nil
}

type Value[T any] struct{}

func NewValue[T any](name string) Value[T] { return Value[T]{} }

func (v Value[T]) Publish(ctx Context, value T) error { return nil }

type ChildRun[Out any] struct{ Future[Out] }

func StartChild[In, Out any](ctx Context, w *Workflow[In, Out], in In) ChildRun[Out] {
	return ChildRun[Out]{}
}

func Version(ctx Context, change string, min, max int) int { return 0 }

func Race[T any](ctx Context, futures ...Future[T]) (place int, value T, err error) {
	return 0, value, nil
}

type Tx struct{}

func (tx *Tx) Get(key string) (value []byte, ok bool) { return nil, false }
func (tx *Tx) Set(key string, value []byte)           {}

func Transact[I, O any](ctx Context, name string, fn func(tx *Tx, in I) (O, error), arg I) (O, error) {
	var out O
	return out, nil
}

func Heartbeat[P any](ctx context.Context, progress P) error { return nil }

type Update[In, Out any] struct{}

func NewUpdate[In, Out any](name string) Update[In, Out] { return Update[In, Out]{} }

func (u Update[In, Out]) Handle(
	ctx Context, check func(in In) error, fn func(ctx Context, in In) (Out, error),
) {
}
