package durable

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
)

// registry holds the errors whose identity journals keep.
var registry struct {
	sync.Mutex // of those who change it
	now        atomic.Pointer[registered]
}

// registered is a state of the registry, which never changes. Both lists are sorted, so that they are walked
// in the same order everywhere.
type registered struct {
	sentinels map[string]error // by their text
	types     map[string]reflect.Type
	texts     []string // keys of sentinels
	names     []string // keys of types
}

// change replaces the registry's state by one that the function has changed.
func change(fn func(*registered)) {
	registry.Lock()
	defer registry.Unlock()
	next := registered{sentinels: map[string]error{}, types: map[string]reflect.Type{}}
	if now := registry.now.Load(); now != nil {
		maps.Copy(next.sentinels, now.sentinels)
		maps.Copy(next.types, now.types)
	}
	fn(&next)
	next.texts, next.names = sortedIDs(next.sentinels), sortedIDs(next.types)
	registry.now.Store(&next)
}

func init() {
	RegisterError(context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF,
		fs.ErrNotExist, fs.ErrExist, fs.ErrPermission)
	RegisterError(ErrNotFound, ErrConflict, ErrClosed, ErrFenced, ErrFailed, ErrParked, ErrUnknownWorkflow,
		ErrNonDeterminism, ErrDamaged, ErrCodec)
}

// RegisterError makes sentinel errors keep their identity in journals: what errors.Is says of a step's
// error in the step, it says in the workflow, live and on replay; also when the step's error only claims to
// be the sentinel, by a method Is. A sentinel is known by its text, so the texts of registered sentinels must
// be unique and must not change while journals exist. Those of this package and the most common ones of
// context, io and io/fs are registered already. Call it when the program starts, before engines open; it
// panics when another error has the same text.
func RegisterError(sentinels ...error) {
	for _, s := range sentinels {
		if s == nil || !reflect.ValueOf(s).Comparable() {
			panic(fmt.Sprintf("durable.RegisterError: %#v can't be a sentinel, since nothing is equal to it; "+
				"use a variable made with errors.New, or RegisterErrorType for a type of errors", s))
		}
		text := errorText(s)
		change(func(r *registered) {
			if known, twice := r.sentinels[text]; twice && !identical(known, s) {
				panic(fmt.Sprintf("durable.RegisterError: two different errors have the text %q; "+
					"sentinels are known by their text, make it unique", text))
			}
			r.sentinels[text] = s
		})
	}
}

// RegisterErrorType makes errors of type E keep their type and their exported fields in journals, so that
// errors.As finds them in the workflow, live and on replay. E is the type as errors.As looks for it: a
// pointer when the methods are on the pointer. The value travels as JSON, its exported fields of type error
// as errors travel; a type is known by its package and name, which must not change while journals exist.
// Call it when the program starts, before engines open; it panics when the type has no name.
func RegisterErrorType[E error]() {
	t := reflect.TypeFor[E]()
	name := errorTypeName(t)
	if t.Kind() == reflect.Interface || name == "" {
		panic(fmt.Sprintf("durable.RegisterErrorType: %v is not a named type, which is what journals know errors "+
			"by; register the types behind it", t))
	}
	change(func(r *registered) {
		if known, twice := r.types[name]; twice && known != t {
			panic(fmt.Sprintf("durable.RegisterErrorType: two types have the name %s; "+
				"define them outside of functions", name))
		}
		r.types[name] = t
	})
}

// errorTypeName is the name by which journals know a type: import path and name, with a star for a pointer.
func errorTypeName(t reflect.Type) string {
	star := ""
	if t.Kind() == reflect.Pointer {
		star, t = "*", t.Elem()
	}
	if t.Name() == "" {
		return ""
	}
	return star + t.PkgPath() + "." + t.Name()
}

// errorText is what an error says of itself, as the journal can hold it: valid UTF-8 of a bounded length. An
// error that panics when asked, as a nil pointer may, is described by its type.
func errorText(err error) (text string) {
	defer func() {
		if p := recover(); p != nil {
			if reflect.ValueOf(err).Kind() == reflect.Pointer && reflect.ValueOf(err).IsNil() {
				text = fmt.Sprintf("<nil %T>", err)
				return
			}
			text = fmt.Sprintf("<%T whose method Error panics>", err)
		}
	}()
	return bounded(err.Error())
}

// bounded is text as the journal can hold it.
func bounded(text string) string {
	if len(text) > maxErrorText {
		text = fmt.Sprintf("%s… (%d bytes in all)", text[:maxErrorText-64], len(text))
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
