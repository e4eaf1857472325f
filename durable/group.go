package durable

import "errors"

// Scope runs fn and then waits for the branches that were started with its context, so that none of them
// outlives the call. The first failure, in the journal's order, of fn or of a branch, is what Scope returns;
// it cancels the context, and with it fn and the other branches, in the order of creation, and Scope returns
// when they have ended. A branch that was cancelled alone and says so is no failure. At the end what was
// asked for and nobody awaited is cancelled. A Scope that fails undoes what was done in it before it returns,
// see OnFailure.
//
// It is what Python calls a task group and Go an errgroup.
func Scope(ctx Context, fn func(ctx Context) error) error {
	b := ctx.enter("Scope")
	if fn == nil {
		panic("durable: Scope needs a function to run, got nil")
	}
	s := newScope(b, ctx.s)
	g := &group{scope: s}
	s.group = g
	g.fail(fn(Context{b, s}))
	for g.live > 0 {
		_ = b.wait(b.outside(), g)
	}
	s.cancel(errScopeEnded)
	err := g.err
	if err == nil {
		err = g.cut
	}
	return g.end(b, err)
}

// group is the branches of a Scope.
type group struct {
	scope *scope
	live  int   // that have not ended
	err   error // the first failure
	cut   error // of the first branch that was cancelled with the whole scope, while there is no failure

	undoes int  // calls of OnFailure that belong to it
	over   bool // it undoes what they did, or has ended
}

func (g *group) fail(err error) {
	if err != nil && g.err == nil {
		g.err = err
		g.scope.cancel(err)
	}
}

// noteEnd is told how a branch has ended, and why it was cancelled if it was.
func (g *group) noteEnd(err, cause error) {
	switch {
	case cause == nil || !errors.Is(err, ErrCancelled):
		g.fail(err)
	case g.scope.cause != nil && g.cut == nil:
		g.cut = err
	}
}

// String says what is waited for.
func (g *group) String() string { return "the branches of its Scope" }
