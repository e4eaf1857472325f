package durable

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"github.com/reprise-dst/reprise/store"
)

// Post sends a message to the run that has this id, from outside of workflow code. When it returns nil, the
// message is in the run's mailbox and durable. When there is no such run the error is ErrNotFound, when it
// has ended, ErrEnded. After another error the message may have been sent or not; PostOnce can be repeated.
//
// A step posts with its own context and EngineOf. Each of its messages has the same id in every attempt, so
// that it arrives once although the step may run again; what the first attempt posted counts.
func (t Topic[T]) Post(ctx context.Context, e *Engine, run string, v T) error {
	return t.post(ctx, e, run, "", v)
}

// PostOnce is Post for messages that have an id, such as a request's: for each run and topic, a message id is
// accepted once, and repeating it returns nil again, also when the run has received it or ended meanwhile.
// The same id with another content is ErrConflict.
func (t Topic[T]) PostOnce(ctx context.Context, e *Engine, run, id string, v T) error {
	if err := checkID("message's id", id); err != nil {
		return err
	}
	return t.post(ctx, e, run, id, v)
}

func (t Topic[T]) post(ctx context.Context, e *Engine, run, id string, v T) error {
	t.check()
	if err := errors.Join(e.missing(), checkID("run's id", run)); err != nil {
		return err
	}
	content, err := e.codec.Encode(v)
	if err != nil {
		what := fmt.Sprintf("message of topic %q to run %q", t.name, run)
		return &CodecError{What: what, Type: typeName[T](), Cause: err}
	}
	l := letter{kind: mailMessage, to: run, name: t.name, message: id, content: content}
	if l.message == "" {
		l.message = requestID(ctx)
		l.again = l.message != ""
	}
	return e.post(ctx, &l)
}

// post puts a letter from outside into a mailbox.
func (e *Engine) post(ctx context.Context, l *letter) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.end()
	for {
		q := e.newRound(nil)
		accepted, err := q.post(l)
		if err != nil || accepted {
			return err
		}
		err = e.store.Commit(&q.batch)
		switch {
		case lostRace(err):
			continue // the run has ended, or the same message has come, in this moment
		case err != nil:
			return e.fail(err)
		}
		e.nudge(l.kind, l.to, l.name)
		return nil
	}
}

// post makes the batch; accepted is true when the message was accepted before.
func (q *round) post(l *letter) (accepted bool, err error) {
	if l.message != "" {
		key := messageKey(l.to, l.name, l.message)
		fingerprint := binary.BigEndian.AppendUint64(nil, xxhash.Sum64(l.content))
		known, found, err := q.e.store.Get(key)
		switch {
		case err != nil:
			return false, fmt.Errorf("durable: looking for message %q of run %q: %w", l.message, l.to, err)
		case found && !l.again && !bytes.Equal(known, fingerprint):
			return false, fmt.Errorf("%w: run %q has got message %q of topic %q with another content; "+
				"give each message an id of its own", ErrConflict, l.to, l.message, l.name)
		case found:
			return true, nil
		}
		q.batch.RequireAbsent(key)
		q.batch.Set(key, fingerprint)
	}
	unreachable, err := q.reach(l.to)
	if err != nil || unreachable != nil {
		return false, errors.Join(err, unreachable)
	}
	q.put(l)
	return false, nil
}

// reach makes the batch require that the run is there and has not ended. It returns why that is not so.
func (q *round) reach(run string) (unreachable, err error) {
	key := runKey(run, partHeader)
	header, found, err := q.e.store.Get(key)
	if err != nil {
		return nil, fmt.Errorf("durable: looking for run %q: %w", run, err)
	}
	if !found {
		return fmt.Errorf("%w: %q", ErrNotFound, run), nil
	}
	end := runKey(run, partEnd)
	_, ended, err := q.e.store.Get(end)
	if err != nil {
		return nil, fmt.Errorf("durable: looking for the end of run %q: %w", run, err)
	}
	if ended {
		return fmt.Errorf("%w: %q", ErrEnded, run), nil
	}
	q.batch.RequireValue(key, header)
	q.batch.RequireAbsent(end)
	return nil, nil
}

// lostRace reports whether a commit was refused because another run has changed meanwhile, and not because
// another engine owns the store.
func lostRace(err error) bool {
	var c *store.ConflictError
	return errors.As(err, &c) && !bytes.Equal(c.Key, keyOwner) && !isUserKey(c.Key)
}
