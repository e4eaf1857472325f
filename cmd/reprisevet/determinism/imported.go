package determinism

import (
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// qualified is how diagnostics call a function of another package.
func qualified(fn *types.Func) string { return shortName(fn) }

// imported turns the effects of a fact into effects, entered by a call of name. What only matters within one
// program is left out when it comes from another module.
func (p *program) imported(effects []factEffect, module, name string) []*effect {
	var out []*effect
	for _, f := range effects {
		if remedies[f.Kind].soft && module != p.module() {
			continue
		}
		e := &effect{kind: f.Kind, what: f.What, at: f.At, param: f.Param, result: f.Result}
		for _, via := range append([]string{name}, f.Via...) {
			e.hops = append(e.hops, hop{name: via})
		}
		out = append(out, e)
	}
	return out
}

// applyFact adds what a function of another package does.
func (s *summarizer) applyFact(c callee, at site) {
	var f functionFact
	if !s.p.pass.ImportObjectFact(c.obj, &f) {
		return
	}
	if f.Workflow && f.Module == s.p.module() {
		// Reported where it stands; what it is given is decided here.
		f.Effects = slices.DeleteFunc(slices.Clone(f.Effects), func(e factEffect) bool { return !e.Kind.mark() })
	}
	s.applyImported(f.Effects, f.Module, c, at)
	for _, call := range f.Calls {
		s.applyFactCall(call, c.args, c.obj.Signature(), qualified(c.obj), at)
	}
}

// applyImported adopts the effects of a fact at a call of obj.
func (s *summarizer) applyImported(effects []factEffect, module string, c callee, at site) {
	for _, e := range s.p.imported(effects, module, qualified(c.obj)) {
		e.hops[0].pos = s.p.positionOf(at)
		s.adopt(e.through(at.hops...), callee{obj: c.obj, args: c.args}, at)
	}
}

// applyFactCall applies what a function of another package calls of its arguments.
func (s *summarizer) applyFactCall(
	call factCall, args []operand, sig *types.Signature, name string, at site,
) {
	if call.Param >= len(args) && call.TypeParam == 0 {
		return
	}
	at.hops = append(slices.Clone(at.hops), hop{name, s.p.positionOf(at)})
	for _, via := range call.Via {
		at.hops = append(at.hops, hop{name: via})
	}
	at.unordered = call.Unordered
	if call.TypeParam > 0 {
		s.applyTypeArgument(call, at)
		return
	}
	arg, typ := args[call.Param], parameterAt(sig, call.Param)
	ts := s.p.followNames(s.p.evalOperand(arg), typ, call.Route)
	for _, t := range ts {
		switch {
		case t.is == isParam && lexicallyIn(s.fn, t.param.Parent()):
			at.hops = at.hops[:len(at.hops)-1-len(call.Via)]
			s.leaveOpen(at, nil)
			return
		case t.is == isForeign:
			s.apply(callee{value: &t, method: call.Method}, at)
		case call.Method == "":
			s.applyValue(t, at)
		default:
			s.applyNamedMethod(t, call.Method, arg, at)
		}
	}
}

// applyTypeArgument applies a method that a generic function of another package calls on its type argument.
func (s *summarizer) applyTypeArgument(call factCall, at site) {
	if at.call == nil || call.TypeParam > len(at.call.Parent().TypeArgs()) {
		return
	}
	typ := at.call.Parent().TypeArgs()[call.TypeParam-1]
	if param, ok := types.Unalias(typ).(*types.TypeParam); ok {
		if typ = typeArgument(param, at.fr); typ == nil {
			s.leaveOpen(at, nil)
			return
		}
	}
	method := types.NewFunc(0, s.p.pass.Pkg, call.Method, types.NewSignatureType(nil, nil, nil, nil, nil, false))
	for _, c := range s.p.callMethod(typ, method, operand{ts: []target{}}, at.call, nil, at.fr) {
		s.apply(c, at)
	}
}

// A lending is a function value that a call gave to a function of another package, which keeps it.
type lending struct {
	base ssa.Value // what it is kept in
	val  ssa.Value
	fn   *ssa.Function
}

// findLendings notes what functions of other packages store of what they are given here.
func (p *program) findLendings() {
	for _, fn := range p.funcs {
		for _, block := range fn.Blocks {
			for _, instr := range block.Instrs {
				if call, ok := instr.(ssa.CallInstruction); ok {
					p.noteLending(fn, call)
				}
			}
		}
	}
}

func (p *program) noteLending(fn *ssa.Function, call ssa.CallInstruction) {
	callee := call.Common().StaticCallee()
	if callee == nil || callee.Object() == nil || callee.Object().Pkg() == p.pass.Pkg {
		return
	}
	obj, ok := callee.Object().(*types.Func)
	var f functionFact
	if !ok || !p.pass.ImportObjectFact(obj.Origin(), &f) {
		return
	}
	args := call.Common().Args
	for _, st := range f.Stores {
		if st.From < len(args) && st.To < len(args) {
			p.lent[st.Into] = append(p.lent[st.Into], lending{args[st.To], args[st.From], fn})
		}
	}
}

// applyNamedMethod applies a method of a value that a function of another package calls.
func (s *summarizer) applyNamedMethod(t target, name string, arg operand, at site) {
	method := types.NewFunc(0, s.p.pass.Pkg, name, types.NewSignatureType(nil, nil, nil, nil, nil, false))
	typ, recv := t.typ, operand{v: t.value, fr: t.fr}
	if t.is != isBoxed {
		if arg.v == nil || !concrete(arg.v.Type()) {
			return
		}
		typ, recv = arg.v.Type(), arg
	}
	for _, c := range s.p.callMethod(typ, method, recv, at.call, nil, at.fr) {
		s.apply(c, at)
	}
}

// parameterAt is the type of a parameter, the receiver first.
func parameterAt(sig *types.Signature, i int) types.Type {
	if sig.Recv() != nil {
		if i == 0 {
			return sig.Recv().Type()
		}
		i--
	}
	if i >= sig.Params().Len() {
		return nil
	}
	return sig.Params().At(i).Type()
}

// followNames follows a route of names from values of type typ.
func (p *program) followNames(ts []target, typ types.Type, names []string) []target {
	for _, name := range names {
		if typ == nil {
			return nil
		}
		var field *types.Var
		var next types.Type
		if name == "[]" {
			next = elementType(typ)
		} else if obj, _, _ := types.LookupFieldOrMethod(typ, true, packageOf(typ), name); obj != nil {
			field, _ = obj.(*types.Var)
			next = obj.Type()
		}
		if next == nil || field == nil && name != "[]" {
			return nil
		}
		if field != nil {
			field = field.Origin()
		}
		var out targetSet
		for _, t := range ts {
			part := t.at(field, next)
			p.loadInto(&out, part, next)
			if part.is == isMemory {
				out.add(part) // other packages may have put something there that has no store here
			}
		}
		ts, typ = out.list, next
	}
	return ts
}

func packageOf(t types.Type) *types.Package {
	if named := namedOf(t); named != nil {
		return named.Obj().Pkg()
	}
	return nil
}

func elementType(t types.Type) types.Type {
	switch u := elem(t).Underlying().(type) {
	case *types.Slice:
		return u.Elem()
	case *types.Array:
		return u.Elem()
	case *types.Map:
		return u.Elem()
	case *types.Chan:
		return u.Elem()
	}
	return nil
}

// applyForeign applies a value that came out of another package: a variable, a function's result, or a field
// of what it returned.
func (s *summarizer) applyForeign(c callee, at site) {
	t := c.value
	switch obj := t.obj.(type) {
	case *types.Var:
		var f variableFact
		if s.p.pass.ImportObjectFact(obj, &f) && t.path.text == "" {
			s.applyHeld(f.Holds, f.Module, obj.Pkg().Name()+"."+obj.Name(), c, at, func(r factReturn) bool {
				return r.Method == c.method
			})
		}
	case *types.Func:
		s.applyForeignResult(obj, c, at)
	}
	if t.path.last != nil {
		s.applyForeignField(c, at)
	}
}

func (s *summarizer) applyForeignResult(obj *types.Func, c callee, at site) {
	t := c.value
	if s.p.standardObject(obj) || inDurable(obj) {
		// A function that the standard library made of functions that it was given, as sync.OnceValue does, or
		// an iterator, which calls the body of the loop.
		if !inDurable(obj) && t.call != nil && c.method == "" && t.path.text == "" {
			made := callee{obj: obj, args: operandsOf(t.call.Call.Args, t.fr)}
			s.callArguments(made, at)
		}
		for _, arg := range c.args {
			if arg.v == nil || !isFunctionType(arg.v.Type()) {
				continue
			}
			for _, f := range s.p.evalOperand(arg) {
				s.applyValue(f, at)
			}
		}
		return
	}
	var f functionFact
	if !s.p.pass.ImportObjectFact(obj, &f) {
		return
	}
	meant := func(r factReturn) bool {
		return r.Index == t.index && r.Method == c.method && r.Route == t.path.text
	}
	s.applyHeld(f.Returns, f.Module, qualified(obj), c, at, meant)
	for _, r := range f.Returns {
		if !meant(r) || t.call == nil {
			continue
		}
		for _, call := range r.Outer {
			s.applyFactCall(call, callOperands(t.call, t.fr), obj.Signature(), qualified(obj), at)
		}
	}
}

func callOperands(call *ssa.Call, fr *frame) []operand {
	args := operandsOf(call.Call.Args, fr)
	if call.Call.IsInvoke() {
		return withReceiver(operand{v: call.Call.Value, fr: fr}, args)
	}
	return args
}

// applyHeld applies those of the functions in a place that are meant.
func (s *summarizer) applyHeld(
	held []factReturn, module, name string, c callee, at site, meant func(factReturn) bool,
) {
	for _, r := range held {
		if !meant(r) {
			continue
		}
		for _, e := range s.p.imported(r.Effects, module, name) {
			e.hops[0].pos = s.p.positionOf(at)
			s.adopt(e.through(at.hops...), callee{args: c.args}, at)
		}
		for _, call := range r.Calls {
			s.applyFactCallOf(call, c.args, name, at)
		}
	}
}

// applyFactCallOf applies what a function of another package, whose signature is not known, calls of its
// arguments.
func (s *summarizer) applyFactCallOf(call factCall, args []operand, name string, at site) {
	if call.Param >= len(args) || len(call.Route) > 0 {
		return
	}
	at.hops = append(slices.Clone(at.hops), hop{name, s.p.positionOf(at)})
	at.unordered = call.Unordered
	for _, t := range s.p.evalOperand(args[call.Param]) {
		if call.Method == "" && t.is != isParam {
			s.applyValue(t, at)
		}
	}
}

// applyForeignField applies what may be in a field of a struct of another package.
func (s *summarizer) applyForeignField(c callee, at site) {
	field := c.value.path.last
	if field.Pkg() == nil || field.Pkg() == s.p.pass.Pkg {
		return
	}
	for _, name := range field.Pkg().Scope().Names() {
		obj, ok := field.Pkg().Scope().Lookup(name).(*types.TypeName)
		if !ok {
			continue
		}
		st, ok := obj.Type().Underlying().(*types.Struct)
		for i := range numFields(st, ok) {
			if st.Field(i) != field {
				continue
			}
			var f typeFact
			if s.p.pass.ImportObjectFact(obj, &f) {
				s.applyHeld(f.Fields, f.Module, field.Pkg().Name()+"."+name+"."+field.Name(), c, at,
					func(r factReturn) bool { return r.Route == "."+field.Name() && r.Method == c.method })
			}
		}
	}
}

// accessForeign judges a write or read of a package variable of another package.
func (s *summarizer) accessForeign(k kind, r root, out *effect) {
	obj, ok := r.global.Object().(*types.Var)
	if !ok {
		return
	}
	name := obj.Pkg().Name() + "." + obj.Name()
	if k == markWrites {
		s.p.noteWrite(r, s.fn)
		out.what = "write to package variable " + name
		s.add(out)
		return
	}
	if kind, what, ok := classify(obj); ok {
		out.kind, out.what = kind, what
		s.add(out)
		return
	}
	var f variableFact
	if s.p.standardObject(obj) || !s.p.pass.ImportObjectFact(obj, &f) || f.Module != s.p.module() {
		f = variableFact{}
	}
	m := s.p.mutable(r.global) // as far as this package sets it
	switch {
	case f.World != "":
		out.kind = kindSetAtInit
		out.what = "package variable " + name + " (set from " + f.World + ")"
		s.add(out)
	case r.loads == 0 && (f.Reassigned || m.reassigned), r.loads > 0 && (f.Behind || m.behind):
		out.what = "read of package variable " + name
		s.add(out)
	}
}

// accessShared judges a write or read of memory that a function of another package gave out.
func (s *summarizer) accessShared(k kind, r root, e *effect) {
	out := *e
	out.param, out.kind = 0, kindGlobal
	switch {
	case k == markWrites:
		out.what = "write to package variable " + r.text()
	case r.shared.Changes:
		out.what = "read of package variable " + r.text()
	default:
		return
	}
	s.add(&out)
}
