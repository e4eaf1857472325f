package durable

import (
	"context"
	"errors"
	"fmt"
)

// OnFailure says how to undo what the run has done, should the run fail: when the workflow returns an error,
// a cancellation among them, and its branches have ended, the steps given to OnFailure run one after the
// other, the last one first. They run on a Detached context, as steps like any others: each is checkpointed,
// and after a crash the rest goes on. When the workflow returns no error they never run; a run that is
// terminated or parked runs none.
//
// Call it before the step that it undoes: a step that fails may have had its effect, so undoing must do no
// harm when there is nothing to undo. An error of such a step does not keep the others from running; it is
// joined to the run's error. OnFailure may be called in any branch of the run.
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
	b.m.undo = append(b.m.undo, func(ctx Context) error {
		if _, err := Step(ctx, name, fn, arg); err != nil {
			return fmt.Errorf("undoing by step %q: %w", name, err)
		}
		return nil
	})
}

// compensate runs what OnFailure was told, and returns the run's error with those of the steps.
func (m *machine) compensate(ctx Context, err error) error {
	for n := len(m.undo); err != nil && n > 0; n = len(m.undo) {
		undo := m.undo[n-1]
		m.undo = m.undo[:n-1]
		if failed := undo(ctx); failed != nil {
			err = errors.Join(err, failed)
		}
	}
	return err
}
