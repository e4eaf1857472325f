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
	p.loadDirect(out, t, typ)
	if t.path.text == "" {
		return
	}
	for _, u := range p.copiesOf(t.whole()) {
		part := u.at(t.path.last, typ)
		if u.is == isMemory {
			p.loadDirect(out, part, typ)
		} else {
			out.add(part)
		}
	}
	p.loadLent(out, t)
}

// loadDirect adds what was stored in t itself, and not in what was copied over it.
func (p *program) loadDirect(out *targetSet, t target, typ types.Type) {
	p.work++
	if p.work > p.limit {
		return
	}
	var stores []store
	switch {
	case t.path.text == "":
		for _, st := range p.cells[t.site] {
			out.add(p.stored(st, t)...)
		}
		return
	case t.path.last != nil:
		stores = p.fields[t.path.last]
	default:
		stores, _ = p.elements.At(typ).([]store)
	}
	whole := t.whole()
	for _, st := range stores {
		out.add(p.storedPart(st, whole)...)
	}
}

// copiesOf are the structs that were copied over a struct, and over those: s = other, arr[i] = s.
func (p *program) copiesOf(whole target) []target {
	from := whole.partType()
	if from == nil || whole.is != isMemory {
		return nil
	}
	if _, ok := from.Underlying().(*types.Struct); !ok {
		return nil
	}
	var group targetSet
	group.add(whole)
	for i := 0; i < len(group.list); i++ { // add appends while the loop runs
		if u := group.list[i]; u.is == isMemory {
			p.loadDirect(&group, u, from)
		}
	}
	return group.list[1:]
}

// loadLent adds what functions of other packages were given to keep in t.
func (p *program) loadLent(out *targetSet, t target) {
	for _, l := range p.lent[t.path.text] {
		fr := p.frameOf(l.fn, t.fr)
		for _, base := range p.eval(l.base, fr) {
			if base.is == isMemory && base.site == t.site {
				out.add(p.eval(l.val, fr)...)
			}
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
