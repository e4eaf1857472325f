package durable

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// ErrContinued is the end of a part of a run that went on as new, see ContinueAsNew.
var ErrContinued = errors.New("durable: the run continued as new")

func init() { RegisterError(ErrContinued) }

// ContinueAsNew lets a run go on under its own id with a new journal and another input, so that a run that
// lives for years does not replay years. The workflow function returns what ContinueAsNew returns:
//
//	return durable.ContinueAsNew[Summary](ctx, state)
//
// The old journal ends and the new one begins in one commit. The run stays the same for everyone else: its
// unread messages, published values and message ids are those of the id; updates that the run has taken are
// answered before ContinueAsNew returns, and those that wait are taken by the new part; Result waits for the
// last part, and so does a parent. What the old part had started ends with it as at the end of a run: its
// branches are waited for, steps, timers and children that nobody awaits are cancelled, unless the policy of
// the child says otherwise. What OnFailure was told is forgotten, in the run and in
// the Scopes around the call, which have not failed.
//
// The part that has ended stays in the store as a run in the state Continued, whose id is the run's, a hash
// and the number of the part, as in "order-17#1"; List shows it, Retention deletes it in time.
//
// On a cancelled Context the error is the cancellation, so the run ends instead; with a Detached one it
// continues, and the new part sees the cancellation too. In must be the workflow's
// input type; ContinueAsNew panics when it is another.
func ContinueAsNew[Out, In any](ctx Context, in In) (Out, error) {
	var none Out
	b := ctx.enter("ContinueAsNew")
	m := b.m
	if want, have := m.def.input, reflect.TypeFor[In](); want != nil && want != have {
		panic(fmt.Sprintf("durable: ContinueAsNew was given a %v; give it the input of workflow %q, a %v",
			have, m.def.name, want))
	}
	if b.scope.cause != nil {
		return none, b.refuse(b.scope, "ContinueAsNew")
	}
	input, err := encodeBounded(m.codec, in)
	if err != nil {
		return none, &CodecError{What: "input that the run continues with", Type: typeName[In](), Cause: err}
	}
	if err := m.endUpdates(b); err != nil {
		return none, err
	}
	return none, &continuation{m: m, input: input}
}

// continuation is the error that a workflow function returns whose run is to continue.
type continuation struct {
	m     *machine
	input []byte
}

func (c *continuation) Error() string {
	return "durable: the run is to continue as new; return the error of ContinueAsNew from the workflow function"
}

// endUpdates ends the handlers and waits for the answers to the updates that the run has taken.
func (m *machine) endUpdates(b *branch) error {
	for _, op := range m.pendingSorted() {
		if op.kind == CommandHandle {
			op.cancel(ErrContinued)
		}
	}
	for _, op := range m.updating {
		if op.ended > 0 || op.branch == b {
			continue
		}
		if err := m.await(op); err != nil {
			return err
		}
	}
	m.updating = nil
	return nil
}

// continues returns the command with which the run goes on as new; ok is false when err is another error.
func (m *machine) continues(err error) (c Command, ok bool) {
	var next *continuation
	if !errors.As(err, &next) || next.m != m {
		return c, false
	}
	m.goesOn = true
	return Command{
		Kind: CommandContinue, Name: m.def.name, Fingerprint: xxhash.Sum64(next.input), content: next.input,
	}, true
}

// place is an operation's place in the whole run, all of its parts: ids that are derived from it are unique.
func place(generation int, op string) string {
	if generation == 0 {
		return op
	}
	return strconv.Itoa(generation+1) + ":" + op
}

// recordNext adds the new journal to the batch when the run continues.
func (q *round) recordNext() error {
	if n := len(q.entries); n > 0 {
		last := &q.entries[n-1]
		if k := len(last.Commands); k > 0 && last.Commands[k-1].Kind == CommandContinue {
			return q.restart(&last.Commands[k-1], last)
		}
	}
	return nil
}

// restart moves the run's journal to a run of its own and begins a new one.
func (q *round) restart(c *Command, last *Entry) error {
	e, r, b, m := q.e, q.run, &q.batch, q.run.machine
	old, err := q.freeID(r.id + "#" + strconv.Itoa(m.generation+1))
	if err != nil {
		return err
	}
	b.RequireAbsent(runKey(old, partHeader))
	h := header{workflow: r.startWith.workflow, fingerprint: r.startWith.fingerprint}
	b.Set(runKey(old, partHeader), h.encode())
	from, to := journalRange(r.id)
	seq := 0
	err = e.store.Scan(from, to, func(_, value []byte) bool {
		if seq++; seq == 1 && m.origin == "" {
			value = appendString(bytes.Clone(value), fieldOrigin, r.id)
		}
		if seq < q.entries[0].Seq {
			b.Set(journalKey(old, seq), value)
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("durable: reading the journal of run %q: %w", r.id, err)
	}
	for i := range q.entries {
		data, err := appendEntry(nil, &q.entries[i])
		if err != nil {
			return err
		}
		if q.entries[i].Seq == 1 && m.origin == "" {
			data = appendString(data, fieldOrigin, r.id)
		}
		b.Set(journalKey(old, q.entries[i].Seq), data)
	}
	text, err := json.Marshal(recordFailure(ErrContinued))
	if err != nil {
		return fmt.Errorf("durable: encoding the end of a run: %w", err)
	}
	b.Set(runKey(old, partEnd), append(endHead(endContinued, last.Event.Time), text...))
	e.keep(b, old, last.Event.Time)

	start := newStart(r.id, m.def.name, c.content, last.Event.Time, m.headers)
	start.Parent, start.ParentOp, start.Generation = m.parent, m.parentOp, m.generation+1
	start.Seed += uint64(start.Generation)
	if r.item != nil {
		start.place = r.item.asPlace()
	}
	q.next = &Entry{Seq: 1, Unanswered: true, Event: Event{
		Kind: EventStarted, Time: last.Event.Time, Start: start,
	}}
	data, err := appendEntry(nil, q.next)
	if err != nil {
		return err
	}
	b.DeleteRange(from, to)
	b.Set(journalKey(r.id, 1), data)
	b.Set(activeKey(r.id), nil)
	if m.asked {
		q.letters = append(q.letters, letter{
			kind: mailCancel, to: r.id, name: fromOutside, content: []byte(m.why),
		})
	}
	return nil
}

// freeID returns an id that no run has: the wanted one, if need be with more hashes.
func (q *round) freeID(id string) (string, error) {
	for {
		_, taken, err := q.e.store.Get(runKey(id, partHeader))
		if err != nil {
			return "", fmt.Errorf("durable: looking for run %q: %w", id, err)
		}
		if !taken && !q.starts(id) {
			return id, nil
		}
		id += "#"
	}
}
