package durable

import (
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// ChildRun is a child run whose end the parent can await: a Future of its result, and its id.
type ChildRun[Out any] struct {
	Future[Out]
	id string
}

// ID returns the child's run id, for instance to send it messages.
func (c ChildRun[Out]) ID() string { return c.id }

// Child says how a child run is started; its zero value is what StartChild uses.
type Child struct {
	// ID is the child's run id. When it is empty, the id is derived from the parent's place: the parent's id, a
	// slash, and the id of the operation, as in "order-17/3.1".
	ID string
	// Unawaited says what becomes of the child when the parent's branch ends, or is cancelled, before the
	// child has ended.
	Unawaited ChildPolicy
}

// ChildPolicy says what becomes of a child run that has not ended when the parent does not wait for it any
// more: because its branch has ended, or it was cancelled, or the Future was.
type ChildPolicy uint8

// The policies for children.
const (
	CancelChild  ChildPolicy = iota // it is cancelled; it is terminated when its parent is
	AbandonChild                    // it goes on alone
	AwaitChild                      // the parent does not end before it has; its result is dropped
)

// StartChild starts a run of another workflow and does not wait for its end, which the Future tells: the
// result, or the child's error as a *RunError that errors.Is and errors.As see through. The child's start is
// committed together with the event that led to it, and its end with the notice to the parent; each happens
// exactly once. It is a run like any other and has a journal of its own.
func StartChild[In, Out any](ctx Context, w *Workflow[In, Out], in In) ChildRun[Out] {
	return startChild(ctx.enter("StartChild"), w, in, Child{})
}

// StartChildWith is StartChild for a child with an id of its own or another policy. When there is a run with
// that id already, the Future's error is ErrConflict.
func StartChildWith[In, Out any](ctx Context, w *Workflow[In, Out], in In, how Child) ChildRun[Out] {
	return startChild(ctx.enter("StartChildWith"), w, in, how)
}

// StartDetached starts a run of another workflow that goes on alone: its end is not told to this run, and it
// is not cancelled with it. It returns the id, which is derived as Child says when the one given is empty. As
// with Workflow.Start, a run with that id, workflow and input is taken for the wanted one; any other run with
// that id is ErrConflict.
func StartDetached[In, Out any](ctx Context, w *Workflow[In, Out], id string, in In) (string, error) {
	b := ctx.enter("StartDetached")
	c := issueChild(b, w, in, &child{detached: true}, id)
	if err := b.m.await(c.op); err != nil {
		return c.id, err
	}
	return c.id, c.op.err
}

// child is what an operation knows of the child run that it starts.
type child struct {
	id        string
	unawaited ChildPolicy
	detached  bool
	started   bool // its start is in the journal, or will be with the commit of this round

	queue  string // that it waits in; empty for none
	place  *item  // in the queue, without what the commit adds
	placed uint64 // fingerprint of how it waits
}

func startChild[In, Out any](b *branch, w *Workflow[In, Out], in In, how Child) ChildRun[Out] {
	if how.Unawaited > AwaitChild {
		panic(fmt.Sprintf("durable: Child.Unawaited is %d; use CancelChild, AbandonChild or AwaitChild",
			how.Unawaited))
	}
	c := issueChild(b, w, in, &child{unawaited: how.Unawaited}, how.ID)
	if how.Unawaited == AwaitChild && c.op.ended == 0 {
		c.op.place.leave()
		b.m.root.live++
		c.op.watch(lastChild{b.m.root})
	}
	return c
}

func issueChild[In, Out any](b *branch, w *Workflow[In, Out], in In, kind *child, id string) ChildRun[Out] {
	if w == nil {
		panic("durable: a child was started of a nil *Workflow; use one that Define returned")
	}
	op := b.newOperation(CommandChild, w.name)
	c := ChildRun[Out]{Future: Future[Out]{op: op}, id: id}
	if id == "" {
		c.id = b.m.self + "/" + place(b.m.generation, op.id)
	}
	if err := checkID("child's run id", c.id); err != nil {
		op.resolve(outcome{err: err})
		return c
	}
	input, err := b.m.codec.Encode(in)
	if err != nil {
		op.resolve(outcome{err: &CodecError{What: "input of " + op.String(), Type: typeName[In](), Cause: err}})
		return c
	}
	kind.id = c.id
	policy := kind.unawaited
	if b.scope.detached && policy == CancelChild {
		policy = AbandonChild
	}
	b.issue(op, Command{
		To: c.id, Queue: kind.queue, Fingerprint: xxhash.Sum64(input) ^ kind.placed, content: input, child: kind,
		Unawaited: policy,
	})
	return c
}

// lastChild keeps a run from ending before a child has.
type lastChild struct{ root *branch }

func (l lastChild) ended(*operation) {
	l.root.live--
	if l.root.on == itsBranches && l.root.live == 0 {
		l.root.wake(nil)
	}
}

// Parent returns the id of the run that started this one as its child or detached, empty when it was
// started from outside.
func (ctx Context) Parent() string { return ctx.enter("Parent").m.parent }
