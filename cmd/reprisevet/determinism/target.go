package determinism

import (
	"fmt"
	"go/types"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// A target is one thing that a value may be, as far as calls are concerned: a function, a piece of memory
// that may hold functions, a value in an interface, or something that only the caller or another package
// knows. path leads from there to a part: fields by their names, elements as [].
type target struct {
	is    sortOf
	fn    *ssa.Function  // isFunc: the function
	site  ssa.Value      // isMemory: where it was made (Alloc, MakeMap, Global…); isFunc: its MakeClosure
	param *ssa.Parameter // isParam
	value ssa.Value      // isBoxed: the value that went into the interface
	typ   types.Type     // isBoxed: its type
	obj   types.Object   // isForeign: a variable or function of another package
	call  *ssa.Call      // isForeign: the call of obj whose result it is
	index int            // isForeign: which result
	path  route
	fr    *frame
}

type sortOf int

const (
	isFunc sortOf = iota
	isMemory
	isParam
	isBoxed
	isForeign
)

// A route leads from a value to a part of it. It is short: what lies deeper than maxRoute counts as unknown.
type route struct {
	text string     // .name for fields, [] for elements
	last *types.Var // the last field, nil after []
	typ  types.Type // of the part
	up   *route
}

const maxRoute = 4

func (t target) String() string {
	return fmt.Sprintf("%d %v %v %v %v %v %v %d %p %s", t.is, t.fn, t.param, t.obj, t.typ, t.index, t.path.text,
		t.path.len(), t.fr, siteText(t))
}

func siteText(t target) string {
	switch {
	case t.site != nil:
		return fmt.Sprintf("%p", t.site)
	case t.value != nil:
		return fmt.Sprintf("%p", t.value)
	case t.call != nil:
		return fmt.Sprintf("%p", t.call)
	}
	return ""
}

func (r route) len() int { return strings.Count(r.text, ".") + strings.Count(r.text, "[]") }

// at is the part of t, of type typ, that a field leads to; a nil field stands for the elements.
func (t target) at(field *types.Var, typ types.Type) target {
	if t.path.len() >= maxRoute {
		return t
	}
	up := t.path
	t.path = route{text: up.text + "[]", typ: typ, up: &up}
	if field != nil {
		t.path = route{text: up.text + "." + field.Name(), last: field, typ: typ, up: &up}
	}
	return t
}

// whole is what t is a part of.
func (t target) whole() target {
	if t.path.up == nil {
		t.path = route{}
		return t
	}
	t.path = *t.path.up
	return t
}

// home is the function that a target belongs to, whose frame says what is open in it.
func (t target) home() *ssa.Function {
	switch t.is {
	case isFunc:
		if mc, ok := t.site.(*ssa.MakeClosure); ok {
			return mc.Parent()
		}
		return nil
	case isMemory:
		return functionOf(t.site)
	case isBoxed:
		return functionOf(t.value)
	case isForeign:
		if t.call != nil {
			return t.call.Parent()
		}
	}
	return nil
}

// partType is the type of the memory that t is, nil if it isn't known.
func (t target) partType() types.Type {
	if t.path.text != "" {
		return t.path.typ
	}
	if t.site == nil {
		return nil
	}
	return elem(t.site.Type())
}

// elem is what a pointer type points to, and any other type itself.
func elem(t types.Type) types.Type {
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		return ptr.Elem()
	}
	return t
}

// same reports whether two targets are the same memory, in whatever frame.
func (t target) same(u target) bool {
	return t.is == u.is && t.site == u.site && t.param == u.param && t.obj == u.obj && t.call == u.call &&
		t.index == u.index && t.fn == u.fn && t.value == u.value && t.path.text == u.path.text
}

// targetKey makes targets comparable.
type targetKey struct {
	is    sortOf
	fn    *ssa.Function
	site  ssa.Value
	param *ssa.Parameter
	value ssa.Value
	obj   types.Object
	call  *ssa.Call
	index int
	path  string
	fr    *frame
}

func (t target) key() targetKey {
	return targetKey{t.is, t.fn, t.site, t.param, t.value, t.obj, t.call, t.index, t.path.text, t.fr}
}

// A targetSet keeps targets once each, in the order in which they came.
type targetSet struct {
	list []target
	has  map[targetKey]bool
}

// maxTargets bounds how many things a value may be; the rest is forgotten.
const maxTargets = 64

func (s *targetSet) add(ts ...target) {
	for _, t := range ts {
		if s.has[t.key()] || len(s.list) >= maxTargets {
			continue
		}
		if s.has == nil {
			s.has = map[targetKey]bool{}
		}
		s.has[t.key()] = true
		s.list = append(s.list, t)
	}
}
