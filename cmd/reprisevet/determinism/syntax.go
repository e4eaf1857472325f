package determinism

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// A found is something that breaks replay and shows in the source of a function itself.
type found struct {
	kind kind
	what string
	pos  token.Pos
}

// syntaxOf finds the statements of a function that break replay whatever their operands are.
func (p *program) syntaxOf(fn *ssa.Function) []found {
	if known, ok := p.syntactic[fn]; ok {
		return known
	}
	var out []found
	note := func(k kind, what string, n ast.Node) { out = append(out, found{k, what, n.Pos()}) }
	inspectBody(fn, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.GoStmt:
			note(kindGoroutine, "go statement", n)
		case *ast.SelectStmt:
			note(kindSelect, "select", n)
		case *ast.SendStmt:
			if !p.inSelect(n) {
				note(kindChannel, "send to a channel", n)
			}
		case *ast.UnaryExpr:
			if n.Op == token.ARROW && !p.inSelect(n) {
				note(kindChannel, "receive from a channel", n)
			}
		case *ast.RangeStmt:
			if _, ok := coreOf(p.typeOf(n.X)).(*types.Chan); ok {
				note(kindChannel, "receive from a channel", n)
			}
		case *ast.CallExpr:
			p.syntaxOfCall(n, note)
		}
	})
	p.syntactic[fn] = out
	return out
}

// inSelect reports whether an operation on a channel is a case of a select, which is reported instead.
func (p *program) inSelect(n ast.Node) bool {
	for parent := p.parents[n]; parent != nil; parent = p.parents[parent] {
		switch parent.(type) {
		case *ast.CommClause:
			return true
		case *ast.ExprStmt, *ast.AssignStmt, *ast.ParenExpr:
		default:
			return false
		}
	}
	return false
}

func (p *program) syntaxOfCall(n *ast.CallExpr, note func(kind, string, ast.Node)) {
	switch p.builtinName(n) {
	case "close":
		note(kindChannel, "close of a channel", n)
	case "print", "println":
		note(kindOutput, "builtin "+p.builtinName(n), n)
	}
	if len(n.Args) == 1 && p.pass.TypesInfo.Types[n.Fun].IsType() {
		from, to := p.typeOf(n.Args[0]), p.typeOf(n.Fun)
		if isBasic(from, types.UnsafePointer) && isBasic(to, types.Uintptr) {
			note(kindAddress, "an unsafe.Pointer as a number", n)
		}
	}
	if fn := p.calledObject(n); fn != nil && fn.Pkg() != nil {
		switch fn.Pkg().Path() {
		case "fmt", "log":
			if what := p.printedAddress(n, fn); what != "" {
				note(kindAddress, what, n)
			}
		}
	}
}

func isBasic(t types.Type, k types.BasicKind) bool {
	if t == nil {
		return false
	}
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Kind() == k
}

// printedAddress says which address a call of fmt prints, empty if it prints none.
func (p *program) printedAddress(call *ast.CallExpr, fn *types.Func) string {
	sig := fn.Signature()
	if !sig.Variadic() || call.Ellipsis.IsValid() || strings.Contains(fn.Name(), "can") {
		return ""
	}
	first := sig.Params().Len() - 1
	if first > len(call.Args) {
		return ""
	}
	args := call.Args[first:]
	if !strings.HasSuffix(fn.Name(), "f") {
		return p.addressAmong(args, nil)
	}
	if first == 0 {
		return ""
	}
	format := p.pass.TypesInfo.Types[call.Args[first-1]].Value
	if format == nil || format.Kind() != constant.String {
		return ""
	}
	verbs, ok := verbsOf(constant.StringVal(format))
	if !ok || len(verbs) > len(args) {
		return ""
	}
	for _, verb := range verbs {
		if verb == 'p' {
			return "%p, a pointer as text"
		}
	}
	return p.addressAmong(args, verbs)
}

func (p *program) addressAmong(args []ast.Expr, verbs []rune) string {
	for i, arg := range args {
		if verbs != nil && (i >= len(verbs) || !strings.ContainsRune("vdxXs", verbs[i])) {
			continue
		}
		if t := p.typeOf(arg); printsAddress(t, 0, map[types.Type]bool{}) {
			return "the address inside of a " + types.TypeString(t, types.RelativeTo(p.pass.Pkg))
		}
	}
	return ""
}

// verbsOf are the verbs of a format, one per argument; not ok when it numbers its arguments itself.
func verbsOf(format string) (verbs []rune, ok bool) {
	rest := []rune(format)
	for i := 0; i < len(rest); i++ {
		if rest[i] != '%' {
			continue
		}
		for i++; i < len(rest) && strings.ContainsRune("+-# 0123456789.", rest[i]); i++ {
		}
		switch {
		case i >= len(rest) || rest[i] == '[' || rest[i] == '*':
			return nil, false
		case rest[i] != '%':
			verbs = append(verbs, rest[i])
		}
	}
	return verbs, true
}

// printsAddress reports whether fmt prints an address when it prints a value of type t, as fmt does for
// pointers below the top level, channels and functions.
func printsAddress(t types.Type, depth int, seen map[types.Type]bool) bool {
	if t == nil || seen[t] || printsItself(t) {
		return false
	}
	seen[t] = true
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		switch u.Elem().Underlying().(type) {
		case *types.Struct, *types.Array, *types.Slice, *types.Map:
			return depth > 0 || printsAddress(u.Elem(), 1, seen)
		}
		return true
	case *types.Chan, *types.Signature:
		return true
	case *types.Basic:
		return u.Kind() == types.UnsafePointer
	case *types.Struct:
		for i := range u.NumFields() {
			if printsAddress(u.Field(i).Type(), depth+1, seen) {
				return true
			}
		}
	case *types.Slice:
		return printsAddress(u.Elem(), depth+1, seen)
	case *types.Array:
		return printsAddress(u.Elem(), depth+1, seen)
	case *types.Map:
		return printsAddress(u.Key(), depth+1, seen) || printsAddress(u.Elem(), depth+1, seen)
	}
	return false
}

// printsItself reports whether a type has a method that fmt calls.
func printsItself(t types.Type) bool {
	for _, name := range []string{"Format", "Error", "String", "GoString"} {
		obj, _, _ := types.LookupFieldOrMethod(t, false, nil, name)
		if fn, ok := obj.(*types.Func); ok && fn.Signature().Results().Len() <= 1 {
			return true
		}
	}
	return false
}
