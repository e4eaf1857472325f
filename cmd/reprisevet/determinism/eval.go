package determinism

import (
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// maxWork and maxForeignWork bound the evaluation of one package of the module that is analyzed, and of one
// that it depends on: generated code can make it explode. Beyond it, values that are not known yet stay
// unknown.
const (
	maxWork        = 2_000_000
	maxForeignWork = 100_000
)

type valueKey struct {
	v  ssa.Value
	fr *frame
}

// eval finds what a value may be, without regard to the order of statements: all that was ever stored in
// a variable or field counts. fr is the frame of the function that v belongs to.
func (p *program) eval(v ssa.Value, fr *frame) []target {
	switch v.(type) {
	case nil, *ssa.Const, *ssa.Builtin:
		return nil
	}
	key := valueKey{v, fr}
	if known, ok := p.values[key]; ok {
		return known
	}
	if p.pending[key] {
		p.cut = true
		return p.guess[key]
	}
	if len(p.pending) > 0 {
		return p.evalOnce(key)
	}
	// A cycle, such as s = s(m), is gone through until it has nothing new to tell.
	var out []target
	for range maxRounds {
		before := len(out)
		out = p.evalOnce(key)
		again := p.cut && len(out) > before
		for _, k := range p.partial {
			p.guess[k] = p.values[k]
			delete(p.values, k)
		}
		p.partial, p.cut = p.partial[:0], false
		if !again {
			break
		}
		p.guess[key] = out
		delete(p.values, key)
	}
	p.values[key] = out
	clear(p.guess)
	return out
}

// maxRounds bounds how often a cycle of values is gone through.
const maxRounds = 4

func (p *program) evalOnce(key valueKey) []target {
	p.work++
	if p.work > p.limit {
		return nil
	}
	p.pending[key] = true
	outerCut := p.cut
	p.cut = false
	var out targetSet
	p.evalInto(&out, key.v, key.fr)
	delete(p.pending, key)
	// Within a cycle an answer lacks what is still pending. It serves until the round is over.
	p.values[key] = out.list
	if p.cut {
		p.partial = append(p.partial, key)
	}
	p.cut = p.cut || outerCut
	return out.list
}

func (p *program) evalOperand(o operand) []target {
	if o.ts != nil {
		return o.ts
	}
	return p.eval(o.v, o.fr)
}

func (p *program) evalInto(out *targetSet, v ssa.Value, fr *frame) {
	switch v := v.(type) {
	case *ssa.Function:
		out.add(target{is: isFunc, fn: v})
	case *ssa.MakeClosure:
		out.add(target{is: isFunc, fn: v.Fn.(*ssa.Function), site: v, fr: fr})
	case *ssa.Parameter:
		p.evalParameter(out, v, fr)
	case *ssa.FreeVar:
		p.evalFreeVar(out, v, fr)
	case *ssa.Alloc, *ssa.MakeMap, *ssa.MakeSlice, *ssa.MakeChan:
		out.add(target{is: isMemory, site: v, fr: fr})
	case *ssa.Global:
		p.evalGlobal(out, v)
	case *ssa.Call:
		p.evalResult(out, v, 0, fr)
	case *ssa.Extract:
		p.evalExtract(out, v, fr)
	case *ssa.Phi:
		for _, edge := range v.Edges {
			out.add(p.eval(edge, fr)...)
		}
	case *ssa.MakeInterface:
		out.add(target{is: isBoxed, value: v.X, typ: v.X.Type(), fr: fr})
	case *ssa.TypeAssert:
		p.evalAssert(out, v, fr)
	default:
		p.evalPart(out, v, fr)
	}
}

// evalPart handles what selects, loads or converts.
func (p *program) evalPart(out *targetSet, v ssa.Value, fr *frame) {
	switch v := v.(type) {
	case *ssa.FieldAddr:
		for _, t := range p.eval(v.X, fr) {
			out.add(t.at(fieldOf(v.X.Type(), v.Field), elem(v.Type())))
		}
	case *ssa.Field:
		for _, t := range p.eval(v.X, fr) {
			p.loadInto(out, t.at(fieldOf(v.X.Type(), v.Field), v.Type()), v.Type())
		}
	case *ssa.IndexAddr:
		for _, t := range p.eval(v.X, fr) {
			out.add(t.at(nil, elem(v.Type())))
		}
	case *ssa.Index:
		p.evalElement(out, v.X, v.Type(), fr)
	case *ssa.Lookup:
		if !v.CommaOk {
			p.evalElement(out, v.X, v.Type(), fr)
		}
	case *ssa.UnOp:
		switch v.Op {
		case token.MUL:
			for _, t := range p.eval(v.X, fr) {
				p.loadInto(out, t, v.Type())
			}
		case token.ARROW:
			if !v.CommaOk {
				p.evalElement(out, v.X, v.Type(), fr)
			}
		}
	case *ssa.Slice:
		out.add(p.eval(v.X, fr)...)
	case *ssa.ChangeType:
		out.add(p.eval(v.X, fr)...)
	case *ssa.ChangeInterface:
		out.add(p.eval(v.X, fr)...)
	case *ssa.Convert:
		out.add(p.eval(v.X, fr)...)
	case *ssa.MultiConvert:
		out.add(p.eval(v.X, fr)...)
	case *ssa.SliceToArrayPointer:
		out.add(p.eval(v.X, fr)...)
	}
}

func (p *program) evalElement(out *targetSet, container ssa.Value, typ types.Type, fr *frame) {
	for _, t := range p.eval(container, fr) {
		p.loadInto(out, t.at(nil, typ), typ)
	}
}

func (p *program) evalParameter(out *targetSet, v *ssa.Parameter, fr *frame) {
	fr = fr.of(v.Parent())
	if fr == nil || fr.args == nil {
		out.add(target{is: isParam, param: v})
		return
	}
	for i, param := range v.Parent().Params {
		if param == v && i < len(fr.args) {
			out.add(p.evalOperand(fr.args[i])...)
		}
	}
}

func (p *program) evalFreeVar(out *targetSet, v *ssa.FreeVar, fr *frame) {
	fn := v.Parent()
	var lexical *frame
	var made ssa.Value
	if own := fr.of(fn); own != nil {
		lexical, made = own.lexical, own.made
	}
	for i, free := range fn.FreeVars {
		if free != v {
			continue
		}
		for _, mc := range p.made(fn) {
			// A bound method's wrapper is shared: the frame knows which closure was called.
			if made != nil && made != mc {
				continue
			}
			out.add(p.eval(mc.Bindings[i], lexical.of(mc.Parent()))...)
		}
	}
}

func (p *program) evalGlobal(out *targetSet, v *ssa.Global) {
	if v.Pkg == p.pkg {
		out.add(target{is: isMemory, site: v})
	} else if v.Object() != nil {
		out.add(target{is: isForeign, obj: v.Object()})
	}
}

func (p *program) evalExtract(out *targetSet, v *ssa.Extract, fr *frame) {
	switch tuple := v.Tuple.(type) {
	case *ssa.Call:
		p.evalResult(out, tuple, v.Index, fr)
	case *ssa.TypeAssert:
		if v.Index == 0 {
			p.evalAssert(out, tuple, fr)
		}
	case *ssa.Lookup:
		if v.Index == 0 {
			p.evalElement(out, tuple.X, v.Type(), fr)
		}
	case *ssa.UnOp:
		if v.Index == 0 {
			p.evalElement(out, tuple.X, v.Type(), fr)
		}
	case *ssa.Next:
		if iter, ok := tuple.Iter.(*ssa.Range); ok && v.Index == 2 {
			p.evalElement(out, iter.X, v.Type(), fr)
		}
	case *ssa.Select:
		for _, state := range tuple.States {
			if state.Dir == types.RecvOnly {
				p.evalElement(out, state.Chan, v.Type(), fr)
			}
		}
	}
}

// evalAssert opens interfaces: of what may be inside, it keeps what the assertion lets pass.
func (p *program) evalAssert(out *targetSet, v *ssa.TypeAssert, fr *frame) {
	for _, t := range p.eval(v.X, fr) {
		switch {
		case t.is != isBoxed || types.IsInterface(v.AssertedType):
			out.add(t)
		case types.Identical(t.typ, v.AssertedType):
			out.add(p.eval(t.value, t.fr)...)
		}
	}
}

// evalResult follows a call into the functions that may be called, to what they return.
func (p *program) evalResult(out *targetSet, call *ssa.Call, index int, fr *frame) {
	if b, ok := call.Call.Value.(*ssa.Builtin); ok {
		switch b.Name() {
		case "append", "ssa:wrapnilchk", "min", "max":
			for _, arg := range call.Call.Args {
				out.add(p.eval(arg, fr)...)
			}
		}
		return
	}
	for _, c := range p.resolve(call, fr) {
		switch {
		case c.fn != nil:
			for _, block := range c.fn.Blocks {
				if ret, ok := block.Instrs[len(block.Instrs)-1].(*ssa.Return); ok && index < len(ret.Results) {
					out.add(p.eval(ret.Results[index], c.fr)...)
				}
			}
		case c.obj != nil:
			out.add(target{is: isForeign, obj: c.obj, call: call, index: index, fr: fr})
		}
	}
}
