package determinism

import (
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// whoseLogger is an answer about a value: whether it is a run's logger, which is silent on replay.
type whoseLogger int

const (
	otherLogger whoseLogger = iota
	runLogger               // ctx.Logger(), also with more attributes
	givenLogger             // the function's callers decide
)

// writesOutput decides about a call that writes: whether it is a *slog.Logger of the run that does. A helper
// that is given its logger is left to those who call it.
func (s *summarizer) writesOutput(c callee, k kind, what string, at site) {
	whose := otherLogger
	if recv := c.obj.Signature().Recv(); recv != nil && isLogger(recv.Type()) && len(c.args) > 0 {
		whose = s.loggerOf(c.args[0], 0)
	}
	switch whose {
	case otherLogger:
		s.hazard(k, what, s.p.positionOf(at), at.hops)
	case givenLogger:
		s.leaveOpen(at, nil)
	}
}

func isLogger(t types.Type) bool {
	named := namedOf(t)
	return named != nil && named.Obj().Name() == "Logger" && named.Obj().Pkg().Path() == "log/slog"
}

// maxLoggerDepth bounds how many calls of With are followed.
const maxLoggerDepth = 8

func (s *summarizer) loggerOf(o operand, depth int) whoseLogger {
	ts := s.p.evalOperand(o)
	if len(ts) == 0 || depth > maxLoggerDepth {
		return otherLogger
	}
	whose := runLogger
	for _, t := range ts {
		switch {
		case t.is == isForeign && t.call != nil && t.path.text == "":
			obj, _ := t.obj.(*types.Func)
			switch {
			case obj == nil:
				return otherLogger
			case inDurable(obj) && memberName(obj) == "Context.Logger":
				continue
			case matches(words("Logger.With*"), memberName(obj)) && isLogger(t.call.Type()):
				got := s.loggerOf(operand{v: t.call.Call.Args[0], fr: t.fr}, depth+1)
				if got == otherLogger {
					return got
				}
				whose = max(whose, got)
			default:
				return otherLogger
			}
		case t.is == isParam && s.callersDecide(t):
			whose = givenLogger
		default:
			return otherLogger
		}
	}
	return whose
}

// callersDecide reports whether the functions that call this one say what a parameter is. A field of
// something is left to them only when they are all in this package, and are no engine.
func (s *summarizer) callersDecide(t target) bool {
	if !lexicallyIn(s.fn, t.param.Parent()) {
		return false
	}
	fn := t.param.Parent()
	return t.path.text == "" || !isWorkflow(fn) && !exported(fn)
}

func exported(fn *ssa.Function) bool { return fn.Object() != nil && fn.Object().Exported() }
