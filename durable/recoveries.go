package durable

import (
	"encoding/binary"
	"fmt"

	"github.com/reprise-dst/reprise/store"
)

// maxRecoveries is how often a run is recovered in vain unless Config.Recoveries says otherwise.
const maxRecoveries = 100

// RecoveryError is why a run is parked that was recovered several times in a row without getting anywhere:
// perhaps its workflow code ends the process, see Config.Recoveries. Resume lets it try as often again; Open
// does not.
type RecoveryError struct {
	Run   string
	Times int
}

func (e *RecoveryError) Error() string {
	return fmt.Sprintf("run %q was recovered %d times in a row and its process ended before it got anywhere, "+
		"perhaps because of it; mend what ends the process, then call Resume", e.Run, e.Times)
}

// countRecoveries notes in the store, with the batch, that runs are about to be recovered, before anything of
// them runs, and returns them without those that are not to be: they are paused, or were recovered too often.
func (e *Engine) countRecoveries(b *store.Batch, ids []string) (left []string, err error) {
	most := e.cfg.Recoveries
	if most == 0 {
		most = maxRecoveries
	}
	b.RequireValue(keyOwner, e.owner)
	stopped := map[string]error{}
	e.mu.Lock()
	for _, id := range ids {
		switch times := e.futile[id]; {
		case e.paused[id]:
		case times >= most:
			stopped[id] = &RecoveryError{Run: id, Times: times}
			b.Set(parkedKey(id), []byte(stopped[id].Error()))
		default:
			e.futile[id]++ // a commit that fails is the engine's last
			b.Set(recoveriesKey(id), binary.AppendUvarint(nil, uint64(times)+1))
			left = append(left, id)
		}
	}
	e.mu.Unlock()
	if b.Len() == 0 {
		return left, nil
	}
	if err := e.store.Commit(b); err != nil {
		return nil, err
	}
	e.mu.Lock()
	for id, why := range stopped { //tidy:unordered into maps
		e.parked[id], e.shelved[id] = why, true
	}
	e.mu.Unlock()
	for _, id := range sortedIDs(stopped) {
		e.hooks.parked(RunInfo{Run: id}, stopped[id])
	}
	return left, nil
}

// mayRecover counts the recovery of a run that this task drives. It reports false, and lets go of the run,
// when it is not to be recovered.
func (e *Engine) mayRecover(r *run) bool {
	var b store.Batch
	b.RequireAbsent(runKey(r.id, partEnd))
	left, err := e.countRecoveries(&b, []string{r.id})
	switch {
	case lostRace(err): // it has seen to what was left, and ended
		e.mu.Lock()
		delete(e.futile, r.id)
		e.mu.Unlock()
		e.finish(r)
		return false
	case err != nil:
		e.fail(err)
		e.finish(r)
		return false
	case len(left) == 0:
		e.drop(r, nil)
		e.passOn(r)
		return false
	}
	return true
}

// survived ends the count of a run's recoveries with the batch: it has got somewhere. It returns what the
// count was.
func (e *Engine) survived(b *store.Batch, run string) (times int) {
	e.mu.Lock()
	times = e.futile[run]
	delete(e.futile, run)
	e.mu.Unlock()
	if times > 0 {
		b.Delete(recoveriesKey(run))
	}
	return times
}

// survivedNot takes that back: the batch was not committed.
func (e *Engine) survivedNot(run string, times int) {
	if times > 0 {
		e.mu.Lock()
		e.futile[run] = times
		e.mu.Unlock()
	}
}

// recountRecoveries lets a run be recovered as often again.
func (e *Engine) recountRecoveries(run string) error {
	var b store.Batch
	b.RequireValue(keyOwner, e.owner)
	if e.survived(&b, run) == 0 {
		return nil
	}
	if err := e.store.Commit(&b); err != nil {
		return e.fail(err)
	}
	return nil
}
