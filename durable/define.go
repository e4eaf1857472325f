package durable

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
)

// Workflow is a workflow function under its durable name. Journals refer to it by that name, so the name
// must not change while runs of it exist; the function's own name may.
type Workflow[In, Out any] struct {
	name string
	fn   func(Context, In) (Out, error)
}

// Define names a workflow function. The function must be deterministic: given the same results of its
// operations in the same order it asks for the same operations. It gets time, randomness and everything
// from outside through its Context.
func Define[In, Out any](name string, fn func(Context, In) (Out, error)) *Workflow[In, Out] {
	if err := checkID("workflow's name", name); err != nil {
		panic(err.Error())
	}
	if fn == nil {
		panic(fmt.Sprintf("durable.Define: workflow %q needs a function to run, got nil", name))
	}
	return &Workflow[In, Out]{name: name, fn: fn}
}

// Name returns the name that journals know the workflow by.
func (w *Workflow[In, Out]) Name() string { return w.name }

// Definition is a Workflow of any input and result type, as Config lists them.
type Definition interface {
	// Name is the name that journals know the workflow by.
	Name() string
	define() definition
}

// definition is a workflow without its types.
type definition struct {
	name  string
	input reflect.Type
	call  workflowFunc
	log   slog.Handler // for workflow code; nil writes nothing
}

// workflowFunc runs workflow code on an encoded input. err is the workflow's own error, broken says that
// the input can't be decoded.
type workflowFunc func(ctx Context, codec Codec, input []byte) (result []byte, err, broken error)

func (w *Workflow[In, Out]) define() definition {
	call := func(ctx Context, codec Codec, input []byte) ([]byte, error, error) {
		var in In
		if err := codec.Decode(input, &in); err != nil {
			return nil, nil, &CodecError{What: "recorded input", Type: typeName[In](), Cause: err}
		}
		out, err := w.fn(ctx, in)
		if err != nil {
			return nil, err, nil
		}
		result, err := codec.Encode(out)
		if err != nil {
			return nil, &CodecError{What: "workflow's result", Type: typeName[Out](), Cause: err}, nil
		}
		return result, nil, nil
	}
	return definition{name: w.name, input: reflect.TypeFor[In](), call: call}
}

// defined is define for definitions that may be missing.
func defined(d Definition) (definition, error) {
	if d == nil || reflect.ValueOf(d).IsZero() {
		return definition{}, errors.New("a workflow is nil; use one that Define returned")
	}
	return d.define(), nil
}

func typeName[T any]() string { return reflect.TypeFor[T]().String() }
