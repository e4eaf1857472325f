package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"
	"golang.org/x/tools/go/types/typeutil"
)

// durablePath is the package whose Context makes a function workflow code.
const durablePath = "github.com/reprise-dst/reprise/durable"

// A program is one package in SSA form, with the indexes that the rules ask.
type program struct {
	pass *analysis.Pass
	pkg  *ssa.Package

	funcs      []*ssa.Function // all that have a body here, wrappers included, in order of discovery
	known      map[*ssa.Function]bool
	closures   map[*ssa.Function][]*ssa.MakeClosure    // where a function literal or bound method is made
	callers    map[*ssa.Function][]ssa.CallInstruction // the static calls of a function
	fields     map[*types.Var][]store                  // what is stored in a field, of any struct
	elements   typeutil.Map                            // []store: what slices, maps, channels hold, by type
	cells      map[ssa.Value][]store                   // what is stored in a variable, by its address
	initStores []*ssa.Store                            // the stores of functions that run before main
	initCalls  []ssa.CallInstruction                   // and their calls
	lent       map[string][]lending                    // what other packages store of what they get, by route
	exprs      map[ssa.Value]ast.Expr                  // the expression that a value came from
	calls      map[token.Pos]ssa.CallInstruction       // by the position of the opening parenthesis
	ranges     map[*ast.RangeStmt]*ssa.Function        // the bodies of loops over iterators

	parents      map[ast.Node]ast.Node
	callExprs    map[token.Pos]*ast.CallExpr  // by the position of the opening parenthesis
	rangeAt      map[token.Pos]*ast.RangeStmt // by their position
	declarations map[*types.Func]*ast.FuncDecl
	vars         map[token.Pos]*types.Var
	uses         map[*types.Var][]*ast.Ident
	links        map[*types.Func]string // functions without a body, and what go:linkname makes them
	std          map[*types.Package]bool

	values  map[valueKey][]target // memo of eval
	pending map[valueKey]bool     // what eval is at
	guess   map[valueKey][]target // what the last round of a cycle found
	partial []valueKey            // answers that lack what was pending
	limit   int                   // of work
	cut     bool                  // whether eval came round to something pending
	work    int                   // how much eval did so far, against runaway packages
	frames  map[frameKey]*frame
	rebased map[[2]*frame]*frame
	depth   int // how deep resolve is in itself

	sums       map[*ssa.Function]*summary
	syntactic  map[*ssa.Function][]found
	loops      map[*ssa.Function][]*loop
	inLoop     map[ssa.CallInstruction]*loop
	bodyEvents map[ast.Node][]event
	isInit     map[*ssa.Function]bool
	changing   map[*ssa.Global]*mutability
	grew       bool // changing knows more than when the summaries were made
	escapes    *escapes
	declared   []*effect // found where a workflow is defined, outside of workflow code
}

// A store is a value that was put somewhere: in a field or element of base, or in the variable base.
type store struct {
	base ssa.Value
	val  ssa.Value
	fn   *ssa.Function
}

// load builds the SSA form of the package. Only the package itself has bodies: what others do is known
// from their facts.
func load(pass *analysis.Pass) *program {
	prog := ssa.NewProgram(pass.Fset, ssa.GlobalDebug)
	for _, p := range pass.Pkg.Imports() {
		prog.CreatePackage(p, nil, nil, true)
	}
	pkg := prog.CreatePackage(pass.Pkg, pass.Files, pass.TypesInfo, false)
	pkg.Build()
	p := &program{
		pass: pass, pkg: pkg,
		known:        map[*ssa.Function]bool{},
		closures:     map[*ssa.Function][]*ssa.MakeClosure{},
		callers:      map[*ssa.Function][]ssa.CallInstruction{},
		fields:       map[*types.Var][]store{},
		cells:        map[ssa.Value][]store{},
		exprs:        map[ssa.Value]ast.Expr{},
		calls:        map[token.Pos]ssa.CallInstruction{},
		ranges:       map[*ast.RangeStmt]*ssa.Function{},
		parents:      map[ast.Node]ast.Node{},
		callExprs:    map[token.Pos]*ast.CallExpr{},
		rangeAt:      map[token.Pos]*ast.RangeStmt{},
		declarations: map[*types.Func]*ast.FuncDecl{},
		lent:         map[string][]lending{},
		vars:         map[token.Pos]*types.Var{},
		uses:         map[*types.Var][]*ast.Ident{},
		links:        map[*types.Func]string{},
		std:          map[*types.Package]bool{},
		values:       map[valueKey][]target{},
		pending:      map[valueKey]bool{},
		guess:        map[valueKey][]target{},
		frames:       map[frameKey]*frame{},
		rebased:      map[[2]*frame]*frame{},
		sums:         map[*ssa.Function]*summary{},
		syntactic:    map[*ssa.Function][]found{},
		loops:        map[*ssa.Function][]*loop{},
		inLoop:       map[ssa.CallInstruction]*loop{},
		bodyEvents:   map[ast.Node][]event{},
		isInit:       map[*ssa.Function]bool{},
		changing:     map[*ssa.Global]*mutability{},
	}
	p.limit = maxWork
	if pass.Module != nil && pass.Module.Version != "" {
		p.limit = maxForeignWork
	}
	p.indexSource()
	p.collect()
	p.findLendings()
	p.findInit()
	for _, fn := range p.funcs {
		p.loopsOf(fn) // so that inLoop is complete
	}
	p.findLinks()
	p.escapes = findEscapes(pass)
	return p
}

