package durable

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// MarshalJSON writes the journal for people and for files: kinds as words, inputs and results as the JSON
// that they are, or in base64 when the codec is another. UnmarshalJSON reads it back without loss.
func (j Journal) MarshalJSON() ([]byte, error) {
	out := jsonJournal{Run: j.Run, Entries: make([]jsonEntry, len(j.Entries))}
	for i := range j.Entries {
		out.Entries[i] = toJSON(&j.Entries[i])
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads a journal that MarshalJSON wrote, for instance one that was saved to be replayed
// against later versions of the code.
func (j *Journal) UnmarshalJSON(data []byte) error {
	var in jsonJournal
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*j = Journal{Run: in.Run, Entries: make([]Entry, len(in.Entries))}
	for i := range in.Entries {
		e, err := in.Entries[i].entry()
		if err != nil {
			return fmt.Errorf("durable: saved journal of run %q: entry %d: %w", in.Run, i+1, err)
		}
		if e.Seq != i+1 {
			return fmt.Errorf("durable: saved journal of run %q: entry %d says that it is entry %d",
				in.Run, i+1, e.Seq)
		}
		j.Entries[i] = e
	}
	return nil
}

type jsonJournal struct {
	Run     string      `json:"run"`
	Entries []jsonEntry `json:"entries"`
}

type jsonEntry struct {
	Seq        int               `json:"seq"`
	Event      string            `json:"event"`
	Time       time.Time         `json:"time"`
	Op         string            `json:"op,omitempty"`
	Workflow   string            `json:"workflow,omitempty"`
	Input      *payload          `json:"input,omitempty"`
	Seed       uint64            `json:"seed,omitempty,string"`
	Behaviour  int               `json:"behaviour,omitempty"`
	Parent     string            `json:"parent,omitempty"`
	ParentOp   string            `json:"parentOp,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"`
	Scheduled  *time.Time        `json:"scheduled,omitempty"`
	Generation int               `json:"generation,omitempty"`
	Origin     string            `json:"origin,omitempty"`
	ForkedAs   string            `json:"forkedAs,omitempty"`
	Result     *payload          `json:"result,omitempty"`
	Failure    *Failure          `json:"failure,omitempty"`
	Retry      *time.Time        `json:"retry,omitempty"`
	From       string            `json:"from,omitempty"`
	Message    string            `json:"message,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	Commands   []jsonCommand     `json:"commands,omitempty"`
	Unanswered bool              `json:"unanswered,omitempty"`
}

type jsonCommand struct {
	Kind        string     `json:"kind"`
	Op          string     `json:"op,omitempty"`
	Name        string     `json:"name,omitempty"`
	To          string     `json:"to,omitempty"`
	Fingerprint string     `json:"fingerprint"`
	Deadline    *time.Time `json:"deadline,omitempty"`
	Target      string     `json:"target,omitempty"`
	Attempt     int        `json:"attempt,omitempty"`
	Queue       string     `json:"queue,omitempty"`
	Unawaited   uint8      `json:"unawaited,omitempty"`
}

// payload is encoded data: JSON as it is, anything else as an object with the member base64.
type payload []byte

type bytesPayload struct {
	Base64 []byte `json:"base64"`
}

func (p payload) MarshalJSON() ([]byte, error) {
	if json.Valid(p) && !isBytesPayload(p) {
		return p, nil
	}
	return json.Marshal(bytesPayload{p})
}

func (p *payload) UnmarshalJSON(data []byte) error {
	if !isBytesPayload(data) {
		*p = append(payload{}, data...)
		return nil
	}
	var b bytesPayload
	err := json.Unmarshal(data, &b)
	*p = b.Base64
	return err
}

func isBytesPayload(data []byte) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal(data, &members) == nil && len(members) == 1 && members["base64"] != nil
}

func asPayload(data []byte) *payload {
	if data == nil {
		return nil
	}
	p := payload(data)
	return &p
}

func (p *payload) bytes() []byte {
	if p == nil {
		return nil
	}
	return *p
}

func toJSON(e *Entry) jsonEntry {
	ev := &e.Event
	out := jsonEntry{
		Seq: e.Seq, Event: ev.Kind.String(), Time: ev.Time.UTC(), Op: ev.Op,
		Result: asPayload(ev.Result), Failure: ev.Failure, Unanswered: e.Unanswered,
		From: ev.From, Message: ev.Message, Reason: ev.Reason,
	}
	if s := ev.Start; s != nil {
		out.Workflow, out.Input, out.Seed, out.Behaviour = s.Workflow, asPayload(s.Input), s.Seed, s.Behaviour
		out.Parent, out.ParentOp, out.Headers = s.Parent, s.ParentOp, s.Headers
		if !s.Scheduled.IsZero() {
			at := s.Scheduled.UTC()
			out.Scheduled = &at
		}
		out.Generation, out.Origin = s.Generation, s.Origin
	}
	if f := ev.Fork; f != nil {
		out.ForkedAs, out.From, out.Seed = f.Run, f.From, f.Seed
	}
	if !ev.Retry.IsZero() {
		at := ev.Retry.UTC()
		out.Retry = &at
	}
	for i := range e.Commands {
		c := &e.Commands[i]
		jc := jsonCommand{
			Kind: c.Kind.String(), Op: c.Op, Name: c.Name, To: c.To, Attempt: c.Attempt, Queue: c.Queue,
			Fingerprint: fmt.Sprintf("%016x", c.Fingerprint), Unawaited: uint8(c.Unawaited),
		}
		if !c.Deadline.IsZero() {
			due := c.Deadline.UTC()
			jc.Deadline = &due
		}
		if c.Target != 0 {
			jc.Target = c.Target.String()
		}
		out.Commands = append(out.Commands, jc)
	}
	return out
}

// entry is the inverse of toJSON.
func (in *jsonEntry) entry() (Entry, error) {
	kind, ok := kindNamed[EventKind](in.Event, lastEventKind)
	if !ok {
		return Entry{}, fmt.Errorf("unknown event %q", in.Event)
	}
	e := Entry{Seq: in.Seq, Unanswered: in.Unanswered, Event: Event{
		Kind: kind, Time: in.Time, Op: in.Op, Result: in.Result.bytes(), Failure: in.Failure,
		From: in.From, Message: in.Message, Reason: in.Reason,
	}}
	if in.Retry != nil {
		e.Event.Retry = *in.Retry
	}
	if kind == EventForked {
		e.Event.Fork, e.Event.From = &Fork{Run: in.ForkedAs, From: in.From, Seed: in.Seed}, ""
	}
	if kind == EventStarted {
		e.Event.Start = &Start{
			Workflow: in.Workflow, Input: in.Input.bytes(), Seed: in.Seed, Behaviour: in.Behaviour,
			Parent: in.Parent, ParentOp: in.ParentOp, Headers: in.Headers,
			Generation: in.Generation, Origin: in.Origin,
		}
	}
	if in.Scheduled != nil && e.Event.Start != nil {
		e.Event.Start.Scheduled = *in.Scheduled
	}
	for i := range in.Commands {
		jc := &in.Commands[i]
		kind, ok := kindNamed[CommandKind](jc.Kind, lastCommandKind)
		fingerprint, err := strconv.ParseUint(jc.Fingerprint, 16, 64)
		if !ok || err != nil {
			return e, fmt.Errorf("command %d: unknown kind %q or bad fingerprint %q", i+1, jc.Kind, jc.Fingerprint)
		}
		c := Command{
			Kind: kind, Op: jc.Op, Name: jc.Name, To: jc.To, Fingerprint: fingerprint, Attempt: jc.Attempt,
			Queue:     jc.Queue,
			Unawaited: ChildPolicy(jc.Unawaited),
		}
		if jc.Deadline != nil {
			c.Deadline = *jc.Deadline
		}
		if jc.Target != "" {
			if c.Target, ok = kindNamed[CommandKind](jc.Target, lastCommandKind); !ok {
				return e, fmt.Errorf("command %d: unknown target %q", i+1, jc.Target)
			}
		}
		e.Commands = append(e.Commands, c)
	}
	return e, nil
}

// kindNamed finds the kind whose String is the word.
func kindNamed[K interface {
	~uint8
	String() string
}](word string, last K) (K, bool) {
	for k := K(1); k <= last; k++ {
		if k.String() == word {
			return k, true
		}
	}
	return 0, false
}
