package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// A verdict says what becomes of the order in which a map was visited.
type verdict int

const (
	fine     verdict = iota // it is sorted away, or nothing asks for it
	inResult                // it is the order of what the function returns: its callers may sort it
	hard                    // it shows
)

// maxUses bounds how far a verdict looks into other functions.
const maxUses = 4

// laterUse judges what becomes of a variable that holds an order, by its uses after a position.
func (p *program) laterUse(v *types.Var, after token.Pos) verdict { return p.laterUseAt(v, after, 0) }

func (p *program) laterUseAt(v *types.Var, after token.Pos, depth int) verdict {
	uses := p.usesOf(v, after)
	for _, id := range uses {
		use, decided := p.useOfVariable(id, depth)
		if decided {
			return use
		}
	}
	switch {
	case p.isResult(v):
		return inResult
	case v.Parent() == p.pass.Pkg.Scope() || p.isParameter(v):
		return hard
	}
	return fine
}

// usesOf are the uses of a variable after a position, in the order of the source.
func (p *program) usesOf(v *types.Var, after token.Pos) []*ast.Ident {
	var out []*ast.Ident
	for _, id := range p.uses[v] {
		if id.Pos() >= after {
			out = append(out, id)
		}
	}
	return out
}

// useOfVariable judges one use of a variable. It is undecided when the order neither shows nor is lost.
func (p *program) useOfVariable(id *ast.Ident, depth int) (v verdict, decided bool) {
	var n ast.Expr = id
	for {
		switch parent := p.parents[n].(type) {
		case *ast.ParenExpr, *ast.StarExpr, *ast.UnaryExpr, *ast.SliceExpr:
			n = parent.(ast.Expr)
			continue
		case *ast.SelectorExpr:
			if call, ok := p.parents[parent].(*ast.CallExpr); ok && call.Fun == parent {
				return p.useByMethod(call)
			}
			n = parent
			continue
		case *ast.IndexExpr:
			if parent.X == n && isMap(p.typeOf(n)) {
				n = parent
				continue
			}
		case *ast.BinaryExpr:
			if parent.Op == token.EQL || parent.Op == token.NEQ {
				return fine, false // compared with nil
			}
		case *ast.AssignStmt:
			if slices.Contains(parent.Lhs, n) {
				return fine, !slices.ContainsFunc(parent.Rhs, func(x ast.Expr) bool {
					return mentions(x, types.ExprString(n))
				}) && n == id
			}
		}
		break
	}
	if call, ok := p.parents[n].(*ast.CallExpr); ok && (p.takesLength(call) || p.leavesTies(call, n)) {
		return fine, false
	}
	v = p.useOf(n, depth)
	if stmt, ok := p.parents[n].(*ast.RangeStmt); ok && stmt.X == n && v == fine {
		return fine, false
	}
	return v, true
}

// useByMethod judges a call of a method on what holds an order.
func (p *program) useByMethod(call *ast.CallExpr) (v verdict, decided bool) {
	fn := p.calledObject(call)
	if fn == nil {
		return hard, true
	}
	if p.sorts(fn, 0) {
		return fine, true
	}
	if matches(words("Len Cap Size Grow Reset"), fn.Name()) {
		return fine, false
	}
	return hard, true
}

func (p *program) takesLength(call *ast.CallExpr) bool {
	name := p.builtinName(call)
	return name == "len" || name == "cap" || name == "clear"
}

// conduits pass the order of their argument on to their result.
var conduits = words(`slices.Collect slices.Values slices.All slices.Clone slices.AppendSeq slices.Concat
	slices.Compact slices.CompactFunc slices.Grow slices.Clip slices.Backward slices.Chunk slices.Reverse
	slices.DeleteFunc`)

// orderless are functions of the standard library for which the order of their argument makes no difference.
var orderless = words(`maps.Collect maps.Insert slices.Contains slices.ContainsFunc slices.Max slices.Min
	slices.IsSorted slices.Sorted slices.SortedFunc slices.SortedStableFunc`)

// useOf judges one use of an expression whose value has the order of a map.
func (p *program) useOf(n ast.Expr, depth int) verdict {
	if depth > maxUses {
		return hard
	}
	switch parent := p.parents[n].(type) {
	case *ast.ParenExpr:
		return p.useOf(parent, depth)
	case *ast.CallExpr:
		return p.useByCall(parent, n, depth)
	case *ast.ReturnStmt:
		return inResult
	case *ast.ExprStmt:
		return fine
	case *ast.RangeStmt:
		if parent.X == n {
			return p.useByLoop(parent, depth)
		}
	case *ast.AssignStmt:
		return p.useByAssignment(parent.Lhs, parent.Rhs, n, parent.End(), depth)
	case *ast.ValueSpec:
		var lhs []ast.Expr
		for _, name := range parent.Names {
			lhs = append(lhs, name)
		}
		return p.useByAssignment(lhs, parent.Values, n, parent.End(), depth)
	}
	return hard
}

