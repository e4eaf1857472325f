package durable

import (
	"context"
	"fmt"

	"github.com/reprise-dst/reprise/store"
)

// park sets a run aside that can't go on, and notes why in the store. Nothing else was written: when it is
// loaded again, with code that can, it goes on from its last commit.
func (e *Engine) park(r *run, cause error) {
	r.writeLines()
	if r.machine != nil {
		r.machine.close()
	}
	var b store.Batch
	b.RequireValue(keyOwner, e.owner)
	b.RequireAbsent(runKey(r.id, partEnd))
	b.Set(parkedKey(r.id), []byte(errorText(cause)))
	e.survived(&b, r.id)
	it := r.item
	if it != nil {
		b.RequireValue(itemKey(r.id), it.encode())
		before := *it
		it.move(&b, itemParked)
		it = &before
	}
	switch err := e.store.Commit(&b); {
	case err == nil:
		e.giveBack(it)
	case !lostRace(err):
		e.fail(err)
		e.drop(r, nil)
		e.unclaimLeft(r)
		return
	}
	e.mu.Lock()
	e.shelved[r.id] = true
	e.mu.Unlock()
	e.drop(r, cause)
	e.passOn(r)
	e.hooks.parked(r.info(), cause)
}

// laidAside reports whether the run is parked or paused; the caller holds the lock.
func (e *Engine) laidAside(run string) bool { return e.parked[run] != nil || e.paused[run] }

// unpark notes that a run which was parked goes on.
func (e *Engine) unpark(run string) error {
	e.mu.Lock()
	shelved := e.shelved[run]
	delete(e.shelved, run)
	e.mu.Unlock()
	if !shelved {
		return nil
	}
	var b store.Batch
	b.RequireValue(keyOwner, e.owner)
	b.Delete(parkedKey(run))
	e.survived(&b, run)
	if err := e.store.Commit(&b); err != nil {
		return e.fail(err)
	}
	return nil
}

// Delete removes a run that has ended, with its journal and its result, as if it had never been; its id is
// free again. When there is no such run the error is ErrNotFound; when it has not ended, it says so.
func (e *Engine) Delete(ctx context.Context, run string) error {
	if err := checkID("run's id", run); err != nil {
		return err
	}
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.end()
	l, err := e.Status(run)
	switch {
	case err != nil:
		return err
	case !l.Status.Final():
		return fmt.Errorf("durable: run %q is %s; only runs that have ended are deleted: Terminate it first",
			run, l.Status)
	}
	var b store.Batch
	b.RequireValue(keyOwner, e.owner)
	if err := e.deletable(&b, run); err != nil {
		return err
	}
	forget(&b, run)
	b.Delete(expiryKey(l.Ended, run))
	switch err := e.store.Commit(&b); {
	case lostRace(err):
		return fmt.Errorf("durable: run %q has changed in this moment; look at it, and Delete it again", run)
	case err != nil:
		return e.fail(err)
	}
	return nil
}

// forget removes everything of a run that has ended.
func forget(b *store.Batch, run string) {
	all, mail := runKey(run, 0)[:len(run)+2], mailboxKey(run)
	b.DeleteRange(all, after(all))
	b.DeleteRange(mail, after(mail))
	b.DeleteRange(progressRange(run))
	for _, table := range []byte{tableValue, tableUpdate} {
		keys := tableKey(table, run, "")
		b.DeleteRange(keys, after(keys))
	}
	setRight(b, run)
	b.Delete(activeKey(run))
}

// setRight removes what keeps a run from going on.
func setRight(b *store.Batch, run string) {
	b.Delete(parkedKey(run))
	b.Delete(pausedKey(run))
	b.Delete(recoveriesKey(run))
	kept := keptKey(run, "")
	b.DeleteRange(kept, after(kept))
}
