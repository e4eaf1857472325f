// Package durable has the signatures of the real package, so that fixtures type-check without it.
package durable

import (
	"context"
	"math/rand/v2"
	"time"
)

type Context struct{ b *int }

func (ctx Context) Now() time.Time        { return time.Time{} }
func (ctx Context) Rand() *rand.Rand      { return nil }
func (ctx Context) RunID() string         { return "" }
func (ctx Context) Sleep(d time.Duration) {}

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

func Go[T any](ctx Context, name string, fn func(Context) (T, error)) Future[T] { return Future[T]{} }

func Gather[T any](ctx Context, futures ...Future[T]) ([]T, error) { return nil, nil }

func Step[I, O any](
	ctx Context, name string, fn func(context.Context, I) (O, error), arg I,
) (O, error) {
	var out O
	return out, nil
}

func Async[I, O any](
	ctx Context, name string, fn func(context.Context, I) (O, error), arg I,
) Future[O] {
	return Future[O]{}
}

type StepInfo struct{ Workflow, Run, ID, Name string }

func (s StepInfo) IdempotencyKey() string { return "" }

func Info(ctx context.Context) (info StepInfo, ok bool) { return StepInfo{}, false }
