package durable

import (
	"math/rand/v2"
	"runtime"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Context is what workflow code gets instead of a context.Context, so that the compiler refuses code that
// would reach around the journal. It belongs to one branch of one run: a branch function must use the
// Context that it was given, not that of the branch around it. Every method is a function of the journal.
type Context struct {
	b *branch
	s *scope // what is asked for with the context is cancelled with it
}

// Now returns when the run saw its latest event, in UTC: the time by which this branch was woken. It moves
// only while the branch waits.
func (ctx Context) Now() time.Time { return ctx.enter("Now").m.now }

// Rand returns the branch's generator of random numbers. They are a function of the run's recorded seed
// and of the branch's place, so replay draws the same ones. They are not fit for secrets.
func (ctx Context) Rand() *rand.Rand {
	b := ctx.enter("Rand")
	if b.rand == nil {
		b.rand = rand.New(rand.NewPCG(b.m.seed, xxhash.Sum64String(b.prefix)))
	}
	return b.rand
}

// RunID returns the id of the run that this branch belongs to. In a run that was forked from another, it is
// the other's until the fork.
func (ctx Context) RunID() string { return ctx.enter("RunID").m.self }

// enter checks that the context is used where it may be, and returns its branch.
func (ctx Context) enter(call string) *branch {
	b := ctx.b
	if b == nil {
		panic("durable: " + call + " was called on an empty Context; use the one that the workflow was given")
	}
	switch current, inside := b.m.loop.Here(); {
	case !inside:
		panic("durable: " + call + " was called on a workflow's Context by a goroutine of its own; start " +
			"concurrent branches with durable.Go, not with the go statement, and outside work as a step")
	case current == b.task:
		if b.m.locate {
			runtime.Callers(3, b.pc[:]) // past this function and the one that workflow code called
		}
		if b.m.ended {
			b.task.Unwind() // the run has left the memory, and its code is being unwound
		}
		b.scope = ctx.s
		return b
	case current == nil:
		panic("durable: " + call + " was called on a workflow's Context outside of the workflow, perhaps in a " +
			"step or after the run had ended; a step uses its own context.Context")
	}
	panic("durable: " + call + " was called on the Context of another branch; inside durable.Go use the " +
		"Context that the branch function was given")
}

// mayCall checks that a function that belongs to a run is called by one of its branches. It reports false
// when the run has left the memory and the branch is being unwound.
func (m *machine) mayCall(call string) bool {
	if _, inside := m.loop.Here(); !inside {
		panic("durable: " + call + " of a workflow was called by a goroutine of its own; start concurrent " +
			"branches with durable.Go, not with the go statement")
	}
	b := m.current()
	if b == nil {
		panic("durable: " + call + " of a workflow was called outside of the workflow, perhaps in a step or " +
			"after the run had ended; only branches of the run may call it")
	}
	if m.locate {
		runtime.Callers(3, b.pc[:])
	}
	return !m.ended
}

// nextID returns the id of the branch's next operation: its place in the tree of branches.
func (b *branch) nextID() string {
	b.issued++
	if b.prefix == "" {
		return strconv.Itoa(b.issued)
	}
	return b.prefix + strconv.Itoa(b.issued)
}
