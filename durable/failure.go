package durable

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
)

// Failure is an error as the journal records it: its text, what it was, and what it wrapped.
type Failure struct {
	Text   string             `json:"text"`
	Known  string             `json:"known,omitempty"`  // the text of a sentinel given to RegisterError
	Type   string             `json:"type,omitempty"`   // of an error type given to RegisterErrorType
	Data   json.RawMessage    `json:"data,omitempty"`   // its value, as JSON
	Errors map[string]Failure `json:"errors,omitempty"` // its exported fields of type error, by name
	Stack  string             `json:"stack,omitempty"`  // of a panic
	Causes []Failure          `json:"causes,omitempty"`
}

// Bounds of what is recorded of one error. What lies beyond them keeps its identity, see completed, but not
// its place.
const (
	maxCauses    = 32       // how deep a chain of wrapped errors is recorded
	maxErrors    = 256      // errors in one tree
	maxWalk      = 10000    // errors in one tree that are looked at
	maxErrorText = 64 << 10 // bytes of one text
	maxErrorData = 1 << 20  // bytes of all texts and values in one tree
)

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

// recordFailure describes err for the journal; nil for nil.
func recordFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	d := describer{registered: registry.now.Load(), errors: maxErrors, bytes: maxErrorData}
	f := d.describe(err, 0)
	return d.completed(err, f)
}

// describer turns an error into a Failure, within bounds.
type describer struct {
	*registered
	errors, bytes int // that may still be recorded
}

func (d *describer) describe(err error, depth int) Failure {
	d.errors--
	switch e := err.(type) {
	case *RecordedError:
		if e != nil {
			return e.failure
		}
	case *PanicError:
		if e != nil {
			return Failure{
				Text: errorText(e), Type: panicType, Known: bounded(e.Value), Stack: bounded(e.Stack),
			}
		}
	}
	f := Failure{Text: errorText(err)}
	d.bytes -= len(f.Text)
	if known, ok := d.sentinels[f.Text]; ok && identical(known, err) {
		f.Known = f.Text
		return f
	}
	causes := causesOf(err)
	if typed, ok := d.typed(err, depth); ok {
		restored := d.restore(&typed)
		if errorText(restored) == f.Text && len(causesOf(restored)) == len(causes) {
			return typed
		}
		// JSON does not carry all of it: the value keeps its type, the text and the causes stand beside it.
		typed.Text = errorText(restored)
		f.Causes = append(f.Causes, typed)
	}
	for _, cause := range causes {
		if depth < maxCauses && d.errors > 0 && d.bytes > 0 {
			f.Causes = append(f.Causes, d.describe(cause, depth+1))
		}
	}
	return f
}

// typed describes an error of a registered type by its value; ok is false for other errors, and for those
// that JSON does not bring back.
func (d *describer) typed(err error, depth int) (f Failure, ok bool) {
	f = Failure{Text: errorText(err), Type: errorTypeName(reflect.TypeOf(err))}
	if _, known := d.types[f.Type]; !known || depth > maxCauses || d.errors < 0 {
		return f, false
	}
	value, fields := withoutErrors(err)
	data, jsonErr := marshal(value)
	if jsonErr != nil || len(data) > d.bytes {
		return f, false
	}
	d.bytes -= len(data)
	f.Data = data
	for _, field := range fields {
		if f.Errors == nil {
			f.Errors = map[string]Failure{}
		}
		f.Errors[field.name] = d.describe(field.err, depth+1)
	}
	restored, ok := d.restoreTyped(&f)
	return f, ok && !harmed(restored, err)
}

// harmed reports whether an error panics on questions on which the original does not, or gives errors.Is
// cause to panic or never to end, which workflow code would not survive.
func harmed(err, original error) bool {
	nodes := 0
	walk(err, func(error) bool { nodes++; return true })
	return nodes >= maxWalk || panics(func() { unwrap(err) }) ||
		panics(func() { _ = err.Error() }) && !panics(func() { _ = original.Error() })
}

func panics(fn func()) (did bool) {
	defer func() { did = recover() != nil }()
	fn()
	return false
}

// marshal is json.Marshal for values whose methods may panic.
func marshal(value any) (data []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return json.Marshal(value)
}

type errorField struct {
	name string
	err  error
}

var errorType = reflect.TypeFor[error]()

// withoutErrors returns the value of a struct without its exported fields of type error, which JSON can't
// carry, and these fields.
func withoutErrors(err error) (value any, fields []errorField) {
	v := reflect.ValueOf(err)
	pointer := v.Kind() == reflect.Pointer
	if _, own := err.(json.Marshaler); own || pointer && v.IsNil() {
		return err, nil
	}
	if pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return err, nil
	}
	rest := reflect.New(v.Type())
	rest.Elem().Set(v)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Type == errorType && field.IsExported() && !v.Field(i).IsNil() {
			fields = append(fields, errorField{field.Name, v.Field(i).Interface().(error)})
			rest.Elem().Field(i).SetZero()
		}
	}
	if pointer {
		return rest.Interface(), fields
	}
	return rest.Elem().Interface(), fields
}

