package durable

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// Update is a kind of request into a run, by its durable name: the run checks it, works on it and answers.
type Update[In, Out any] struct {
	name string
}

// ErrRejected says that a run has refused an update. Nothing of it is recorded.
var ErrRejected = errors.New("durable: the update was rejected")

func init() {
	RegisterError(ErrRejected)
	RegisterErrorType[*UpdateError]()
}

// UpdateError is the error that a run's handler answered an update with. errors.Is and errors.As see through
// it to that error.
type UpdateError struct {
	Run    string
	Update string // its name
	ID     string
	Cause  error
}

func (e *UpdateError) Error() string {
	return fmt.Sprintf("update %q (id %q) of run %q failed: %v", e.Update, e.ID, e.Run, e.Cause)
}

// Unwrap returns the handler's error.
func (e *UpdateError) Unwrap() error { return e.Cause }

// NewUpdate names a kind of update. Journals refer to it by that name, so the name must not change while runs
// use it.
func NewUpdate[In, Out any](name string) Update[In, Out] {
	if err := checkID("update's name", name); err != nil {
		panic(err.Error())
	}
	return Update[In, Out]{name}
}

// Name returns the name that journals know the update by.
func (u Update[In, Out]) Name() string { return u.name }

// Handle makes the run take updates of this kind from now on, until the branch that called Handle ends or ctx
// is cancelled. Updates that come earlier wait.
//
// check, which may be nil, says why an update can't be taken. It only looks: it must not change anything, and
// has no Context. An update that it accepts is an event of the journal and runs fn in a branch of its own;
// what fn returns is the answer. A branch that ends cancels the updates that it has not answered and waits
// for their answers, as with Go.
func (u Update[In, Out]) Handle(
	ctx Context, check func(in In) error, fn func(ctx Context, in In) (Out, error),
) {
	b := ctx.enter("Handle")
	m := b.m
	u.named()
	if fn == nil {
		panic(fmt.Sprintf("durable: Handle of update %q needs a function that answers, got nil", u.name))
	}
	if m.handlerOf(u.name) != nil {
		panic(fmt.Sprintf("durable: the run handles update %q already; end the first handler, with the Context "+
			"that it was given, before another begins", u.name))
	}
	op := b.newOperation(CommandHandle, u.name)
	b.issue(op, Command{handler: &handler{
		b: b, scope: ctx.s,
		check: func(input []byte) error {
			var in In
			if err := m.codec.Decode(input, &in); err != nil {
				return &CodecError{What: "input of update " + strconv.Quote(u.name), Type: typeName[In](), Cause: err}
			}
			if check == nil {
				return nil
			}
			return check(in)
		},
		run: func(ctx Context, input []byte) ([]byte, error) {
			var in In
			if err := m.codec.Decode(input, &in); err != nil {
				m.stop(&CodecError{
					What: "recorded input of update " + strconv.Quote(u.name), Type: typeName[In](), Cause: err,
				})
			}
			out, err := fn(ctx, in)
			if err != nil {
				return nil, err
			}
			result, err := m.codec.Encode(out)
			if err != nil {
				err = &CodecError{What: "answer of update " + strconv.Quote(u.name), Type: typeName[Out](), Cause: err}
			}
			return result, err
		},
	}})
}

// named refuses the zero Update.
func (u Update[In, Out]) named() {
	if u.name == "" {
		panic("durable: an Update without a name was used; make updates with NewUpdate")
	}
}

// handler is how a run takes updates of one name, without their types.
type handler struct {
	b        *branch // that called Handle
	scope    *scope
	accepted int // updates so far
	check    func(input []byte) error
	run      func(ctx Context, input []byte) ([]byte, error)
}

// handlerOf returns the operation that handles updates of this name, nil when there is none.
func (m *machine) handlerOf(name string) *operation {
	for _, op := range m.pending { //tidy:unordered there is one at most
		if op.kind == CommandHandle && op.name == name {
			return op
		}
	}
	return nil
}

// startUpdate starts the branch that answers an accepted update.
func (m *machine) startUpdate(ev *Event) {
	h := m.pending[ev.Op].handler
	h.accepted++
	m.issued++
	op := &operation{
		m: m, id: ev.Op + "." + strconv.Itoa(h.accepted), kind: CommandBranch, name: m.pending[ev.Op].name,
		order: m.issued,
	}
	before := h.b.scope
	h.b.scope = h.scope
	child := m.newBranch(h.b, op)
	h.b.scope = before
	m.updating = append(slices.DeleteFunc(m.updating, func(op *operation) bool { return op.ended > 0 }), op)
	input, id := ev.Result, ev.Message
	m.spawn(child, op.name, func(ctx Context) {
		var result []byte
		var err error
		if cause := child.own.cause; cause != nil {
			err = &cancelled{what: "update " + strconv.Quote(op.name), cause: cause} // before it started
		} else {
			result, err = h.run(ctx, input)
		}
		child.finish()
		c := Command{To: id, result: result, failure: recordFailure(err), Fingerprint: xxhash.Sum64(result)}
		c.content = binary.BigEndian.AppendUint64(nil, updateFingerprint(op.name, input))
		if c.failure != nil {
			c.Fingerprint = xxhash.Sum64String(c.failure.Text)
		}
		child.note(&operation{id: op.id, kind: CommandAnswer, name: op.name}, c)
		if child.group != nil {
			child.group.noteEnd(nil, nil)
		}
		child.disown()
		op.resolve(outcome{result: result, err: err})
	})
}

// Call asks the run for an update and waits for its answer. When the run refuses it, the error is ErrRejected
// and says why; when its handler returns an error, an *UpdateError. When there is no such run the error is
// ErrNotFound; when the run ends before it takes the update, or had ended, ErrEnded.
//
// The id makes it safe to ask again: for each run, an update id is taken once, and repeating it gives the
// same answer, also after the run has ended. The same id with another input is ErrConflict. With an empty id
// each call is an update of its own; in a step, the same one in every attempt. ctx bounds the waiting: an
// update that the run has taken goes on.
func (u Update[In, Out]) Call(ctx context.Context, e *Engine, run, id string, in In) (Out, error) {
	var out Out
	u.named()
	if err := errors.Join(e.missing(), checkID("run's id", run)); err != nil {
		return out, err
	}
	if id != "" {
		if err := checkID("update's id", id); err != nil {
			return out, err
		}
	}
	input, err := e.codec.Encode(in)
	if err != nil {
		what := fmt.Sprintf("input of update %q to run %q", u.name, run)
		return out, &CodecError{What: what, Type: typeName[In](), Cause: err}
	}
	a := asked{run: run, name: u.name, id: id, input: input}
	if id == "" {
		a.id = requestID(ctx)
		a.again = a.id != ""
	}
	answer, err := e.update(ctx, a)
	if err != nil {
		return out, err
	}
	if err := e.codec.Decode(answer, &out); err != nil {
		what := fmt.Sprintf("answer of update %q to run %q", u.name, run)
		return out, &CodecError{What: what, Type: typeName[Out](), Cause: err}
	}
	return out, nil
}
