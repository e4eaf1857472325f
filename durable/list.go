package durable

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/store"
)

// Status is where a run is in its life; docs/LIFECYCLE.md has the diagram.
type Status string

// The states of runs. The last five are final.
const (
	Queued     Status = "queued"     // it waits in a queue, to begin or to go on
	Running    Status = "running"    // it has steps to run
	Waiting    Status = "waiting"    // for timers, messages or children only
	Parked     Status = "parked"     // it can't go on; Listing.Reason says why
	Paused     Status = "paused"     // it was told to wait; Listing.Reason says why
	Done       Status = "done"       // it returned a result
	Failed     Status = "failed"     // it returned an error
	Cancelled  Status = "cancelled"  // it returned the cancellation that came from outside
	Terminated Status = "terminated" // it was ended from outside
	Continued  Status = "continued"  // it is a part of a run that continued as new
)

// statuses are all of them.
var statuses = []Status{
	Queued, Running, Waiting, Parked, Paused, Done, Failed, Cancelled, Terminated, Continued,
}

// Final reports whether a run in this state has ended.
func (s Status) Final() bool {
	return s == Done || s == Failed || s == Cancelled || s == Terminated || s == Continued
}

// Listing is what a store tells of one run.
type Listing struct {
	Run      string
	Workflow string
	Status   Status
	Reason   string    // of a run that is parked or paused: why
	Started  time.Time // when the run began; zero of one that is queued
	Ended    time.Time // zero while it hasn't
	// Generation is how often the run had continued as new; Started is when this part of it began. The parts
	// before are runs of their own, see ContinueAsNew.
	Generation int
}

// Filter says which runs a page is to have; the zero value is the first 100 of all.
type Filter struct {
	Prefix   string   // of the run's id
	Workflow string   // its name; empty for any
	Status   []Status // one of these; empty for any
	After    string   // runs whose id is greater: the next of the page before
	Limit    int      // runs in a page; 0 for 100
}

// Status returns where the run is, as the store tells it, or ErrNotFound.
func (e *Engine) Status(run string) (Listing, error) { return ReadStatus(e.store, run) }

// List returns the runs that a filter selects, sorted by id, and the id after which the next page begins;
// next is empty when there is no more.
func (e *Engine) List(f Filter) (runs []Listing, next string, err error) { return Page(e.store, f) }

// ReadStatus returns where a run is, or ErrNotFound. It needs no engine.
func ReadStatus(st store.Store, run string) (Listing, error) {
	_, found, err := st.Get(runKey(run, partHeader))
	switch {
	case err != nil:
		return Listing{}, fmt.Errorf("durable: looking for run %q: %w", run, err)
	case !found:
		return Listing{}, fmt.Errorf("%w: %q", ErrNotFound, run)
	}
	return listing(st, run)
}

// Page is Engine.List without an engine.
func Page(st store.Store, f Filter) (runs []Listing, next string, err error) {
	if f.Limit < 0 {
		return nil, "", fmt.Errorf("durable: Filter.Limit is %d; give it 1 or more, or 0 for 100", f.Limit)
	}
	for _, s := range f.Status {
		if !slices.Contains(statuses, s) {
			return nil, "", fmt.Errorf("durable: Filter.Status has %q, which no run is in; the states are %q",
				s, statuses)
		}
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	err = eachRun(st, f.Prefix, f.After, func(l Listing) bool {
		if f.Workflow != "" && l.Workflow != f.Workflow ||
			len(f.Status) > 0 && !slices.Contains(f.Status, l.Status) {
			return true
		}
		if len(runs) == f.Limit {
			next = runs[f.Limit-1].Run
			return false
		}
		runs = append(runs, l)
		return true
	})
	return runs, next, err
}

// List calls visit for every run in the store, sorted by id, until visit returns false. It needs no engine.
func List(st store.Store, visit func(Listing) bool) error { return eachRun(st, "", "", visit) }

// eachRun visits the runs whose ids begin with the prefix and are greater than last.
func eachRun(st store.Store, prefix, last string, visit func(Listing) bool) error {
	from := append([]byte{tableRun}, prefix...)
	if last != "" && last >= prefix {
		from = append(append([]byte{tableRun}, last...), 1)
	}
	for {
		var run string
		err := st.Scan(from, []byte{tableRun + 1}, func(key, _ []byte) bool {
			id, _, _ := bytes.Cut(key[1:], []byte{0})
			run = string(id)
			return false
		})
		if err != nil || run == "" || !strings.HasPrefix(run, prefix) {
			return err
		}
		l, err := listing(st, run)
		if err != nil || !visit(l) {
			return err
		}
		from = append(append([]byte{tableRun}, run...), 1) // the first key after all of this run's
	}
}

func listing(st store.Store, run string) (l Listing, err error) {
	get := func(key []byte) (data []byte, found bool) {
		if err == nil {
			data, found, err = st.Get(key)
		}
		return data, found
	}
	head, begun := get(runKey(run, partHeader))
	first, _ := get(journalKey(run, 1))
	end, ended := get(runKey(run, partEnd))
	reason, parked := get(parkedKey(run))
	pausing, paused := get(pausedKey(run))
	_, active := get(activeKey(run))
	if err == nil && !begun {
		err = fmt.Errorf("%w: run %q has no header", ErrDamaged, run)
	}
	l = Listing{Run: run, Status: Waiting}
	if err != nil {
		return l, err
	}
	h, err := decodeHeader(run, head)
	if err != nil {
		return l, err
	}
	l.Workflow = h.workflow
	if h.item && first == nil && !ended {
		l.Status = Queued
		return l, nil
	}
	entry, err := decodeEntry(run, 1, first)
	if err != nil {
		return l, err
	}
	l.Started = entry.Event.Time
	if s := entry.Event.Start; s != nil {
		l.Generation = s.Generation
	}
	switch {
	case ended:
		l.Status, l.Ended, err = parseEndHead(run, end)
	case paused:
		l.Status, l.Reason = Paused, string(pausing)
	case parked:
		l.Status, l.Reason = Parked, string(reason)
	case active:
		l.Status = Running
	}
	if h.item && !l.Status.Final() && !paused && err == nil {
		if it, _, err := readItem(st, run); err != nil || it != nil && it.state == itemWaits {
			l.Status, l.Reason = Queued, ""
			return l, err
		}
	}
	return l, err
}
