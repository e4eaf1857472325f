package determinism

import (
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// pureMethods of durable.Context are functions of the journal that ask the engine for nothing, so their
// order among operations is free.
var pureMethods = words("Now RunID Parent Err Deadline Detached Logger")

// durable applies the rules of the workflow language to a call into package durable: what it is given to
// run is a step, or more workflow code.
func (s *summarizer) durable(c callee, at site) {
	if operates(c.obj) {
		s.add(&effect{kind: markOperates, what: "", pos: s.p.positionOf(at), hops: at.hops})
		s.inOrder(at, issuesOperations, hard)
	}
	for _, arg := range c.args {
		sig := s.functionType(arg)
		switch {
		case sig == nil:
		case takesContext(sig) && operates(c.obj):
			for _, t := range s.p.evalOperand(arg) {
				s.workflowArgument(t, at)
			}
		case takesContext(sig):
			for _, t := range s.p.evalOperand(arg) {
				s.definition(t, at)
			}
		case takesStepContext(sig):
			for _, t := range s.p.evalOperand(arg) {
				s.stepArgument(t, at)
			}
		default:
			for _, t := range s.p.evalOperand(arg) {
				s.applyValue(t, at)
			}
		}
	}
}

// operates reports whether a function of package durable asks the engine for something.
func operates(obj *types.Func) bool {
	sig := obj.Signature()
	if recv := sig.Recv(); recv != nil && isContext(recv.Type()) {
		return !pureMethods.has(obj.Name())
	}
	for i := range sig.Params().Len() {
		if isContext(sig.Params().At(i).Type()) {
			return true
		}
	}
	return false
}

// functionType is the signature of an argument that is a function, nil for others.
func (s *summarizer) functionType(arg operand) *types.Signature {
	if arg.v == nil {
		return nil
	}
	sig, _ := arg.v.Type().Underlying().(*types.Signature)
	return sig
}

func takesContext(sig *types.Signature) bool {
	for i := range sig.Params().Len() {
		if isContext(sig.Params().At(i).Type()) {
			return true
		}
	}
	return false
}

// takesStepContext reports whether a function is meant to run as a step: it takes a context.Context, or a
// type of package durable other than Context, such as a transaction.
func takesStepContext(sig *types.Signature) bool {
	for i := range sig.Params().Len() {
		t := sig.Params().At(i).Type()
		if isStdContext(t) {
			return true
		}
		if named := namedOf(t); named != nil && inDurable(named.Obj()) {
			return true
		}
	}
	return false
}

// workflowArgument handles workflow code that is handed to the engine: a workflow function, or a branch.
// Functions that take a Context are reported by themselves; what they leave open is decided here.
func (s *summarizer) workflowArgument(t target, at site) {
	fresh := operand{ts: []target{}} // the engine gives each branch a Context of its own
	mc, _ := t.site.(*ssa.MakeClosure)
	method := boundMethod(t.fn)
	if t.is != isFunc || method == nil || mc == nil || !s.p.known[method] {
		if t.is == isFunc && s.p.known[t.fn] {
			args := make([]operand, len(t.fn.Params))
			for i, param := range t.fn.Params {
				args[i] = operand{v: param}
				if isContext(param.Type()) {
					args[i] = fresh
				}
			}
			fr := s.p.enter(closure{t.fn, t.site, t.fr}, at.call, args, at.fr)
			s.applyFunction(callee{fn: t.fn, fr: fr, args: args}, at)
			return
		}
		s.applyValue(t, at)
		return
	}
	args := []operand{{v: mc.Bindings[0], fr: t.fr.of(mc.Parent())}}
	for _, param := range method.Params[1:] {
		if isContext(param.Type()) {
			args = append(args, fresh)
		} else {
			args = append(args, operand{v: param})
		}
	}
	fr := s.p.enter(closure{fn: method}, at.call, args, at.fr)
	s.applyFunction(callee{fn: method, fr: fr, args: args}, at)
}

// definition handles the function of a workflow where it is defined, which is outside of workflow code: what
// it leaves open is decided here, and reported here, not in whoever runs this code.
func (s *summarizer) definition(t target, at site) {
	inner := &summarizer{p: s.p, fn: s.fn, sum: &summary{}, seen: map[openKey]bool{}}
	inner.workflowArgument(t, at)
	if method := boundMethod(t.fn); method != nil && s.p.known[method] {
		inner.sharedReceiver(method, at)
	}
	for _, e := range inner.sum.effects {
		if !e.kind.mark() {
			s.p.declare(e)
		}
	}
	for _, o := range inner.sum.opens {
		if s.sum.addOpen(o) {
			s.changed = true
		}
	}
}

// declare keeps an effect of a definition once.
func (p *program) declare(e *effect) {
	for i, known := range p.declared {
		if known.key() == e.key() && slices.Equal(known.positions(), e.positions()) {
			p.declared[i] = e
			return
		}
	}
	p.declared = append(p.declared, e)
}

// sharedReceiver reports what a method writes to its receiver when it is a workflow function: the receiver
// was made when the process started.
func (s *summarizer) sharedReceiver(method *ssa.Function, at site) {
	for _, e := range s.p.summary(method).effects {
		if e.kind == markWrites && e.param == 0 {
			out := e.through(hop{nameOf(method), s.p.positionOf(at)})
			out.kind, out.what, out.param = kindReceiver, "write to "+e.what, 0
			s.add(out)
		}
	}
}

// boundMethod is the method that a bound method's wrapper calls, nil for other functions.
func boundMethod(fn *ssa.Function) *ssa.Function {
	if fn == nil || !transparent(fn) || len(fn.FreeVars) != 1 || len(fn.Blocks) == 0 {
		return nil
	}
	for _, instr := range fn.Blocks[0].Instrs {
		if call, ok := instr.(*ssa.Call); ok {
			if callee := call.Call.StaticCallee(); callee != nil && callee.Origin() != nil {
				return callee.Origin()
			} else if callee != nil {
				return callee
			}
		}
	}
	return nil
}

// stepArgument checks a step function that the workflow hands over. It may do what it likes, except with
// the memory of the run: replay gives the recorded result without running it.
func (s *summarizer) stepArgument(t target, at site) {
	if t.is == isParam && lexicallyIn(s.fn, t.param.Parent()) {
		s.leaveOpen(at, nil)
		return
	}
	if t.is != isFunc || !s.p.known[t.fn] {
		return
	}
	sum := s.p.summary(t.fn)
	sum.users[s.fn] = true
	for _, e := range sum.effects {
		switch e.kind {
		case markUsesOuter:
			out := *e
			out.kind, out.what, out.ctx = kindInStep, "the workflow's Context "+e.ctx.Name(), nil
			s.add(out.through(hop{nameOf(t.fn), s.p.positionOf(at)}))
		case markWritesVar:
			if workflowAround(functionOf(e.cell)) != nil && s.p.ofTheRun(e) {
				out := *e
				out.kind, out.what, out.cell = kindStepWrite, "write to "+e.what+" in a step", nil
				s.add(out.through(hop{nameOf(t.fn), s.p.positionOf(at)}))
			}
		}
	}
	s.stepMethod(t, at)
}

// stepMethod checks a method that is a step: it must not write to a receiver that the run made.
func (s *summarizer) stepMethod(t target, at site) {
	method := boundMethod(t.fn)
	mc, ok := t.site.(*ssa.MakeClosure)
	if method == nil || !ok || !s.p.known[method] {
		return
	}
	sum := s.p.summary(method)
	sum.users[s.fn] = true
	for _, e := range sum.effects {
		if e.kind != markWrites || e.param != 0 {
			continue
		}
		for _, recv := range s.p.eval(mc.Bindings[0], t.fr.of(mc.Parent())) {
			if recv.is == isMemory && madeInRun(recv) {
				out := e.through(hop{nameOf(method), s.p.positionOf(at)})
				out.kind, out.what, out.param = kindStepWrite, "write to "+e.what+" in a step", 0
				s.add(out)
			}
		}
	}
}

// madeInRun reports whether memory is made by workflow code itself.
func madeInRun(t target) bool {
	fn := functionOf(t.site)
	return fn != nil && workflowAround(fn) != nil
}

// ofTheRun reports whether what a literal writes through a captured variable is memory of the run: the
// variable itself, or what workflow code made and put into it.
func (p *program) ofTheRun(e *effect) bool {
	if e.param == 0 {
		return true
	}
	for _, t := range p.eval(e.cell, nil) {
		var held targetSet
		p.loadInto(&held, t, elem(e.cell.Type()))
		for _, u := range held.list {
			if u.is == isMemory && u.site != e.cell && madeInRun(u) {
				return true
			}
		}
	}
	return false
}