// collect finds the functions of the package in the order of its files, and indexes their instructions.
func (p *program) collect() {
	p.add(p.pkg.Func("init"))
	for _, file := range p.pass.Files {
		for _, decl := range file.Decls {
			if decl, ok := decl.(*ast.FuncDecl); ok {
				if obj, ok := p.pass.TypesInfo.Defs[decl.Name].(*types.Func); ok {
					p.add(p.pkg.Prog.FuncValue(obj))
				}
			}
		}
	}
	for i := 0; i < len(p.funcs); i++ { // add appends while the loop runs
		p.index(p.funcs[i])
	}
}

func (p *program) add(fn *ssa.Function) {
	if fn == nil || p.known[fn] || len(fn.Blocks) == 0 {
		return
	}
	p.known[fn] = true
	p.funcs = append(p.funcs, fn)
	if stmt, ok := fn.Syntax().(*ast.RangeStmt); ok {
		p.ranges[stmt] = fn
	}
	for _, anon := range fn.AnonFuncs {
		p.add(anon)
	}
}

func (p *program) index(fn *ssa.Function) {
	var operands []*ssa.Value
	for _, block := range fn.Blocks {
		for _, instr := range block.Instrs {
			p.indexInstruction(fn, instr)
			operands = instr.Operands(operands[:0])
			for _, op := range operands {
				if callee, ok := (*op).(*ssa.Function); ok {
					p.add(callee)
				}
			}
		}
	}
}

func (p *program) indexInstruction(fn *ssa.Function, instr ssa.Instruction) {
	switch instr := instr.(type) {
	case *ssa.DebugRef:
		if _, known := p.exprs[instr.X]; !known {
			p.exprs[instr.X] = instr.Expr
		}
	case *ssa.MakeClosure:
		callee := instr.Fn.(*ssa.Function)
		p.closures[callee] = append(p.closures[callee], instr)
	case *ssa.Store:
		p.indexStore(fn, instr)
	case *ssa.MapUpdate:
		p.indexElement(fn, instr.Map, instr.Value)
	case *ssa.Send:
		p.indexElement(fn, instr.Chan, instr.X)
	}
	if call, ok := instr.(ssa.CallInstruction); ok {
		if callee := call.Common().StaticCallee(); callee != nil {
			p.callers[callee] = append(p.callers[callee], call)
		}
		if pos := call.Common().Pos(); pos.IsValid() {
			p.calls[pos] = call
		}
	}
}

func (p *program) indexStore(fn *ssa.Function, st *ssa.Store) {
	switch addr := st.Addr.(type) {
	case *ssa.FieldAddr:
		if field := fieldOf(addr.X.Type(), addr.Field); field != nil {
			p.fields[field] = append(p.fields[field], store{addr.X, st.Val, fn})
		}
	case *ssa.IndexAddr:
		p.indexElement(fn, addr.X, st.Val)
	case *ssa.FreeVar:
		for _, outer := range p.bindings(addr) {
			p.cells[outer] = append(p.cells[outer], store{outer, st.Val, fn})
		}
	case *ssa.Alloc, *ssa.Global:
		p.cells[addr] = append(p.cells[addr], store{addr, st.Val, fn})
	default:
		p.cells[nil] = append(p.cells[nil], store{addr, st.Val, fn})
	}
}

func (p *program) indexElement(fn *ssa.Function, base, val ssa.Value) {
	known, _ := p.elements.At(val.Type()).([]store)
	p.elements.Set(val.Type(), append(known, store{base, val, fn}))
}

// bindings are the variables that a free variable stands for, followed through nested literals to where
// they are declared. A literal is made in one place, but wrappers of bound methods are shared.
func (p *program) bindings(v *ssa.FreeVar) []ssa.Value {
	var out []ssa.Value
	for i, free := range v.Parent().FreeVars {
		if free != v {
			continue
		}
		for _, mc := range p.made(v.Parent()) {
			if outer, ok := mc.Bindings[i].(*ssa.FreeVar); ok {
				out = append(out, p.bindings(outer)...)
			} else {
				out = append(out, mc.Bindings[i])
			}
		}
	}
	return out
}

