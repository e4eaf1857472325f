package durable

import (
	"context"
	"sync"
	"time"
)

// processHost runs the engine on goroutines and the wall clock.
type processHost struct{}

// NewHost returns the production host: goroutines, the wall clock, native signals. It is what an engine
// uses when its Config names none.
func NewHost() Host { return processHost{} }

func (processHost) Now() time.Time { return time.Now() }

func (processHost) Go(_ string, fn func(context.Context)) {
	go fn(context.Background())
}

// Offload calls done even when work ends by runtime.Goexit, so that no completion is lost.
func (processHost) Offload(_, _ string, work func(context.Context), done func()) {
	go func() {
		defer done()
		work(context.Background())
	}()
}

func (processHost) AfterFunc(d time.Duration, fn func()) func() bool {
	return time.AfterFunc(d, fn).Stop
}

func (processHost) NewSignal() Signal { return &processSignal{fired: make(chan struct{})} }

type processSignal struct {
	once  sync.Once
	fired chan struct{}
}

func (s *processSignal) Fire() { s.once.Do(func() { close(s.fired) }) }

func (s *processSignal) Wait(ctx context.Context) error {
	select {
	case <-s.fired:
		return nil
	default:
	}
	select {
	case <-s.fired:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
