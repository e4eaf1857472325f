package durable

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Journal entries are protobuf messages, written by hand with protowire: the format is documented by the
// field numbers below, unknown fields are skipped, and nothing is generated.
const (
	fieldKind       = 1 // Entry: event kind
	fieldTime       = 2 // Entry: Unix nanoseconds, zigzag
	fieldOp         = 3 // Entry: operation id
	fieldResult     = 4 // Entry: encoded result
	fieldFailure    = 5 // Entry: Failure as JSON
	fieldCommand    = 6 // Entry: repeated Command
	fieldWorkflow   = 7 // Entry, started: workflow name
	fieldInput      = 8
	fieldSeed       = 9
	fieldVersion    = 10
	fieldUnanswered = 11 // Entry: 1 when the run could not answer
	fieldRetry      = 30 // Entry, attempt failed: when the next is due, Unix nanoseconds, zigzag
	fieldFrom       = 40 // Entry, message: the sending run
	fieldMessage    = 41 // Entry, message: its id
	fieldParent     = 42 // Entry, started
	fieldParentOp   = 43
	fieldReason     = 50  // Entry, cancelled and terminated: why
	fieldScheduled  = 60  // Entry, started by a schedule: for when, Unix nanoseconds, zigzag
	fieldHeader     = 80  // Entry, started: repeated, of interceptors
	fieldPlace      = 100 // Entry, started by a queue: its item, see item.encode

	fieldGeneration = 71 // Entry, started
	fieldOrigin     = 72
	fieldForkRun    = 73 // Entry, forked; fieldFrom is the run that it was forked from
	fieldForkSeed   = 74

	fieldCommandKind        = 1
	fieldCommandOp          = 2
	fieldCommandName        = 3
	fieldCommandFingerprint = 4
	fieldCommandDeadline    = 5
	fieldCommandTarget      = 20 // of a cancel
	fieldCommandAttempt     = 30 // of a step that is run again
	fieldCommandTo          = 40
	fieldCommandQueue       = 60 // of a child
	fieldCommandUnawaited   = 70 // of a child: its policy

	fieldHeaderKey   = 1
	fieldHeaderValue = 2
)

// appendEntry appends the encoding of e, without its sequence number, which is in the key.
func appendEntry(buf []byte, e *Entry) ([]byte, error) {
	ev := &e.Event
	buf = appendVarint(buf, fieldKind, uint64(ev.Kind))
	buf = appendVarint(buf, fieldTime, protowire.EncodeZigZag(ev.Time.UnixNano()))
	if ev.Op != "" {
		buf = appendString(buf, fieldOp, ev.Op)
	}
	if ev.Result != nil {
		buf = appendBytes(buf, fieldResult, ev.Result)
	}
	if ev.Failure != nil {
		text, err := json.Marshal(ev.Failure)
		if err != nil {
			return nil, fmt.Errorf("durable: encoding a step's error: %w", err)
		}
		buf = appendBytes(buf, fieldFailure, text)
	}
	if !ev.Retry.IsZero() {
		buf = appendVarint(buf, fieldRetry, protowire.EncodeZigZag(ev.Retry.UnixNano()))
	}
	if ev.From != "" {
		buf = appendString(buf, fieldFrom, ev.From)
	}
	if ev.Message != "" {
		buf = appendString(buf, fieldMessage, ev.Message)
	}
	if ev.Reason != "" {
		buf = appendString(buf, fieldReason, ev.Reason)
	}
	if f := ev.Fork; f != nil {
		buf = appendString(buf, fieldForkRun, f.Run)
		buf = appendString(buf, fieldFrom, f.From)
		buf = appendVarint(buf, fieldForkSeed, f.Seed)
	}
	if s := ev.Start; s != nil {
		buf = appendString(buf, fieldWorkflow, s.Workflow)
		buf = appendBytes(buf, fieldInput, s.Input)
		buf = appendVarint(buf, fieldSeed, s.Seed)
		buf = appendVarint(buf, fieldVersion, uint64(s.Behaviour))
		if s.Parent != "" {
			buf = appendString(buf, fieldParent, s.Parent)
		}
		if s.ParentOp != "" {
			buf = appendString(buf, fieldParentOp, s.ParentOp)
		}
		if !s.Scheduled.IsZero() {
			buf = appendVarint(buf, fieldScheduled, protowire.EncodeZigZag(s.Scheduled.UnixNano()))
		}
		if s.Origin != "" {
			buf = appendString(buf, fieldOrigin, s.Origin)
		}
		if s.Generation != 0 {
			buf = appendVarint(buf, fieldGeneration, uint64(s.Generation))
		}
		buf = appendHeaders(buf, s.Headers)
		if s.place != nil {
			buf = appendBytes(buf, fieldPlace, s.place)
		}
	}
	if e.Unanswered {
		buf = appendVarint(buf, fieldUnanswered, 1)
	}
	var scratch [64]byte
	for i := range e.Commands {
		buf = appendBytes(buf, fieldCommand, appendCommand(scratch[:0], &e.Commands[i]))
	}
	return buf, nil
}

