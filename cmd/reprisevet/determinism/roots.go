package determinism

import (
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// A root is the variable that an address or value leads back to: a package variable, a parameter, or a
// variable of a function.
type root struct {
	global *ssa.Global
	param  *ssa.Parameter
	cell   ssa.Value  // an Alloc
	bound  bool       // the receiver of the bound method whose wrapper this is
	loads  int        // how many pointers are followed: 0 is the variable itself, or what a parameter points to
	name   string     // the field nearest to the root, empty if there is none
	shared *factState // instead: what a function of another package gives out
}

const maxRootDepth = 24

// rootsOf are the roots of an argument, seen from the function that the outermost call is in.
func (p *program) rootsOf(o operand) []root {
	if o.v == nil {
		return p.rootsOfTargets(o.ts)
	}
	var out []root
	for _, r := range p.roots(o.v) {
		if r.param != nil && o.fr != nil {
			if fr := o.fr.of(r.param.Parent()); fr != nil && fr.args != nil {
				if i := paramIndex(r.param); i < len(fr.args) {
					for _, outer := range p.rootsOf(fr.args[i]) {
						outer.loads += r.loads
						out = append(out, outer)
					}
				}
				continue
			}
		}
		out = append(out, r)
	}
	return out
}

func (p *program) rootsOfTargets(ts []target) []root {
	var out []root
	for _, t := range ts {
		switch {
		case t.is == isParam:
			out = append(out, root{param: t.param})
		case t.is == isMemory:
			if g, ok := t.site.(*ssa.Global); ok {
				out = append(out, root{global: g})
			}
		case t.is == isBoxed && t.fr == nil:
			out = append(out, p.roots(t.value)...)
		}
	}
	return out
}

// roots follows an address or value back to the variables that it comes from.
func (p *program) roots(v ssa.Value) []root {
	t := &rootTracer{p: p, seen: map[ssa.Value]bool{}}
	t.trace(v, 0, "", 0)
	return t.out
}

type rootTracer struct {
	p    *program
	out  []root
	seen map[ssa.Value]bool
}

func (t *rootTracer) trace(v ssa.Value, loads int, name string, depth int) {
	if v == nil || t.seen[v] || depth > maxRootDepth {
		return
	}
	t.seen[v] = true
	depth++
	switch v := v.(type) {
	case *ssa.Global:
		t.out = append(t.out, root{global: v, loads: loads, name: name})
	case *ssa.Parameter:
		t.out = append(t.out, root{param: v, loads: loads, name: name})
	case *ssa.FreeVar:
		if transparent(v.Parent()) {
			t.out = append(t.out, root{bound: true, loads: loads, name: name})
			return
		}
		for _, outer := range t.p.bindings(v) {
			t.traceCell(outer, loads, name, depth)
		}
	case *ssa.Alloc:
		t.traceCell(v, loads, name, depth)
	case *ssa.FieldAddr:
		t.trace(v.X, loads, fieldName(v.X.Type(), v.Field), depth)
	case *ssa.Field:
		t.trace(v.X, loads, fieldName(v.X.Type(), v.Field), depth)
	case *ssa.IndexAddr:
		if _, slice := v.X.Type().Underlying().(*types.Slice); slice {
			loads++
		}
		t.trace(v.X, loads, name, depth)
	case *ssa.UnOp:
		if v.Op == token.MUL {
			t.trace(v.X, loads+1, name, depth)
		}
	case *ssa.Phi:
		for _, edge := range v.Edges {
			t.trace(edge, loads, name, depth)
		}
	case *ssa.Extract:
		t.traceExtract(v, loads, name, depth)
	case *ssa.Call:
		t.traceCall(v, loads, name, depth)
	default:
		if x := inner(v); x != nil {
			t.trace(x, loads, name, depth)
		}
	}
}

// inner is the value that v is a part or another form of.
func inner(v ssa.Value) ssa.Value {
	switch v := v.(type) {
	case *ssa.Index:
		return v.X
	case *ssa.Lookup:
		return v.X
	case *ssa.Slice:
		return v.X
	case *ssa.ChangeType:
		return v.X
	case *ssa.Convert:
		return v.X
	case *ssa.ChangeInterface:
		return v.X
	case *ssa.MakeInterface:
		return v.X
	case *ssa.TypeAssert:
		return v.X
	}
	return nil
}

// traceCell notes a variable of a function, and goes on through what it points to.
func (t *rootTracer) traceCell(cell ssa.Value, loads int, name string, depth int) {
	if _, ok := cell.(*ssa.Alloc); !ok {
		t.trace(cell, loads, name, depth) // a receiver that was bound by value
		return
	}
	t.out = append(t.out, root{cell: cell, loads: loads, name: name})
	if loads == 0 {
		return
	}
	for _, st := range t.p.cells[cell] {
		t.trace(st.val, loads-1, name, depth)
	}
}

func (t *rootTracer) traceExtract(v *ssa.Extract, loads int, name string, depth int) {
	switch tuple := v.Tuple.(type) {
	case *ssa.Lookup:
		t.trace(tuple.X, loads, name, depth)
	case *ssa.TypeAssert:
		t.trace(tuple.X, loads, name, depth)
	case *ssa.Next:
		if iter, ok := tuple.Iter.(*ssa.Range); ok {
			t.trace(iter.X, loads, name, depth)
		}
	}
}

// traceCall goes on through what a function gives out: append its slice, a function of the package a pointer
// into a package variable or into its argument.
func (t *rootTracer) traceCall(v *ssa.Call, loads int, name string, depth int) {
	if b, ok := v.Call.Value.(*ssa.Builtin); ok {
		if b.Name() == "append" || b.Name() == "ssa:wrapnilchk" {
			t.trace(v.Call.Args[0], loads, name, depth)
		}
		return
	}
	callee := v.Call.StaticCallee()
	if callee == nil || !t.p.known[callee] {
		t.traceForeignCall(callee, loads, name)
		return
	}
	for _, block := range callee.Blocks {
		ret, ok := block.Instrs[len(block.Instrs)-1].(*ssa.Return)
		if !ok || len(ret.Results) != 1 {
			continue
		}
		sub := &rootTracer{p: t.p, seen: t.seen}
		sub.trace(ret.Results[0], loads, name, depth+4)
		for _, r := range sub.out {
			switch {
			case r.global != nil:
				t.out = append(t.out, r)
			case r.param != nil && r.param.Parent() == callee && paramIndex(r.param) < len(v.Call.Args):
				t.trace(v.Call.Args[paramIndex(r.param)], r.loads, name, depth)
			}
		}
	}
}

// traceForeignCall notes the package variable of another package whose memory a function of it gives out.
func (t *rootTracer) traceForeignCall(callee *ssa.Function, loads int, name string) {
	if callee == nil {
		return
	}
	obj, ok := callee.Object().(*types.Func)
	var f functionFact
	if !ok || !t.p.pass.ImportObjectFact(obj.Origin(), &f) || f.Module != t.p.module() {
		return
	}
	for _, st := range f.State {
		t.out = append(t.out, root{shared: &st, loads: loads, name: name})
	}
}

func fieldName(base types.Type, index int) string {
	if field := fieldOf(base, index); field != nil {
		return field.Name()
	}
	return ""
}

// text is how diagnostics call what is behind a root: the variable, with the field that is meant.
func (r root) text() string {
	base := ""
	switch {
	case r.shared != nil:
		base = r.shared.Name
	case r.global != nil:
		base = r.global.Name()
	case r.param != nil:
		base = r.param.Name()
	case r.cell != nil:
		if alloc, ok := r.cell.(*ssa.Alloc); ok {
			base = alloc.Comment
		}
	}
	if r.name != "" {
		return base + "." + r.name
	}
	return base
}
