package determinism

import (
	"go/types"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// applyObject adds what a function without a body here does: by the tables, by its facts, or, in the
// standard library, by the functions that it is given.
func (s *summarizer) applyObject(c callee, at site) {
	obj := c.obj
	if inDurable(obj) {
		s.durable(c, at)
		return
	}
	s.valueReceiver(c)
	if k, what, ok := classify(obj); ok {
		if k == kindOutput {
			s.writesOutput(c, k, what, at)
		} else {
			s.hazard(k, what, s.p.positionOf(at), at.hops)
		}
		return
	}
	if target, ok := s.p.links[obj]; ok {
		s.hazard(kindRuntime, target+" (by go:linkname)", s.p.positionOf(at), at.hops)
		return
	}
	if obj.Pkg() != nil && obj.Pkg() != s.p.pass.Pkg && !s.p.standard(obj.Pkg()) {
		s.applyFact(c, at)
		return
	}
	s.libraryOrder(c, at)
	s.callArguments(c, at)
}

// callArguments applies the functions that a function of the standard library is given, since it calls
// them, and the methods that it calls on values in interfaces.
func (s *summarizer) callArguments(c callee, at site) {
	sig := c.obj.Signature()
	for i, arg := range c.args {
		switch typ := s.parameterType(sig, i).(type) {
		case *types.Signature:
			for _, t := range s.p.evalOperand(arg) {
				s.applyValue(t, at)
			}
		case *types.Interface:
			s.applyInterface(arg, typ, at)
			for _, t := range s.p.evalOperand(arg) {
				s.applyMethods(t, c.obj, typ, at)
			}
		case *types.Slice:
			face, ok := typ.Elem().Underlying().(*types.Interface)
			if !ok {
				continue
			}
			for _, t := range s.p.evalOperand(arg) {
				var elements targetSet
				s.p.loadInto(&elements, t.at(nil, typ.Elem()), typ.Elem())
				for _, e := range elements.list {
					s.applyMethods(e, c.obj, face, at)
				}
			}
		}
	}
}

// applyInterface applies the methods that are called on an argument whose own type is an interface that the
// tables know, such as a net.Conn that is handed on as an io.Reader.
func (s *summarizer) applyInterface(arg operand, face *types.Interface, at site) {
	change, ok := arg.v.(*ssa.ChangeInterface)
	if !ok {
		return
	}
	for i := range face.NumMethods() {
		obj, _, _ := types.LookupFieldOrMethod(change.X.Type(), false, s.p.pass.Pkg, face.Method(i).Name())
		if fn, ok := obj.(*types.Func); ok && !isStdContext(change.X.Type()) {
			if k, what, ok := classify(fn); ok {
				s.hazard(k, what, s.p.positionOf(at), at.hops)
			}
		}
	}
}

// parameterType is the underlying type of the parameter that an argument goes to, the receiver first.
func (s *summarizer) parameterType(sig *types.Signature, i int) types.Type {
	if sig.Recv() != nil {
		if i == 0 {
			return nil
		}
		i--
	}
	if i >= sig.Params().Len() {
		return nil
	}
	typ := sig.Params().At(i).Type()
	if param, ok := types.Unalias(typ).(*types.TypeParam); ok {
		return typeParamCore(param)
	}
	return typ.Underlying()
}

// typeParamCore is the one type behind a type parameter, such as the ~[]E of a slice or a function.
func typeParamCore(param *types.TypeParam) types.Type {
	face, ok := param.Constraint().Underlying().(*types.Interface)
	if !ok || face.NumEmbeddeds() == 0 {
		return nil
	}
	union, ok := face.EmbeddedType(0).(*types.Union)
	if !ok || union.Len() != 1 {
		return nil
	}
	return union.Term(0).Type().Underlying()
}

// applyValue applies a function value that is called with arguments that are not known here.
func (s *summarizer) applyValue(t target, at site) {
	if t.is == isParam {
		if lexicallyIn(s.fn, t.param.Parent()) {
			s.leaveOpen(at, nil)
		}
		return
	}
	for _, c := range s.p.callTarget(t, at.call, nil, at.fr) {
		s.apply(c, at)
	}
}

// hiddenMethods are what a package calls on a value of any type.
var hiddenMethods = map[string]wordList{
	"fmt":           words("String Error Format GoString"),
	"errors":        words("Is As Unwrap"),
	"encoding/json": words("MarshalJSON UnmarshalJSON MarshalText UnmarshalText"),
	"encoding/xml":  words("MarshalXML UnmarshalXML MarshalText UnmarshalText"),
	"encoding/gob":  words("GobEncode GobDecode MarshalBinary UnmarshalBinary"),
	"text/template": words("String Error"),
	"html/template": words("String Error"),
}

// applyMethods applies the methods that a function of the standard library may call on a value that it gets
// in an interface.
func (s *summarizer) applyMethods(t target, obj *types.Func, face *types.Interface, at site) {
	if t.is == isParam {
		if lexicallyIn(s.fn, t.param.Parent()) {
			s.leaveOpen(at, nil)
		}
		return
	}
	if t.is != isBoxed || isStdContext(t.typ) {
		return
	}
	if _, ok := t.typ.Underlying().(*types.Signature); ok && face.NumMethods() == 0 {
		if obj.Pkg() != nil && obj.Pkg().Path() == "reflect" {
			s.applyValue(t, at)
		}
		return
	}
	recv := operand{v: t.value, fr: t.fr}
	for i := range face.NumMethods() {
		for _, c := range s.p.callMethod(t.typ, face.Method(i), recv, at.call, nil, at.fr) {
			s.apply(c, at)
		}
	}
	if face.NumMethods() > 0 {
		return
	}
	if obj.Pkg() == nil {
		return
	}
	for _, name := range hiddenMethods[obj.Pkg().Path()] {
		signature := types.NewSignatureType(nil, nil, nil, nil, nil, false)
		method := types.NewFunc(obj.Pos(), s.p.pass.Pkg, name, signature)
		for _, c := range s.p.callMethod(t.typ, method, recv, at.call, nil, at.fr) {
			s.apply(c, at)
		}
	}
}

// mutable are types of the standard library whose methods change them.
var mutable = map[string]wordList{
	"math/rand": words("Rand Zipf"), "math/rand/v2": words("Rand Zipf PCG ChaCha8"),
	"bytes": words("Buffer Reader"), "strings": words("Builder Reader"),
	"bufio":          words("Reader Writer Scanner ReadWriter"),
	"container/list": words("List Element"), "container/ring": words("Ring"),
	"math/big": words("Int Float Rat"), "encoding/json": words("Encoder Decoder"),
	"encoding/csv": words("Writer Reader"), "text/tabwriter": words("Writer"),
}

// valueReceiver notes that a method of the standard library changes its receiver.
func (s *summarizer) valueReceiver(c callee) {
	if c.obj.Pkg() == nil || len(c.args) == 0 {
		return
	}
	recv := c.obj.Signature().Recv()
	if recv == nil || !mutable[c.obj.Pkg().Path()].has(receiverName(c.obj)) {
		return
	}
	if _, pointer := recv.Type().(*types.Pointer); !pointer {
		return
	}
	e := &effect{kind: markWrites, what: memberName(c.obj)}
	if pos := c.args[0]; pos.v != nil {
		e.pos = s.p.position(pos.v)
	}
	s.access(markWrites, c.args[0], e)
}

// standard reports whether a package belongs to the standard library. Its own facts are not made: the tables
// say what counts, and the rest would be internals.
func (p *program) standard(pkg *types.Package) bool {
	if known, ok := p.std[pkg]; ok {
		return known
	}
	is := standardPath(pkg.Path())
	p.std[pkg] = is
	return is
}

// stdFolders are the folders of the standard library.
var stdFolders = words(`archive arena bufio builtin bytes cmd cmp compress container context crypto database
	debug embed encoding errors expvar flag fmt go hash html image index internal io iter log maps math mime net
	os path plugin reflect regexp runtime simd slices sort strconv strings structs sync syscall testing text time
	unicode unique unsafe vendor weak`)

// standardPath reports whether an import path is the standard library's.
func standardPath(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return stdFolders.has(first)
}

// here reports whether a call is in the function's own code, and not one that a callee left open.
func (at site) here() bool { return at.fr == nil && len(at.hops) == 0 }
