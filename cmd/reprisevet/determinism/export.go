package determinism

import (
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// factCalls are the open calls of a summary that go to parameters of owner.
func (p *program) factCalls(sum *summary, owner *ssa.Function) []factCall {
	var out []factCall
	seen := map[string]bool{}
	for _, o := range sum.opens {
		if o.use != nil {
			continue
		}
		for _, c := range p.resolve(o.call, o.fr) {
			if i := indexOfTypeParam(owner, c.generic); i >= 0 {
				out = append(out, factCall{TypeParam: i + 1, Method: c.method})
			}
			for _, called := range p.openTargets(c) {
				t := called.t
				if t.param.Parent() != owner {
					continue
				}
				f := factCall{
					Param: paramIndex(t.param), Route: t.path.names(), Method: called.method,
					Unordered: p.inLoop[o.call] != nil,
				}
				for _, h := range o.hops {
					f.Via = append(f.Via, h.name)
				}
				if key := t.path.text + "|" + f.Method; !seen[string(rune(f.Param))+key] {
					seen[string(rune(f.Param))+key] = true
					out = append(out, f)
				}
			}
		}
	}
	return out
}

// An openTarget is a parameter that a call calls, or whose method it calls.
type openTarget struct {
	t      target
	method string
}

// openTargets are the parameters that a callee stands for: itself, or functions that a function of the
// standard library is given.
func (p *program) openTargets(c callee) []openTarget {
	if c.param != nil {
		return []openTarget{{*c.param, c.method}}
	}
	if c.obj == nil {
		return nil
	}
	var out []openTarget
	for _, arg := range c.args {
		if arg.v == nil || !isFunctionType(arg.v.Type()) {
			continue
		}
		if sig := arg.v.Type().Underlying().(*types.Signature); inDurable(c.obj) && !takesContext(sig) {
			continue // a step, or nothing that replay runs
		}
		for _, t := range p.evalOperand(arg) {
			if t.is == isParam {
				out = append(out, openTarget{t, ""})
			}
		}
	}
	return out
}

// names are the steps of a route.
func (r route) names() []string {
	if r.up == nil {
		return nil
	}
	step := "[]"
	if r.last != nil {
		step = r.last.Name()
	}
	return append(r.up.names(), step)
}

// factReturns say what the functions in result i of fn do.
func (p *program) factReturns(fn *ssa.Function, i int) []factReturn {
	typ := fn.Signature.Results().At(i).Type()
	var ts targetSet
	for _, block := range fn.Blocks {
		if ret, ok := block.Instrs[len(block.Instrs)-1].(*ssa.Return); ok && i < len(ret.Results) {
			ts.add(p.eval(ret.Results[i], nil)...)
		}
	}
	var out []factReturn
	if callable(typ) {
		out = p.held(ts.list, typ, fn)
	} else {
		out = p.fieldsHeld(ts.list, typ, fn)
	}
	for j := range out {
		out[j].Index = i
	}
	return out
}

// fieldsHeld says what the functions in the fields of a struct do that fn made: those that it was given.
func (p *program) fieldsHeld(ts []target, typ types.Type, fn *ssa.Function) []factReturn {
	s, ok := elem(typ).Underlying().(*types.Struct)
	var out []factReturn
	for i := range numFields(s, ok) {
		field := s.Field(i).Origin()
		if !callable(field.Type()) {
			continue
		}
		var held targetSet
		for _, t := range ts {
			if t.is == isMemory {
				p.loadInto(&held, t.at(field, field.Type()), field.Type())
			}
		}
		for _, r := range p.held(held.list, field.Type(), fn) {
			r.Route = "." + field.Name()
			out = append(out, r)
		}
	}
	return out
}

// factStores says where fn puts functions that it is given: into fields of its receiver or of what its
// parameters point to.
func (p *program) factStores(fn *ssa.Function) []factStore {
	var out []factStore
	for _, block := range fn.Blocks {
		for _, instr := range block.Instrs {
			switch instr := instr.(type) {
			case *ssa.Store:
				out = append(out, p.factStoresOf(fn, instr.Addr, instr.Val)...)
			case *ssa.MapUpdate:
				for _, st := range p.factStoresOf(fn, instr.Map, instr.Value) {
					st.Into += "[]"
					out = append(out, st)
				}
			}
		}
	}
	return out
}

func (p *program) factStoresOf(fn *ssa.Function, addr, val ssa.Value) []factStore {
	var out []factStore
	if e := elementType(val.Type()); !callable(val.Type()) && (e == nil || !callable(e)) {
		return nil
	}
	for _, from := range p.eval(val, nil) {
		parts := []target{from}
		suffix := ""
		if from.is == isMemory { // a slice that append made
			if e := elementType(val.Type()); e != nil {
				var set targetSet
				p.loadInto(&set, from.at(nil, e), e)
				parts, suffix = set.list, "[]"
			}
		}
		for _, part := range parts {
			if part.is != isParam || part.path.text != "" || part.param.Parent() != fn ||
				!callable(part.param.Type()) {
				continue
			}
			for _, to := range p.eval(addr, nil) {
				if to.is == isParam && to.param.Parent() == fn && to.path.text != "" {
					out = append(out, factStore{paramIndex(part.param), paramIndex(to.param), to.path.text + suffix})
				}
			}
		}
	}
	return out
}

// callable reports whether a value of the type can be called, or has methods behind an interface.
func callable(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Signature:
		return true
	case *types.Interface:
		return u.NumMethods() > 0 && !isError(t) && !isStdContext(t)
	}
	return false
}

