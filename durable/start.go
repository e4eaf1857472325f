package durable

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Run is a handle on one execution of a workflow.
type Run[Out any] struct {
	engine   *Engine
	id       string
	workflow string // that it is to belong to; empty when it is known to
}

// ID returns the run's id.
func (r Run[Out]) ID() string { return r.id }

// Start starts a run under an id of the caller's choice and returns once it is durable: it will end, come
// what may. Starting the same id again with the same workflow and input, at any time, returns the same run;
// with another workflow or input it is ErrConflict. After an error the start may or may not have happened:
// call Start again.
func (w *Workflow[In, Out]) Start(ctx context.Context, e *Engine, id string, in In) (Run[Out], error) {
	r := Run[Out]{engine: e, id: id}
	if w == nil {
		return r, fmt.Errorf("durable: run %q was started of a nil *Workflow; use one that Define returned", id)
	}
	if err := e.missing(); err != nil {
		return r, err
	}
	input, err := e.codec.Encode(in)
	if err != nil {
		return r, &CodecError{What: fmt.Sprintf("input of run %q", id), Type: typeName[In](), Cause: err}
	}
	run := RunInfo{Workflow: w.name, Run: id}
	if len(e.hooks) > 0 {
		run.Headers = map[string]string{}
	}
	return r, e.hooks.start(ctx, run, func(ctx context.Context) error {
		return e.start(ctx, run, input)
	})
}

// Run returns a handle on a run that was started before, by this process or another. What is asked of it is
// refused with ErrConflict when the run is one of another workflow.
func (w *Workflow[In, Out]) Run(e *Engine, id string) Run[Out] {
	if w == nil {
		panic("durable: Run was called on a nil *Workflow; use one that Define returned")
	}
	return Run[Out]{engine: e, id: id, workflow: w.name}
}

// usable says why nothing can be asked of the run.
func (r Run[Out]) usable() error {
	if err := r.engine.missing(); err != nil || r.workflow == "" {
		return err
	}
	data, found, err := r.engine.store.Get(runKey(r.id, partHeader))
	if err != nil {
		return fmt.Errorf("durable: looking for run %q: %w", r.id, err)
	}
	if !found {
		return nil // who is asked will say so
	}
	h, err := decodeHeader(r.id, data)
	if err == nil && h.workflow != r.workflow {
		err = fmt.Errorf("%w: %q was started as workflow %q, and is asked as one of %q; ask with the Run method "+
			"of the workflow that it belongs to", ErrConflict, r.id, h.workflow, r.workflow)
	}
	return err
}

// Result waits for the run's end and returns what its workflow returned: the result, or the error as a
// *RunError. It returns at once with ErrNotFound when there is no such run, with a *ParkedError when the
// run can't go on, and with ErrClosed, ErrFailed or ErrFenced when the engine can't; the run itself is then
// unharmed. ctx bounds the waiting only.
func (r Run[Out]) Result(ctx context.Context) (Out, error) {
	var out Out
	if err := r.usable(); err != nil {
		return out, err
	}
	result, err := r.engine.result(ctx, r.id)
	if err != nil {
		return out, err
	}
	if err := r.engine.codec.Decode(result, &out); err != nil {
		return out, &CodecError{What: fmt.Sprintf("result of run %q", r.id), Type: typeName[Out](), Cause: err}
	}
	return out, nil
}

// missing says that there is no engine to ask.
func (e *Engine) missing() error {
	if e == nil {
		return errors.New("durable: the Engine is nil; open one with durable.Open, and use a Run that Start or " +
			"Workflow.Run returned")
	}
	return nil
}

