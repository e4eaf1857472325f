package durable

import (
	"fmt"
	"log/slog"
	"math/rand/v2"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// branch is one line of control in a run. Operations take their ids from its counter.
type branch struct {
	m      *machine
	task   *eventloop.Task
	prefix string // "" for the root, "2." for the branch that was operation 2
	issued int
	rand   *rand.Rand
	newIDs int // made by NewID
	log    *slog.Logger
	pc     [1]uintptr // where workflow code made its latest call; noted when the machine locates

	own    *scope // cancelling it is cancelling the branch
	scope  *scope // that the latest call was made in
	beyond *scope // of detached contexts; nil before the first

	owner *branch // does not end before this one has; nil for the root
	group *group  // the same, of a Scope; nil for none
	live  int     // branches that this one owns and that have not ended

	waiting
}

// newBranch makes the branch that b starts as operation op, or the root.
func (m *machine) newBranch(b *branch, op *operation) *branch {
	child := &branch{m: m}
	if b == nil {
		child.own = newScope(child, nil)
		return child
	}
	child.prefix = op.id + "."
	child.own = newScope(child, b.scope)
	op.branch = child
	if b.scope.detached {
		child.ownedBy(m.root, nil)
	} else {
		child.ownedBy(b, b.scope.nearestGroup())
	}
	return child
}

// spawn starts a branch. A panic in it is why the run can't go on.
func (m *machine) spawn(b *branch, name string, fn func(Context)) {
	b.task = m.loop.Go(name, func() { fn(Context{b, b.own}) })
	b.task.Owner = b
	b.task.OnDone(func(t *eventloop.Task) {
		if err := t.Err(); err != nil && m.err == nil {
			m.err = branchError(err)
		}
	})
}

// current is the branch that runs; nil while none does.
func (m *machine) current() *branch {
	if t := m.loop.Current(); t != nil {
		return t.Owner.(*branch)
	}
	return nil
}

// Go starts fn as a branch of the run: it may issue several operations, concurrently with the branch that
// called Go. Branches start in the order of the calls, when the caller first waits. A branch's operations
// have ids of their own (2.1, 2.2 …), so siblings can't disturb each other's. Its result is kept in memory
// only: replay runs the branch again.
//
// A branch ends when fn has returned and the branches that it started itself have ended. What it asked for
// and nobody awaited is cancelled then, in the order of creation; await what must be done, or start it with a
// Detached context. The same holds for the workflow function and the end of the run.
func Go[T any](ctx Context, name string, fn func(Context) (T, error)) Future[T] {
	b := ctx.enter("Go")
	if err := checkID("branch's name", name); err != nil {
		panic(err.Error())
	}
	if fn == nil {
		panic("durable: Go(" + name + ") needs a function to run, got nil")
	}
	m := b.m
	op := b.newOperation(CommandBranch, name)
	if b.issue(op, Command{}); op.ended > 0 {
		return Future[T]{op: op} // refused: the context is cancelled
	}
	child := m.newBranch(b, op)
	m.spawn(child, name, func(ctx Context) {
		o := outcome{}
		if cause := child.own.cause; cause != nil {
			o.err = &cancelled{what: op.String(), cause: cause} // before it started
		} else {
			value := new(T)
			*value, o.err = fn(ctx)
			o.value = value
		}
		cause := child.own.cause
		child.finish()
		if child.group != nil {
			child.group.noteEnd(o.err, cause)
		}
		child.disown()
		op.resolve(o)
	})
	return Future[T]{op: op}
}

// finish cancels what the branch has asked for and nobody awaited, and waits for its branches.
func (b *branch) finish() {
	if b.m.behaviour < structuredEnd {
		return
	}
	b.own.cancel(errBranchEnded)
	for b.live > 0 {
		_ = b.wait(b.outside(), itsBranches)
	}
}

// ownedBy makes owner wait for the branch before it ends.
func (b *branch) ownedBy(owner *branch, g *group) {
	b.owner, b.group = owner, g
	owner.live++
	if g != nil {
		g.live++
	}
}

// disown ends that: nobody waits for the branch any more.
func (b *branch) disown() {
	b.owner.live--
	if b.owner.on == itsBranches && b.owner.live == 0 {
		b.owner.wake(nil)
	}
	if g := b.group; g != nil {
		g.live--
		if b.owner.on == g && g.live == 0 {
			b.owner.wake(nil)
		}
	}
}

// outside is the scope of the branch's detached contexts.
func (b *branch) outside() *scope {
	if b.beyond == nil {
		b.beyond = &scope{b: b, detached: true}
	}
	return b.beyond
}

// itsBranches is what a branch waits for that has come to its end.
const itsBranches = waitText("the branches that it started, at its end")

// waitText is a wait for something that needs no more description.
type waitText string

// String says what is waited for.
func (w waitText) String() string { return string(w) }

func branchError(err error) error {
	if p, ok := err.(*eventloop.PanicError); ok {
		return &PanicError{Value: fmt.Sprint(p.Value), Stack: string(p.Stack)}
	}
	return err
}
