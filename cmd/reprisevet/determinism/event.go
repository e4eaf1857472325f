package determinism

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// orderSensitive are the methods of the standard library that put one thing after the other.
var orderSensitive = words(`Write WriteString WriteByte WriteRune Encode PushBack PushFront Fprint Fprintf
	Fprintln`)

// An eventFinder looks through the statements that run once per visit.
type eventFinder struct {
	p       *program
	inside  ast.Node              // what is declared in it is gone with the visit
	depends map[types.Object]bool // variables that differ from visit to visit
	key     types.Object          // the loop's key, nil elsewhere
	params  map[types.Object]int  // the parameters of a function whose memory counts as outside
	counts  map[types.Object]bool // variables that the visits add to
	breaks  bool                  // the loop may end before it has visited all
	out     []event
}

// eventsIn finds the statements of a loop's body after which the order of the visits shows.
func (p *program) eventsIn(stmt *ast.RangeStmt) []event {
	if known, ok := p.bodyEvents[stmt]; ok {
		return known
	}
	f := &eventFinder{p: p, inside: stmt, depends: map[types.Object]bool{}}
	for _, x := range []ast.Expr{stmt.Key, stmt.Value} {
		if obj := p.objectOf(x); obj != nil {
			f.depends[obj] = true
		}
	}
	f.key = p.objectOf(stmt.Key)
	f.counts = f.counters(stmt.Body)
	f.breaks = breaksOut(stmt)
	if stmt.Tok == token.ASSIGN {
		for _, x := range []ast.Expr{stmt.Key, stmt.Value} {
			if v := p.rootVariable(x); v != nil {
				f.event(stmt.Pos(), "range over a map (its last key or value stays)", x)
			}
		}
	}
	f.walk(stmt.Body)
	p.bodyEvents[stmt] = f.out
	return f.out
}

// eventsOfFunction finds the statements after which memory outside of the function depends on the order in
// which it is called.
func (p *program) eventsOfFunction(fn *ssa.Function) []event {
	body := bodyOf(fn)
	if body == nil {
		return nil
	}
	if known, ok := p.bodyEvents[body]; ok {
		return known
	}
	f := &eventFinder{
		p: p, inside: fn.Syntax(), depends: map[types.Object]bool{}, params: map[types.Object]int{},
	}
	for i, param := range fn.Params {
		f.depends[param.Object()] = true
		f.params[param.Object()] = i
	}
	f.walk(body)
	p.bodyEvents[body] = f.out
	return f.out
}

func (f *eventFinder) walk(body ast.Node) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.AssignStmt:
			f.assign(n)
		case *ast.ValueSpec:
			f.define(n)
		case *ast.RangeStmt:
			if f.dependsOn(n.X) {
				f.learn(n.Key)
				f.learn(n.Value)
			}
		case *ast.ReturnStmt:
			f.returned(n)
		case *ast.CallExpr:
			f.call(n)
		}
		return true
	})
}

func (f *eventFinder) define(spec *ast.ValueSpec) {
	for i, name := range spec.Names {
		if i < len(spec.Values) && f.dependsOn(spec.Values[i]) {
			f.learn(name)
		}
	}
}

// learn notes that a variable differs from visit to visit.
func (f *eventFinder) learn(x ast.Expr) {
	if obj := f.p.objectOf(x); obj != nil {
		f.depends[obj] = true
	}
}

// dependsOn reports whether an expression differs from visit to visit.
func (f *eventFinder) dependsOn(x ast.Node) bool {
	found := false
	if x == nil {
		return false
	}
	ast.Inspect(x, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && f.depends[f.p.pass.TypesInfo.Uses[id]] {
			found = true
		}
		return !found
	})
	return found
}

func (f *eventFinder) assign(n *ast.AssignStmt) {
	for i, lhs := range n.Lhs {
		rhs := n.Rhs[0]
		if len(n.Rhs) == len(n.Lhs) {
			rhs = n.Rhs[i]
		}
		if !f.outside(lhs) {
			if f.dependsOn(rhs) {
				f.learn(lhs)
			}
			continue
		}
		f.assignOutside(n, lhs, rhs)
	}
}

// assignOutside looks at an assignment to what outlives the visit.
func (f *eventFinder) assignOutside(n *ast.AssignStmt, lhs, rhs ast.Expr) {
	index, indexed := ast.Unparen(lhs).(*ast.IndexExpr)
	switch {
	case f.numbered(n, lhs, rhs):
		f.event(n.Pos(), "range over a map (numbered in its order)", lhs)
	case f.breaks && indexed && isMap(f.p.typeOf(index.X)) && f.dependsOn(index.Index):
		f.event(f.inside.Pos(), "range over a map (it ends before it has visited all)", lhs)
	case indexed && isMap(f.p.typeOf(index.X)) && (f.isKey(index.Index) || !f.accumulates(n, lhs, rhs)):
		return // each visit has an entry of its own, or so we trust
	case f.appends(rhs):
		f.event(n.Pos(), "append in the order of a map", lhs)
	case f.accumulates(n, lhs, rhs):
		if text, ok := f.orderedSum(lhs); ok {
			f.event(n.Pos(), "range over a map ("+text+" in its order)", lhs)
		}
	case n.Tok != token.ASSIGN || !f.dependsOn(rhs):
		return
	case indexed && f.dependsOn(index.Index):
		return // a place that the visit itself decides
	case f.folds(lhs, rhs) || f.compared(n, lhs):
		return
	default:
		f.event(n.Pos(), "range over a map (the last visit wins)", lhs)
	}
}

