package durable

import (
	"bytes"
	"fmt"
	"time"

	"github.com/reprise-dst/reprise/store"
)

// expiryChunk is how many runs a commit deletes that have been kept long enough.
const expiryChunk = 64

// keep notes when a run has ended, so that it is deleted in time.
func (e *Engine) keep(b *store.Batch, run string, ended time.Time) {
	if e.cfg.Retention > 0 {
		b.Set(expiryKey(ended, run), nil)
	}
}

// expire deletes the runs that have been kept long enough, and returns when the next one will have been; zero
// when there is none.
func (e *Engine) expire() (next time.Time, err error) {
	if e.cfg.Retention <= 0 {
		return next, nil
	}
	for {
		limit := e.host.Now().Add(-e.cfg.Retention)
		var b store.Batch
		b.RequireValue(keyOwner, e.owner)
		n := 0
		var bad error
		next = time.Time{}
		err := e.store.Scan([]byte{tableExpiry}, []byte{tableExpiry + 1}, func(key, _ []byte) bool {
			ended, run, err := parseExpiryKey(key)
			if bad = err; bad != nil {
				return false
			}
			if ended.After(limit) || n == expiryChunk {
				next = ended.Add(e.cfg.Retention)
				return false
			}
			n++
			b.RequireValue(bytes.Clone(key), []byte{})
			b.Delete(bytes.Clone(key))
			forget(&b, run)
			return true
		})
		if err == nil {
			err = bad
		}
		if err != nil || n == 0 {
			return next, err
		}
		if err := e.store.Commit(&b); err != nil && !lostRace(err) {
			return next, err
		}
	}
}

// expiryKey is the key under which a run waits for being deleted.
func expiryKey(ended time.Time, run string) []byte {
	return append(append(appendTime([]byte{tableExpiry}, ended), run...), 0)
}

func parseExpiryKey(key []byte) (ended time.Time, run string, err error) {
	if len(key) < 10 || key[len(key)-1] != 0 {
		return ended, "", fmt.Errorf("durable: %w: not a key of an ended run: %x", ErrDamaged, key)
	}
	return parseTime(key[1:9]), string(key[9 : len(key)-1]), nil
}
