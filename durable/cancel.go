package durable

import (
	"context"
	"errors"
	"time"
)

// Why operations and waits end early; match them with errors.Is. ErrCancelled is also a context.Canceled,
// and ErrTimeout a context.DeadlineExceeded; neither is the other.
var (
	ErrCancelled error = &reason{"durable: cancelled", context.Canceled}
	ErrTimeout   error = &reason{"durable: the deadline has passed", context.DeadlineExceeded}
)

var (
	errBranchEnded error = &reason{"the branch that started it has ended", ErrCancelled}
	errScopeEnded  error = &reason{"its Scope has ended", ErrCancelled}
	errLost        error = &reason{"another one was first", ErrCancelled}

	// errCutShort ends waits in primitives of the event loop; workflow code never sees it.
	errCutShort = errors.New("durable: a wait was cut short")
)

func init() { RegisterError(ErrCancelled, ErrTimeout) }

// reason is a sentinel that is also another error.
type reason struct {
	text string
	is   error
}

func (r *reason) Error() string { return r.text }
func (r *reason) Unwrap() error { return r.is }

// cancelled is the error of an operation or a wait that ended early.
type cancelled struct {
	what  string
	cause error
}

func (c *cancelled) Error() string {
	switch c.cause {
	case ErrCancelled:
		return c.what + " was cancelled"
	case ErrTimeout:
		return c.what + " was cancelled: the deadline has passed"
	}
	return c.what + " was cancelled: " + c.cause.Error()
}

// Unwrap is the cause. Whatever was not a matter of time is also ErrCancelled.
func (c *cancelled) Unwrap() []error {
	if c.cause == ErrTimeout || errors.Is(c.cause, ErrCancelled) {
		return []error{c.cause}
	}
	return []error{ErrCancelled, c.cause}
}

// cancel ends an operation early. A branch is asked to end; everything else has ended when cancel returns:
// its outcome is the cancellation, and what the world answers to it later is not awaited any more.
func (op *operation) cancel(cause error) bool {
	m := op.m
	switch {
	case op.ended > 0 || m.ended:
		return false
	case op.branch != nil:
		return op.branch.own.cancel(cause)
	}
	delete(m.pending, op.id)
	c := Command{Kind: CommandCancel, Op: op.id, Name: op.name, Target: op.kind, op: op}
	if b := m.current(); b != nil {
		c.pc = b.pc[0]
	}
	m.commands = append(m.commands, c)
	op.resolve(outcome{err: &cancelled{what: op.String(), cause: cause}})
	return true
}

// cancellation is the cause of a cancellation from outside.
func cancellation(why string) error {
	if why == "" {
		return ErrCancelled
	}
	return &reason{why, ErrCancelled}
}

// cancelRun cancels everything in the run that is not detached. The workflow function learns of it at its
// next wait or operation, may clean up, and ends the run by returning.
func (m *machine) cancelRun(cause error) bool { return m.root.own.cancel(causeOr(cause)) }

func causeOr(cause error) error {
	if cause == nil {
		return ErrCancelled
	}
	return cause
}

// WithCancel returns a context whose operations, waits and branches cancel ends, with its cause; nil stands
// for ErrCancelled. They are ended in the order in which they were asked for: a step's context is
// cancelled and its late result dropped, a timer is forgotten, a branch wakes with the error and may clean
// up, on a Detached context. What is asked for with the context later is refused with the same error.
//
// cancel may be called by any branch of the run, and again. Cancelling ctx cancels the new context too.
func (ctx Context) WithCancel() (_ Context, cancel func(cause error)) {
	b := ctx.enter("WithCancel")
	s := newScope(b, ctx.s)
	return Context{b, s}, func(cause error) {
		if b.m.mayCall("a cancel function") {
			s.cancel(causeOr(cause))
		}
	}
}

// WithTimeout is WithDeadline for the time d from Now.
func (ctx Context) WithTimeout(d time.Duration) (_ Context, cancel func()) {
	return ctx.withDeadline(ctx.enter("WithTimeout"), d)
}

// WithDeadline returns a context that is cancelled with ErrTimeout when at has passed, unless ctx has an
// earlier deadline. The deadline is recorded, so it is the same after a crash. Call cancel when what the
// context was for is done, so that no timer is left behind; it cancels what is still under way.
func (ctx Context) WithDeadline(at time.Time) (_ Context, cancel func()) {
	b := ctx.enter("WithDeadline")
	return ctx.withDeadline(b, at.Sub(b.m.now))
}

func (ctx Context) withDeadline(b *branch, d time.Duration) (Context, func()) {
	s := newScope(b, ctx.s)
	cancel := func() {
		if b.m.mayCall("a cancel function") {
			s.cancel(ErrCancelled)
		}
	}
	op := b.newOperation(CommandTimer, "deadline")
	due := b.m.now.Add(max(d, 0))
	earlier, bounded := s.sureDeadline()
	switch {
	case s.cause != nil:
	case d <= 0:
		s.cancel(ErrTimeout)
	case bounded && !due.Before(earlier): // the other one comes first
	default:
		s.due = due
		b.scope = s
		b.issueTimer(op, due)
		op.watch(s)
	}
	return Context{b, s}, cancel
}

// Deadline returns when the context will be cancelled with ErrTimeout; ok is false when it has no deadline.
func (ctx Context) Deadline() (at time.Time, ok bool) {
	ctx.enter("Deadline")
	return ctx.s.deadline()
}

// Err returns nil while the context is not cancelled; then an error that is ErrCancelled or ErrTimeout, and
// the cause that was given.
func (ctx Context) Err() error {
	ctx.enter("Err")
	cause := ctx.s.cause
	if cause == nil || cause == ErrTimeout || errors.Is(cause, ErrCancelled) {
		return cause
	}
	return &cancelled{what: "the context", cause: cause}
}

// Detached returns a context that no cancellation reaches: for cleanup that must be done, and for work that
// must go on, after ctx was cancelled. A branch started with it outlives the branch that started it; the
// run does not end before it has.
func (ctx Context) Detached() Context {
	b := ctx.enter("Detached")
	return Context{b, b.outside()}
}

// Cancel ends the operation early, and reports false when it had ended or is shielded. A step's context is
// cancelled and its late result dropped; a timer is forgotten; a branch that has not started never does,
// and one that waits wakes with the error and may clean up before it ends. Awaiting the future then gives
// the cancellation, an error that is ErrCancelled and the cause; for a branch, what its function returns.
func (f Future[T]) Cancel(ctx Context, cause error) bool {
	op := f.in(ctx.enter("Cancel"), "Cancel")
	return !f.shielded && op.cancel(causeOr(cause))
}

// Shield keeps an operation going when the branch or scope that asked for it is cancelled or ends, and
// returns a future that doesn't cancel it either; the one given still can. A shielded branch outlives the
// branch that started it; the run does not end before it has. Waiting for a shielded operation is cut short
// by a cancellation like any other wait.
func Shield[T any](ctx Context, f Future[T]) Future[T] {
	b := ctx.enter("Shield")
	op := f.in(b, "Shield")
	if op.ended == 0 {
		op.shield()
	}
	return Future[T]{op: op, shielded: true}
}

// shield moves an operation out of its scope.
func (op *operation) shield() {
	child := op.branch
	if child == nil {
		op.place.leave()
		return
	}
	child.own.place.leave()
	child.own.parent = child.outside()
	child.disown()
	child.ownedBy(child.m.root, nil)
}
