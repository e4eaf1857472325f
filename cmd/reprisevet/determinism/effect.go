package determinism

import (
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// An effect is something that breaks replay, or a mark for other rules, as seen from a function that reaches
// it: hops lead from that function to the one that it happens in.
type effect struct {
	kind   kind
	what   string
	pos    token.Pos // where it happens; no position when that is in another package
	at     string    // file:line in another package
	hops   []hop
	param  int            // of marks: which parameter, the receiver first
	cell   ssa.Value      // of markWritesVar: the captured variable
	obj    *types.Var     // of markOrders: the variable that holds the order
	ctx    *ssa.Parameter // of markUsesOuter: the Context that was captured
	result bool           // of kindMapOrder: only the order of the function's result is at stake
	loop   *loop          // of kindMapOrder: the loop that it is about
}

// A hop is one call on the way to an effect.
type hop struct {
	name string    // of the function that is called
	pos  token.Pos // of the call
}

// effectKey makes effects comparable. Of those in callees one of each is enough, the one with the fewest
// hops.
type effectKey struct {
	kind   kind
	what   string
	param  int
	cell   ssa.Value
	obj    *types.Var
	ctx    *ssa.Parameter
	loop   *loop
	result bool
	pos    token.Pos // without hops
}

func (e *effect) key() effectKey {
	pos := token.NoPos
	if len(e.hops) == 0 && !e.kind.mark() {
		pos = e.pos
	}
	return effectKey{e.kind, e.what, e.param, e.cell, e.obj, e.ctx, e.loop, e.result, pos}
}

// through returns the effect as seen one call further out.
func (e *effect) through(hops ...hop) *effect {
	out := *e
	out.hops = append(append([]hop{}, hops...), e.hops...)
	return &out
}

// maxEffects bounds the effects of a function of one kind of key; generated code can have thousands.
const maxEffects = 60

// A summary is what the callers of a function must know about it.
type summary struct {
	effects []*effect
	index   map[effectKey]int
	opens   []*open
	hasOpen map[openKey]bool
	users   map[*ssa.Function]bool // whose summaries were made from this one
}

// An open is a call, or the use of a Context, that depends on what the function's callers give it.
type open struct {
	call ssa.CallInstruction
	fr   *frame    // of the function that the call is in; nil when that is the summary's function
	hops []hop     // from the summary's function to the one that the call is in
	pos  token.Pos // where the call stands, if it is made by a wrapper
	use  ssa.Value // the Context that is used, nil for calls
}

type openKey struct {
	call ssa.CallInstruction
	fr   *frame
	use  ssa.Value
}

// maxOpens bounds the open calls of a function.
const maxOpens = 64

// add keeps an effect and reports whether that changed the summary.
func (s *summary) add(e *effect) bool {
	if i, known := s.index[e.key()]; known {
		if len(e.hops) < len(s.effects[i].hops) {
			s.effects[i] = e
			return true
		}
		return false
	}
	if len(s.effects) >= maxEffects {
		return false
	}
	if s.index == nil {
		s.index = map[effectKey]int{}
	}
	s.index[e.key()] = len(s.effects)
	s.effects = append(s.effects, e)
	return true
}

func (s *summary) addOpen(o *open) bool {
	key := openKey{o.call, o.fr, o.use}
	if s.hasOpen[key] || len(s.opens) >= maxOpens {
		return false
	}
	if s.hasOpen == nil {
		s.hasOpen = map[openKey]bool{}
	}
	s.hasOpen[key] = true
	s.opens = append(s.opens, o)
	return true
}

// mark returns the first mark of a kind, nil if there is none.
func (s *summary) mark(k kind) *effect {
	for _, e := range s.effects {
		if e.kind == k {
			return e
		}
	}
	return nil
}
