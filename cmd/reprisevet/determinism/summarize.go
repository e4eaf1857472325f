package determinism

import (
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// A summarizer makes the summary of one function from its body and the summaries of what it calls.
type summarizer struct {
	p       *program
	fn      *ssa.Function
	sum     *summary
	seen    map[openKey]bool // the open calls that were followed in this round
	applied map[appliedKey]bool
	changed bool
}

// appliedKey identifies a callee at a site, so that what comes round in circles is applied once a round.
type appliedKey struct {
	fn        *ssa.Function
	frame     *frame
	obj       *types.Func
	target    targetKey
	method    string
	recv      ssa.Value
	recvFrame *frame
	args      int
	call      ssa.CallInstruction
	fr        *frame
	unordered bool
}

func (s *summarizer) first(c callee, at site) bool {
	key := appliedKey{
		fn: c.fn, frame: c.fr, obj: c.obj, method: c.method, args: len(c.args),
		call: at.call, fr: at.fr, unordered: at.unordered,
	}
	switch {
	case c.value != nil:
		key.target = c.value.key()
	case c.param != nil:
		key.target = c.param.key()
	}
	if len(c.args) > 0 {
		key.recv, key.recvFrame = c.args[0].v, c.args[0].fr
	}
	if s.applied == nil {
		s.applied = map[appliedKey]bool{}
	}
	if s.applied[key] {
		return false
	}
	s.applied[key] = true
	return true
}

// A site is a call as the summarizer meets it: in its own function, or in one that leaves it open, which hops
// lead to.
type site struct {
	call      ssa.CallInstruction
	fr        *frame
	hops      []hop
	pos       token.Pos // of the call of the wrapper that makes the call
	unordered bool      // a function of another package makes it in the order of a map
}

// maxHops bounds how far an open call is handed up.
const maxHops = 16

// summarize makes the summaries of all functions, again and again until nothing changes. What is known of
// package variables grows on the way, and begins another round.
func (p *program) summarize() {
	order := p.calleesFirst()
	for {
		p.summarizeAll(order)
		if !p.stateGrew() {
			return
		}
	}
}

func (p *program) summarizeAll(order []*ssa.Function) {
	queue := slices.Clone(order)
	queued := map[*ssa.Function]bool{}
	for _, fn := range queue {
		queued[fn] = true
	}
	for len(queue) > 0 {
		fn := queue[0]
		queue = queue[1:]
		queued[fn] = false
		if !p.update(fn) {
			continue
		}
		for _, user := range order {
			if p.summary(fn).users[user] && !queued[user] {
				queued[user] = true
				queue = append(queue, user)
			}
		}
	}
}

// update makes the summary of fn anew and reports whether it grew.
func (p *program) update(fn *ssa.Function) bool {
	s := &summarizer{p: p, fn: fn, sum: p.summary(fn), seen: map[openKey]bool{}}
	for _, h := range p.syntaxOf(fn) {
		s.hazard(h.kind, h.what, h.pos, nil)
	}
	for _, block := range fn.Blocks {
		for _, instr := range block.Instrs {
			if call, ok := instr.(ssa.CallInstruction); ok {
				s.call(call)
			} else {
				s.memory(instr)
			}
		}
	}
	s.order()
	return s.changed
}

func (p *program) summary(fn *ssa.Function) *summary {
	if s := p.sums[fn]; s != nil {
		return s
	}
	s := &summary{users: map[*ssa.Function]bool{}}
	p.sums[fn] = s
	return s
}

// calleesFirst orders the functions so that most are summarized after what they call.
func (p *program) calleesFirst() []*ssa.Function {
	var out []*ssa.Function
	seen := map[*ssa.Function]bool{}
	var visit func(fn *ssa.Function)
	visit = func(fn *ssa.Function) {
		if seen[fn] || !p.known[fn] {
			return
		}
		seen[fn] = true
		var operands []*ssa.Value
		for _, block := range fn.Blocks {
			for _, instr := range block.Instrs {
				operands = instr.Operands(operands[:0])
				for _, op := range operands {
					if callee, ok := (*op).(*ssa.Function); ok {
						visit(callee)
					}
				}
			}
		}
		out = append(out, fn)
	}
	for _, fn := range p.funcs {
		visit(fn)
	}
	return out
}

// hazard adds what happens in the function itself, or in what hops lead to.
func (s *summarizer) hazard(k kind, what string, pos token.Pos, hops []hop) {
	s.add(&effect{kind: k, what: what, pos: pos, hops: slices.Clone(hops)})
}

// add adds an effect unless a comment on the way says that it is deterministic.
func (s *summarizer) add(e *effect) {
	if len(e.hops) > maxHops || !e.kind.mark() && s.p.escapes.cover(s.p, e) {
		return
	}
	if s.sum.add(e) {
		s.changed = true
	}
}

func (s *summarizer) call(call ssa.CallInstruction) {
	if _, ok := call.(*ssa.Go); ok {
		return // the statement itself is what breaks replay
	}
	if b, ok := call.Common().Value.(*ssa.Builtin); ok {
		s.builtin(b.Name(), call)
		return
	}
	at := site{call: call}
	s.contextArguments(at)
	for _, c := range s.p.resolve(call, nil) {
		s.apply(c, at)
	}
	s.globalClosure(call)
}

// apply adds what a callee does to what the function does.
func (s *summarizer) apply(c callee, at site) {
	switch {
	case len(at.hops) > maxHops || !s.first(c, at):
	case c.fn != nil:
		s.applyFunction(c, at)
	case c.obj != nil:
		s.applyObject(c, at)
	case c.param != nil:
		s.applyParameter(c, at)
	case c.value != nil:
		s.applyForeign(c, at)
	case c.generic != nil:
		s.leaveOpen(at, nil)
	}
}

func (s *summarizer) applyFunction(c callee, at site) {
	sum := s.p.summary(c.fn)
	sum.users[s.fn] = true
	if c.fn == s.fn && at.fr == nil {
		return
	}
	hops := at.hops
	if !transparent(c.fn) {
		hops = append(slices.Clone(hops), hop{nameOf(c.fn), s.p.positionOf(at)})
	}
	for _, e := range slices.Clone(sum.effects) {
		s.adopt(e.through(hops...), c, at)
	}
	if c.fr == nil {
		return
	}
	for _, o := range slices.Clone(sum.opens) {
		pos, way := o.pos, append(slices.Clone(hops), o.hops...)
		if transparent(c.fn) {
			if !pos.IsValid() {
				pos = s.p.positionOf(at)
			}
			if len(way) > len(hops) && !way[len(hops)].pos.IsValid() {
				way[len(hops)].pos = pos
			}
		}
		s.reopen(o, s.p.rebase(o.fr, c.fr), way, pos)
	}
}

// reopen looks again at a call that a callee left open, now that fr says what it was given.
func (s *summarizer) reopen(o *open, fr *frame, hops []hop, pos token.Pos) {
	key := openKey{o.call, fr, o.use}
	s.p.work++
	if fr == nil || s.seen[key] || s.p.work > s.p.limit {
		return
	}
	s.seen[key] = true
	at := site{call: o.call, fr: fr, hops: hops, pos: pos}
	if o.use != nil {
		s.contextUse(o.use, at)
		return
	}
	for _, c := range s.p.resolve(o.call, fr) {
		s.apply(c, at)
	}
}

// applyParameter leaves a call to those who call the function, if they decide what is called. Otherwise all
// that the package gives to the parameter counts.
func (s *summarizer) applyParameter(c callee, at site) {
	if lexicallyIn(s.fn, c.param.param.Parent()) {
		s.leaveOpen(at, nil)
		return
	}
	for _, t := range s.p.given(*c.param, 0) {
		if t.is == isParam {
			continue
		}
		for _, known := range s.callGiven(t, c, at) {
			s.apply(known, at)
		}
	}
}

func (s *summarizer) callGiven(t target, c callee, at site) []callee {
	if c.method == "" {
		return s.p.callTarget(t, at.call, c.args, at.fr)
	}
	common := at.call.Common()
	if !common.IsInvoke() {
		return nil
	}
	recv := operand{ts: []target{t}}
	return s.p.resolveMethod(recv, common.Value.Type(), common.Method, at.call, c.args[1:], at.fr)
}

// given is all that the calls in this package give to a parameter, or to the part of it that t is.
func (p *program) given(t target, depth int) []target {
	var out targetSet
	fn, i := t.param.Parent(), paramIndex(t.param)
	for _, call := range p.callers[fn] {
		args := call.Common().Args
		if i >= len(args) {
			continue
		}
		for _, arg := range p.eval(args[i], nil) {
			for _, part := range p.follow(arg, t.path) {
				if part.is == isParam && depth < 2 && part.param.Parent() != fn {
					out.add(p.given(part, depth+1)...)
				} else {
					out.add(part)
				}
			}
		}
	}
	return out.list
}

// follow is the part of t that a route leads to.
func (p *program) follow(t target, r route) []target {
	if r.up == nil {
		return []target{t}
	}
	var out targetSet
	for _, whole := range p.follow(t, *r.up) {
		if r.typ == nil {
			continue
		}
		p.loadInto(&out, whole.at(r.last, r.typ), r.typ)
	}
	return out.list
}

func (s *summarizer) leaveOpen(at site, use ssa.Value) {
	if s.sum.addOpen(&open{call: at.call, fr: at.fr, hops: slices.Clone(at.hops), pos: at.pos, use: use}) {
		s.changed = true
	}
}