// made are the instructions that make closures of fn. Literals are looked up in their parent, since the
// index may not have come to it yet.
func (p *program) made(fn *ssa.Function) []*ssa.MakeClosure {
	if fn.Parent() == nil || len(p.closures[fn]) > 0 {
		return p.closures[fn]
	}
	for _, block := range fn.Parent().Blocks {
		for _, instr := range block.Instrs {
			if mc, ok := instr.(*ssa.MakeClosure); ok && mc.Fn == fn {
				return []*ssa.MakeClosure{mc}
			}
		}
	}
	return nil
}

// position is the best known position of a value or instruction: its own, or that of its expression.
func (p *program) position(n interface{ Pos() token.Pos }) token.Pos {
	if v, ok := n.(ssa.Value); ok {
		if expr := p.exprs[v]; expr != nil {
			return expr.Pos()
		}
	}
	return n.Pos()
}

// fieldOf is the field that a FieldAddr or Field instruction selects, as the generic type declares it.
func fieldOf(base types.Type, index int) *types.Var {
	t := base.Underlying()
	if ptr, ok := t.(*types.Pointer); ok {
		t = ptr.Elem().Underlying()
	}
	if param, ok := types.Unalias(t).(*types.TypeParam); ok {
		t = param.Underlying()
	}
	s, ok := t.(*types.Struct)
	if !ok || index >= s.NumFields() {
		return nil
	}
	return s.Field(index).Origin()
}

// transparent reports whether fn only passes a call on: a wrapper of a method or of a generic function.
func transparent(fn *ssa.Function) bool {
	if fn.Synthetic == "" || fn.Name() == "init" && fn.Syntax() == nil {
		return false
	}
	return fn.Syntax() == nil || fn.Parent() == nil && len(fn.TypeArgs()) > 0
}

// nameOf is how diagnostics call a function of the package.
func nameOf(fn *ssa.Function) string {
	switch {
	case fn.Synthetic == "range-over-func yield":
		return "the loop's body"
	case fn.Parent() != nil:
		return "a function literal"
	}
	if obj, ok := fn.Object().(*types.Func); ok {
		return memberName(obj)
	}
	return strings.TrimSuffix(fn.Name(), "$bound")
}

// lexicallyIn reports whether fn is outer or a literal somewhere inside of it.
func lexicallyIn(fn, outer *ssa.Function) bool {
	for ; fn != nil; fn = fn.Parent() {
		if fn == outer {
			return true
		}
	}
	return false
}

// inDurable reports whether the object belongs to the package durable.
func inDurable(obj types.Object) bool {
	return obj != nil && obj.Pkg() != nil && obj.Pkg().Path() == durablePath
}

// isContext reports whether t is durable.Context, or a pointer to it.
func isContext(t types.Type) bool {
	named := namedOf(t)
	return named != nil && named.Obj().Name() == "Context" && inDurable(named.Obj())
}

// isStdContext reports whether t is context.Context.
func isStdContext(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Name() == "Context" && named.Obj().Pkg() != nil &&
		named.Obj().Pkg().Path() == "context"
}

// holdsContext reports whether t is a struct, or a pointer to one, with a field of type durable.Context.
func holdsContext(t types.Type) bool {
	named := namedOf(t)
	if named == nil || inDurable(named.Obj()) {
		return false
	}
	s, ok := named.Underlying().(*types.Struct)
	for i := range numFields(s, ok) {
		if isContext(s.Field(i).Type()) {
			return true
		}
	}
	return false
}

func numFields(s *types.Struct, ok bool) int {
	if !ok {
		return 0
	}
	return s.NumFields()
}

// ownContext is the parameter of type durable.Context that fn was given, nil if there is none.
func ownContext(fn *ssa.Function) *ssa.Parameter {
	for _, param := range fn.Params {
		if isContext(param.Type()) {
			return param
		}
	}
	return nil
}

// isWorkflow reports whether fn is workflow code by its own parameters: it takes a durable.Context, or a
// struct that holds one and no context.Context, as a step method of such a struct would.
func isWorkflow(fn *ssa.Function) bool {
	if transparent(fn) || fn.Synthetic != "" && fn.Parent() != nil {
		return false
	}
	holds, step := false, false
	for _, param := range fn.Params {
		if isContext(param.Type()) {
			return true
		}
		holds = holds || holdsContext(param.Type())
		step = step || isStdContext(param.Type())
	}
	return holds && !step
}

// workflowAround is the innermost workflow function that fn is or lies in, nil if there is none.
func workflowAround(fn *ssa.Function) *ssa.Function {
	for ; fn != nil; fn = fn.Parent() {
		if isWorkflow(fn) {
			return fn
		}
	}
	return nil
}

// outermostWorkflow is the outermost workflow function that fn is or lies in, nil if there is none.
func outermostWorkflow(fn *ssa.Function) *ssa.Function {
	var out *ssa.Function
	for ; fn != nil; fn = fn.Parent() {
		if isWorkflow(fn) {
			out = fn
		}
	}
	return out
}
