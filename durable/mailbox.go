package durable

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// A letter is something on its way into a run: a message, the end of a child, a cancellation by the parent.
// It lies in the run's mailbox from the sender's commit on until the commit in which the run receives it.
type letter struct {
	kind    mailKind
	to      string
	name    string // the topic of a message; the parent's operation that is a child
	from    string // the sending run; empty when it comes from outside
	message string // its id; empty when it has none
	again   bool   // it may come again with another content, from a step that runs again
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

// mailKind says what a letter is.
type mailKind byte

// mailFlags says which kinds of letters may have come.
type mailFlags uint8

const (
	maybeMessage mailFlags = 1 << iota
	maybeChildEnd
	maybeCancel
	maybeUpdate // which is no letter, but comes in like one

	anyLetter = maybeMessage | maybeChildEnd | maybeCancel
	anyMail   = anyLetter | maybeUpdate
)

func (k mailKind) flag() mailFlags {
	switch k {
	case mailChildEnd:
		return maybeChildEnd
	case mailCancel:
		return maybeCancel
	}
	return maybeMessage
}

// readLetter reads a letter of the mailbox; the slices are copied.
func readLetter(key, value []byte) (letter, error) {
	l, err := parseMailKey(bytes.Clone(key))
	if err != nil {
		return l, err
	}
	l.content = []byte{}
	err = eachField(value, func(field protowire.Number, _ uint64, b []byte) error {
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

// mailboxKey is the prefix of everything in a run's mailbox.
func mailboxKey(run string) []byte {
	k := make([]byte, 0, len(run)+32)
	k = append(k, tableMail)
	k = append(k, run...)
	return append(k, 0)
}

// mailKey is the prefix of the letters of one name, or the key of one letter.
func mailKey(run string, kind mailKind, name string, number []byte) []byte {
	k := append(mailboxKey(run), byte(kind))
	k = append(k, name...)
	k = append(k, 0)
	return append(k, number...)
}

// parseMailKey is the inverse of mailKey; the letter refers to the key.
func parseMailKey(key []byte) (letter, error) {
	id, rest, ok := bytes.Cut(key[1:], []byte{0})
	name, number, terminated := bytes.Cut(rest, []byte{0})
	if !ok || !terminated || len(name) < 2 || len(number) != letterNumberSize {
		return letter{}, fmt.Errorf("durable: %w: not a letter's key: %x", ErrDamaged, key)
	}
	return letter{
		kind: mailKind(name[0]), to: string(id), name: string(name[1:]), number: number, key: key,
	}, nil
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

// put writes the letter, with its place in the order of arrival, and the mark by which the run notices it.
func (q *round) put(l *letter) {
	l.number = q.e.nextLetter()
	q.batch.Set(mailKey(l.to, l.kind, l.name, l.number), l.encode())
	q.batch.Set(runKey(l.to, partMark), l.number)
}

// lookAtMark notes which letter came last, before letters are read. It reports whether that is another one
// than when it was called last, for this round or an earlier one.
func (q *round) lookAtMark() (changed bool) {
	mark, found, err := q.e.store.Get(runKey(q.run.id, partMark))
	if err != nil {
		q.fail(fmt.Errorf("durable: reading the mailbox of run %q: %w", q.run.id, err))
		return false
	}
	if !found {
		mark = nil
	}
	changed = !bytes.Equal(mark, q.run.mark)
	q.run.mark, q.marked = mark, true
	return changed
}

// closeMailbox ends the mailbox together with its run. The commit is refused when a letter has come since the
// mailbox was looked at: the code then runs again and may still receive it.
func (q *round) closeMailbox() error {
	if !q.marked {
		q.lookAtMark()
	}
	b, id := &q.batch, q.run.id
	all := mailboxKey(id)
	switch mark := runKey(id, partMark); {
	case q.run.refused > maxRefused:
		b.DeleteRange(all, after(all))
		b.Delete(mark)
		return q.broken
	case q.run.mark == nil:
		b.RequireAbsent(mark)
		return q.broken
	default:
		b.RequireValue(mark, q.run.mark)
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
