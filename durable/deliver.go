package durable

import (
	"bytes"
	"context"
	"fmt"
	"slices"
)

// nudge makes a run look into its mailbox, after a letter has come, if it waits for this topic. It reads
// the store only when the run is not in memory. A run that begins to wait at this moment finds the letter: it
// looks after it has said that it waits.
func (e *Engine) nudge(run, topic string) {
	e.mu.Lock()
	if e.usable() != nil || e.parked[run] != nil {
		e.mu.Unlock()
		return
	}
	if r := e.runs[run]; r != nil {
		e.lookAgain(r)
		return
	}
	e.mu.Unlock()
	_, waits, err := e.store.Get(waitKey(run, topic))
	if err != nil {
		e.fail(err)
	} else if waits {
		e.wake(run, nil)
	}
}

// deliver tells the receivers of committed letters, each once per topic.
func (e *Engine) deliver(letters []letter) {
	for i := range letters {
		l := &letters[i]
		same := func(before letter) bool { return before.to == l.to && before.topic == l.topic }
		if !slices.ContainsFunc(letters[:i], same) {
			e.nudge(l.to, l.topic)
		}
	}
}

// lookAgain makes a run that is in memory look into its mailbox. The caller holds the lock, which lookAgain
// releases.
func (e *Engine) lookAgain(r *run) {
	r.mail = true
	if r.driven {
		e.mu.Unlock()
		return
	}
	r.driven = true
	e.begin()
	e.mu.Unlock()
	e.host.Go("run "+r.id, func(context.Context) { e.drive(r) })
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
	run, topic, err := parseMailKey(key)
	if err != nil {
		return nil, err
	}
	_, waits, err := e.store.Get(waitKey(run, topic))
	if err != nil {
		return nil, fmt.Errorf("durable: reading what run %q waits for: %w", run, err)
	}
	if !waits {
		return after(mailKey(run, topic, nil)), nil
	}
	e.wake(run, nil)
	return after(mailKey(run, "", nil)), nil
}
