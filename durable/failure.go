package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"sync"
)

// Failure is an error as the journal records it: its text, what it was, and what it wrapped.
type Failure struct {
	Text   string          `json:"text"`
	Known  string          `json:"known,omitempty"` // the text of a sentinel given to RegisterError
	Type   string          `json:"type,omitempty"`  // of an error type given to RegisterErrorType
	Data   json.RawMessage `json:"data,omitempty"`  // its value, as JSON
	Stack  string          `json:"stack,omitempty"` // of a panic
	Causes []Failure       `json:"causes,omitempty"`
}

// maxCauses bounds how deep a chain of wrapped errors is recorded.
const maxCauses = 32

// RecordedError is an error that came out of a journal and is of no registered type: its text, and the
// errors that it wrapped. errors.Is and errors.As look through it, so registered errors that were wrapped
// are still found.
type RecordedError struct {
	failure Failure
	causes  []error
}

func (e *RecordedError) Error() string { return e.failure.Text }

// Unwrap returns what the recorded error had wrapped.
func (e *RecordedError) Unwrap() []error { return e.causes }

// PanicError is the error of a step that panicked, or the reason why a run is parked whose workflow code
// did. Stack is where, as debug.Stack prints it.
type PanicError struct {
	Value string
	Stack string
}

func (e *PanicError) Error() string { return "panic: " + e.Value }

var registry struct {
	sync.RWMutex
	sentinels map[string]error
	types     map[string]reflect.Type
}

func init() { RegisterError(context.Canceled, context.DeadlineExceeded) }

// RegisterError makes sentinel errors keep their identity in journals: what errors.Is says of a step's
// error when it is new, it says when the run is replayed. A sentinel is known by its text, so the texts of
// registered sentinels must be unique and must not change while journals exist. Call it when the program
// starts, before engines open; it panics when another error has the same text.
func RegisterError(sentinels ...error) {
	registry.Lock()
	defer registry.Unlock()
	if registry.sentinels == nil {
		registry.sentinels = map[string]error{}
	}
	for _, s := range sentinels {
		if known, ok := registry.sentinels[s.Error()]; ok && known != s {
			panic(fmt.Sprintf("durable.RegisterError: two different errors have the text %q; "+
				"sentinels are known by their text, make it unique", s))
		}
		registry.sentinels[s.Error()] = s
	}
}

// RegisterErrorType makes errors of type E keep their type and their exported fields in journals, so that
// errors.As finds them when the run is replayed. The value travels as JSON. Call it when the program
// starts, before engines open.
func RegisterErrorType[E error]() {
	registry.Lock()
	defer registry.Unlock()
	if registry.types == nil {
		registry.types = map[string]reflect.Type{}
	}
	t := reflect.TypeFor[E]()
	registry.types[t.String()] = t
}

// recordFailure describes err for the journal; nil for nil.
func recordFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	registry.RLock()
	defer registry.RUnlock()
	f := describe(err, 0)
	return &f
}

func describe(err error, depth int) Failure {
	switch e := err.(type) {
	case *RecordedError:
		return e.failure
	case *PanicError:
		return Failure{Text: e.Error(), Type: panicType, Known: e.Value, Stack: e.Stack}
	}
	f := Failure{Text: err.Error()}
	if known, ok := registry.sentinels[f.Text]; ok && identical(known, err) {
		f.Known = f.Text
		return f
	}
	name := reflect.TypeOf(err).String()
	if _, ok := registry.types[name]; ok {
		if data, jsonErr := json.Marshal(err); jsonErr == nil {
			f.Type, f.Data = name, data
			return f
		}
	}
	if depth < maxCauses {
		for _, cause := range causesOf(err) {
			f.Causes = append(f.Causes, describe(cause, depth+1))
		}
	}
	return f
}

const panicType = "panic"

// identical is ==, which panics on errors of uncomparable types.
func identical(a, b error) bool {
	return reflect.TypeOf(b).Comparable() && a == b
}

func causesOf(err error) []error {
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if cause := e.Unwrap(); cause != nil {
			return []error{cause}
		}
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	}
	return nil
}

// err turns a recorded failure back into an error.
func (f *Failure) err() error {
	if f == nil {
		return nil
	}
	registry.RLock()
	defer registry.RUnlock()
	return f.restore()
}

func (f *Failure) restore() error {
	if f.Type == panicType {
		return &PanicError{Value: f.Known, Stack: f.Stack}
	}
	if f.Known != "" {
		if known, ok := registry.sentinels[f.Known]; ok {
			return known
		}
	}
	if t, ok := registry.types[f.Type]; ok {
		v := reflect.New(t)
		if json.Unmarshal(f.Data, v.Interface()) == nil {
			if err, ok := v.Elem().Interface().(error); ok {
				return err
			}
		}
	}
	r := &RecordedError{failure: *f}
	for i := range f.Causes {
		r.causes = append(r.causes, f.Causes[i].restore())
	}
	return r
}

// newPanicError describes a recovered panic; it must be called from the deferred function.
func newPanicError(value any) *PanicError {
	if err, ok := value.(error); ok {
		var inner *PanicError
		if errors.As(err, &inner) {
			return inner
		}
	}
	return &PanicError{Value: fmt.Sprint(value), Stack: string(debug.Stack())}
}
