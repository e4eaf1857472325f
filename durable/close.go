package durable

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// closeGrace is how long Close waits for steps once their contexts are cancelled.
const closeGrace = time.Second

// Close stops the engine: nothing new starts, and the steps under way may end, until ctx is done. Then
// their contexts are cancelled, with ErrClosed as the cause, and those that do not return within a second
// are named in a *StillRunningError. No run is cancelled: what did not end is recovered by the next Open.
// Closing twice is allowed.
func (e *Engine) Close(ctx context.Context) error {
	idle := e.host.NewSignal()
	e.mu.Lock()
	e.closing = true
	stopTimer := e.timers.stop
	e.timers.stop = nil
	if e.idle == nil {
		e.idle = idle
	}
	idle = e.idle
	busy, failure := e.busy, e.failure
	e.mu.Unlock()
	if stopTimer != nil {
		stopTimer()
	}
	if busy > 0 && failure == nil && idle.Wait(ctx) != nil {
		e.cancelSteps()
		e.waitFor(idle, closeGrace)
	}
	return e.closed()
}

func (e *Engine) cancelSteps() {
	e.mu.Lock()
	e.cancelled = true // steps that are only about to begin find it
	var cancels []context.CancelCauseFunc
	for _, k := range e.stepsUnderWay() {
		if cancel := e.steps[k].cancel; cancel != nil {
			cancels = append(cancels, cancel)
		}
	}
	e.mu.Unlock()
	for _, cancel := range cancels {
		cancel(ErrClosed)
	}
}

// stepsUnderWay lists the steps that have not returned, sorted; the caller holds the lock.
func (e *Engine) stepsUnderWay() []stepKey {
	keys := make([]stepKey, 0, len(e.steps))
	for k := range e.steps { //tidy:unordered sorted below
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b stepKey) int {
		return cmp.Or(cmp.Compare(a.run, b.run), cmp.Compare(a.op, b.op))
	})
	return keys
}

// waitFor waits for the signal, at most d on the host's clock.
func (e *Engine) waitFor(s Signal, d time.Duration) {
	either := e.host.NewSignal()
	stop := e.host.AfterFunc(d, either.Fire)
	defer stop()
	e.host.Go("durable close", func(ctx context.Context) {
		if s.Wait(ctx) == nil {
			either.Fire()
		}
	})
	_ = either.Wait(context.Background())
}

// closed ends the engine and says what is still running.
func (e *Engine) closed() error {
	e.mu.Lock()
	var still []string
	for _, k := range e.stepsUnderWay() {
		if e.steps[k].cancelled != nil {
			continue // its run takes no interest in it any more
		}
		still = append(still, fmt.Sprintf("step %q (id %s) of run %q", k.name, k.op, k.run))
	}
	signals := e.takeWaiters()
	e.mu.Unlock()
	e.halted.Fire()
	for _, s := range signals {
		s.Fire()
	}
	if len(still) > 0 {
		return &StillRunningError{Steps: still}
	}
	return nil
}
