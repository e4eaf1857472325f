package determinism

import (
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// loadInto adds what the memory t, of type typ, may hold. A struct or array is its memory: copies count as
// the original.
func (p *program) loadInto(out *targetSet, t target, typ types.Type) {
	switch typ.Underlying().(type) {
	case *types.Struct, *types.Array:
		out.add(t)
	}
	switch t.is {
	case isParam, isForeign:
		out.add(t) // whoever knows the whole knows the part
		return
	case isFunc, isBoxed:
		return
	}
	if t.path.text == "" {
		for _, st := range p.cells[t.site] {
			out.add(p.stored(st, t)...)
		}
		return
	}
	var stores []store
	if t.path.last != nil {
		stores = p.fields[t.path.last]
	} else {
		stores = p.elements[types.TypeString(typ, nil)]
	}
	whole := t.whole()
	for _, st := range stores {
		out.add(p.storedPart(st, whole)...)
	}
	p.loadFromCopies(out, t, whole, typ)
}

// loadFromCopies adds what came with whole structs that were stored over t: s = other, arr[i] = s.
func (p *program) loadFromCopies(out *targetSet, t, whole target, typ types.Type) {
	from := whole.partType()
	if from == nil || p.loading[t.key()] {
		return
	}
	if _, ok := from.Underlying().(*types.Struct); !ok {
		return
	}
	p.loading[t.key()] = true
	defer delete(p.loading, t.key())
	var copies targetSet
	p.loadInto(&copies, whole, from)
	for _, u := range copies.list {
		if !u.same(whole) && (u.is == isMemory || u.is == isParam || u.is == isForeign) {
			p.loadInto(out, u.at(t.path.last, typ), typ)
		}
	}
}

// stored is what a store put into memory that is t for certain.
func (p *program) stored(st store, t target) []target {
	return p.eval(st.val, p.frameOf(st.fn, t.fr))
}

// storedPart is what a store to a field or element put there, if its base may be whole.
func (p *program) storedPart(st store, whole target) []target {
	fr := p.frameOf(st.fn, whole.fr)
	bases := p.eval(st.base, fr)
	if len(bases) == 0 {
		return p.eval(st.val, fr)
	}
	var out targetSet
	for _, base := range bases {
		switch {
		case base.is == isMemory && base.same(whole):
			out.add(p.eval(st.val, fr)...)
		case base.is == isParam && whole.is == isMemory:
			out.add(p.storedByCallee(st, base, whole)...)
		case base.is == isForeign:
			out.add(p.eval(st.val, fr)...)
		}
	}
	return out.list
}

// storedByCallee is what a function stored into memory that it was given, by all calls of it here that
// gave it whole.
func (p *program) storedByCallee(st store, base, whole target) []target {
	fn := base.param.Parent()
	calls := p.callers[fn]
	if len(calls) == 0 {
		return p.eval(st.val, nil) // called through a value: by whom is not known
	}
	var out targetSet
	for _, call := range calls {
		args := call.Common().Args
		i := paramIndex(base.param)
		if i >= len(args) {
			continue
		}
		for _, arg := range p.eval(args[i], nil) {
			if arg.is == isMemory && arg.site == whole.site {
				fr := p.enter(closure{fn: fn}, call, operandsOf(args, nil), nil)
				out.add(p.eval(st.val, p.frameOf(st.fn, fr))...)
			}
		}
	}
	return out.list
}

// frameOf is the frame in which fn's code sees fr: fr itself, one around it, or open.
func (p *program) frameOf(fn *ssa.Function, fr *frame) *frame {
	if fr == nil {
		return nil
	}
	return p.within(fn, fr)
}

func paramIndex(param *ssa.Parameter) int {
	for i, q := range param.Parent().Params {
		if q == param {
			return i
		}
	}
	return len(param.Parent().Params)
}

func operandsOf(args []ssa.Value, fr *frame) []operand {
	out := make([]operand, len(args))
	for i, arg := range args {
		out[i] = operand{v: arg, fr: fr}
	}
	return out
}
