package determinism

import (
	"go/ast"
	"go/token"

	"golang.org/x/tools/go/ssa"
)

// adopt takes over an effect of a callee. Marks mean something else to the caller than to the callee.
func (s *summarizer) adopt(e *effect, c callee, at site) {
	if c.fn != nil && transparent(c.fn) {
		e.fill(len(at.hops), s.p.positionOf(at))
	}
	switch e.kind {
	case markOperates:
		s.add(e)
		s.inOrder(at, issuesOperations, hard)
	case markOrders:
		s.adoptOrders(e, c, at)
	case markSorts:
		s.adoptParam(e, c, at)
	case markWrites, markReads:
		if arg, ok := c.argument(e.param); ok {
			s.access(e.kind, arg, e)
		}
	case markWritesVar:
		s.writesVariable(e, e.cell)
	case markUsesOuter:
		s.adoptContext(e)
	default:
		if c.fn != nil && isWorkflow(c.fn) {
			return // reported there
		}
		if e.result {
			s.adoptResult(e, at)
			return
		}
		s.add(e)
	}
}

// adoptParam hands a mark about a parameter up, if the function gives it a parameter of its own.
func (s *summarizer) adoptParam(e *effect, c callee, at site) {
	arg, ok := c.argument(e.param)
	if !ok {
		return
	}
	for _, r := range s.p.rootsOf(arg) {
		if r.param != nil && r.param.Parent() == s.fn {
			mine := *e
			mine.param = paramIndex(r.param)
			s.add(&mine)
		}
	}
}

// adoptContext decides about a Context that a literal captured, where the literal is called: it may be used
// where it was declared, and in the literals there that are no branches of their own.
func (s *summarizer) adoptContext(e *effect) {
	owner := e.ctx.Parent()
	if owner == s.fn || !lexicallyIn(s.fn, owner) {
		return
	}
	around := contextAround(s.fn)
	for around != nil && around != owner && s.p.inScope(around) {
		around = contextAround(around.Parent())
	}
	if around != owner {
		// Reported where the branch makes the call: the literal itself is right where it is.
		out := &effect{kind: kindOuter, what: "Context " + e.ctx.Name() + " of another branch", pos: e.pos}
		if len(e.hops) > 0 {
			out.what += " (in " + e.hops[len(e.hops)-1].name + ")"
			out.pos = e.hops[0].pos
		}
		s.add(out)
		return
	}
	s.add(e)
}

// contextAround is the innermost function around fn, or fn itself, that was given a Context.
func contextAround(fn *ssa.Function) *ssa.Function {
	for ; fn != nil; fn = fn.Parent() {
		if ownContext(fn) != nil {
			return fn
		}
	}
	return nil
}

// contextArguments looks at the Contexts that a call is given.
func (s *summarizer) contextArguments(at site) {
	common := at.call.Common()
	for _, arg := range common.Args {
		if isContext(arg.Type()) {
			s.contextUse(arg, at)
		}
	}
	if !common.IsInvoke() {
		return
	}
	if isContext(common.Value.Type()) {
		s.contextUse(common.Value, at)
	}
}

// contextUse finds out whose Context is used at a call: the branch's own, or that of another one, which the
// code captured or was handed in a struct.
func (s *summarizer) contextUse(use ssa.Value, at site) {
	user := functionOf(use)
	if user == nil {
		return
	}
	around := contextAround(user)
	own := s.ownTargets(around, at.fr)
	for _, t := range s.p.eval(use, at.fr) {
		if t.is != isParam {
			continue
		}
		switch {
		case t.path.text == "" && isContext(t.param.Type()):
			s.contextFrom(t.param, around, own, at)
		case lexicallyIn(s.fn, t.param.Parent()):
			s.leaveOpen(at, use)
		}
	}
}

// ownTargets is what the Contexts that fn was given may be. Code given to durable.Scope runs in the branch
// around it, whose Contexts are its own too.
func (s *summarizer) ownTargets(fn *ssa.Function, fr *frame) []target {
	var out targetSet
	for ; fn != nil; fn = contextAround(fn.Parent()) {
		for _, param := range fn.Params {
			if isContext(param.Type()) {
				out.add(s.p.eval(param, fr.of(fn))...)
			}
		}
		if !s.p.inScope(fn) {
			break
		}
	}
	return out.list
}

// inScope reports whether fn is a literal that is given to durable.Scope.
func (p *program) inScope(fn *ssa.Function) bool {
	lit, ok := fn.Syntax().(*ast.FuncLit)
	if !ok {
		return false
	}
	call, ok := p.parents[lit].(*ast.CallExpr)
	if !ok {
		return false
	}
	obj := p.calledObject(call)
	return obj != nil && inDurable(obj) && obj.Name() == "Scope"
}

// contextFrom judges the use of the Context that is the parameter q. around is the innermost function at the
// use that was given a Context of its own, and own is what that may be.
func (s *summarizer) contextFrom(q *ssa.Parameter, around *ssa.Function, own []target, at site) {
	for _, t := range own {
		if t.is == isParam && t.param == q && t.path.text == "" {
			if q.Parent() != s.fn {
				s.usesOuter(q, at)
			}
			return
		}
	}
	if around != nil {
		s.hazard(kindOuter, "Context "+q.Name()+" of another branch", s.p.positionOf(at), at.hops)
		return
	}
	// A method or helper without a Context of its own: the branch that calls it decides.
	if q.Parent() == s.fn {
		return
	}
	s.adoptContext(&effect{kind: markUsesOuter, what: q.Name(), ctx: q, pos: s.p.positionOf(at), hops: at.hops})
}

// usesOuter marks that the function uses the Context of a function around it, as a literal of the same
// branch may.
func (s *summarizer) usesOuter(q *ssa.Parameter, at site) {
	if !lexicallyIn(s.fn, q.Parent()) {
		return
	}
	s.add(&effect{kind: markUsesOuter, what: q.Name(), ctx: q, pos: s.p.positionOf(at), hops: at.hops})
}

// fill sets the i-th position on the way to an effect if a wrapper, which has none, left it open.
func (e *effect) fill(i int, pos token.Pos) {
	switch {
	case i < len(e.hops) && !e.hops[i].pos.IsValid():
		e.hops[i].pos = pos
	case i == len(e.hops) && !e.pos.IsValid() && e.at == "":
		e.pos = pos
	}
}

// positions are the calls that lead to an effect, from the function that has it on, and where it happens.
func (e *effect) positions() []token.Pos {
	var out []token.Pos
	for _, h := range e.hops {
		out = append(out, h.pos)
	}
	return append(out, e.pos)
}
