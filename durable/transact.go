package durable

import (
	"context"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// Transact runs a function with a transaction on the engine's store, and waits for its result. What the
// function writes is committed in one batch with the checkpoint of its result: it takes effect exactly once,
// whatever crashes, or not at all when the function returns an error, panics, or is cancelled first.
//
// Transactions are serializable: each one sees the store as if no other ran at the same time. When what the
// function has read is changed by another transaction before it commits, the function runs again on what is
// there then; so it must have no effect outside of its Tx, and should be quick and call nothing that waits.
// After 100 such rounds the error is ErrContention.
//
// The keys are the user's own: no key of the engine's can be reached. Engine.View reads them from outside.
func Transact[I, O any](ctx Context, name string, fn func(tx *Tx, in I) (O, error), arg I) (O, error) {
	b := ctx.enter("Transact")
	m := b.m
	if err := checkID("transaction's name", name); err != nil {
		panic(err.Error())
	}
	if fn == nil {
		panic("durable: Transact(" + name + ") needs a function to run, got nil")
	}
	op := b.newOperation(CommandTransact, name)
	encoded, err := encodeBounded(m.codec, arg)
	if err != nil {
		op.resolve(outcome{err: &CodecError{What: "argument of " + op.String(), Type: typeName[I](), Cause: err}})
		return resultOf[O](op)
	}
	bind := func(tx *Tx) stepCall {
		bound := func(_ context.Context, in I) (O, error) { return fn(tx, in) }
		return &boundStep[I, O]{op, bound, encoded}
	}
	b.issue(op, Command{Fingerprint: xxhash.Sum64(encoded), tx: bind})
	return awaitStep[O](b, op)
}

// txFunc binds the function of a transaction to a Tx.
type txFunc func(tx *Tx) stepCall

// ErrContention is the error of a transaction that ran 100 times, and each time what it had read was changed
// by others before it could commit.
var ErrContention = errors.New("durable: others kept changing what the transaction reads")

func init() { RegisterError(ErrContention) }

// maxTxRounds is how often a transaction is run before it gives up. From the second round on it holds a claim
// on what it touched before, so only one that touches other keys each time comes that far.
const maxTxRounds = 100

// transaction is one call of Transact on its way to its commit.
type transaction struct {
	e      *Engine
	u      *underWay
	label  string
	fn     txFunc
	tx     *Tx
	ev     Event
	rounds int
	claim  *claim // nil while it holds none
}

// launchTx runs a transaction's function as a task, as steps are run.
func (t *transaction) launch() {
	t.e.host.Offload(t.label, t.u.info.Name, t.run, t.conclude)
}

// run calls the user's function.
func (t *transaction) run(ctx context.Context) {
	e, u := t.e, t.u
	t.rounds++
	t.tx = newTx(e.store)
	t.ev = Event{Kind: EventStepEnded, Op: u.info.ID, attempt: u.info.Attempt, Failure: goexitFailure}
	defer func() { t.tx.ended = true }()
	e.mu.Lock()
	late, closed := u.cancelled, e.cancelled
	e.mu.Unlock()
	switch {
	case late != nil: // nobody will see it
		return
	case closed:
		t.ev.Failure = closedFailure // the next Open runs it
		return
	}
	result, value, err := e.attempt(ctx, u, t.fn(t.tx))
	if t.tx.wrong != nil {
		err = t.tx.wrong
	}
	if err != nil {
		t.ev.Failure = recordFailure(err)
		return
	}
	t.ev.Failure, t.ev.Result, t.ev.value, t.ev.tx = nil, result, value, t.tx
}

// conclude sees whether what the function has read still holds, and delivers its result, or runs it again.
func (t *transaction) conclude() {
	e := t.e
	err := t.tx.broken
	fresh := t.ev.Failure == closedFailure
	if err == nil && !fresh {
		fresh, err = t.settle()
	}
	switch {
	case err != nil:
		_ = e.fail(fmt.Errorf("reading for transaction %q: %w", t.u.info.Name, err))
	case !fresh && t.rounds < maxTxRounds:
		t.launch()
		return
	case !fresh:
		t.ev.tx, t.ev.Failure = nil, recordFailure(ErrContention)
	}
	if t.ev.tx == nil {
		e.unclaim(t.claim)
	} else {
		t.ev.claim = t.claim
	}
	e.stepEnded(t.u, &t.ev)
}

// settle claims what the transaction touches and reports whether what it has read is still there. It is then
// until the claim is released.
func (t *transaction) settle() (fresh bool, err error) {
	e := t.e
	touched := t.tx.footprint(t.ev.tx != nil)
	if t.claim != nil {
		if t.claim.covers(touched) {
			return true, nil // no other could commit since before it ran
		}
		touched = t.claim.footprint.union(touched)
		e.unclaim(t.claim)
	}
	t.claim, _ = e.claimKeys(context.Background(), touched)
	if e.failed() != nil {
		return true, nil // nothing is delivered any more
	}
	return t.tx.fresh()
}

// claimKeys waits until the footprint is claimed, the engine has stopped, or ctx is done.
func (e *Engine) claimKeys(ctx context.Context, f footprint) (*claim, error) {
	granted := e.host.NewSignal()
	e.mu.Lock()
	c := e.claims.request(f, granted)
	wait := c.waitsFor > 0 && e.failure == nil
	e.mu.Unlock()
	if !wait {
		return c, nil
	}
	return c, granted.Wait(ctx)
}

// unclaim releases a claim, which may be nil.
func (e *Engine) unclaim(c *claim) {
	if c == nil {
		return
	}
	e.mu.Lock()
	granted := e.claims.release(c)
	e.mu.Unlock()
	for _, s := range granted {
		s.Fire()
	}
}

// unclaimAll releases the claims of events that are in the journal now, or never will be.
func (e *Engine) unclaimAll(events []Event) {
	for i := range events {
		e.unclaim(events[i].claim)
	}
}

// unclaimLeft releases the claims of events that came too late for their run.
func (e *Engine) unclaimLeft(r *run) {
	e.mu.Lock()
	left := r.inbox
	r.inbox = nil
	e.mu.Unlock()
	e.unclaimAll(left)
}

// View calls fn with a Tx that reads what transactions have written; it can't write. What fn reads belongs
// together, as if it were read in one moment; for that, fn may be called again, see Tx. View returns the
// error of fn, ErrContention, or why the store can't be read. ctx bounds the waiting for others.
func (e *Engine) View(ctx context.Context, fn func(tx *Tx) error) error {
	if fn == nil {
		panic("durable: Engine.View needs a function to call, got nil")
	}
	var c *claim
	defer func() { e.unclaim(c) }()
	for range maxTxRounds {
		tx, err := e.look(fn)
		if tx.broken != nil {
			return fmt.Errorf("durable: View: reading the store: %w", tx.broken)
		}
		if tx.wrong != nil {
			return tx.wrong
		}
		touched := tx.footprint(false)
		if c != nil {
			if c.covers(touched) {
				return err
			}
			touched = touched.union(c.footprint)
			e.unclaim(c)
		}
		var waitErr error
		if c, waitErr = e.claimKeys(ctx, touched); waitErr != nil {
			return waitErr
		}
		fresh, readErr := tx.fresh()
		if readErr != nil {
			return fmt.Errorf("durable: View: reading the store: %w", readErr)
		}
		if fresh {
			return err
		}
	}
	return ErrContention
}

// look calls fn once.
func (e *Engine) look(fn func(tx *Tx) error) (tx *Tx, err error) {
	tx = newTx(e.store)
	tx.readOnly = true
	defer func() { tx.ended = true }()
	tx.guard(func() { err = fn(tx) })
	return tx, err
}
