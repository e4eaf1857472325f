package determinism

import (
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// maxFrames bounds how many calls deep a value is followed. What lies deeper counts as unknown.
const maxFrames = 6

// A frame binds the parameters of a function to the arguments of one call of it, and its free variables to
// the frame in which the closure was made. A nil frame leaves them open: whoever calls the function decides.
type frame struct {
	fn      *ssa.Function
	call    ssa.CallInstruction
	args    []operand // nil: the parameters stay open
	outer   *frame    // of the function that makes the call
	lexical *frame    // of the function around fn
	made    ssa.Value // the instruction that made the closure that is called, if it is one
	depth   int
}

// An operand is a value in the frame of its function, or values that are known already.
type operand struct {
	v  ssa.Value
	fr *frame
	ts []target
}

// frameKey identifies a frame. The operands of a call follow from the call and the frame around it.
type frameKey struct {
	fn      *ssa.Function
	call    ssa.CallInstruction
	outer   *frame
	lexical *frame
	made    ssa.Value
	recv    string
}

// A closure is what was called: a function with the frame it was made in.
type closure struct {
	fn      *ssa.Function
	made    ssa.Value
	lexical *frame
}

// enter returns the frame for a call of c. The frames are shared, so that eval can remember its answers.
func (p *program) enter(c closure, call ssa.CallInstruction, args []operand, outer *frame) *frame {
	key := frameKey{fn: c.fn, call: call, outer: outer, lexical: c.lexical, made: c.made}
	fr := &frame{fn: c.fn, call: call, args: args, outer: outer, lexical: c.lexical, made: c.made}
	if c.lexical != nil {
		fr.depth = c.lexical.depth
	}
	if outer != nil {
		fr.depth = max(fr.depth, outer.depth)
	}
	for _, arg := range args {
		for _, t := range arg.ts {
			key.recv += t.String() + ";"
			if t.fr != nil {
				fr.depth = max(fr.depth, t.fr.depth)
			}
		}
	}
	if !transparent(c.fn) {
		fr.depth++
	}
	if fr.depth > maxFrames {
		return nil
	}
	if known := p.frames[key]; known != nil {
		return known
	}
	p.frames[key] = fr
	return fr
}

// of is the frame of fn among fr and the frames around it, nil if fn's parameters are open in it.
func (fr *frame) of(fn *ssa.Function) *frame {
	for ; fr != nil; fr = fr.lexical {
		if fr.fn == fn {
			return fr
		}
	}
	return nil
}

// within returns the frame in which code of fn sees the frame fr of a function around it: fn's parameters
// are open, its free variables are those of fr.
func (p *program) within(fn *ssa.Function, fr *frame) *frame {
	switch {
	case fr == nil:
		return nil
	case fr.of(fn) != nil:
		return fr.of(fn)
	case fn.Parent() == nil:
		return nil
	}
	lexical := p.within(fn.Parent(), fr)
	if lexical == nil {
		return nil
	}
	return p.enter(closure{fn: fn, lexical: lexical}, nil, nil, nil)
}

// rebase puts root in the place of the open frame of root.fn, wherever fr leaves it open.
func (p *program) rebase(fr, root *frame) *frame {
	if root == nil || fr == nil {
		return root
	}
	key := [2]*frame{fr, root}
	if known, ok := p.rebased[key]; ok {
		return known
	}
	p.rebased[key] = nil // a cycle ends open
	out := p.rebaseFrame(fr, root)
	p.rebased[key] = out
	return out
}

func (p *program) rebaseFrame(fr, root *frame) *frame {
	args := make([]operand, len(fr.args))
	for i, arg := range fr.args {
		args[i] = p.rebaseOperand(arg, root)
	}
	lexical := fr.lexical
	switch {
	case lexical != nil:
		lexical = p.rebase(lexical, root)
	case fr.fn.Parent() != nil && lexicallyIn(fr.fn.Parent(), root.fn):
		lexical = p.within(fr.fn.Parent(), root)
	}
	if fr.args == nil {
		args = nil
	}
	outer := fr.outer
	switch {
	case outer != nil:
		outer = p.rebase(outer, root)
	case fr.call != nil && lexicallyIn(fr.call.Parent(), root.fn):
		outer = p.within(fr.call.Parent(), root)
	}
	return p.enter(closure{fr.fn, fr.made, lexical}, fr.call, args, outer)
}

func (p *program) rebaseOperand(arg operand, root *frame) operand {
	if arg.ts != nil {
		ts := make([]target, len(arg.ts))
		for i, t := range arg.ts {
			ts[i] = p.rebaseTarget(t, root)
		}
		return operand{ts: ts}
	}
	switch {
	case arg.fr != nil:
		arg.fr = p.rebase(arg.fr, root)
	case arg.v != nil && lexicallyIn(functionOf(arg.v), root.fn):
		arg.fr = p.within(functionOf(arg.v), root)
	}
	return arg
}

func (p *program) rebaseTarget(t target, root *frame) target {
	switch {
	case t.fr != nil:
		t.fr = p.rebase(t.fr, root)
	case t.home() != nil && lexicallyIn(t.home(), root.fn):
		t.fr = p.within(t.home(), root)
	}
	return t
}

// functionOf is the function that a value belongs to, nil for constants, functions and package variables.
func functionOf(v ssa.Value) *ssa.Function {
	switch v := v.(type) {
	case *ssa.Const, *ssa.Function, *ssa.Global, *ssa.Builtin:
		return nil
	case ssa.Instruction:
		return v.Parent()
	case *ssa.Parameter:
		return v.Parent()
	case *ssa.FreeVar:
		return v.Parent()
	}
	return nil
}

// typeArgument is the type that a type parameter stands for in fr, nil when it is open there.
func typeArgument(param *types.TypeParam, fr *frame) types.Type {
	for ; fr != nil; fr = fr.lexical {
		if fr.call == nil {
			continue
		}
		wrapper := fr.call.Parent() // instantiations are wrappers that call the generic function
		i := indexOfTypeParam(fr.fn, param)
		if i < 0 || i >= len(wrapper.TypeArgs()) {
			continue
		}
		arg := wrapper.TypeArgs()[i]
		if outer, ok := types.Unalias(arg).(*types.TypeParam); ok {
			return typeArgument(outer, fr.outer)
		}
		return arg
	}
	return nil
}

func indexOfTypeParam(fn *ssa.Function, param *types.TypeParam) int {
	for i := range fn.TypeParams().Len() {
		if fn.TypeParams().At(i) == param {
			return i
		}
	}
	return -1
}
