package determinism

import (
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// A callee is one thing that a call may run: a function with a body in this package, a function of another
// one, a value that the caller of the calling function decides about, or a value out of another package.
type callee struct {
	fn      *ssa.Function
	fr      *frame           // of fn
	obj     *types.Func      // of another package, or without a body
	args    []operand        // the receiver first
	param   *target          // isParam
	value   *target          // isForeign
	method  string           // of param, value or generic; empty if it is called itself
	generic *types.TypeParam // the receiver's type, which the caller decides
}

// resolve finds what a call may run. fr is the frame of the function that makes the call.
func (p *program) resolve(call ssa.CallInstruction, fr *frame) []callee {
	common := call.Common()
	args := operandsOf(common.Args, fr)
	if common.IsInvoke() {
		recv := operand{v: common.Value, fr: fr}
		return p.resolveMethod(recv, common.Value.Type(), common.Method, call, args, fr)
	}
	switch v := common.Value.(type) {
	case *ssa.Builtin:
		return nil
	case *ssa.Function:
		return p.callFunction(closure{fn: v}, call, args, fr)
	}
	var out []callee
	for _, t := range p.eval(common.Value, fr) {
		out = append(out, p.callTarget(t, call, args, fr)...)
	}
	return out
}

// callTarget is what runs when a function value is called.
func (p *program) callTarget(t target, call ssa.CallInstruction, args []operand, fr *frame) []callee {
	switch t.is {
	case isFunc:
		return p.callFunction(closure{t.fn, t.site, t.fr}, call, args, fr)
	case isParam:
		return []callee{{param: &t, args: args}}
	case isForeign:
		return []callee{{value: &t, args: args}}
	case isBoxed:
		var out []callee
		for _, inner := range p.eval(t.value, t.fr) {
			if inner.is != isBoxed {
				out = append(out, p.callTarget(inner, call, args, fr)...)
			}
		}
		return out
	}
	return nil
}

func (p *program) callFunction(
	c closure, call ssa.CallInstruction, args []operand, fr *frame,
) []callee {
	if p.known[c.fn] {
		return []callee{{fn: c.fn, fr: p.enter(c, call, args, fr), args: args}}
	}
	if obj, ok := c.fn.Object().(*types.Func); ok {
		return []callee{{obj: obj.Origin(), args: args}}
	}
	return nil
}

// resolveMethod finds the methods that a call of an interface's method may run. static is the type that the
// code gives to the receiver.
func (p *program) resolveMethod(
	recv operand, static types.Type, method *types.Func, call ssa.CallInstruction, args []operand, fr *frame,
) []callee {
	if param, ok := types.Unalias(static).(*types.TypeParam); ok {
		if typ := typeArgument(param, fr); typ != nil {
			return p.callMethod(typ, method, recv, call, args, fr)
		}
	}
	var out []callee
	boxed := false
	if param, ok := types.Unalias(static).(*types.TypeParam); ok {
		out = append(out, callee{generic: param, method: method.Name(), args: withReceiver(recv, args)})
	}
	for _, t := range p.evalOperand(recv) {
		switch t.is {
		case isBoxed:
			boxed = true
			out = append(out, p.callBoxed(t, method, call, args, fr)...)
		case isParam:
			if typ := t.param.Type(); t.path.text == "" && concrete(typ) {
				out = append(out, p.callMethod(typ, method, recv, call, args, fr)...)
				continue
			}
			out = append(out, callee{param: &t, method: method.Name(), args: withReceiver(recv, args)})
		case isForeign:
			out = append(out, callee{value: &t, method: method.Name(), args: withReceiver(recv, args)})
		}
	}
	if !boxed && method.Pkg() != p.pass.Pkg {
		out = append(out, callee{obj: method.Origin(), args: withReceiver(recv, args)})
	}
	return out
}

func (p *program) callBoxed(
	t target, method *types.Func, call ssa.CallInstruction, args []operand, fr *frame,
) []callee {
	typ := t.typ
	if param, ok := types.Unalias(typ).(*types.TypeParam); ok {
		if typ = typeArgument(param, t.fr); typ == nil {
			return nil
		}
	}
	return p.callMethod(typ, method, operand{v: t.value, fr: t.fr}, call, args, fr)
}

// maxEmbedded bounds how many embedded interfaces are followed: a struct may hold itself in one.
const maxEmbedded = 6

// callMethod is the method of a concrete type that has the name of method, called on recv.
func (p *program) callMethod(
	typ types.Type, method *types.Func, recv operand, call ssa.CallInstruction, args []operand, fr *frame,
) []callee {
	obj, index, _ := types.LookupFieldOrMethod(typ, true, method.Pkg(), method.Name())
	fn, ok := obj.(*types.Func)
	if !ok || p.depth > maxEmbedded {
		return nil
	}
	p.depth++
	defer func() { p.depth-- }()
	recv = p.embedded(recv, typ, index[:len(index)-1])
	if r := fn.Signature().Recv(); r != nil && types.IsInterface(r.Type()) {
		return p.resolveMethod(recv, r.Type(), fn, call, args, fr)
	}
	fn = fn.Origin()
	if fn.Pkg() == p.pass.Pkg {
		if body := p.pkg.Prog.FuncValue(fn); body != nil {
			return p.callFunction(closure{fn: body}, call, withReceiver(recv, args), fr)
		}
	}
	return []callee{{obj: fn, args: withReceiver(recv, args)}}
}

// embedded follows a path of embedded fields from a value of type typ.
func (p *program) embedded(recv operand, typ types.Type, index []int) operand {
	if len(index) == 0 {
		return recv
	}
	ts := p.evalOperand(recv)
	for _, i := range index {
		field := fieldOf(typ, i)
		if field == nil {
			return operand{ts: []target{}}
		}
		var out targetSet
		for _, t := range ts {
			p.loadInto(&out, t.at(field, field.Type()), field.Type())
		}
		ts, typ = out.list, field.Type()
	}
	if ts == nil {
		ts = []target{}
	}
	return operand{ts: ts}
}

// argument is what the callee is given as a parameter, or as the receiver that its method is bound to.
func (c callee) argument(param int) (operand, bool) {
	if param == boundReceiver {
		if c.fr == nil {
			return operand{}, false
		}
		mc, ok := c.fr.made.(*ssa.MakeClosure)
		if !ok {
			return operand{}, false
		}
		return operand{v: mc.Bindings[0], fr: c.fr.lexical.of(mc.Parent())}, true
	}
	if param < 0 || param >= len(c.args) {
		return operand{}, false
	}
	return c.args[param], true
}

func withReceiver(recv operand, args []operand) []operand {
	return append([]operand{recv}, args...)
}

// concrete reports whether values of the type are what they say: no interface, no type parameter.
func concrete(t types.Type) bool {
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return false
	}
	return !types.IsInterface(t)
}
