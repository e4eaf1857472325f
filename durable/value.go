package durable

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/cespare/xxhash/v2"
)

// Value is something that runs publish under a durable name, with its type: how far they have come, what they
// have found. Each run has its own; what it published last can be read while it runs, while it sleeps and
// after its end.
type Value[T any] struct {
	name string
}

// ErrNotPublished says that a run has published nothing under a name.
var ErrNotPublished = errors.New("durable: the run has not published this value")

func init() { RegisterError(ErrNotPublished) }

// NewValue names a value. Stores refer to it by that name, so the name must not change while runs use it.
func NewValue[T any](name string) Value[T] {
	if err := checkID("value's name", name); err != nil {
		panic(err.Error())
	}
	return Value[T]{name}
}

// Name returns the name that the value is published under.
func (v Value[T]) Name() string { return v.name }

// Publish sets the run's value. It is committed together with the event that led to it; of several in answer
// to one event, readers see the last. It never waits, and works on a cancelled Context too. The error says
// that the value does not encode.
func (v Value[T]) Publish(ctx Context, value T) error {
	b := ctx.enter("Publish")
	v.check()
	op := b.newOperation(CommandPublish, v.name)
	content, err := b.m.codec.Encode(value)
	if err != nil {
		return &CodecError{What: "content of " + op.String(), Type: typeName[T](), Cause: err}
	}
	b.note(op, Command{Fingerprint: xxhash.Sum64(content), content: content})
	return nil
}

// note hands a command to the engine that has no answer.
func (b *branch) note(op *operation, c Command) {
	c.Kind, c.Op, c.Name, c.pc = op.kind, op.id, op.name, b.pc[0]
	b.m.commands = append(b.m.commands, c)
}

// check refuses the zero Value.
func (v Value[T]) check() {
	if v.name == "" {
		panic("durable: a Value without a name was used; make values with NewValue")
	}
}

// Get returns what the run has published last. It reads the store: the run stays where it is. When there is
// no such run the error is ErrNotFound, when it has published nothing, ErrNotPublished.
func (v Value[T]) Get(ctx context.Context, e *Engine, run string) (T, error) {
	var none T
	v.check()
	if err := errors.Join(e.missing(), checkID("run's id", run)); err != nil {
		return none, err
	}
	if err := context.Cause(ctx); err != nil {
		return none, err
	}
	e.mu.Lock()
	err := e.usable()
	e.mu.Unlock()
	if err != nil {
		return none, err
	}
	p, err := e.published(run, v.name)
	switch {
	case err != nil:
		return none, err
	case p.version == 0:
		return none, fmt.Errorf("%w: value %q of run %q", ErrNotPublished, v.name, run)
	}
	return v.decode(e, run, p.content)
}

// Watch goes through the run's values: what it has published last, and then each change, until the run has
// ended and its last value was seen. A watcher that is slower than the run misses what was published in
// between, never the last. Watching ends with an error when there is no such run (ErrNotFound), when the
// engine can't go on, and when ctx is done.
func (v Value[T]) Watch(ctx context.Context, e *Engine, run string) iter.Seq2[T, error] {
	v.check()
	return func(yield func(T, error) bool) {
		var none T
		if err := errors.Join(e.missing(), checkID("run's id", run)); err != nil {
			yield(none, err)
			return
		}
		seen := uint64(0)
		for {
			p, err := e.watch(ctx, run, v.name, seen)
			if err != nil {
				yield(none, err)
				return
			}
			if p.version != seen {
				seen = p.version
				if !yield(v.decode(e, run, p.content)) {
					return
				}
			}
			if p.last {
				return
			}
		}
	}
}

func (v Value[T]) decode(e *Engine, run string, content []byte) (T, error) {
	var value T
	if err := e.codec.Decode(content, &value); err != nil {
		what := fmt.Sprintf("value %q of run %q", v.name, run)
		return value, &CodecError{What: what, Type: typeName[T](), Cause: err}
	}
	return value, nil
}

// generationShift is where the generation of the run begins in a value's version.
const generationShift = 40

// publication is a published value: the journal entry that published it and the encoded value.
type publication struct {
	version uint64 // 0 when there is none
	content []byte
	last    bool // the run has ended
}

// published reads a value and whether it is the run's last.
func (e *Engine) published(run, name string) (p publication, err error) {
	_, found, err := e.store.Get(runKey(run, partHeader))
	switch {
	case err != nil:
		return p, fmt.Errorf("durable: looking for run %q: %w", run, err)
	case !found:
		return p, fmt.Errorf("%w: %q", ErrNotFound, run)
	}
	if _, p.last, err = e.store.Get(runKey(run, partEnd)); err != nil { // before the value: it is then the last
		return p, fmt.Errorf("durable: looking for the end of run %q: %w", run, err)
	}
	data, found, err := e.store.Get(valueKey(run, name))
	switch {
	case err != nil:
		return p, fmt.Errorf("durable: reading value %q of run %q: %w", name, run, err)
	case found && len(data) < 8:
		return p, fmt.Errorf("%w: value %q of run %q: %x", ErrDamaged, name, run, data)
	case found:
		p.version, p.content = binary.BigEndian.Uint64(data), data[8:]
	}
	return p, nil
}

// watch waits until there is another value than the one seen, or the run has ended.
func (e *Engine) watch(ctx context.Context, run, name string, seen uint64) (publication, error) {
	for {
		w, err := e.startWatching(run)
		if err != nil {
			return publication{}, err
		}
		p, err := e.published(run, name)
		if err == nil && p.version == seen && !p.last {
			if err = w.signal.Wait(ctx); err == nil {
				continue // what it has woken has let go of it
			}
		}
		e.stopWatching(run, w)
		return p, err
	}
}

// watching is those who wait for a run to publish something or to end.
type watching struct {
	signal Signal
	count  int
}

func (e *Engine) startWatching(run string) (*watching, error) {
	fresh := e.host.NewSignal()
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.usable(); err != nil {
		return nil, err
	}
	w := e.watchers[run]
	if w == nil {
		w = &watching{signal: fresh}
		e.watchers[run] = w
	}
	w.count++
	return w, nil
}

func (e *Engine) stopWatching(run string, w *watching) {
	e.mu.Lock()
	if w.count--; w.count == 0 && e.watchers[run] == w {
		delete(e.watchers, run)
	}
	e.mu.Unlock()
}

// tellWatchers wakes those who watch a run.
func (e *Engine) tellWatchers(run string) {
	e.mu.Lock()
	w := e.watchers[run]
	delete(e.watchers, run)
	e.mu.Unlock()
	if w != nil {
		w.signal.Fire()
	}
}
