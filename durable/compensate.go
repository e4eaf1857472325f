package durable

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// undoing is what OnFailure was told. Those of a run are in the order of the calls.
type undoing struct {
	by   *group // the Scope that undoes it when it fails; nil for the run
	step func(Context) error
}

// OnFailure says how to undo what is done next, should the Scope around it fail, or the run when there is no
// Scope around: when the function of the Scope or of the workflow returns an error, a cancellation among
// them, and its branches have ended, the steps given to OnFailure run one after the other, the last one
// first. They run on a Detached context, as steps like any others: each is checkpointed, and after a crash
// the rest goes on. When a Scope returns no error its steps pass to the Scope around it, and at last to the
// run: a later failure there undoes them too, in the order that all of them have together. When the workflow
// returns no error they never run; a run that is terminated or parked runs none.
//
// Call it before the step that it undoes: a step that fails may have had its effect, so undoing must do no
// harm when there is nothing to undo. An error of such a step does not keep the others from running; it is
// joined to the error of the Scope, or of the run. OnFailure may be called in any branch, and belongs to the
// Scope that its context is in; with a Detached one, or in a branch that is shielded, that is the run.
func OnFailure[I, O any](
	ctx Context, name string, fn func(context.Context, I) (O, error), arg I,
) {
	b := ctx.enter("OnFailure")
	if err := checkID("step's name", name); err != nil {
		panic(err.Error())
	}
	if fn == nil {
		panic("durable: OnFailure(" + name + ") needs a function to run, got nil")
	}
	by := ctx.s.undoneBy()
	if by != nil {
		by.undoes++
	}
	b.m.undo = append(b.m.undo, undoing{by, func(ctx Context) error {
		if _, err := Step(ctx, name, fn, arg); err != nil {
			return fmt.Errorf("undoing by step %q: %w", name, err)
		}
		return nil
	}})
}

// undoneBy is the nearest Scope around that has not ended, in whatever branch; nil for the run.
func (s *scope) undoneBy() *group {
	if s.b.m.behaviour < undoingScopes {
		return nil
	}
	for ; s != nil; s = s.parent {
		if s.group != nil && !s.group.over {
			return s.group
		}
	}
	return nil
}

// compensate runs what OnFailure was told in a Scope that has failed, or in the run when g is nil, and
// returns err with the errors of the steps.
func (m *machine) compensate(ctx Context, err error, g *group) error {
	its := func(u undoing) bool { return u.by == g }
	for err != nil {
		at := len(m.undo) - 1
		for at >= 0 && !its(m.undo[at]) {
			at--
		}
		if at < 0 {
			break
		}
		undo := m.undo[at].step
		m.undo = slices.Delete(m.undo, at, at+1)
		if failed := undo(ctx); failed != nil {
			err = errors.Join(err, failed)
		}
	}
	return err
}

// end undoes what was done in the Scope when it has failed, and leaves it to the one around it when it has
// not. A Scope through which the workflow continues as new has not failed.
func (g *group) end(b *branch, err error) error {
	g.over = true
	if g.undoes == 0 {
		return err
	}
	if next := (*continuation)(nil); err != nil && !errors.As(err, &next) {
		return b.m.compensate(Context{b, b.outside()}, err, g)
	}
	heir := g.scope.undoneBy()
	if heir != nil {
		heir.undoes += g.undoes
	}
	undo := b.m.undo
	for at := len(undo) - 1; g.undoes > 0; at-- {
		if undo[at].by == g {
			undo[at].by = heir
			g.undoes--
		}
	}
	return err
}
