package determinism

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// A loop ranges over a map, or over an iterator that may visit one. Its body decides whether the order of
// the visits shows.
type loop struct {
	stmt     *ast.RangeStmt
	overMap  bool
	events   []event
	operates bool // the body issues operations: that says it all
}

// An event is a statement in a loop, or in a function that a loop calls, after which memory depends on the
// order of the visits.
type event struct {
	pos   token.Pos
	what  string
	v     *types.Var // the variable that holds the order; nil when it has left the function
	param int        // the parameter whose memory holds the order, or one of:
}

const (
	noParam = -2 // a variable holds it
	leaves  = -3 // it has left the function
)

// loopsOf finds the loops of a function, those in its literals left out: these are functions of their own.
func (p *program) loopsOf(fn *ssa.Function) []*loop {
	if known, ok := p.loops[fn]; ok {
		return known
	}
	var out []*loop
	inspectBody(fn, func(n ast.Node) {
		stmt, ok := n.(*ast.RangeStmt)
		if !ok {
			return
		}
		l := &loop{stmt: stmt, overMap: isMap(p.typeOf(stmt.X))}
		if !l.overMap && p.ranges[stmt] == nil {
			return
		}
		l.events = p.eventsIn(stmt)
		out = append(out, l)
		if l.overMap {
			p.noteCalls(l)
		}
	})
	p.loops[fn] = out
	return out
}

// noteCalls remembers for each call in the body of a loop over a map that its order is the map's.
func (p *program) noteCalls(l *loop) {
	ast.Inspect(l.stmt.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if call := p.calls[n.Lparen]; call != nil {
				p.inLoop[call] = l
			}
		case *ast.RangeStmt:
			if body := p.ranges[n]; body != nil {
				for _, mc := range p.made(body) {
					p.noteIterator(mc, l)
				}
			}
		}
		return true
	})
}

// noteIterator remembers the call of an iterator by a loop over it, which has no parenthesis.
func (p *program) noteIterator(body *ssa.MakeClosure, l *loop) {
	for _, ref := range *body.Referrers() {
		if call, ok := ref.(*ssa.Call); ok {
			p.inLoop[call] = l
		}
	}
}

// inspectBody visits the nodes of a function that are its own, without those of the literals in it.
func inspectBody(fn *ssa.Function, visit func(ast.Node)) {
	body := bodyOf(fn)
	if body == nil {
		return
	}
	ast.Inspect(body, func(n ast.Node) bool {
		if _, lit := n.(*ast.FuncLit); lit {
			return false
		}
		if n != nil {
			visit(n)
		}
		return true
	})
}

// bodyOf is the body of a declared function or a literal, nil for wrappers and the bodies of loops.
func bodyOf(fn *ssa.Function) *ast.BlockStmt {
	if transparent(fn) {
		return nil
	}
	switch n := fn.Syntax().(type) {
	case *ast.FuncDecl:
		return n.Body
	case *ast.FuncLit:
		return n.Body
	}
	return nil
}

func (p *program) typeOf(x ast.Expr) types.Type { return p.pass.TypesInfo.TypeOf(x) }

