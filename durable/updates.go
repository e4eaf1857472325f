package durable

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"github.com/reprise-dst/reprise/internal/eventloop"
)

// asked is an update that clients wait for. Before the run takes it, it is only in memory, so that one that
// is rejected leaves no trace; from then on the run's journal and the table of updates have it.
type asked struct {
	run         string
	name        string
	id          string
	input       []byte
	fingerprint uint64
	again       bool   // it may come again with another input, from a step that runs again
	signal      Signal // fired when there is something to look at

	// guarded by Engine.mu
	count    int   // clients that wait
	rejected error // why the run did not take it
}

// An update in the store: the fingerprint of its name and input, and a mark, followed by the answer.
const (
	updateOpen   = 'o' // taken and not answered
	updateResult = 'r'
	updateFailed = 'e'

	updateHeadSize = 9
)

func updateFingerprint(name string, input []byte) uint64 {
	d := xxhash.New()
	_, _ = d.WriteString(name)
	_, _ = d.Write([]byte{0})
	_, _ = d.Write(input)
	return d.Sum64()
}

func updateHead(fingerprint uint64, mark byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, fingerprint), mark)
}

// update asks a run for an update and returns the encoded answer.
func (e *Engine) update(ctx context.Context, want asked) ([]byte, error) {
	if want.id == "" {
		want.id = fmt.Sprintf("~%x", e.nextLetter())
	}
	want.fingerprint = updateFingerprint(want.name, want.input)
	for {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		a, err := e.ask(want)
		if err != nil {
			return nil, err
		}
		answer, answered, err := e.answer(a)
		if !answered && err == nil {
			e.wakeFor(a.run, maybeUpdate)
			err = a.signal.Wait(ctx)
		}
		if rejected := e.letGo(a); rejected != nil && err == nil {
			err = fmt.Errorf("%w: update %q (id %q) of run %q: %w", ErrRejected, a.name, a.id, a.run, rejected)
		}
		if answered || err != nil {
			return answer, err
		}
	}
}

// ask registers a client that waits for an update; all who ask for the same wait together.
func (e *Engine) ask(want asked) (*asked, error) {
	fresh := e.host.NewSignal()
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.usable(); err != nil {
		return nil, err
	}
	if cause := e.parked[want.run]; cause != nil {
		return nil, &ParkedError{Run: want.run, Cause: cause}
	}
	for _, a := range e.updates[want.run] {
		if a.id != want.id {
			continue
		}
		if a.fingerprint != want.fingerprint && !want.again {
			return nil, otherUpdate(want.run, want.id)
		}
		a.count++
		return a, nil
	}
	a := &want
	a.signal, a.count = fresh, 1
	e.updates[a.run] = append(e.updates[a.run], a)
	return a, nil
}

func otherUpdate(run, id string) error {
	return fmt.Errorf("%w: run %q has got another update with the id %q; give each update an id of its own",
		ErrConflict, run, id)
}

// letGo takes back what ask has registered, and returns why the run did not take the update.
func (e *Engine) letGo(a *asked) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a.count--; a.count == 0 {
		e.unask(a)
	}
	return a.rejected
}

