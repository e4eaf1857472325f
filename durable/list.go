package durable

import (
	"bytes"
	"fmt"

	"github.com/reprise-dst/reprise/store"
)

// Status is how far a run has come.
type Status string

// The states that a store tells. A parked run is unended; only the engine that parked it knows that.
const (
	Unended Status = "unended"
	Done    Status = "done"
	Failed  Status = "failed"

	Cancelled  Status = "cancelled"  // it returned the cancellation that came from outside
	Terminated Status = "terminated" // it was ended from outside
)

// Listing is one run of a store, as List tells it.
type Listing struct {
	Run      string
	Workflow string
	Status   Status
}

// List calls visit for every run in the store, sorted by id, until visit returns false. It needs no engine.
func List(st store.Store, visit func(Listing) bool) error {
	from := []byte{tableRun}
	for {
		var run string
		err := st.Scan(from, []byte{tableRun + 1}, func(key, _ []byte) bool {
			id, _, _ := bytes.Cut(key[1:], []byte{0})
			run = string(id)
			return false
		})
		if err != nil || run == "" {
			return err
		}
		l, err := listing(st, run)
		if err != nil || !visit(l) {
			return err
		}
		from = append(append([]byte{tableRun}, run...), 1) // the first key after all of this run's
	}
}

func listing(st store.Store, run string) (Listing, error) {
	l := Listing{Run: run, Status: Unended}
	data, found, err := st.Get(runKey(run, partHeader))
	if err == nil && !found {
		err = fmt.Errorf("%w: run %q has no header", ErrDamaged, run)
	}
	if err != nil {
		return l, err
	}
	h, err := decodeHeader(run, data)
	if err != nil {
		return l, err
	}
	l.Workflow = h.workflow
	end, found, err := st.Get(runKey(run, partEnd))
	if found && err == nil {
		l.Status, _, err = parseEndHead(run, end)
	}
	return l, err
}