func (p *program) useByAssignment(lhs, rhs []ast.Expr, n ast.Expr, end token.Pos, depth int) verdict {
	i := slices.Index(rhs, n)
	if i < 0 || i >= len(lhs) {
		return hard
	}
	if id, ok := lhs[i].(*ast.Ident); ok && id.Name == "_" {
		return fine
	}
	v := p.rootVariable(lhs[i])
	if v == nil {
		return hard
	}
	return p.laterUseAt(v, end, depth+1)
}

// useByLoop judges a loop over what has the order of a map.
func (p *program) useByLoop(stmt *ast.RangeStmt, depth int) verdict {
	if p.bodyOperates(stmt) {
		return hard
	}
	out := fine
	for _, ev := range p.eventsIn(stmt) {
		if ev.param != noParam {
			return hard
		}
		out = max(out, p.laterUseAt(ev.v, stmt.End(), depth+1))
	}
	return out
}

// bodyOperates reports whether the body of a loop issues operations, itself or in what it calls.
func (p *program) bodyOperates(stmt *ast.RangeStmt) bool {
	found := false
	ast.Inspect(stmt.Body, func(n ast.Node) bool {
		expr, ok := n.(*ast.CallExpr)
		if !ok {
			return !found
		}
		call := p.calls[expr.Lparen]
		if call == nil {
			return !found
		}
		for _, c := range p.resolve(call, nil) {
			switch {
			case c.fn != nil:
				found = found || p.summary(c.fn).mark(markOperates) != nil
			case c.obj != nil && inDurable(c.obj):
				found = found || operates(c.obj)
			}
		}
		return !found
	})
	return found
}

// useByCall judges a call with an argument that has the order of a map.
func (p *program) useByCall(call *ast.CallExpr, n ast.Expr, depth int) verdict {
	i := slices.Index(call.Args, n)
	if i < 0 {
		return hard
	}
	if p.takesLength(call) {
		return fine
	}
	if p.builtinName(call) == "append" || p.pass.TypesInfo.Types[call.Fun].IsType() {
		return p.useOf(call, depth)
	}
	fn := p.calledObject(call)
	if fn == nil {
		return hard
	}
	name := shortName(fn)
	switch {
	case p.leavesTies(call, n):
		return p.useOf(call, depth)
	case orderless.has(name) || p.sorts(fn, paramOfArgument(fn, i)):
		return fine
	case conduits.has(name):
		return p.useOf(call, depth)
	}
	if v, known := p.useByParameter(fn, i, depth); known {
		if v == inResult {
			return p.useOf(call, depth+1)
		}
		return v
	}
	return hard
}

// useByParameter judges what a function of the package does with its argument i.
func (p *program) useByParameter(fn *types.Func, i, depth int) (verdict, bool) {
	decl := p.declarations[fn.Origin()]
	if decl == nil || decl.Body == nil {
		return hard, false
	}
	sig := fn.Origin().Signature()
	if i >= sig.Params().Len() || sig.Variadic() && i >= sig.Params().Len()-1 {
		return hard, false
	}
	for _, id := range p.usesOf(sig.Params().At(i), decl.Body.Pos()) {
		if v, decided := p.useOfVariable(id, depth+1); decided {
			return v, true
		}
	}
	return fine, true
}

// paramOfArgument is the index of the parameter, the receiver first, that argument i of a call goes to.
func paramOfArgument(fn *types.Func, i int) int {
	if fn.Signature().Recv() != nil {
		return i + 1
	}
	return i
}

// sorts reports whether a function sorts its parameter i, the receiver first. What has sort in its name is
// trusted to.
func (p *program) sorts(fn *types.Func, i int) bool {
	if strings.Contains(strings.ToLower(fn.Name()), "sort") ||
		fn.Pkg() != nil && fn.Pkg().Path() == "sort" && p.standardObject(fn) {
		return true
	}
	body := p.pkg.Prog.FuncValue(fn.Origin())
	if body == nil {
		return false
	}
	if sum := p.sums[body]; sum != nil {
		for _, e := range sum.effects {
			if e.kind == markSorts && e.param == i {
				return true
			}
		}
	}
	return false
}

// shortName is package.Name for functions of the standard library, as code usually writes it.
func shortName(fn *types.Func) string {
	if fn.Pkg() == nil {
		return fn.Name()
	}
	return fn.Pkg().Name() + "." + memberName(fn)
}

// adoptResult takes over that a callee's result has the order of a map, unless it is sorted right here.
func (s *summarizer) adoptResult(e *effect, at site) {
	if transparent(s.fn) {
		s.add(e)
		return
	}
	v := hard
	if expr := s.p.callExprs[at.call.Pos()]; expr != nil && at.here() {
		v = s.p.useOf(expr, 0)
	} else if at.here() && s.p.rangeAt[s.p.positionOf(at)] != nil {
		v = s.p.useByLoop(s.p.rangeAt[s.p.positionOf(at)], 0)
	}
	switch v {
	case fine:
		return
	case hard:
		out := *e
		out.result = false
		e = &out
	}
	s.add(e)
}