// isMap reports whether a type is a map, or a type parameter whose every form is one.
func isMap(t types.Type) bool {
	if t == nil {
		return false
	}
	if param, ok := types.Unalias(t).(*types.TypeParam); ok {
		t = typeParamCore(param)
	}
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// order adds what the loops of the function do to the order of things, and marks what the function itself
// does to memory when a loop calls it.
func (s *summarizer) order() {
	if stmt, ok := s.fn.Syntax().(*ast.RangeStmt); ok {
		for _, ev := range s.p.eventsIn(stmt) {
			s.markOrder(ev)
		}
		return
	}
	for _, l := range s.p.loopsOf(s.fn) {
		if !l.overMap {
			continue
		}
		for _, ev := range l.events {
			v := hard
			if ev.param == noParam {
				v = s.p.laterUse(ev.v, l.stmt.End())
			}
			s.orderEffect(ev, v, l)
			if v == hard {
				break // one is enough
			}
		}
	}
	for _, ev := range s.p.eventsOfFunction(s.fn) {
		s.markOrder(ev)
	}
}

// orderEffect adds that the order of a loop shows, as far as what happens later leaves it so.
func (s *summarizer) orderEffect(ev event, v verdict, l *loop) {
	if v == fine {
		return
	}
	s.add(&effect{
		kind: kindMapOrder, what: ev.what, pos: ev.pos, result: v == inResult, loop: l,
	})
}

// markOrder marks that the function leaves the order of its calls in a variable around it, or in memory
// that it was given.
func (s *summarizer) markOrder(ev event) {
	if ev.v != nil && declaredIn(ev.v, s.fn) && ev.param == noParam {
		return
	}
	s.add(&effect{kind: markOrders, what: ev.what, pos: ev.pos, obj: ev.v, param: ev.param})
}

// declaredIn reports whether a variable is declared in the source of a function, its parameters included.
func declaredIn(v *types.Var, fn *ssa.Function) bool {
	n := fn.Syntax()
	return n != nil && n.Pos() <= v.Pos() && v.Pos() < n.End()
}

// inOrder reports that a call in a loop over a map, here or in a callee that hops lead to, runs what shows
// the order.
func (s *summarizer) inOrder(at site, why string, v verdict) {
	l := s.p.inLoop[at.call]
	if l == nil && !at.unordered || v == fine {
		return
	}
	e := &effect{
		kind: kindMapOrder, what: "range over a map (" + why + ")", hops: at.hops, result: v == inResult,
	}
	if l != nil && !at.unordered {
		e.pos = l.stmt.Pos()
		l.operates = l.operates || at.here() && why == issuesOperations
	}
	s.add(e)
}

const issuesOperations = "it issues operations"

// adoptOrders hands a mark about order up, and reports it when the call is in a loop over a map.
func (s *summarizer) adoptOrders(e *effect, c callee, at site) {
	v := s.orderVariable(e, c, at)
	if s.p.inLoop[at.call] != nil || at.unordered {
		verdict := hard
		if v != nil {
			verdict = s.p.laterUse(v, s.endOf(at))
		}
		s.inOrder(at, "its order reaches "+describe(v), verdict)
	}
	switch {
	case e.obj != nil && !declaredIn(e.obj, s.fn) && s.fn.Parent() != nil:
		s.add(e)
	case e.obj == nil && e.param >= 0:
		s.adoptParam(e, c, at)
	case e.obj == nil && s.fn.Synthetic != "":
		s.add(e)
	}
}

func describe(v *types.Var) string {
	if v == nil {
		return "the result"
	}
	return v.Name()
}

// orderVariable is the variable of this function, or of one around it, in which a callee leaves its order.
func (s *summarizer) orderVariable(e *effect, c callee, at site) *types.Var {
	if e.obj != nil {
		return e.obj
	}
	arg, ok := c.argument(e.param)
	if !ok || arg.v == nil {
		return nil
	}
	for _, r := range s.p.roots(arg.v) {
		if alloc, ok := r.cell.(*ssa.Alloc); ok {
			if v := s.p.variableAt(alloc.Pos()); v != nil {
				return v
			}
		}
	}
	return s.p.rootVariable(s.p.exprs[arg.v])
}

// endOf is where the code begins that comes after the loop, or after the call that runs it elsewhere.
func (s *summarizer) endOf(at site) token.Pos {
	if at.here() {
		return s.p.inLoop[at.call].stmt.End()
	}
	if len(at.hops) == 0 {
		return s.fn.Pos()
	}
	pos := at.hops[0].pos
	if stmt := s.p.rangeAt[pos]; stmt != nil {
		return stmt.End()
	}
	if call := s.p.callExprs[pos]; call != nil {
		return call.End()
	}
	return pos
}