// counters are the variables outside of a loop that its body adds to.
func (f *eventFinder) counters(body ast.Node) map[types.Object]bool {
	out := map[types.Object]bool{}
	note := func(x ast.Expr) {
		if obj := f.p.objectOf(ast.Unparen(x)); obj != nil && f.outside(x) {
			out[obj] = true
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.IncDecStmt:
			note(n.X)
		case *ast.AssignStmt:
			if n.Tok == token.ADD_ASSIGN || n.Tok == token.SUB_ASSIGN {
				note(n.Lhs[0])
			}
		}
		return true
	})
	return out
}

// numbered reports whether an assignment keeps what a counter shows at this visit.
func (f *eventFinder) numbered(n *ast.AssignStmt, lhs, rhs ast.Expr) bool {
	if n.Tok != token.ASSIGN || f.sameText(lhs, rhs) || f.accumulates(n, lhs, rhs) {
		return false
	}
	found := false
	ast.Inspect(rhs, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && f.counts[f.p.pass.TypesInfo.Uses[id]] {
			found = true
		}
		return !found
	})
	return found
}

// breaksOut reports whether a break statement ends the loop.
func breaksOut(stmt *ast.RangeStmt) bool {
	found := false
	visit := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			return false // a break in there is theirs
		case *ast.BranchStmt:
			found = found || n.Tok == token.BREAK && n.Label == nil
		}
		return !found
	}
	ast.Inspect(stmt.Body, visit)
	return found
}

// isKey reports whether x is the key of the loop.
func (f *eventFinder) isKey(x ast.Expr) bool {
	return f.key != nil && f.p.objectOf(ast.Unparen(x)) == f.key
}

// outside reports whether what an expression denotes outlives the visit.
func (f *eventFinder) outside(x ast.Expr) bool {
	if id, ok := x.(*ast.Ident); ok && id.Name == "_" {
		return false
	}
	v := f.p.rootVariable(x)
	if v == nil {
		return false
	}
	if _, param := f.params[v]; param {
		_, plain := ast.Unparen(x).(*ast.Ident)
		return !plain && isPointerLike(v.Type())
	}
	return v.Pos() < f.inside.Pos() || v.Pos() >= f.inside.End()
}

// appends reports whether an expression is a call of append.
func (f *eventFinder) appends(x ast.Expr) bool {
	call, ok := ast.Unparen(x).(*ast.CallExpr)
	return ok && f.p.builtinName(call) == "append"
}

// accumulates reports whether an assignment adds to what was there: x += e, x = x + e, x = append(x, e).
func (f *eventFinder) accumulates(n *ast.AssignStmt, lhs, rhs ast.Expr) bool {
	switch n.Tok {
	case token.ADD_ASSIGN, token.SUB_ASSIGN, token.MUL_ASSIGN, token.QUO_ASSIGN:
		return true
	case token.ASSIGN:
		if f.appends(rhs) {
			return true
		}
		bin, ok := ast.Unparen(rhs).(*ast.BinaryExpr)
		return ok && addition(bin.Op) && (f.sameText(bin.X, lhs) || f.sameText(bin.Y, lhs))
	}
	return false
}

func addition(op token.Token) bool {
	return op == token.ADD || op == token.SUB || op == token.MUL || op == token.QUO
}

func (f *eventFinder) sameText(a, b ast.Expr) bool {
	return types.ExprString(ast.Unparen(a)) == types.ExprString(ast.Unparen(b))
}

// orderedSum says what is built, if its parts don't commute: strings don't, and floating-point sums differ
// in their last digits.
func (f *eventFinder) orderedSum(lhs ast.Expr) (string, bool) {
	basic, ok := coreOf(f.p.typeOf(lhs)).(*types.Basic)
	if !ok {
		return "", false
	}
	switch info := basic.Info(); {
	case info&types.IsString != 0:
		return "a string is put together", true
	case info&(types.IsFloat|types.IsComplex) != 0:
		return "a floating-point sum is rounded", true
	}
	return "", false
}

// coreOf is the underlying type, also of a type parameter that has only one.
func coreOf(t types.Type) types.Type {
	if t == nil {
		return nil
	}
	if param, ok := types.Unalias(t).(*types.TypeParam); ok {
		return typeParamCore(param)
	}
	return t.Underlying()
}

