package durable

import (
	"bytes"
	"fmt"
)

// maxRound is how many entries a round has before it leaves the rest of the mailbox to the next one.
const maxRound = 256

// mailChunk is how many letters are read at once.
const mailChunk = 16

// box is what a round has read of one part of the mailbox.
type box struct {
	letters []letter
	from    []byte // where to read on
	to      []byte
	empty   bool // there is no more
}

// takeMail hands letters from the mailbox to the operations that wait for them: in the order of arrival,
// and messages of one topic to the branch that has waited longest. Then it ends the waits whose time is over.
func (q *round) takeMail() {
	for q.going() && q.mailWanted() && len(q.entries) < maxRound {
		op, l := q.nextMail()
		switch {
		case l != nil:
			q.receive(op, l)
		case op != nil:
			q.apply(Event{Kind: EventTimerFired, Op: op.id, due: op.due})
		default:
			q.mail &^= anyLetter
			return
		}
		q.answer()
	}
	if q.going() && q.mailWanted() {
		q.more |= q.mail | maybeMessage
	}
}

// mailWanted reports whether an operation waits for a letter that may be there.
func (q *round) mailWanted() bool {
	if q.mail&(maybeChildEnd|maybeCancel) != 0 {
		return true
	}
	for _, op := range q.run.machine.waiting() {
		if q.mail&maybeMessage != 0 || !op.looked {
			return true
		}
	}
	return false
}

// nextMail finds the operation that goes on next and the letter that it gets; no letter when its time is
// over. What was sent before that letter, to whatever is waited for, was received before: when something
// comes while the parts of the mailbox are read, they are read again.
func (q *round) nextMail() (*operation, *letter) {
	for {
		if q.torn || !q.marked && len(q.run.machine.waiting()) > 0 {
			q.torn = false
			if q.lookAtMark() {
				q.lookAnew()
			}
		}
		op, l := q.peekAll()
		if !q.torn || !q.going() {
			return op, l
		}
	}
}

// lookAnew forgets what was read of the mailbox, apart from what was received.
func (q *round) lookAnew() {
	q.mail |= q.run.machine.expectsMail()
	q.boxes, q.family = nil, nil
	q.skip = make(map[string]bool, len(q.taken))
	for _, key := range q.taken {
		q.skip[string(key)] = true
	}
}

// peekAll looks into all parts of the mailbox from which a letter may be taken.
func (q *round) peekAll() (*operation, *letter) {
	var next *operation
	var first *letter
	m := q.run.machine
	waiting := m.waiting()
	for _, op := range waiting {
		l := q.peek(op)
		if l != nil && (first == nil || bytes.Compare(l.number, first.number) < 0) {
			next, first = op, l
		}
	}
	for _, l := range []*letter{
		q.peekFamily(mailChildEnd, EventChildEnded), q.peekFamily(mailCancel, EventCancelled),
	} {
		if l != nil && (first == nil || bytes.Compare(l.number, first.number) < 0) {
			next, first = m.pending[l.name], l
		}
	}
	if first != nil {
		return next, first
	}
	for _, op := range waiting {
		if !op.due.IsZero() && !op.due.After(q.now) {
			return op, nil
		}
	}
	return nil, nil
}

// peek returns the first message that a wait could get, nil when there is none.
func (q *round) peek(op *operation) *letter {
	x := q.boxes[op.name]
	if x == nil {
		if op.looked && q.mail&maybeMessage == 0 {
			return nil
		}
		prefix := mailKey(q.run.id, mailMessage, op.name, nil)
		x = &box{from: prefix, to: after(prefix)}
		if q.boxes == nil {
			q.boxes = map[string]*box{}
		}
		q.boxes[op.name] = x
	}
	l := q.first(x)
	op.looked = l == nil
	return l
}

// peekFamily returns the first letter of this kind that the run awaits, of those that come from its children
// or its parent. Others are removed.
func (q *round) peekFamily(kind mailKind, event EventKind) *letter {
	if q.mail&kind.flag() == 0 {
		return nil
	}
	x := q.family[kind]
	if x == nil {
		prefix := append(mailboxKey(q.run.id), byte(kind))
		x = &box{from: prefix, to: after(prefix)}
		if q.family == nil {
			q.family = map[mailKind]*box{}
		}
		q.family[kind] = x
	}
	for {
		l := q.first(x)
		if l == nil {
			return nil
		}
		op := q.run.machine.pending[l.name]
		another := kind == mailChildEnd && op != nil && op.child != nil && op.child.id != l.from
		if !another && q.run.machine.awaits(event, l.name) {
			return l
		}
		q.batch.Delete(l.key)
		q.dirty = true
		x.letters = x.letters[1:]
	}
}

// first returns the first letter of a box, nil when there is none.
func (q *round) first(x *box) *letter {
	if len(x.letters) == 0 && !x.empty {
		q.read(x)
	}
	if len(x.letters) == 0 {
		return nil
	}
	return &x.letters[0]
}

// read reads the next letters of a box.
func (q *round) read(x *box) {
	var bad error
	x.empty = true
	m := q.run.machine
	q.torn = q.torn || len(m.topics()) > 1 || m.expectsMail() == maybeMessage|maybeChildEnd
	err := q.e.store.Scan(x.from, x.to, func(key, value []byte) bool {
		if q.skip[string(key)] {
			return true
		}
		if len(x.letters) == mailChunk {
			x.empty = false
			x.from = bytes.Clone(key)
			return false
		}
		var l letter
		if l, bad = readLetter(key, value); bad != nil {
			return false
		}
		x.letters = append(x.letters, l)
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		q.fail(fmt.Errorf("durable: reading the mailbox of run %q: %w", q.run.id, err))
	}
}

// receive moves a letter from the mailbox into the journal. op is what it is for; nil for a cancellation.
func (q *round) receive(op *operation, l *letter) {
	q.batch.Delete(l.key)
	q.taken = append(q.taken, l.key)
	var x *box
	ev := Event{From: l.from}
	switch l.kind {
	case mailMessage:
		x = q.boxes[op.name]
		ev.Kind, ev.Op, ev.Message, ev.Result, ev.due = EventMessage, op.id, l.message, l.content, op.due
	case mailChildEnd:
		x = q.family[l.kind]
		ev.Kind, ev.Op = EventChildEnded, op.id
		var err error
		if ev.Result, ev.Failure, err = parseEnd(l.from, l.content); err != nil {
			q.fail(err)
			return
		}
	case mailCancel:
		x = q.family[l.kind]
		ev.Kind, ev.Reason = EventCancelled, string(l.content)
	}
	x.letters = x.letters[1:]
	q.apply(ev)
}

// messageFirst looks into the mailbox before the timeout of a wait counts: a message that has come in time is
// not lost to a timer that was quicker, and neither is the order of what came before it.
func (q *round) messageFirst(ev *Event) {
	op := q.run.machine.pending[ev.Op]
	if ev.Kind != EventTimerFired || op == nil || op.kind != CommandReceive {
		return
	}
	q.mail |= maybeMessage
	for q.going() && q.run.machine.pending[ev.Op] == op {
		next, l := q.nextMail()
		if l == nil {
			return
		}
		q.receive(next, l)
		q.answer()
	}
}
