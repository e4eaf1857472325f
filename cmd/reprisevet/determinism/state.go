package determinism

import (
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// What the package does to its package variables after the process has started.
type mutability struct {
	reassigned bool    // the variable itself is set again
	behind     bool    // memory that it points to is written
	world      *effect // it was initialized from something that differs from process to process
}

// mutable is what is known of a package variable.
func (p *program) mutable(g *ssa.Global) *mutability {
	m := p.changing[g]
	if m == nil {
		m = &mutability{}
		p.changing[g] = m
	}
	return m
}

// findInit finds the functions that only run while the process starts: init itself and what only it calls.
func (p *program) findInit() {
	for _, fn := range p.funcs {
		if fn.Name() == "init" && fn.Synthetic != "" || isInitFunction(fn) {
			p.isInit[fn] = true
		}
	}
	defer p.findInitStores()
	for range 4 {
		for _, fn := range p.funcs {
			calls := p.callers[fn]
			obj, named := fn.Object().(*types.Func)
			if p.isInit[fn] || len(calls) == 0 || fn.Parent() != nil || !named || obj.Exported() {
				continue
			}
			p.isInit[fn] = !slices.ContainsFunc(calls, func(c ssa.CallInstruction) bool {
				return !p.isInit[c.Parent()]
			}) && !p.usedAsValue(fn)
		}
	}
}

func (p *program) findInitStores() {
	for _, fn := range p.funcs {
		if !p.isInit[fn] {
			continue
		}
		for _, block := range fn.Blocks {
			for _, instr := range block.Instrs {
				switch instr := instr.(type) {
				case *ssa.Store:
					p.initStores = append(p.initStores, instr)
				case ssa.CallInstruction:
					p.initCalls = append(p.initCalls, instr)
				}
			}
		}
	}
}

func isInitFunction(fn *ssa.Function) bool {
	return fn.Parent() == nil && fn.Signature.Recv() == nil && len(fn.Name()) > 5 && fn.Name()[:5] == "init#"
}

// usedAsValue reports whether a function is more than called.
func (p *program) usedAsValue(fn *ssa.Function) bool {
	uses := 0
	var operands []*ssa.Value
	for _, f := range p.funcs {
		for _, block := range f.Blocks {
			for _, instr := range block.Instrs {
				if _, debug := instr.(*ssa.DebugRef); debug {
					continue
				}
				operands = instr.Operands(operands[:0])
				for _, op := range operands {
					if *op == fn {
						uses++
					}
				}
			}
		}
	}
	return uses > len(p.callers[fn])
}

// stateGrew looks for package variables that are found to change, or to come from the world, and were not
// known to before.
func (p *program) stateGrew() bool {
	grew := p.grew
	p.grew = false
	for _, st := range p.initStores {
		for _, r := range p.roots(st.Addr) {
			if r.global == nil || r.global.Pkg != p.pkg || isFunctionType(elem(r.global.Type())) {
				continue
			}
			m := p.mutable(r.global)
			if m.world != nil {
				continue
			}
			if e := p.fromWorld(st.Val, map[ssa.Value]bool{}); e != nil {
				m.world, grew = e, true
			}
		}
	}
	for _, call := range p.initCalls {
		grew = p.setByCall(call) || grew
	}
	return grew
}

// setByCall finds package variables that a call fills from the world while the process starts: flag.IntVar,
// json.Unmarshal of a file's bytes. It reports whether that is news.
func (p *program) setByCall(call ssa.CallInstruction) bool {
	callee := call.Common().StaticCallee()
	if callee == nil || p.known[callee] && !transparent(callee) {
		return false
	}
	obj, ok := callee.Object().(*types.Func)
	if !ok {
		return false
	}
	grew := false
	for i, arg := range call.Common().Args {
		for _, r := range p.roots(arg) {
			if r.global == nil || r.global.Pkg != p.pkg || r.loads > 0 || p.mutable(r.global).world != nil {
				continue
			}
			if e := p.filledFrom(obj, call.Common().Args, i); e != nil {
				p.mutable(r.global).world, grew = e, true
			}
		}
	}
	return grew
}

// filledFrom is what a function, or one of its other arguments, takes from the world.
func (p *program) filledFrom(obj *types.Func, args []ssa.Value, into int) *effect {
	if k, what, ok := classify(obj); ok && k.world() {
		return &effect{kind: k, what: what}
	}
	for i, arg := range args {
		if i == into {
			continue
		}
		if e := p.fromWorld(arg, map[ssa.Value]bool{}); e != nil {
			return e
		}
	}
	return nil
}

func isFunctionType(t types.Type) bool {
	_, ok := t.Underlying().(*types.Signature)
	return ok
}

// fromWorld finds a call among what a value is made of that gives another answer in another process.
func (p *program) fromWorld(v ssa.Value, seen map[ssa.Value]bool) *effect {
	if v == nil || seen[v] || len(seen) > 200 {
		return nil
	}
	seen[v] = true
	instr, ok := v.(ssa.Instruction)
	if !ok {
		if g, isGlobal := v.(*ssa.Global); isGlobal && g.Pkg != p.pkg && g.Object() != nil {
			if k, what, known := classify(g.Object()); known && k.world() {
				return &effect{kind: k, what: what}
			}
		}
		return nil
	}
	if call, ok := v.(*ssa.Call); ok {
		probe := &summarizer{p: p, fn: call.Parent(), sum: &summary{}, seen: map[openKey]bool{}}
		probe.call(call)
		for _, e := range probe.sum.effects {
			if e.kind.world() {
				return e
			}
		}
	}
	for _, op := range instr.Operands(nil) {
		if e := p.fromWorld(*op, seen); e != nil {
			return e
		}
	}
	if alloc, ok := v.(*ssa.Alloc); ok {
		return p.fromWorldIn(alloc, seen)
	}
	return nil
}

// fromWorldIn looks at what is stored in a struct or array.
func (p *program) fromWorldIn(addr ssa.Value, seen map[ssa.Value]bool) *effect {
	if addr.Referrers() == nil {
		return nil
	}
	for _, ref := range *addr.Referrers() {
		var e *effect
		switch ref := ref.(type) {
		case *ssa.Store:
			if ref.Addr == addr {
				e = p.fromWorld(ref.Val, seen)
			}
		case *ssa.FieldAddr:
			e = p.fromWorldIn(ref, seen)
		case *ssa.IndexAddr:
			e = p.fromWorldIn(ref, seen)
		}
		if e != nil {
			return e
		}
	}
	return nil
}

// memory looks at one instruction that is no call: does it write or read memory that outlives the run?
func (s *summarizer) memory(instr ssa.Instruction) {
	switch instr := instr.(type) {
	case *ssa.Store:
		s.accessAt(markWrites, instr.Addr, instr.Pos(), 0)
	case *ssa.MapUpdate:
		s.accessAt(markWrites, instr.Map, instr.Pos(), 1)
	case *ssa.UnOp:
		if instr.Op == token.MUL && !s.onlyForSteps(instr) {
			s.accessAt(markReads, instr.X, s.p.position(instr), 0)
		}
	case *ssa.Lookup:
		s.accessAt(markReads, instr.X, s.p.position(instr), 1)
	case *ssa.Range:
		s.accessAt(markReads, instr.X, s.p.position(instr.X), 1)
	case *ssa.MakeClosure:
		s.boundToState(instr)
	}
}

func (s *summarizer) builtin(name string, call ssa.CallInstruction) {
	args := call.Common().Args
	switch name {
	case "delete", "clear", "copy":
		s.accessAt(markWrites, args[0], call.Pos(), 1)
	case "len":
		s.accessAt(markReads, args[0], call.Pos(), 1)
	}
}

// accessAt judges an access in the function itself. behind is 1 for maps and slices, whose value is a
// pointer to what is accessed.
func (s *summarizer) accessAt(k kind, addr ssa.Value, pos token.Pos, behind int) {
	if !pos.IsValid() {
		pos = s.p.position(addr)
	}
	s.accessRoots(k, s.p.roots(addr), behind, &effect{kind: k, pos: pos})
}

// access judges a write or read of memory that a callee, which e comes from, was given.
func (s *summarizer) access(k kind, arg operand, e *effect) {
	s.accessRoots(k, s.p.rootsOf(arg), 0, e)
}

func (s *summarizer) accessRoots(k kind, roots []root, behind int, e *effect) {
	for _, r := range roots {
		r.loads += behind
		switch {
		case r.global != nil:
			s.accessGlobal(k, r, e)
		case r.shared != nil:
			s.accessShared(k, r, e)
		case r.bound, r.param != nil && r.param.Parent() == s.fn:
			s.accessParam(k, r, e)
		case r.cell != nil && k == markWrites && r.cell.Parent() != s.fn:
			mine := *e
			mine.kind, mine.what, mine.cell, mine.param = markWritesVar, r.text(), r.cell, min(r.loads, 1)
			s.writesVariable(&mine, r.cell)
		case r.cell != nil && k == markReads && r.loads == 0 && r.cell.Parent() != s.fn:
			s.readsVariable(r, e)
		}
	}
}

// boundReceiver is the index under which marks know the receiver of a bound method.
const boundReceiver = -1

func (s *summarizer) accessParam(k kind, r root, e *effect) {
	mine := *e
	mine.kind, mine.param = k, boundReceiver
	if r.param != nil {
		mine.param = paramIndex(r.param)
	}
	switch {
	case k == markReads:
		mine.what = ""
	case r.param != nil && (mine.what == "" || r.name != ""):
		mine.what = r.text()
	}
	s.add(&mine)
}

// isPointerLike reports whether a copy of a value shares memory with the original.
func isPointerLike(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Pointer, *types.Map, *types.Slice, *types.Chan, *types.Interface:
		return true
	}
	return false
}

