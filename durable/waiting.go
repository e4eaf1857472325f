package durable

import (
	"fmt"
	"slices"
	"strings"
)

// watcher is told when an operation has ended. It must not run workflow code.
type watcher interface{ ended(op *operation) }

// watch registers a watcher; they are told in the order in which they came.
func (op *operation) watch(w watcher) {
	if op.watcher == nil && len(op.watchers) == 0 {
		op.watcher = w
		return
	}
	op.watchers = append(op.watchers, w)
}

func (op *operation) unwatch(w watcher) {
	if op.watcher == w {
		op.watcher = nil
		return
	}
	if i := slices.Index(op.watchers, w); i >= 0 {
		op.watchers = slices.Delete(op.watchers, i, i+1)
	}
}

func (op *operation) resolve(o outcome) {
	op.m.resolved++
	op.ended = op.m.resolved
	op.outcome = o
	op.place.leave()
	first, others := op.watcher, op.watchers
	op.watcher, op.watchers = nil, nil
	if first != nil {
		first.ended(op)
	}
	for _, w := range others {
		w.ended(op)
	}
}

// waiting is what a branch waits for, if it does. A branch waits in one place at a time.
type waiting struct {
	under  *scope       // that cuts the wait short; nil while it doesn't wait
	on     fmt.Stringer // what it waits for, for reports
	native bool         // in a primitive of the event loop
	roused bool         // the wait is over; who ended it first decides how
	cut    error        // says that it was cut short

	refusals int // waits and operations refused since it last waited
}

// maxRefusals bounds how often a branch may ask on a cancelled context without waiting in between: code that
// loops over errors would otherwise never let go of the run.
const maxRefusals = 10_000

// wait parks the branch until it is woken, or the scope is cancelled. The caller has registered it with what
// it waits for, and on error takes that back.
func (b *branch) wait(s *scope, on fmt.Stringer) error {
	if s.cause != nil {
		return b.refuse(s, "the wait for "+on.String())
	}
	b.waiting = waiting{under: s, on: on}
	for !b.roused {
		_ = b.m.loop.Park("")
	}
	cut := b.cut
	b.waiting = waiting{}
	return cut
}

// waitNative is wait for a primitive of the event loop, which does the parking, if it has to: what needs no
// wait is done in a cancelled scope too.
func (b *branch) waitNative(s *scope, on fmt.Stringer, park func() error) error {
	refused := s.cause != nil
	refusals := b.refusals
	b.waiting = waiting{under: s, on: on, native: true}
	if refused {
		b.wake(s.cause)
	}
	err := park()
	cut := b.cut
	b.waiting = waiting{}
	if cut == nil {
		return err
	}
	b.task.Uncancel() // the loop's part of it is done; a cancelled scope refuses by itself
	switch {
	case err != errCutShort:
		return err
	case refused:
		b.refusals = refusals
		return b.refuse(s, "the wait for "+on.String())
	}
	return cut
}

// refuse is the answer to whoever asks for something in a cancelled scope.
func (b *branch) refuse(s *scope, what string) error {
	if b.refusals++; b.refusals > maxRefusals {
		panic(fmt.Sprintf("durable: branch %q has asked %d times on a cancelled Context without waiting, last "+
			"for %s; return when an operation says ErrCancelled, or clean up with Context.Detached",
			b.task.Name(), maxRefusals, what))
	}
	return &cancelled{what: what, cause: s.cause}
}

// wake ends the wait of a branch, if it waits; with a cause, because it was cancelled.
func (b *branch) wake(cause error) {
	if b.under == nil || b.roused {
		return
	}
	b.roused = true
	if cause != nil {
		b.cut = &cancelled{what: "the wait for " + b.on.String(), cause: cause}
	}
	if b.native {
		b.task.Cancel(errCutShort)
	} else {
		b.task.Wake()
	}
}

// ended makes a branch a watcher of what it awaits.
func (b *branch) ended(*operation) { b.wake(nil) }

// await parks the calling branch until the operation has ended. Those who wait wake in the order in which
// they began to. The error says that the wait was cut short; the operation's own is in its outcome.
func (m *machine) await(op *operation) error {
	if op.ended > 0 {
		return nil
	}
	b := m.current()
	op.watch(b)
	err := b.wait(b.scope, op)
	if err != nil {
		op.unwatch(b)
	}
	return err
}

// gathering is a wait for several operations.
type gathering struct {
	b      *branch
	call   string
	ops    []*operation
	left   int // operations that have not ended
	enough func(op *operation, left int) bool
}

// awaitSeveral parks the calling branch until enough says so. It is asked for each operation that has ended,
// first in the order of the arguments and then as they end, with the number of those that haven't. With no
// operations there is nothing to wait for.
func (b *branch) awaitSeveral(
	s *scope, call string, ops []*operation, enough func(op *operation, left int) bool,
) error {
	g := &gathering{b: b, call: call, ops: ops, enough: enough}
	for _, op := range ops {
		if op.ended == 0 {
			g.left++
		}
	}
	satisfied := len(ops) == 0
	for _, op := range ops {
		satisfied = satisfied || op.ended > 0 && enough(op, g.left)
	}
	if satisfied {
		return nil
	}
	for _, op := range ops {
		if op.ended == 0 {
			op.watch(g)
		}
	}
	err := b.wait(s, g)
	for _, op := range ops {
		if op.ended == 0 {
			op.unwatch(g)
		}
	}
	return err
}

func (g *gathering) ended(op *operation) {
	if g.b.on != g || g.b.roused {
		return // the wait is over, the branch has only not had its turn
	}
	g.left--
	if g.enough(op, g.left) {
		g.b.wake(nil)
	}
}

// String says what is still waited for.
func (g *gathering) String() string { return g.call + " of " + describeOpen(g.ops) }

// describeOpen lists the operations that have not ended, the first few by name.
func describeOpen(ops []*operation) string {
	var open []string
	more := 0
	for _, op := range ops {
		switch {
		case op.ended > 0:
		case len(open) < 4:
			open = append(open, op.String())
		default:
			more++
		}
	}
	text := strings.Join(open, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
