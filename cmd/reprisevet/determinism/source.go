package determinism

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// indexSource remembers what the rules that work on the source ask for again and again.
func (p *program) indexSource() {
	for _, file := range p.pass.Files {
		var stack []ast.Node
		ast.Inspect(file, func(n ast.Node) bool {
			if n == nil {
				stack = stack[:len(stack)-1]
				return true
			}
			if len(stack) > 0 {
				p.parents[n] = stack[len(stack)-1]
			}
			stack = append(stack, n)
			p.indexNode(n)
			return true
		})
	}
}

func (p *program) indexNode(n ast.Node) {
	switch n := n.(type) {
	case *ast.CallExpr:
		p.callExprs[n.Lparen] = n
	case *ast.RangeStmt:
		p.rangeAt[n.Pos()] = n
	case *ast.FuncDecl:
		if fn, ok := p.pass.TypesInfo.Defs[n.Name].(*types.Func); ok {
			p.declarations[fn] = n
		}
	case *ast.Ident:
		if v, ok := p.pass.TypesInfo.Defs[n].(*types.Var); ok {
			p.vars[n.Pos()] = v
		}
		if v, ok := p.pass.TypesInfo.Uses[n].(*types.Var); ok {
			p.uses[v] = append(p.uses[v], n)
		}
	}
}

// positionOf is where a call stands. A call in a wrapper stands where the wrapper is called.
func (p *program) positionOf(at site) token.Pos {
	if at.call == nil {
		return at.pos
	}
	if pos := p.callPosition(at.call); pos.IsValid() {
		return pos
	}
	return at.pos
}

// callPosition is the position of a call. The call of an iterator by a loop stands where the loop does.
func (p *program) callPosition(call ssa.CallInstruction) token.Pos {
	if pos := call.Common().Pos(); pos.IsValid() {
		return pos
	}
	for _, arg := range call.Common().Args {
		if mc, ok := arg.(*ssa.MakeClosure); ok {
			if stmt, ok := mc.Fn.(*ssa.Function).Syntax().(*ast.RangeStmt); ok {
				return stmt.Pos()
			}
		}
	}
	return token.NoPos
}

// variableAt is the variable that is declared at a position, nil if there is none.
func (p *program) variableAt(pos token.Pos) *types.Var { return p.vars[pos] }

// objectOf is what an identifier means, nil for other expressions.
func (p *program) objectOf(x ast.Expr) types.Object {
	if id, ok := x.(*ast.Ident); ok {
		return p.pass.TypesInfo.ObjectOf(id)
	}
	return nil
}

// rootVariable is the variable that an expression selects from: b for b.items[0] and (*b).items. It is nil
// when there is none, as for the result of a call.
func (p *program) rootVariable(x ast.Expr) *types.Var {
	for {
		switch y := x.(type) {
		case *ast.Ident:
			v, _ := p.pass.TypesInfo.ObjectOf(y).(*types.Var)
			return v
		case *ast.ParenExpr:
			x = y.X
		case *ast.StarExpr:
			x = y.X
		case *ast.UnaryExpr:
			x = y.X
		case *ast.IndexExpr:
			x = y.X
		case *ast.SliceExpr:
			x = y.X
		case *ast.SelectorExpr:
			if _, pkg := p.objectOf(y.X).(*types.PkgName); pkg {
				v, _ := p.pass.TypesInfo.Uses[y.Sel].(*types.Var)
				return v
			}
			x = y.X
		default:
			return nil
		}
	}
}

// calledObject is the function that a call names, nil for values, conversions and builtins.
func (p *program) calledObject(call *ast.CallExpr) *types.Func {
	var id *ast.Ident
	switch x := calledExpr(call).(type) {
	case *ast.Ident:
		id = x
	case *ast.SelectorExpr:
		id = x.Sel
	default:
		return nil
	}
	fn, _ := p.pass.TypesInfo.Uses[id].(*types.Func)
	return fn
}

// calledExpr is what a call calls, without parentheses and type arguments.
func calledExpr(call *ast.CallExpr) ast.Expr {
	fun := ast.Unparen(call.Fun)
	switch x := fun.(type) {
	case *ast.IndexExpr:
		return x.X
	case *ast.IndexListExpr:
		return x.X
	}
	return fun
}

// builtinName is the name of the builtin function that a call calls, empty for others.
func (p *program) builtinName(call *ast.CallExpr) string {
	if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
		if b, ok := p.pass.TypesInfo.Uses[id].(*types.Builtin); ok {
			return b.Name()
		}
	}
	return ""
}

func (p *program) standardObject(obj types.Object) bool {
	return obj.Pkg() != nil && p.standard(obj.Pkg())
}

// isResult reports whether a variable is a named result of its function.
func (p *program) isResult(v *types.Var) bool { return v.Kind() == types.ResultVar }

// isParameter reports whether a variable is a parameter or receiver of its function.
func (p *program) isParameter(v *types.Var) bool {
	return v.Kind() == types.ParamVar || v.Kind() == types.RecvVar
}