func appendHeaders(buf []byte, headers map[string]string) []byte {
	for _, k := range sortedIDs(headers) {
		h := appendString(nil, fieldHeaderKey, k)
		buf = appendBytes(buf, fieldHeader, appendString(h, fieldHeaderValue, headers[k]))
	}
	return buf
}

func readRunHeader(data []byte, headers *map[string]string) error {
	var k, v string
	err := eachField(data, func(field protowire.Number, _ uint64, b []byte) error {
		switch field {
		case fieldHeaderKey:
			k = string(b)
		case fieldHeaderValue:
			v = string(b)
		}
		return nil
	})
	if *headers == nil {
		*headers = map[string]string{}
	}
	(*headers)[k] = v
	return err
}

func appendCommand(buf []byte, c *Command) []byte {
	buf = appendVarint(buf, fieldCommandKind, uint64(c.Kind))
	buf = appendString(buf, fieldCommandOp, c.Op)
	buf = appendString(buf, fieldCommandName, c.Name)
	buf = protowire.AppendTag(buf, fieldCommandFingerprint, protowire.Fixed64Type)
	buf = protowire.AppendFixed64(buf, c.Fingerprint)
	if !c.Deadline.IsZero() {
		buf = appendVarint(buf, fieldCommandDeadline, protowire.EncodeZigZag(c.Deadline.UnixNano()))
	}
	if c.Target != 0 {
		buf = appendVarint(buf, fieldCommandTarget, uint64(c.Target))
	}
	if c.Attempt != 0 {
		buf = appendVarint(buf, fieldCommandAttempt, uint64(c.Attempt))
	}
	if c.To != "" {
		buf = appendString(buf, fieldCommandTo, c.To)
	}
	if c.Queue != "" {
		buf = appendString(buf, fieldCommandQueue, c.Queue)
	}
	if c.Unawaited != 0 {
		buf = appendVarint(buf, fieldCommandUnawaited, uint64(c.Unawaited))
	}
	return buf
}

func appendVarint(buf []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(buf, field, protowire.VarintType), v)
}

func appendString(buf []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(buf, field, protowire.BytesType), s)
}

func appendBytes(buf []byte, field protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(buf, field, protowire.BytesType), b)
}

// decodeEntry is the inverse of appendEntry. data is copied where the entry keeps parts of it.
func decodeEntry(run string, seq int, data []byte) (Entry, error) {
	var r entryReader
	err := r.read(run, seq, data)
	if err == nil {
		err = r.entry.spell(run)
	}
	return r.entry, err
}

// entryReader decodes entries one after another, each into the place of the one before. It leaves the
// commands encoded, as parts of the data.
type entryReader struct{ entry Entry }

func (r *entryReader) read(run string, seq int, data []byte) error {
	e := &r.entry
	*e = Entry{Seq: seq, wire: e.wire[:0]}
	err := eachField(data, r.field)
	kind, isStart := e.Event.Kind, e.Event.Start != nil
	switch {
	case err != nil:
	case (kind == EventStarted) != isStart:
		err = fmt.Errorf("event kind %d with start facts: %t", kind, isStart)
	case kind < EventStarted || kind > lastEventKind:
		err = fmt.Errorf("unknown event kind %d (was it written by a newer version?)", kind)
	}
	if err != nil {
		return damagedEntry(run, seq, err)
	}
	return nil
}

