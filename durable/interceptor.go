package durable

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Interceptor stands around what an engine does, to observe it, as a tracer does, or to add to it. Any of its
// functions may be nil. They are called from the engine's tasks, at the same time for different runs, and
// must return soon; those that only observe must not call the engine.
//
// What they are told of commits happens after the commit, so a crash in between loses it: they see each
// entry at most once. None of them sees replays, apart from Replayed.
type Interceptor struct {
	// Start runs around Workflow.Start, which next does, also when the run exists already. What it puts into
	// the run's Headers is recorded with the run.
	Start func(ctx context.Context, run RunInfo, next func(context.Context) error) error
	// Step runs around each attempt at a step or transaction, which next does. It calls next once and returns
	// its error or another one in its stead; it can't make an attempt succeed that did not. Info and Logger
	// know the context, and the step is given the one that next is called with.
	Step func(ctx context.Context, step StepInfo, next func(context.Context) error) error
	// StepOverdue: an attempt has reached a limit of its StepOptions, and a second after its context was
	// cancelled it has not returned. It counts as failed; what it returns later is dropped.
	StepOverdue func(step StepInfo)
	// Committed: these journal entries are durable; the first of a run is EventStarted. Entries come in the
	// order of the journal, each when the run has answered it; one that parks the run is told before, as
	// Unanswered, too.
	Committed func(run RunInfo, entries []Entry)
	// Ended: the run's end is durable; err is why it failed, was cancelled or terminated.
	Ended func(run RunInfo, status Status, err error)
	// Replayed: the run was brought into memory from its journal, after a crash or because it had been evicted.
	Replayed func(run RunInfo, what Replayed)
	// Parked: the run can't go on, see ParkedError.
	Parked func(run RunInfo, err error)
}

// RunInfo tells an Interceptor which run it is.
type RunInfo struct {
	Workflow string
	Run      string
	Started  time.Time // when the run began; zero before it has, and when its journal can't be read
	// Headers is what interceptors recorded when the run was started, such as the trace that it belongs to. A
	// child has those of its parent. Only Interceptor.Start may change it.
	Headers map[string]string
}

// maxHeaders bounds the headers of a run, in bytes.
const maxHeaders = 16 << 10

func checkHeaders(run string, headers map[string]string) error {
	size := 0
	for k, v := range headers { //tidy:unordered only their sizes count
		size += len(k) + len(v)
	}
	if size > maxHeaders {
		return fmt.Errorf("durable: the headers of run %q are %d bytes long, at most %d are allowed; let the "+
			"Interceptor's Start record less", run, size, maxHeaders)
	}
	return nil
}

// interceptors are those of an engine, the outermost first.
type interceptors []Interceptor

// start does next inside of every Start.
func (list interceptors) start(ctx context.Context, run RunInfo, next func(context.Context) error) error {
	for i, in := range list {
		if in.Start != nil {
			inner := func(ctx context.Context) error { return list[i+1:].start(ctx, run, next) }
			return within("Start", inner, func(next func(context.Context) error) error {
				return in.Start(ctx, run, next)
			})
		}
	}
	return next(ctx)
}

// step does next inside of every Step.
func (list interceptors) step(ctx context.Context, step StepInfo, next func(context.Context) error) error {
	for i, in := range list {
		if in.Step != nil {
			inner := func(ctx context.Context) error { return list[i+1:].step(ctx, step, next) }
			return within("Step", inner, func(next func(context.Context) error) error {
				return in.Step(ctx, step, next)
			})
		}
	}
	return next(ctx)
}

// within calls an interceptor, which calls next once. That has succeeded only when both say so.
func within(
	name string, next func(context.Context) error, call func(func(context.Context) error) error,
) error {
	result := errors.New("durable: an Interceptor's " + name + " returned nil without calling next; let it " +
		"return next(ctx)")
	called := false
	err := call(func(ctx context.Context) error {
		if called {
			return errors.New("durable: an Interceptor's " + name + " called next twice; call it once, " +
				"StepOptions.Retry says how often a step is tried")
		}
		called = true
		result = next(ctx)
		return result
	})
	if err == nil {
		err = result
	}
	return err
}

func (list interceptors) stepOverdue(step StepInfo) {
	for _, in := range list {
		if in.StepOverdue != nil {
			in.StepOverdue(step)
		}
	}
}

func (list interceptors) committed(run RunInfo, entries []Entry) {
	for _, in := range list {
		if in.Committed != nil && len(entries) > 0 {
			in.Committed(run, entries)
		}
	}
}

func (list interceptors) ended(run RunInfo, status Status, err error) {
	for _, in := range list {
		if in.Ended != nil {
			in.Ended(run, status, err)
		}
	}
}

func (list interceptors) replayed(run RunInfo, what Replayed) {
	for _, in := range list {
		if in.Replayed != nil {
			in.Replayed(run, what)
		}
	}
}

func (list interceptors) parked(run RunInfo, err error) {
	for _, in := range list {
		if in.Parked != nil {
			in.Parked(run, err)
		}
	}
}

// info says which run it is, as far as is known.
func (r *run) info() RunInfo {
	info := RunInfo{Workflow: r.startWith.workflow, Run: r.id}
	if m := r.machine; m != nil {
		info.Started, info.Headers = m.began, m.headers
	}
	return info
}

// startedInfo is what the first entry of a journal says of its run.
func startedInfo(run string, first *Event) RunInfo {
	info := RunInfo{Run: run, Started: first.Time}
	if s := first.Start; s != nil {
		info.Workflow, info.Headers = s.Workflow, s.Headers
	}
	return info
}
