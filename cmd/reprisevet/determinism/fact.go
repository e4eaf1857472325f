package determinism

import (
	"fmt"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// Facts are what other packages are told about this one, in words that survive a file.

// A functionFact is a function's summary.
type functionFact struct {
	Module   string // of the function
	Workflow bool   // it is workflow code itself, and reported where it stands
	Effects  []factEffect
	Calls    []factCall   // what it calls of what it is given
	Returns  []factReturn // what the functions do that it returns
	Stores   []factStore  // where it puts functions that it is given
	State    []factState  // whose memory it gives out
}

// A factState says that a function returns a pointer into the memory of a package variable.
type factState struct {
	Name    string // package.variable
	Changes bool   // after the process has started
}

// A factStore says that a function puts a parameter into the memory of another one.
type factStore struct {
	From int
	To   int
	Into string // the route, as text
}

// A factEffect is an effect, with the way to it as text.
type factEffect struct {
	Kind   kind
	What   string
	At     string   // file:line
	Via    []string // the functions from the callee to the one that it happens in
	Param  int      // of marks
	Result bool
}

// A factCall says that a function calls a parameter, or a part of one.
type factCall struct {
	Param     int
	TypeParam int      // instead: a method of a type parameter, counted from 1
	Route     []string // fields by name, elements as []
	Method    string   // empty when the value itself is called
	Unordered bool     // in the order of a map
	Via       []string
}

// A factReturn says what a function in a result does when it is called.
type factReturn struct {
	Index   int
	Route   string
	Method  string
	Effects []factEffect
	Calls   []factCall // of its own parameters
	Outer   []factCall // of the parameters of the function that returned it
}

// A variableFact says what is known of a package variable.
type variableFact struct {
	Module     string
	Reassigned bool
	Behind     bool
	World      string // what it was set from, if that differs from process to process
	Holds      []factReturn
}

// A typeFact says what the fields of a struct may hold.
type typeFact struct {
	Module string
	Fields []factReturn
}

func (*functionFact) AFact() {}
func (*variableFact) AFact() {}
func (*typeFact) AFact()     {}

func (f *functionFact) String() string {
	var parts []string
	for _, e := range f.Effects {
		if !e.Kind.mark() {
			parts = append(parts, e.What)
		}
	}
	for _, c := range f.Calls {
		parts = append(parts, fmt.Sprintf("calls %d%s", c.Param, strings.Join(c.Route, "")))
	}
	return "replay: " + strings.Join(parts, ", ")
}

func (f *variableFact) String() string {
	return fmt.Sprintf("variable: reassigned %t, behind %t, from %q", f.Reassigned, f.Behind, f.World)
}

func (f *typeFact) String() string { return fmt.Sprintf("type: %d fields", len(f.Fields)) }

// module is the path of the module that is analyzed, empty when the driver doesn't know of modules.
func (p *program) module() string {
	if p.pass.Module == nil {
		return ""
	}
	return p.pass.Module.Path
}

// exportFacts tells what other packages may want to know.
func (p *program) exportFacts() {
	for _, fn := range p.funcs {
		obj, ok := fn.Object().(*types.Func)
		if !ok || transparent(fn) || obj.Pkg() != p.pass.Pkg || fn.Parent() != nil {
			continue
		}
		f := &functionFact{
			Module: p.module(), Workflow: isWorkflow(fn),
			Effects: p.factEffects(p.summary(fn)), Calls: p.factCalls(p.summary(fn), fn),
		}
		for i := range fn.Signature.Results().Len() {
			f.Returns = append(f.Returns, p.factReturns(fn, i)...)
		}
		f.Stores = p.factStores(fn)
		f.State = p.factState(fn)
		if len(f.Effects)+len(f.Calls)+len(f.Returns)+len(f.Stores)+len(f.State) > 0 {
			p.pass.ExportObjectFact(obj, f)
		}
	}
	for _, name := range p.pass.Pkg.Scope().Names() {
		switch obj := p.pass.Pkg.Scope().Lookup(name).(type) {
		case *types.Var:
			p.exportVariable(obj)
		case *types.TypeName:
			p.exportType(obj)
		}
	}
}

// factState are the package variables whose memory a function with one result gives out.
func (p *program) factState(fn *ssa.Function) []factState {
	if fn.Signature.Results().Len() != 1 || !isPointerLike(fn.Signature.Results().At(0).Type()) {
		return nil
	}
	var out []factState
	for _, block := range fn.Blocks {
		ret, ok := block.Instrs[len(block.Instrs)-1].(*ssa.Return)
		if !ok {
			continue
		}
		for _, r := range p.roots(ret.Results[0]) {
			if r.global == nil || r.global.Pkg != p.pkg {
				continue
			}
			st := factState{p.pkg.Pkg.Name() + "." + r.global.Name(), p.mutable(r.global).behind}
			if !slices.Contains(out, st) {
				out = append(out, st)
			}
		}
	}
	return out
}

func (p *program) factEffects(sum *summary) []factEffect {
	var out []factEffect
	for _, e := range sum.effects {
		switch e.kind {
		case markWritesVar, markUsesOuter:
			continue
		case markOrders:
			if e.param < 0 {
				continue
			}
		}
		f := factEffect{Kind: e.kind, What: e.what, At: p.where(e), Param: e.param, Result: e.result}
		for _, h := range e.hops {
			f.Via = append(f.Via, h.name)
		}
		out = append(out, f)
	}
	return out
}