// held says what the values do that may be in a place of type typ. owner is the function whose parameters
// they may call, nil if there is none.
func (p *program) held(ts []target, typ types.Type, owner *ssa.Function) []factReturn {
	methods := []string{""}
	face, isInterface := typ.Underlying().(*types.Interface)
	if isInterface {
		methods = nil
		for i := range face.NumMethods() {
			methods = append(methods, face.Method(i).Name())
		}
	}
	var out []factReturn
	for _, name := range methods {
		r := factReturn{Method: name}
		for _, t := range ts {
			probe := &summarizer{p: p, sum: &summary{}, seen: map[openKey]bool{}}
			if name == "" {
				probe.probe(p.callTarget(t, nil, nil, nil))
			} else if t.is == isBoxed {
				method := types.NewFunc(0, p.pass.Pkg, name, types.NewSignatureType(nil, nil, nil, nil, nil, false))
				probe.probe(p.callMethod(t.typ, method, operand{v: t.value, fr: t.fr}, nil, nil, nil))
			}
			r.Effects = append(r.Effects, p.factEffects(probe.sum)...)
			if t.is == isFunc && p.known[t.fn] {
				r.Calls = append(r.Calls, p.factCalls(p.summary(t.fn), t.fn)...)
				if owner != nil {
					r.Outer = append(r.Outer, p.factCalls(p.summary(t.fn), owner)...)
				}
			}
			if t.is == isParam && t.param.Parent() == owner && owner != nil {
				r.Outer = append(r.Outer, factCall{Param: paramIndex(t.param), Route: t.path.names(), Method: name})
			}
		}
		if len(r.Effects)+len(r.Calls)+len(r.Outer) > 0 {
			out = append(out, r)
		}
	}
	return out
}

// probe applies callees outside of any function, to see what they do.
func (s *summarizer) probe(callees []callee) {
	for _, c := range callees {
		switch {
		case c.fn != nil:
			for _, e := range s.p.summary(c.fn).effects {
				s.sum.add(e)
			}
		case c.obj != nil:
			if k, what, ok := classify(c.obj); ok {
				s.sum.add(&effect{kind: k, what: what})
			} else if f := new(functionFact); s.p.pass.ImportObjectFact(c.obj, f) {
				for _, e := range s.p.imported(f.Effects, f.Module, qualified(c.obj)) {
					s.sum.add(e)
				}
			}
		}
	}
}

func (p *program) exportVariable(v *types.Var) {
	g := p.pkg.Var(v.Name())
	if g == nil {
		return
	}
	m := p.mutable(g)
	f := &variableFact{Module: p.module(), Reassigned: m.reassigned, Behind: m.behind}
	if m.world != nil {
		f.World = m.world.what
	}
	if callable(v.Type()) {
		var ts targetSet
		for _, st := range p.cells[g] {
			ts.add(p.eval(st.val, nil)...)
		}
		f.Holds = p.held(ts.list, v.Type(), nil)
	}
	if f.Reassigned || f.Behind || f.World != "" || len(f.Holds) > 0 {
		p.pass.ExportObjectFact(v, f)
	}
}

// exportType tells what the fields of a struct may hold that other packages can't see.
func (p *program) exportType(obj *types.TypeName) {
	s, ok := obj.Type().Underlying().(*types.Struct)
	if !ok || obj.IsAlias() {
		return
	}
	f := &typeFact{Module: p.module()}
	for i := range s.NumFields() {
		field := s.Field(i)
		if !callable(field.Type()) || len(p.fields[field]) == 0 {
			continue
		}
		var ts targetSet
		for _, st := range p.fields[field] {
			ts.add(p.eval(st.val, nil)...)
		}
		for _, r := range p.held(ts.list, field.Type(), nil) {
			r.Route = "." + field.Name()
			f.Fields = append(f.Fields, r)
		}
	}
	if len(f.Fields) > 0 {
		p.pass.ExportObjectFact(obj, f)
	}
}