func (e *Engine) start(ctx context.Context, info RunInfo, input []byte) error {
	id, workflow := info.Run, info.Workflow
	if err := checkID("run's id", id); err != nil {
		return err
	}
	if err := checkHeaders(id, info.Headers); err != nil {
		return err
	}
	def, known := e.defs[workflow]
	if !known {
		return fmt.Errorf("%w: %q was started as %q, which Config.Workflows does not list",
			ErrUnknownWorkflow, id, workflow)
	}
	want := header{workflow: workflow, fingerprint: xxhash.Sum64(input)}
	for {
		r, first, err := e.claim(id, want)
		if first {
			r, err = nil, e.create(r, def, input, maps.Clone(info.Headers))
		}
		deleted := err == errDeleted
		if r == nil && !deleted {
			return err
		}
		if r != nil {
			if err := e.makeWay(ctx, r, deleted); err != nil {
				return err
			}
		}
	}
}

// makeWay waits for a run that has the id of one to be started: until its first commit is done, when another
// task is just starting it, or until it has left the memory, when it was deleted.
func (e *Engine) makeWay(ctx context.Context, r *run, deleted bool) error {
	s := e.host.NewSignal()
	e.mu.Lock()
	waiting := r.starting || deleted && e.runs[r.id] == r
	if waiting {
		r.starters = append(r.starters, s)
	}
	e.mu.Unlock()
	if !waiting {
		return nil
	}
	return s.Wait(ctx)
}

// errDeleted says that a run which was there has been deleted in this moment: its id is free.
var errDeleted = errors.New("durable: the run has just been deleted")

// claim finds out whether the id is free. It returns the run to begin (first), a run that is in the way (see
// makeWay), or nil when the run exists already and is the same.
func (e *Engine) claim(id string, want header) (r *run, first bool, err error) {
	e.mu.Lock()
	if err := e.usable(); err != nil {
		e.mu.Unlock()
		return nil, false, err
	}
	r = e.runs[id]
	switch {
	case r != nil && r.starting:
		e.mu.Unlock()
		return r, false, nil
	case r != nil || e.parked[id] != nil:
		e.mu.Unlock()
		err = e.compareHeader(id, want)
		switch {
		case err != errDeleted:
			return nil, false, err
		case r == nil:
			return nil, false, fmt.Errorf("%w: run %q is parked but has no header", ErrDamaged, id)
		}
		return r, false, err
	}
	r = e.hold(id, want)
	e.begin()
	e.mu.Unlock()

	_, found, err := e.store.Get(runKey(id, partHeader))
	if err == nil && !found {
		return r, true, nil
	}
	e.letGoOf(r)
	e.end()
	if err != nil {
		return nil, false, fmt.Errorf("durable: looking for run %q: %w", id, err)
	}
	return nil, false, e.compareHeader(id, want)
}

// hold takes the place in memory of a run that is not there; the caller holds the lock. What arrives for the
// run waits until it has begun, or letGoOf.
func (e *Engine) hold(id string, h header) *run {
	r := &run{id: id, startWith: h, label: h.workflow + "/" + id, driven: true, starting: true}
	e.runs[id] = r
	return r
}

// letGoOf gives back the place of a run that this task has held without being it.
func (e *Engine) letGoOf(r *run) {
	e.started(r)
	e.drop(r, nil)
	e.handOver(r)
}

// handOver passes on what arrived for a run while this task held its place without being it.
func (e *Engine) handOver(r *run) {
	for i := range r.inbox {
		e.wake(r.id, &r.inbox[i])
	}
	if r.mail != 0 || r.called {
		e.wakeFor(r.id, r.mail)
	}
}

// compareHeader says whether the run that has this id is the wanted one. Only when it has been deleted
// meanwhile is the error errDeleted itself.
func (e *Engine) compareHeader(id string, want header) error {
	data, found, err := e.store.Get(runKey(id, partHeader))
	switch {
	case err != nil:
		return fmt.Errorf("durable: looking for run %q: %w", id, err)
	case !found:
		return errDeleted
	}
	have, err := decodeHeader(id, data)
	if err != nil {
		return err
	}
	return have.compare(id, want)
}