// completed adds to a description what errors.Is and errors.As say of the error and would not say of what the
// description restores to: what lies beyond the bounds, and what methods Is and As claim.
func (d *describer) completed(err error, f Failure) *Failure {
	restored := d.restore(&f)
	var missing []Failure
	for _, text := range d.texts {
		if s := d.sentinels[text]; is(err, s) && !is(restored, s) {
			missing = append(missing, Failure{Text: text, Known: text})
		}
	}
	for _, name := range d.names {
		t := d.types[name]
		if found := as(err, t); found != nil && as(restored, t) == nil {
			if typed, ok := d.typed(found, 0); ok {
				missing = append(missing, typed)
			}
		}
	}
	if len(missing) > 0 && (f.Known != "" || f.Type != "") {
		f = Failure{Text: f.Text, Causes: []Failure{f}}
	}
	f.Causes = append(f.Causes, missing...)
	return &f
}

// is is errors.Is, for errors whose methods may panic and which may wrap themselves.
func is(err, target error) bool {
	return !walk(err, func(e error) bool {
		claims, ok := e.(interface{ Is(error) bool })
		return !identical(target, e) && !(ok && claims.Is(target))
	})
}

// as is errors.As likewise; nil says that it finds none.
func as(err error, t reflect.Type) (found error) {
	target := reflect.New(t)
	walk(err, func(e error) bool {
		claims, ok := e.(interface{ As(any) bool })
		if reflect.TypeOf(e) == t {
			found = e
		} else if ok && claims.As(target.Interface()) {
			found, _ = target.Elem().Interface().(error)
		}
		return found == nil
	})
	return found
}

// walk visits an error and all that it wraps, in the order of errors.Is, up to a bound. It reports false when
// visit did.
func walk(err error, visit func(error) bool) bool {
	stack := []error{err}
	for left := maxWalk; len(stack) > 0 && left > 0; left-- {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !visitSafely(top, visit) {
			return false
		}
		causes := causesOf(top)
		slices.Reverse(causes)
		stack = append(stack, causes...)
	}
	return true
}

func visitSafely(err error, visit func(error) bool) (goOn bool) {
	defer func() {
		if recover() != nil {
			goOn = true
		}
	}()
	return visit(err)
}

const panicType = "panic"

// identical is ==, which panics on errors that hold something uncomparable.
func identical(a, b error) bool {
	return reflect.ValueOf(b).Comparable() && a == b
}

// causesOf returns what an error wraps directly; nothing when it panics on the question.
func causesOf(err error) (causes []error) {
	defer func() {
		if recover() != nil {
			causes = nil
		}
	}()
	return slices.DeleteFunc(unwrap(err), func(cause error) bool { return cause == nil })
}

// unwrap returns what an error wraps, in a slice of the caller's.
func unwrap(err error) []error {
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		return slices.Clone(e.Unwrap())
	}
	return nil
}

// err turns a recorded failure back into an error.
func (f *Failure) err() error {
	if f == nil {
		return nil
	}
	return registry.now.Load().restore(f)
}

func (reg *registered) restore(f *Failure) error {
	if f.Type == panicType {
		return &PanicError{Value: f.Known, Stack: f.Stack}
	}
	if f.Known != "" {
		if known, ok := reg.sentinels[f.Known]; ok {
			return known
		}
	}
	if err, ok := reg.restoreTyped(f); ok {
		return err
	}
	r := &RecordedError{failure: *f}
	for i := range f.Causes {
		r.causes = append(r.causes, reg.restore(&f.Causes[i]))
	}
	return r
}

func (reg *registered) restoreTyped(f *Failure) (err error, ok bool) {
	t, known := reg.types[f.Type]
	if !known {
		return nil, false
	}
	defer func() {
		if recover() != nil {
			err, ok = nil, false
		}
	}()
	v := reflect.New(t)
	if json.Unmarshal(f.Data, v.Interface()) != nil {
		return nil, false
	}
	fields := v.Elem()
	if fields.Kind() == reflect.Pointer && len(f.Errors) > 0 {
		fields = fields.Elem()
	}
	for name, failure := range f.Errors { //tidy:unordered each sets a field of its own
		fields.FieldByName(name).Set(reflect.ValueOf(reg.restore(&failure)))
	}
	err, ok = v.Elem().Interface().(error)
	return err, ok
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
