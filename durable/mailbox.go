package durable

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// A letter is a message on its way into a run, in the run's mailbox from the sender's commit on until the
// commit in which the run receives it.
type letter struct {
	to      string
	topic   string
	from    string // the sending run; empty when it comes from outside
	message string // its id; empty when it has none
	content []byte

	number []byte // its place in the order of arrival
	key    []byte // where it lies, of a letter that was read
}

// Fields of a letter in the store.
const (
	fieldLetterContent = 1
	fieldLetterFrom    = 2
	fieldLetterMessage = 3
)

func (l *letter) encode() []byte {
	buf := appendBytes(nil, fieldLetterContent, l.content)
	if l.from != "" {
		buf = appendString(buf, fieldLetterFrom, l.from)
	}
	if l.message != "" {
		buf = appendString(buf, fieldLetterMessage, l.message)
	}
	return buf
}

// readLetter reads a letter of the mailbox; the slices are copied.
func readLetter(key, value []byte) (letter, error) {
	l := letter{key: bytes.Clone(key), content: []byte{}}
	if len(key) < letterNumberSize {
		return l, fmt.Errorf("durable: %w: not a letter's key: %x", ErrDamaged, key)
	}
	l.number = l.key[len(key)-letterNumberSize:]
	err := eachField(value, func(field protowire.Number, _ uint64, b []byte) error {
		switch field {
		case fieldLetterContent:
			l.content = append(l.content, b...)
		case fieldLetterFrom:
			l.from = string(b)
		case fieldLetterMessage:
			l.message = string(b)
		}
		return nil
	})
	if err != nil {
		return l, fmt.Errorf("durable: %w: letter %x: %w", ErrDamaged, key, err)
	}
	return l, nil
}

const letterNumberSize = 16

// nextLetter gives a letter its place in the order of arrival: the engine's epoch, so that letters of later
// engines come later, and a counter.
func (e *Engine) nextLetter() []byte {
	e.mu.Lock()
	e.letters++
	n := e.letters
	e.mu.Unlock()
	return binary.BigEndian.AppendUint64(bytes.Clone(e.owner), n)
}

// mailKey is the key of everything in a run's mailbox, or of one topic of it, or of one letter.
func mailKey(run, topic string, number []byte) []byte {
	k := make([]byte, 0, len(run)+len(topic)+len(number)+4)
	k = append(k, tableMail)
	k = append(k, run...)
	k = append(k, 0)
	if topic == "" {
		return k
	}
	k = append(k, mailMessage)
	k = append(k, topic...)
	k = append(k, 0)
	return append(k, number...)
}

// parseMailKey says whose letter has this key.
func parseMailKey(key []byte) (run, topic string, err error) {
	id, rest, ok := bytes.Cut(key[1:], []byte{0})
	name, number, terminated := bytes.Cut(rest, []byte{0})
	if !ok || !terminated || len(name) < 2 || name[0] != mailMessage || len(number) != letterNumberSize {
		return "", "", fmt.Errorf("durable: %w: not a letter's key: %x", ErrDamaged, key)
	}
	return string(id), string(name[1:]), nil
}

// after is the first key after all that begin with the prefix, whose last byte is a terminator or a table's.
func after(prefix []byte) []byte {
	k := bytes.Clone(prefix)
	k[len(k)-1]++
	return k
}

func waitKey(run, topic string) []byte {
	return append(append(runKey(run, partWaits), topic...), 0)
}

func messageKey(run, topic, id string) []byte {
	k := append(append(runKey(run, partMessage), topic...), 0)
	return append(k, id...)
}

// put writes the letter and the mark by which the run notices it.
func (q *round) put(l *letter) {
	q.batch.Set(mailKey(l.to, l.topic, l.number), l.encode())
	q.batch.Set(runKey(l.to, partMark), l.number)
}

// maxRound is how many entries a round has before it leaves the rest of the mailbox to the next one.
const maxRound = 256

// mailChunk is how many letters are read at once.
const mailChunk = 16

// box is what a round has read of one topic of the mailbox.
type box struct {
	letters []letter
	from    []byte // where to read on
	empty   bool   // there is no more
}

// takeMail hands letters from the mailbox to the branches that wait for them: in the order of arrival, each
// to the branch that has waited longest. Then it ends the waits whose time is over.
func (q *round) takeMail() {
	for q.going() && q.mailWanted() && len(q.entries) < maxRound {
		op, l := q.nextMail()
		switch {
		case l != nil:
			q.receive(op, l)
		case op != nil:
			q.apply(Event{Kind: EventTimerFired, Op: op.id, due: op.due})
		default:
			q.mail = false
			return
		}
		q.answer()
	}
	q.more = q.going() && q.mailWanted()
}

