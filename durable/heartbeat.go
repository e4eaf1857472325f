package durable

import (
	"context"
	"time"
)

// progressInterval is how often the progress of one step is saved at most.
const progressInterval = time.Second

// heartbeats is what the engine knows of an attempt's progress.
type heartbeats struct {
	beat     time.Time // of the last Heartbeat
	progress []byte    // the latest, encoded; nil for none
	fresh    bool      // it is not saved, nor on its way
	savedAt  time.Time // when progress was last sent on its way
	armed    bool      // an alarm will save it
}

// unsaved returns progress that is not saved yet, and takes it to be from then on; the caller holds
// the lock.
func (h *heartbeats) unsaved() []byte {
	if !h.fresh {
		return nil
	}
	h.fresh = false
	return h.progress
}

// Heartbeat says that a step is alive, and how far it has come. The progress is saved in the store, at most
// once a second and soon after the latest call; a failed attempt saves its latest. The next attempt at the
// step reads it with Progress, whether this one fails or is interrupted by the end of the process. It is kept
// until the step has ended.
//
// Heartbeat does not wait. It returns the cause when ctx is cancelled, so that a long step may end when its
// Heartbeat fails; it fails also when the progress does not encode, and outside of steps.
func Heartbeat[P any](ctx context.Context, progress P) error {
	s, err := stepOf(ctx, "Heartbeat")
	if err != nil {
		return err
	}
	data, err := encodeBounded(s.engine.codec, progress)
	if err != nil {
		return &CodecError{What: "progress of " + s.u.info.String(), Type: typeName[P](), Cause: err}
	}
	s.engine.heartbeat(s.u, data)
	return context.Cause(ctx)
}

// Progress returns what the latest Heartbeat of the step has saved, in this attempt or one before; ok is
// false when there is none.
func Progress[P any](ctx context.Context) (progress P, ok bool, err error) {
	s, err := stepOf(ctx, "Progress")
	if err != nil {
		return progress, false, err
	}
	e := s.engine
	e.mu.Lock()
	data := s.u.progress
	e.mu.Unlock()
	if data == nil {
		return progress, false, nil
	}
	if err := e.codec.Decode(data, &progress); err != nil {
		return progress, false, &CodecError{
			What: "saved progress of " + s.u.info.String(), Type: typeName[P](), Cause: err,
		}
	}
	return progress, true, nil
}

// heartbeat notes progress, and saves it unless that was done a moment ago.
func (e *Engine) heartbeat(u *underWay, data []byte) {
	now := e.host.Now()
	e.mu.Lock()
	if u.returned || u.cancelled != nil {
		e.mu.Unlock()
		return
	}
	u.beat, u.progress, u.fresh = now, data, true
	wait := progressInterval - now.Sub(u.savedAt)
	arm := !u.armed && wait > 0
	if arm {
		u.armed = true
	}
	e.mu.Unlock()
	switch {
	case wait <= 0:
		e.saveProgress(u)
	case arm:
		e.alarm(u, wait, func() {
			e.mu.Lock()
			u.armed = false
			e.mu.Unlock()
			e.saveProgress(u)
		})
	}
}

// saveProgress sends the latest progress on its way to the store: with the run's next commit.
func (e *Engine) saveProgress(u *underWay) {
	now := e.host.Now()
	e.mu.Lock()
	var progress []byte
	if !u.returned && u.cancelled == nil {
		progress = u.unsaved()
	}
	if progress == nil {
		e.mu.Unlock()
		return
	}
	u.savedAt = now
	r, _ := e.arrive(u.key.run, Event{
		Kind: eventProgress, Op: u.key.op, attempt: u.info.Attempt, progress: progress,
	})
	if r != nil {
		e.begin()
	}
	e.mu.Unlock()
	if r != nil {
		e.host.Go("run "+r.id, func(context.Context) { e.drive(r) })
	}
}
