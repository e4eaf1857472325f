package durable

import (
	"fmt"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Topic is a kind of message to runs, by its durable name: what it is about and the type of its content. Each
// run has a mailbox; what is sent to the run stays there until the run receives it, in the order of arrival.
//
// A run receives what it waits for in the order in which it was sent, whatever the topics: what one sender,
// or one commit, sends, and what is sent after something else was accepted. The ends of its children are part
// of that order. When several branches of a run wait for the same topic, each message goes to the one that
// has waited longest. What a run has not received when it ends is dropped.
type Topic[T any] struct {
	name string
}

// NewTopic names a topic. Mailboxes and journals refer to it by that name, so the name must not change while
// runs use it.
func NewTopic[T any](name string) Topic[T] {
	if err := checkID("topic's name", name); err != nil {
		panic(err.Error())
	}
	return Topic[T]{name}
}

// Name returns the name that journals know the topic by.
func (t Topic[T]) Name() string { return t.name }

// Receive waits for the next message of this topic and returns its content; when ctx is cancelled first, that
// error. A wait that was cancelled takes no message. A run that only waits holds no memory and no goroutine.
func (t Topic[T]) Receive(ctx Context) (T, error) {
	b := ctx.enter("Receive")
	return t.await(b, t.receive(b, time.Time{}))
}

// ReceiveTimeout is Receive with a limit: when no message has come d after Now, it returns an error that is
// context.DeadlineExceeded. The deadline is recorded, so it is the same after a crash. A message that is in
// the mailbox is returned whatever d is; so a d of zero, or a negative one, asks whether there is one.
func (t Topic[T]) ReceiveTimeout(ctx Context, d time.Duration) (T, error) {
	b := ctx.enter("ReceiveTimeout")
	return t.await(b, t.receive(b, b.m.now.Add(max(d, 0))))
}

// Next begins to wait for the next message of this topic and returns at once. The message that ends this wait
// is received even when nobody awaits the Future; cancel it, or let it lose a Race, to leave the message to
// others.
func (t Topic[T]) Next(ctx Context) Future[T] {
	return Future[T]{op: t.receive(ctx.enter("Next"), time.Time{})}
}

func (t Topic[T]) await(b *branch, op *operation) (v T, err error) {
	if err := b.m.await(op); err != nil {
		return v, err
	}
	return resultOf[T](op)
}

func (t Topic[T]) receive(b *branch, due time.Time) *operation {
	t.check()
	op := b.newOperation(CommandReceive, t.name)
	op.due = due
	c := Command{Deadline: due}
	if !due.IsZero() {
		c.Fingerprint = 1 + uint64(due.Sub(b.m.now))
	}
	b.issue(op, c)
	return op
}

// Send sends a message to the run that has this id, exactly once: the message is committed together with the
// event that led to it. When Send returns nil, the message is in the run's mailbox, come what may. When there
// is no such run the error is ErrNotFound, when it has ended, ErrEnded.
func (t Topic[T]) Send(ctx Context, run string, v T) error {
	b := ctx.enter("Send")
	m := b.m
	t.check()
	if err := checkID("run's id", run); err != nil {
		panic(err.Error())
	}
	op := b.newOperation(CommandSend, t.name)
	content, err := m.codec.Encode(v)
	if err != nil {
		return &CodecError{What: "message of " + op.String(), Type: typeName[T](), Cause: err}
	}
	b.issue(op, Command{To: run, Fingerprint: xxhash.Sum64(content), content: content})
	if err := m.await(op); err != nil {
		return err
	}
	return op.err
}

// check refuses the zero Topic.
func (t Topic[T]) check() {
	if t.name == "" {
		panic("durable: a Topic without a name was used; make topics with NewTopic")
	}
}

// noMessage is how a wait ends when its time has passed.
func noMessage(topic string) error {
	return &reason{fmt.Sprintf("durable: no message of topic %q came in time", topic), ErrTimeout}
}

// waiting returns the waits for messages in the order in which they began.
func (m *machine) waiting() []*operation {
	kept := m.receives[:0]
	for _, op := range m.receives {
		if m.pending[op.id] == op {
			kept = append(kept, op)
		}
	}
	clear(m.receives[len(kept):])
	m.receives = kept
	return kept
}

// topics returns the topics of the messages that the run waits for, sorted.
func (m *machine) topics() []string {
	if m.ended || len(m.receives) == 0 {
		return nil
	}
	var topics []string
	for _, op := range m.waiting() {
		topics = append(topics, op.name)
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// expectsMail says which kinds of letters may be for a pending operation.
func (m *machine) expectsMail() (mail mailFlags) {
	if len(m.waiting()) > 0 {
		mail |= maybeMessage
	}
	for _, op := range m.pending { //tidy:unordered whether there is one
		if op.kind == CommandChild {
			mail |= maybeChildEnd
		}
	}
	return mail
}