func (r *entryReader) field(field protowire.Number, v uint64, b []byte) error {
	e := &r.entry
	switch field {
	case fieldKind:
		e.Event.Kind = EventKind(v)
	case fieldTime:
		e.Event.Time = time.Unix(0, protowire.DecodeZigZag(v)).UTC()
	case fieldOp:
		e.Event.Op = string(b)
	case fieldResult:
		e.Event.Result = append([]byte{}, b...)
	case fieldFailure:
		e.Event.Failure = new(Failure)
		return json.Unmarshal(b, e.Event.Failure)
	case fieldCommand:
		e.wire = append(e.wire, b)
	case fieldWorkflow:
		r.start().Workflow = string(b)
	case fieldInput:
		r.start().Input = append([]byte{}, b...)
	case fieldSeed:
		r.start().Seed = v
	case fieldVersion:
		r.start().Behaviour = int(v)
	case fieldRetry:
		e.Event.Retry = time.Unix(0, protowire.DecodeZigZag(v)).UTC()
	case fieldUnanswered:
		e.Unanswered = v == 1
	case fieldFrom:
		if e.Event.Fork != nil {
			e.Event.Fork.From = string(b)
			break
		}
		e.Event.From = string(b)
	case fieldMessage:
		e.Event.Message = string(b)
	case fieldParent:
		r.start().Parent = string(b)
	case fieldParentOp:
		r.start().ParentOp = string(b)
	case fieldScheduled:
		r.start().Scheduled = time.Unix(0, protowire.DecodeZigZag(v)).UTC()
	case fieldHeader:
		return readRunHeader(b, &r.start().Headers)
	case fieldOrigin:
		r.start().Origin = string(b)
	case fieldForkRun:
		r.fork().Run = string(b)
	case fieldForkSeed:
		r.fork().Seed = v
	case fieldGeneration:
		r.start().Generation = int(v)
	case fieldPlace:
		r.start().place = append([]byte(nil), b...)
	case fieldReason:
		e.Event.Reason = string(b)
	}
	return nil
}

func damagedEntry(run string, seq int, err error) error {
	return fmt.Errorf("%w: run %q: journal entry %d: %w", ErrDamaged, run, seq, err)
}

// start is where the facts of a start go.
func (r *entryReader) start() *Start {
	if r.entry.Event.Start == nil {
		r.entry.Event.Start = &Start{}
	}
	return r.entry.Event.Start
}

// fork is where the facts of a fork go.
func (r *entryReader) fork() *Fork {
	if r.entry.Event.Fork == nil {
		r.entry.Event.Fork = &Fork{}
	}
	return r.entry.Event.Fork
}

// spell decodes the commands of an entry that was read from the journal of a run.
func (e *Entry) spell(run string) error {
	if len(e.wire) == 0 {
		return nil
	}
	e.Commands = make([]Command, len(e.wire))
	for i, data := range e.wire {
		if err := e.Commands[i].decode(data); err != nil {
			return damagedEntry(run, e.Seq, err)
		}
	}
	e.wire = nil
	return nil
}

func (c *Command) decode(data []byte) error {
	return eachField(data, func(field protowire.Number, v uint64, b []byte) error {
		switch field {
		case fieldCommandKind:
			c.Kind = CommandKind(v)
		case fieldCommandOp:
			c.Op = string(b)
		case fieldCommandName:
			c.Name = string(b)
		case fieldCommandFingerprint:
			c.Fingerprint = v
		case fieldCommandDeadline:
			c.Deadline = time.Unix(0, protowire.DecodeZigZag(v)).UTC()
		case fieldCommandTarget:
			c.Target = CommandKind(v)
		case fieldCommandAttempt:
			c.Attempt = int(v)
		case fieldCommandTo:
			c.To = string(b)
		case fieldCommandQueue:
			c.Queue = string(b)
		case fieldCommandUnawaited:
			c.Unawaited = ChildPolicy(v)
		}
		return nil
	})
}

var errBadWire = errors.New("malformed data")

// eachField calls visit for every field of a protobuf message: numbers in v, bytes in b.
func eachField(data []byte, visit func(field protowire.Number, v uint64, b []byte) error) error {
	for len(data) > 0 {
		field, typ, n := protowire.ConsumeTag(data)
		if n < 0 {
			return errBadWire
		}
		data = data[n:]
		var v uint64
		var b []byte
		switch typ {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(data)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(data)
		case protowire.BytesType:
			b, n = protowire.ConsumeBytes(data)
		default:
			n = protowire.ConsumeFieldValue(field, typ, data)
		}
		if n < 0 {
			return errBadWire
		}
		if err := visit(field, v, b); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
