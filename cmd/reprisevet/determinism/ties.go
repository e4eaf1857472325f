package determinism

import (
	"go/ast"
	"go/types"
	"slices"
)

// A sort takes the order of a map away only when no two elements are equal to its comparison. What was
// collected is known when it is the map's keys, or structs with the key in a field: then a comparison that
// never looks at the key, only at m[key], leaves ties as the map had them.

// comparing are the functions that sort by a comparison, their last argument.
var comparing = words(`sort.Slice sort.SliceStable slices.SortFunc slices.SortStableFunc slices.SortedFunc
	slices.SortedStableFunc`)

// leavesTies reports whether a call sorts what n holds, the first argument, by a comparison that doesn't tell
// the keys of the map apart. In doubt it doesn't.
func (p *program) leavesTies(call *ast.CallExpr, n ast.Expr) bool {
	fn := p.calledObject(call)
	if fn == nil || !p.standardObject(fn) || !comparing.has(shortName(fn)) || call.Args[0] != n {
		return false
	}
	compare, ok := ast.Unparen(call.Args[len(call.Args)-1]).(*ast.FuncLit)
	if !ok {
		return false
	}
	key, known := p.keyIn(n)
	if fn.Pkg().Path() == "sort" {
		return known && !p.comparesKey(compare, key, n)
	}
	return known && !p.comparesKey(compare, key, nil)
}

// keyIn is where the key of a map is in the elements of what an expression holds: in a field, or, when that
// is empty, it is the element itself.
func (p *program) keyIn(x ast.Expr) (field string, known bool) {
	switch x := ast.Unparen(x).(type) {
	case *ast.CallExpr:
		fn := p.calledObject(x)
		switch {
		case fn == nil || len(x.Args) == 0:
		case shortName(fn) == "maps.Keys":
			return "", true
		case shortName(fn) == "slices.Collect":
			return p.keyIn(x.Args[0])
		}
	case *ast.Ident:
		if v := p.rootVariable(x); v != nil {
			return p.keyInVariable(v)
		}
	}
	return "", false
}

// keyInVariable looks at all that a variable is set to; it must agree.
func (p *program) keyInVariable(v *types.Var) (field string, known bool) {
	for _, id := range p.uses[v] {
		assign, ok := p.parents[id].(*ast.AssignStmt)
		if !ok || !slices.Contains(assign.Lhs, ast.Expr(id)) {
			continue
		}
		f, ok := p.keyAssigned(assign)
		if !ok || known && f != field {
			return "", false
		}
		field, known = f, true
	}
	if known {
		return field, true
	}
	for id, obj := range p.pass.TypesInfo.Defs {
		if assign, ok := p.parents[id].(*ast.AssignStmt); ok && obj == v {
			return p.keyAssigned(assign)
		}
	}
	return "", false
}

func (p *program) keyAssigned(assign *ast.AssignStmt) (field string, known bool) {
	if len(assign.Lhs) != 1 || len(assign.Rhs) != 1 {
		return "", false
	}
	if field, known = p.keyIn(assign.Rhs[0]); known {
		return field, true
	}
	return p.keyAppended(assign)
}

// keyAppended finds the key of the loop around it in v = append(v, key) and v = append(v, pair{key, value}).
func (p *program) keyAppended(assign *ast.AssignStmt) (field string, known bool) {
	call, ok := assign.Rhs[0].(*ast.CallExpr)
	if !ok || p.builtinName(call) != "append" || len(call.Args) != 2 {
		return "", false
	}
	key := p.keyAround(assign)
	if key == nil {
		return "", false
	}
	appended := ast.Unparen(call.Args[1])
	if ref, ok := appended.(*ast.UnaryExpr); ok {
		appended = ref.X
	}
	if p.objectOf(appended) == key {
		return "", true
	}
	lit, ok := appended.(*ast.CompositeLit)
	if !ok {
		return "", false
	}
	s, ok := coreOf(p.typeOf(lit)).(*types.Struct)
	for i, elt := range lit.Elts {
		name := ""
		if kv, isPair := elt.(*ast.KeyValueExpr); isPair {
			if id, ok := kv.Key.(*ast.Ident); ok {
				name, elt = id.Name, kv.Value
			}
		} else if i < numFields(s, ok) {
			name = s.Field(i).Name()
		}
		if name != "" && p.objectOf(ast.Unparen(elt)) == key {
			return name, true
		}
	}
	return "", false
}

// keyAround is the key variable of the loop over a map in which a node is, nil if there is none.
func (p *program) keyAround(n ast.Node) types.Object {
	for ; n != nil; n = p.parents[n] {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.FuncDecl:
			return nil
		case *ast.RangeStmt:
			if isMap(p.typeOf(n.X)) {
				return p.objectOf(n.Key)
			}
			return nil
		}
	}
	return nil
}

// comparesKey reports whether a comparison looks at the key of an element otherwise than to look something up
// with it. sorted is the slice whose elements it indexes, nil when it is given the elements.
func (p *program) comparesKey(compare *ast.FuncLit, key string, sorted ast.Expr) bool {
	elements := map[types.Object]bool{}
	for _, field := range compare.Type.Params.List {
		for _, name := range field.Names {
			elements[p.objectOf(name)] = true
		}
	}
	found := false
	ast.Inspect(compare.Body, func(n ast.Node) bool {
		var element ast.Expr
		switch n := n.(type) {
		case *ast.IndexExpr:
			if sorted != nil && types.ExprString(n.X) == types.ExprString(sorted) {
				element = n
			}
		case *ast.Ident:
			if sorted == nil && elements[p.pass.TypesInfo.Uses[n]] {
				element = n
			}
		}
		found = found || element != nil && p.showsKey(element, key)
		return !found
	})
	return found
}

// showsKey judges one mention of an element in a comparison.
func (p *program) showsKey(element ast.Expr, key string) bool {
	if sel, ok := p.parents[element].(*ast.SelectorExpr); ok && key != "" {
		if _, field := p.pass.TypesInfo.Uses[sel.Sel].(*types.Var); field && sel.Sel.Name != key {
			return false
		}
		element = sel
	}
	switch parent := p.parents[element].(type) {
	case *ast.IndexExpr:
		return parent.Index != element
	case *ast.CallExpr:
		return !p.takesLength(parent)
	}
	return true
}