// mailWanted reports whether a branch waits for a message that may be there.
func (q *round) mailWanted() bool {
	for _, op := range q.run.machine.waiting() {
		if q.mail || !op.looked {
			return true
		}
	}
	return false
}

// nextMail finds the wait that goes on next and the letter that it gets; no letter when its time is over.
func (q *round) nextMail() (*operation, *letter) {
	var next *operation
	var first *letter
	waiting := q.run.machine.waiting()
	for _, op := range waiting {
		l := q.peek(op)
		if l != nil && (first == nil || bytes.Compare(l.number, first.number) < 0) {
			next, first = op, l
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

// peek returns the first letter that a wait could get, nil when there is none.
func (q *round) peek(op *operation) *letter {
	x := q.boxes[op.name]
	if x == nil {
		if op.looked && !q.mail {
			return nil
		}
		x = &box{from: mailKey(q.run.id, op.name, nil)}
		if q.boxes == nil {
			q.boxes = map[string]*box{}
		}
		q.boxes[op.name] = x
		q.lookAtMark()
	}
	if len(x.letters) == 0 && !x.empty {
		q.read(x, op.name)
	}
	if len(x.letters) == 0 {
		op.looked = true
		return nil
	}
	return &x.letters[0]
}

// read reads the next letters of a topic.
func (q *round) read(x *box, topic string) {
	var bad error
	x.empty = true
	err := q.e.store.Scan(x.from, after(mailKey(q.run.id, topic, nil)), func(key, value []byte) bool {
		if len(x.letters) == mailChunk {
			x.empty = false
			x.from = bytes.Clone(key)
			return false
		}
		var l letter
		l, bad = readLetter(key, value)
		x.letters = append(x.letters, l)
		return bad == nil
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		q.fail(fmt.Errorf("durable: reading the mailbox of run %q: %w", q.run.id, err))
	}
}

// receive moves a letter from the mailbox into the journal.
func (q *round) receive(op *operation, l *letter) {
	x := q.boxes[op.name]
	x.letters = x.letters[1:]
	q.batch.Delete(l.key)
	q.apply(Event{
		Kind: EventMessage, Op: op.id, Result: l.content, From: l.from, Message: l.message, due: op.due,
	})
}

// messageFirst looks into the mailbox before the timeout of a wait counts: a message that has come in time is
// not lost to a timer that was quicker.
func (q *round) messageFirst(ev *Event) {
	op := q.run.machine.pending[ev.Op]
	if ev.Kind != EventTimerFired || op == nil || op.kind != CommandReceive {
		return
	}
	op.looked = false
	for q.going() && q.run.machine.pending[ev.Op] == op {
		l := q.peek(op)
		if l == nil {
			return
		}
		for _, first := range q.run.machine.waiting() {
			if first.name == op.name {
				q.receive(first, l)
				break
			}
		}
		q.answer()
	}
}

// lookAtMark notes which letter came last, before the mailbox is read for the first time in the round.
func (q *round) lookAtMark() {
	if q.marked {
		return
	}
	mark, found, err := q.e.store.Get(runKey(q.run.id, partMark))
	if err != nil {
		q.fail(fmt.Errorf("durable: reading the mailbox of run %q: %w", q.run.id, err))
		return
	}
	q.marked = true
	if found {
		q.mark = mark
	}
}

// closeMailbox ends the mailbox together with its run. The commit is refused when a letter has come since the
// mailbox was looked at: the code then runs again and may still receive it.
func (q *round) closeMailbox() error {
	q.lookAtMark()
	b, id := &q.batch, q.run.id
	all := mailKey(id, "", nil)
	switch mark := runKey(id, partMark); {
	case q.run.refused > maxRefused:
		b.DeleteRange(all, after(all))
		b.Delete(mark)
		return q.broken
	case q.mark == nil:
		b.RequireAbsent(mark)
		return q.broken
	default:
		b.RequireValue(mark, q.mark)
		b.Delete(mark)
	}
	if q.broken != nil {
		return q.broken
	}
	return q.e.store.Scan(all, after(all), func(key, _ []byte) bool {
		b.Delete(key)
		return true
	})
}

// readWaits reads the topics that the store says a run waits for, sorted.
func (e *Engine) readWaits(run string) (topics []string, err error) {
	prefix := runKey(run, partWaits)
	err = e.store.Scan(prefix, after(prefix), func(key, _ []byte) bool {
		topics = append(topics, string(key[len(prefix):len(key)-1]))
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("durable: reading what run %q waits for: %w", run, err)
	}
	return topics, nil
}