func (s *summarizer) accessGlobal(k kind, r root, e *effect) {
	if r.global.Name() == "init$guard" {
		return
	}
	m := s.p.mutable(r.global)
	out := *e
	out.param, out.kind = 0, kindGlobal
	if r.global.Pkg != s.p.pkg {
		s.accessForeign(k, r, &out)
		return
	}
	if k == markWrites {
		s.p.noteWrite(r, s.fn)
		out.what = "write to package variable " + r.text()
		s.add(&out)
		return
	}
	switch {
	case m.world != nil:
		out.kind = kindSetAtInit
		out.what = "package variable " + r.text() + " (set from " + m.world.what + ")"
		s.add(&out)
	case r.loads == 0 && m.reassigned, r.loads > 0 && m.behind:
		out.what = "read of package variable " + r.text()
		s.add(&out)
	}
}

// noteWrite remembers that a package variable changes after the process has started.
func (p *program) noteWrite(r root, fn *ssa.Function) {
	if p.isInit[fn] || p.skipped(fn.Pos()) {
		return
	}
	m := p.mutable(r.global)
	if r.loads == 0 && !m.reassigned {
		m.reassigned, p.grew = true, true
	}
	if r.loads > 0 && !m.behind {
		m.behind, p.grew = true, true
	}
}