// compare says how a run of this header differs from the wanted one.
func (h header) compare(id string, want header) error {
	switch {
	case h.workflow != want.workflow:
		return fmt.Errorf("%w: %q was started as workflow %q, now as %q; use another id",
			ErrConflict, id, h.workflow, want.workflow)
	case h.fingerprint != want.fingerprint:
		return fmt.Errorf("%w: %q (workflow %q) was started with another input; use another id, "+
			"or start it with the same input", ErrConflict, id, h.workflow)
	}
	return nil
}

// create makes the first commit of a run. The caller's task does that; the run then goes on in another.
func (e *Engine) create(r *run, def definition, input []byte, headers map[string]string) error {
	r.machine = newMachine(r.id, def, e.codec)
	start := newStart(r.id, def.name, input, e.host.Now(), headers)
	r.inbox = append(r.inbox, Event{Kind: EventStarted, Start: start})
	more := e.advance(r)
	for more && r.seq == 0 {
		more = e.advance(r)
	}
	e.started(r)
	if r.seq == 0 {
		e.end()
		if err := e.failed(); err != nil {
			return err
		}
		e.handOver(r)
		return e.compareHeader(r.id, r.startWith) // another run has taken the id in this moment
	}
	if more {
		e.host.Go("run "+r.id, func(context.Context) { e.drive(r) })
		return nil
	}
	e.end()
	return nil
}

func newStart(id, workflow string, input []byte, now time.Time, headers map[string]string) *Start {
	seed := xxhash.Sum64String(id) ^ uint64(now.UnixNano())
	return &Start{Workflow: workflow, Input: input, Seed: seed, Behaviour: behaviour, Headers: headers}
}

// started tells those who started the same id meanwhile that it is decided.
func (e *Engine) started(r *run) {
	e.mu.Lock()
	r.starting = false
	signals := r.starters
	r.starters = nil
	e.mu.Unlock()
	for _, s := range signals {
		s.Fire()
	}
}

// result waits until the run has ended. What it returns is durable: a run's end is read from the store only
// once the run has left the memory, which it does after its last commit.
func (e *Engine) result(ctx context.Context, id string) ([]byte, error) {
	fresh := e.host.NewSignal()
	for {
		e.mu.Lock()
		err := e.usable()
		if cause := e.parked[id]; cause != nil {
			err = &ParkedError{Run: id, Cause: cause}
		}
		if err != nil {
			e.mu.Unlock()
			return nil, err
		}
		loaded := e.runs[id] != nil
		wait := e.waiters[id]
		if wait == nil {
			wait, e.waiters[id] = fresh, fresh
		}
		e.mu.Unlock()
		if !loaded {
			if result, done, err := e.ended(id); done {
				e.forget(id, fresh)
				return result, err
			}
		}
		if err := wait.Wait(ctx); err != nil {
			return nil, err
		}
		if wait == fresh {
			fresh = e.host.NewSignal()
		}
	}
}

// forget takes back a signal that nobody else can be waiting for yet, or that will be fired for nothing.
func (e *Engine) forget(id string, s Signal) {
	e.mu.Lock()
	mine := e.waiters[id] == s
	if mine {
		delete(e.waiters, id)
	}
	e.mu.Unlock()
	if mine {
		s.Fire()
	}
}

// ended reads how a run ended; done is false while it hasn't.
func (e *Engine) ended(id string) (result []byte, done bool, err error) {
	data, found, err := e.store.Get(runKey(id, partEnd))
	if err != nil {
		return nil, true, fmt.Errorf("durable: reading the result of run %q: %w", id, err)
	}
	if found {
		result, err = decodeEnd(id, data)
		return result, true, err
	}
	_, found, err = e.store.Get(runKey(id, partHeader))
	if err != nil {
		return nil, true, fmt.Errorf("durable: looking for run %q: %w", id, err)
	}
	if !found {
		return nil, true, fmt.Errorf("%w: %q", ErrNotFound, id)
	}
	return nil, false, nil
}