// folds reports whether a new value is made of the old one in a way that commutes as far as can be seen:
// max(x, v), x.Add(v), x && v, x | v.
func (f *eventFinder) folds(lhs, rhs ast.Expr) bool {
	switch rhs := ast.Unparen(rhs).(type) {
	case *ast.CallExpr:
		text := types.ExprString(lhs)
		if fn := f.p.calledObject(rhs); fn != nil && fn.Signature().Recv() == nil &&
			f.p.standardObject(fn) && fn.Pkg().Path() != "math" {
			return false // errors.Join, fmt.Sprint, path.Join …
		}
		if sel, ok := rhs.Fun.(*ast.SelectorExpr); ok && types.ExprString(sel.X) == text {
			return true
		}
		for _, arg := range rhs.Args {
			if f.sameText(arg, lhs) {
				return true
			}
		}
	case *ast.BinaryExpr:
		switch rhs.Op {
		case token.LAND, token.LOR, token.AND, token.OR, token.XOR, token.AND_NOT:
			return f.sameText(rhs.X, lhs) || f.sameText(rhs.Y, lhs)
		}
	}
	return false
}

// compared reports whether an assignment stands under a condition that compares what it sets, as in the
// search for a smallest key.
func (f *eventFinder) compared(n ast.Node, lhs ast.Expr) bool {
	text := types.ExprString(ast.Unparen(lhs))
	for child, parent := n, f.p.parents[n]; parent != nil && parent != f.inside; parent = f.p.parents[parent] {
		if cond := conditionOf(parent, child); cond != nil && f.mentionsIn(cond, text) {
			return true
		}
		child = parent
	}
	return false
}

// conditionOf is the condition under which parent runs child.
func conditionOf(parent, child ast.Node) ast.Expr {
	switch parent := parent.(type) {
	case *ast.IfStmt:
		if parent.Body == child {
			return parent.Cond
		}
	case *ast.CaseClause:
		if len(parent.List) > 0 && parent.List[0] != child {
			return parent.List[0]
		}
	}
	return nil
}

func (f *eventFinder) mentionsIn(cond ast.Expr, text string) bool {
	found := false
	ast.Inspect(cond, func(n ast.Node) bool {
		bin, ok := n.(*ast.BinaryExpr)
		if !ok {
			return true
		}
		switch bin.Op {
		case token.LSS, token.GTR, token.LEQ, token.GEQ, token.EQL, token.NEQ:
			found = found || types.ExprString(bin.X) == text || types.ExprString(bin.Y) == text ||
				mentions(bin.X, text) || mentions(bin.Y, text)
		}
		return true
	})
	return found
}

func mentions(x ast.Expr, text string) bool {
	found := false
	ast.Inspect(x, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok && types.ExprString(e) == text {
			found = true
		}
		return !found
	})
	return found
}

// returned looks at a return out of a loop: the first visit that comes to it wins, unless its key is the only
// one that can.
func (f *eventFinder) returned(n *ast.ReturnStmt) {
	if f.params != nil {
		return
	}
	for _, x := range n.Results {
		if f.dependsOn(x) && !f.unique(n) {
			f.out = append(f.out, event{
				pos: n.Pos(), what: "range over a map (the first visit returns)", param: leaves,
			})
			return
		}
	}
}

// unique reports whether a statement stands under a condition that one key at most fulfils.
func (f *eventFinder) unique(n ast.Node) bool {
	for child, parent := n, f.p.parents[n]; parent != nil && parent != f.inside; parent = f.p.parents[parent] {
		bin, ok := conditionOf(parent, child).(*ast.BinaryExpr)
		if ok && bin.Op == token.EQL &&
			(f.isKey(bin.X) && !f.dependsOn(bin.Y) || f.isKey(bin.Y) && !f.dependsOn(bin.X)) {
			return true
		}
		child = parent
	}
	return false
}

// call looks for calls that put one thing after the other into something that outlives the visit.
func (f *eventFinder) call(n *ast.CallExpr) {
	fn := f.p.calledObject(n)
	if fn == nil || !f.p.standardObject(fn) || !orderSensitive.has(fn.Name()) {
		return
	}
	var into ast.Expr
	if sel, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr); ok && fn.Signature().Recv() != nil {
		into = sel.X
	} else if len(n.Args) > 0 {
		into = n.Args[0]
	}
	if into == nil || !f.outside(into) && !f.isParameter(into) {
		return
	}
	f.event(n.Pos(), "range over a map ("+fn.Name()+" in its order)", into)
	if t := f.p.typeOf(into); f.params == nil && isPointerLike(t) && !isMap(t) {
		f.out[len(f.out)-1].param = leaves // it writes on to something else
	}
}

func (f *eventFinder) isParameter(x ast.Expr) bool {
	v := f.p.rootVariable(x)
	if v == nil {
		return false
	}
	_, ok := f.params[v]
	return ok && isPointerLike(v.Type())
}

func (f *eventFinder) event(pos token.Pos, what string, into ast.Expr) {
	v := f.p.rootVariable(into)
	ev := event{pos: pos, what: what, v: v, param: noParam}
	if i, ok := f.params[v]; ok {
		ev.param, ev.v = i, nil
	}
	f.out = append(f.out, ev)
}
