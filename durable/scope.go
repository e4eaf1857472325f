package durable

import "time"

// scope is what is cancelled together: a node of the tree that grows with branches, Scope, WithCancel and
// WithTimeout. Each Context is in one, and what is asked for with it belongs to that scope.
type scope struct {
	b        *branch // whose contexts are in it
	parent   *scope  // cancels it along; nil for the root
	detached bool    // is never cancelled, and keeps no members
	cause    error   // why it was cancelled; nil while it wasn't
	due      time.Time
	group    *group // of a Scope; nil otherwise

	members members // what a cancellation ends, in the order of creation
	place   member  // among the parent's
}

// members are operations and scopes, in the order of creation.
type members struct{ first, last *member }

// member is a place in members, or in none.
type member struct {
	prev, next *member
	in         *members
	op         *operation
	scope      *scope
}

func (ms *members) add(m *member) {
	m.in, m.prev = ms, ms.last
	if ms.last == nil {
		ms.first = m
	} else {
		ms.last.next = m
	}
	ms.last = m
}

// leave takes the member out of where it is, if anywhere.
func (m *member) leave() {
	ms := m.in
	if ms == nil {
		return
	}
	if m.prev == nil {
		ms.first = m.next
	} else {
		m.prev.next = m.next
	}
	if m.next == nil {
		ms.last = m.prev
	} else {
		m.next.prev = m.prev
	}
	m.prev, m.next, m.in = nil, nil, nil
}

// newScope makes a scope for contexts of branch b inside of parent.
func newScope(b *branch, parent *scope) *scope {
	s := &scope{b: b, parent: parent}
	s.place.scope = s
	switch {
	case parent == nil || parent.detached:
	case parent.cause != nil:
		s.cause = parent.cause
	default:
		parent.members.add(&s.place)
	}
	return s
}

// adopt makes an operation one that the scope's cancellation ends.
func (s *scope) adopt(op *operation) {
	if !s.detached {
		op.place.op = op
		s.members.add(&op.place)
	}
}

// cancel ends what is in the scope, in the order of creation, and last the wait of the branch itself. No
// workflow code runs meanwhile: those who wait become ready in that order. It reports false when the scope
// was cancelled before.
func (s *scope) cancel(cause error) bool {
	if s.cause != nil || s.detached {
		return false
	}
	s.cause = cause
	s.place.leave()
	for m := s.members.first; m != nil; m = s.members.first {
		m.leave()
		if m.op != nil {
			m.op.cancel(cause)
		} else {
			m.scope.cancel(cause)
		}
	}
	if s.b.under == s {
		s.b.wake(cause)
	}
	return true
}

// nearestGroup is the Scope that new branches of this scope belong to; nil for none.
func (s *scope) nearestGroup() *group {
	for at := s; at != nil && at.b == s.b; at = at.parent {
		if at.group != nil {
			return at.group
		}
	}
	return nil
}

// deadline is the earliest one of the scope and those around it.
func (s *scope) deadline() (at time.Time, ok bool) {
	for ; s != nil; s = s.parent {
		if !s.due.IsZero() && (!ok || s.due.Before(at)) {
			at, ok = s.due, true
		}
	}
	return at, ok
}

// sureDeadline is the earliest deadline that nothing can take the scope out of.
func (s *scope) sureDeadline() (at time.Time, ok bool) {
	if s.b.m.behaviour < ownDeadlines {
		return s.deadline()
	}
	for b := s.b; s != nil && s.b == b; s = s.parent {
		if !s.due.IsZero() && (!ok || s.due.Before(at)) {
			at, ok = s.due, true
		}
	}
	return at, ok
}

// ended is told that the timer of the scope's deadline has fired, or was cancelled.
func (s *scope) ended(timer *operation) {
	if timer.err == nil {
		s.cancel(ErrTimeout)
	}
}