// onlyForSteps reports whether a loaded value only becomes a step, or the receiver of step methods, so that
// workflow code never sees it.
func (s *summarizer) onlyForSteps(load *ssa.UnOp) bool {
	refs := load.Referrers()
	if refs == nil || len(*refs) == 0 {
		return false
	}
	bound := false
	for _, ref := range *refs {
		switch ref := ref.(type) {
		case *ssa.DebugRef:
		case *ssa.MakeClosure:
			if !takesStepContext(ref.Fn.(*ssa.Function).Signature) {
				return false
			}
			bound = true
		case ssa.CallInstruction:
			if !handsOverStep(ref.Common(), load) {
				return false
			}
			bound = true
		default:
			return false
		}
	}
	return bound
}

// handsOverStep reports whether a call gives a function to package durable to run as a step, and does nothing
// else with it.
func handsOverStep(call *ssa.CallCommon, fn ssa.Value) bool {
	callee := call.StaticCallee()
	sig, ok := fn.Type().Underlying().(*types.Signature)
	if !ok || callee == nil || call.Value == fn || !takesStepContext(sig) {
		return false
	}
	if origin := callee.Origin(); origin != nil {
		callee = origin
	}
	obj := callee.Object()
	return obj != nil && inDurable(obj)
}

// boundToState notes that a method of a package variable became a value: wherever it is called, it may
// change what is behind the variable.
func (s *summarizer) boundToState(mc *ssa.MakeClosure) {
	method := boundMethod(mc.Fn.(*ssa.Function))
	if method == nil || !s.p.known[method] {
		return
	}
	sum := s.p.summary(method)
	sum.users[s.fn] = true
	for _, e := range sum.effects {
		if e.kind != markWrites || e.param != 0 {
			continue
		}
		for _, r := range s.p.roots(mc.Bindings[0]) {
			if r.global != nil && r.global.Pkg == s.p.pkg {
				r.loads = max(r.loads, 1)
				s.p.noteWrite(r, method)
			}
		}
	}
}

// writesVariable judges a write to a captured variable, or to what it points to: does the variable outlive
// the run?
func (s *summarizer) writesVariable(e *effect, cell ssa.Value) {
	owner := functionOf(cell)
	if owner == s.fn || !lexicallyIn(s.fn, owner) {
		return
	}
	if w := outermostWorkflow(s.fn); w != nil && lexicallyIn(w.Parent(), owner) && w != owner {
		out := *e
		out.kind, out.cell, out.param = kindCaptured, nil, 0
		out.what = "write to captured variable " + e.what
		s.add(&out)
		return
	}
	s.add(e)
}

// readsVariable reports a read of a captured variable that outlives the run and that some literal sets.
func (s *summarizer) readsVariable(r root, e *effect) {
	owner := functionOf(r.cell)
	w := outermostWorkflow(s.fn)
	if w == nil || w == owner || !lexicallyIn(w.Parent(), owner) {
		return
	}
	for _, st := range s.p.cells[r.cell] {
		if st.fn != owner {
			out := *e
			out.kind, out.param = kindCaptured, 0
			out.what = "read of captured variable " + r.text()
			s.add(&out)
			return
		}
	}
}

// globalClosure reports a call of a literal, kept in a package variable, that keeps state of its own.
func (s *summarizer) globalClosure(call ssa.CallInstruction) {
	common := call.Common()
	if common.IsInvoke() || common.StaticCallee() != nil {
		return
	}
	for _, r := range s.p.roots(common.Value) {
		if r.global == nil || r.global.Pkg != s.p.pkg {
			continue
		}
		for _, t := range s.p.eval(common.Value, nil) {
			if t.is != isFunc || !s.p.known[t.fn] {
				continue
			}
			if e := s.p.summary(t.fn).mark(markWritesVar); e != nil {
				out := e.through(hop{r.global.Name(), call.Pos()})
				out.kind, out.cell, out.param = kindGlobal, nil, 0
				out.what = "write to " + e.what + ", kept by package variable " + r.global.Name() + ","
				s.add(out)
			}
		}
	}
}