// unask removes an update from those that are waited for; the caller holds the lock.
func (e *Engine) unask(a *asked) {
	list := e.updates[a.run]
	for i := range list {
		if list[i] == a {
			list = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if e.updates[a.run] = list; len(list) == 0 {
		delete(e.updates, a.run)
	}
}

// answer reads an update's answer. An error says that there is none and will be none.
func (e *Engine) answer(a *asked) (answer []byte, answered bool, err error) {
	_, ended, err := e.store.Get(runKey(a.run, partEnd)) // first: what is not answered then, won't be
	if err != nil {
		return nil, false, fmt.Errorf("durable: looking for the end of run %q: %w", a.run, err)
	}
	data, found, err := e.store.Get(updateKey(a.run, a.id))
	switch {
	case err != nil:
		return nil, false, fmt.Errorf("durable: looking for update %q of run %q: %w", a.id, a.run, err)
	case found:
		return a.decode(data)
	case ended:
		return nil, false, fmt.Errorf("%w: %q", ErrEnded, a.run)
	}
	_, found, err = e.store.Get(runKey(a.run, partHeader))
	switch {
	case err != nil:
		return nil, false, fmt.Errorf("durable: looking for run %q: %w", a.run, err)
	case !found:
		return nil, false, fmt.Errorf("%w: %q", ErrNotFound, a.run)
	}
	return nil, false, nil
}

func (a *asked) decode(data []byte) (answer []byte, answered bool, err error) {
	if len(data) < updateHeadSize {
		return nil, false, fmt.Errorf("%w: update %q of run %q: %x", ErrDamaged, a.id, a.run, data)
	}
	if binary.BigEndian.Uint64(data) != a.fingerprint && !a.again {
		return nil, false, otherUpdate(a.run, a.id)
	}
	mark, rest := data[updateHeadSize-1], data[updateHeadSize:]
	switch mark {
	case updateOpen:
		return nil, false, nil
	case updateResult:
		return rest, true, nil
	}
	var failure Failure
	if err := json.Unmarshal(rest, &failure); err != nil {
		return nil, false, fmt.Errorf("%w: update %q of run %q: %w", ErrDamaged, a.id, a.run, err)
	}
	return nil, true, &UpdateError{Run: a.run, Update: a.name, ID: a.id, Cause: failure.err()}
}

// takeUpdates gives the run the updates that it can take now, each when all before it are applied. It reports
// whether there was one.
func (q *round) takeUpdates() (took bool) {
	if q.mail&maybeUpdate == 0 && !q.handles {
		return false
	}
	q.handles = false
	q.mail &^= maybeUpdate
	e := q.e
	e.mu.Lock()
	waiting := append([]*asked(nil), e.updates[q.run.id]...)
	e.mu.Unlock()
	for _, a := range waiting {
		if !q.going() || len(q.entries) >= maxRound {
			q.more |= maybeUpdate
			break
		}
		took = q.takeUpdate(a) || took
	}
	return took
}

// takeUpdate accepts or rejects an update, unless it waits for its handler or was accepted before.
func (q *round) takeUpdate(a *asked) bool {
	op := q.run.machine.handlerOf(a.name)
	if op == nil || q.updates[a.id] {
		return false
	}
	key := updateKey(a.run, a.id)
	_, taken, err := q.e.store.Get(key)
	if err != nil {
		q.fail(fmt.Errorf("durable: looking for update %q of run %q: %w", a.id, a.run, err))
		return false
	}
	if taken {
		return false
	}
	if err := checkUpdate(op.handler, a.input); err != nil {
		q.rejected = append(q.rejected, rejection{a, err})
		return false
	}
	if q.updates == nil {
		q.updates = map[string]bool{}
	}
	q.updates[a.id] = true
	q.batch.Set(key, updateHead(a.fingerprint, updateOpen))
	q.apply(Event{Kind: EventUpdate, Op: op.id, Message: a.id, Result: a.input})
	q.answer()
	return true
}

// rejection is an update that the run has refused. Its client is told when what the run knew at that moment
// is durable.
type rejection struct {
	*asked
	why error
}

// recordAnswer adds the answer of an update to the batch.
func (q *round) recordAnswer(c *Command) error {
	value := append(bytes.Clone(c.content), updateResult)
	if c.failure == nil {
		value = append(value, c.result...)
	} else {
		text, err := json.Marshal(c.failure)
		if err != nil {
			return fmt.Errorf("durable: encoding the error of an update: %w", err)
		}
		value[len(value)-1] = updateFailed
		value = append(value, text...)
	}
	q.batch.Set(updateKey(q.run.id, c.To), value)
	q.answered = append(q.answered, c.To)
	return nil
}

// answerOpen answers the updates of a run that ends without its code having answered them.
func (q *round) answerOpen(run string, why error) error {
	text, err := json.Marshal(recordFailure(why))
	if err != nil {
		return fmt.Errorf("durable: encoding the error of an update: %w", err)
	}
	prefix := updateKey(run, "")
	err = q.e.store.Scan(prefix, after(prefix), func(key, value []byte) bool {
		if len(value) == updateHeadSize && value[updateHeadSize-1] == updateOpen {
			head := append(bytes.Clone(value[:updateHeadSize-1]), updateFailed)
			q.batch.Set(key, append(head, text...))
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("durable: reading the updates of run %q: %w", run, err)
	}
	return nil
}

// tellClients wakes the clients of the updates that a round has answered or rejected.
func (e *Engine) tellClients(q *round) {
	if len(q.answered)+len(q.rejected) == 0 {
		return
	}
	var signals []Signal
	e.mu.Lock()
	for _, r := range q.rejected {
		r.rejected = r.why
		e.unask(r.asked)
		signals = append(signals, r.signal)
	}
	for _, id := range q.answered {
		for _, a := range e.updates[q.run.id] {
			if a.id == id {
				e.unask(a)
				signals = append(signals, a.signal)
				break
			}
		}
	}
	e.mu.Unlock()
	for _, s := range signals {
		s.Fire()
	}
}

// takeClients removes all who wait for updates of the run; the caller holds the lock and fires the signals.
func (e *Engine) takeClients(run string) (signals []Signal) {
	for _, a := range e.updates[run] {
		signals = append(signals, a.signal)
	}
	delete(e.updates, run)
	return signals
}

// checkUpdate calls the user's check. A panic in it rejects the update.
func checkUpdate(h *handler, input []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if eventloop.IsKill(p) {
				panic(p)
			}
			err = newPanicError(p)
		}
	}()
	return h.check(input)
}
