package durable

import (
	"bytes"
	"context"
	"fmt"
	"slices"
)

// nudge makes a run look into its mailbox, after a letter has come, if it may be waiting for it. It reads the
// store only when the run is not in memory. A run that begins to wait at this moment finds the letter: it
// looks after it has said that it waits.
func (e *Engine) nudge(kind mailKind, run, name string) {
	e.mu.Lock()
	loaded := e.runs[run] != nil
	idle := e.usable() != nil || e.laidAside(run)
	e.mu.Unlock()
	if idle {
		return
	}
	if !loaded && kind == mailMessage {
		_, waits, err := e.store.Get(waitKey(run, name))
		if err != nil {
			e.fail(err)
			return
		}
		if !waits {
			return
		}
	}
	e.wakeFor(run, kind.flag())
}

// deliver tells everyone of what a commit has brought them: the runs that it has started, the receivers of
// letters, the watchers of values.
func (e *Engine) deliver(q *round) {
	e.tellClients(q)
	if q.published {
		e.tellWatchers(q.run.id)
	}
	for i := range q.started {
		e.childStarted(&q.started[i])
	}
	for i := range q.letters {
		l := &q.letters[i]
		same := func(before letter) bool {
			return before.to == l.to && before.name == l.name && before.kind == l.kind
		}
		switch {
		case l.kind == mailEnd:
			e.wake(l.to, &Event{Kind: EventTerminated, Reason: string(l.content)})
		case !slices.ContainsFunc(q.letters[:i], same):
			e.nudge(l.kind, l.to, l.name)
		}
	}
}

// recoverMail wakes the runs whose letters an earlier engine had no time to deliver, in the background. It
// looks only at runs that have unread letters.
func (e *Engine) recoverMail() error {
	first, err := e.firstMail([]byte{tableMail})
	if err != nil || first == nil {
		return err
	}
	e.mu.Lock()
	e.begin()
	e.mu.Unlock()
	e.host.Go("durable mail", func(context.Context) {
		defer e.end()
		for key := first; key != nil && e.waitForRoom() == nil; {
			next, err := e.recoverLetter(key)
			if err == nil {
				key, err = e.firstMail(next)
			}
			if err != nil {
				e.fail(err)
				return
			}
		}
	})
	return nil
}

// recoverEnd ends a run whose parent was terminated.
func (e *Engine) recoverEnd(key []byte) error {
	value, found, err := e.store.Get(key)
	if err != nil || !found {
		return err
	}
	l, err := readLetter(key, value)
	if err == nil {
		e.wake(l.to, &Event{Kind: EventTerminated, Reason: string(l.content)})
	}
	return err
}

// firstMail returns the first key of the mailboxes at or after from, nil when there is none.
func (e *Engine) firstMail(from []byte) (key []byte, err error) {
	err = e.store.Scan(from, []byte{tableMail + 1}, func(k, _ []byte) bool {
		key = bytes.Clone(k)
		return false
	})
	if err != nil {
		return nil, fmt.Errorf("durable: reading the mailboxes: %w", err)
	}
	return key, nil
}

// recoverLetter wakes the run that a letter is for if it waits for its topic, and returns the key from which
// the next such letter is looked for.
func (e *Engine) recoverLetter(key []byte) (next []byte, err error) {
	l, err := parseMailKey(key)
	if err != nil {
		return nil, err
	}
	if l.kind == mailEnd {
		return after(mailboxKey(l.to)), e.recoverEnd(key)
	}
	waits := l.kind != mailMessage
	if !waits {
		if _, waits, err = e.store.Get(waitKey(l.to, l.name)); err != nil {
			return nil, fmt.Errorf("durable: reading what run %q waits for: %w", l.to, err)
		}
	}
	if !waits {
		return after(mailKey(l.to, l.kind, l.name, nil)), nil
	}
	e.bring(l.to, nil, anyMail, true)
	return after(mailboxKey(l.to)), nil
}
