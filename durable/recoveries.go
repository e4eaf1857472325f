package durable

import (
	"encoding/binary"
	"fmt"

	"github.com/reprise-dst/reprise/store"
)

// maxRecoveries is how often a run is recovered in vain unless Config.Recoveries says otherwise.
const maxRecoveries = 100

// RecoveryError is why a run is parked that was recovered several times in a row without getting anywhere:
// perhaps its workflow code ends the process. Resume lets it try as often again; Open does not.
type RecoveryError struct {
	Run   string
	Times int
}

func (e *RecoveryError) Error() string {
	return fmt.Sprintf("run %q was recovered %d times in a row and its process ended before it got anywhere, "+
		"perhaps because of it; mend what ends the process, then call Resume", e.Run, e.Times)
}

// countRecoveries notes in the store which runs are about to be recovered, before anything of them runs, and
// returns them without those that were too often.
func (e *Engine) countRecoveries(ids []string) (left []string, err error) {
	most := e.cfg.Recoveries
	if most == 0 {
		most = maxRecoveries
	}
	var b store.Batch
	b.RequireValue(keyOwner, e.owner)
	stopped := map[string]error{}
	for _, id := range ids {
		if e.paused[id] { // no other task knows the engine yet
			continue
		}
		data, _, err := e.store.Get(recoveriesKey(id))
		if err != nil {
			return nil, err
		}
		times, _ := binary.Uvarint(data)
		if times >= uint64(most) {
			stopped[id] = &RecoveryError{Run: id, Times: int(times)}
			b.Set(parkedKey(id), []byte(stopped[id].Error()))
			continue
		}
		b.Set(recoveriesKey(id), binary.AppendUvarint(nil, times+1))
		left = append(left, id)
	}
	if b.Len() == 0 {
		return left, nil
	}
	if err := e.store.Commit(&b); err != nil {
		return nil, err
	}
	e.mu.Lock()
	for _, id := range left {
		e.counted[id] = true
	}
	for id, why := range stopped { //tidy:unordered into maps
		e.parked[id], e.shelved[id] = why, true
	}
	e.mu.Unlock()
	for _, id := range sortedIDs(stopped) {
		e.hooks.parked(RunInfo{Run: id}, stopped[id])
	}
	return left, nil
}

// survived ends the count of a run's recoveries with the batch: it has got somewhere.
func (e *Engine) survived(b *store.Batch, run string) (counted bool) {
	e.mu.Lock()
	counted = e.counted[run]
	delete(e.counted, run)
	e.mu.Unlock()
	if counted {
		b.Delete(recoveriesKey(run))
	}
	return counted
}

// survivedNot takes that back: the batch was not committed.
func (e *Engine) survivedNot(run string, counted bool) {
	if counted {
		e.mu.Lock()
		e.counted[run] = true
		e.mu.Unlock()
	}
}

// recountRecoveries lets a run be recovered as often again.
func (e *Engine) recountRecoveries(run string) error {
	var b store.Batch
	b.RequireValue(keyOwner, e.owner)
	b.Delete(recoveriesKey(run))
	if err := e.store.Commit(&b); err != nil {
		return e.fail(err)
	}
	return nil
}
