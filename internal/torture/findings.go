package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

// disk is what a store holds: the recorded results, by idempotency key, and the states of the runs.
type disk struct {
	results map[string]string
	status  map[string]durable.Status
}

// look reads the store in dir from a copy of it.
func look(dir, tmp string) (d disk, err error) {
	d = disk{map[string]string{}, map[string]durable.Status{}}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return d, nil // it was killed that early
	}
	defer os.RemoveAll(tmp)
	if err := os.CopyFS(tmp, os.DirFS(dir)); err != nil {
		return d, err
	}
	st, err := store.OpenPebble(tmp, store.PebbleOptions{})
	if err != nil {
		return d, err
	}
	defer st.Close()
	err = durable.List(st, func(l durable.Listing) bool {
		d.status[l.Run] = l.Status
		return true
	})
	for run := range d.status {
		journal, failed := durable.ReadJournal(st, run)
		err = errors.Join(err, failed)
		for i := range journal.Entries {
			if ev := &journal.Entries[i].Event; ev.Kind == durable.EventStepEnded {
				d.results[run+"/"+ev.Op] = fmt.Sprintf("%s %v", ev.Result, ev.Failure)
			}
		}
	}
	return d, err
}

// findings is what several lives of the example add up to.
type findings struct {
	killed, replayed, repeated int
	lost, again                int

	disk  disk                         // after the latest life
	done  map[string]map[string]string // what the outside world has seen: run, thing, idempotency key
	ended map[string]bool              // runs that the process has called ended
}

func newFindings() *findings {
	return &findings{done: map[string]map[string]string{}, ended: map[string]bool{}}
}

// said takes a line that the process has printed: a run, what was done for it, "key", and the key; or a run,
// and how it ended.
func (f *findings) said(line string) {
	switch w := strings.Fields(line); {
	case len(w) == 4 && w[2] == "key":
		run, what, key := w[0], w[1], w[3]
		if f.done[run] == nil {
			f.done[run] = map[string]string{}
		}
		_, recorded := f.disk.results[key]
		f.again += count(recorded)
		f.repeated += count(f.done[run][what] == key)
		if was := f.done[run][what]; was != "" && was != key {
			what += " twice"
		}
		f.done[run][what] = key
	case len(w) > 1 && (w[1] == "COMPLETED" || w[1] == "FAILED"):
		f.ended[w[0]] = true
	}
}

// found compares what is on disk after a life with what was there before, and with what was said: an order
// that was called ended has ended, and a parcel is shipped when payment and label are recorded.
func (f *findings) found(now disk) {
	for key, result := range f.disk.results {
		f.lost += count(now.results[key] != result)
		run, _, _ := strings.Cut(key, "/")
		f.replayed += count(!f.disk.status[run].Final())
	}
	for run := range f.ended {
		f.lost += count(!now.status[run].Final())
	}
	for _, done := range f.done {
		for _, before := range []string{"charged", "labelled"} {
			_, recorded := now.results[done[before]]
			f.lost += count(done["shipped"] != "" && !recorded)
		}
	}
	f.disk = now
}

// balanced reports whether what was done for an order is right: all of it, or nothing that was not undone.
func (f *findings) balanced(run string) bool {
	want := "reserved charged labelled shipped notified"
	n := len(strings.Fields(want))
	done := f.done[run]
	if f.disk.status[run] != durable.Done {
		want, n = "reserved released labelled", 3
		if done["charged"] != "" || done["refunded"] != "" {
			want, n = want+" charged refunded", 5
		}
		n -= count(done["labelled"] == "") // it was under way when the bank declined
	}
	for what := range done {
		if strings.Contains(want, what) {
			n--
		} else {
			return false
		}
	}
	return n == 0
}

// tally counts runs by how they ended, and those whose books are wrong.
func (f *findings) tally() (completed, failed, wrong int) {
	for run, status := range f.disk.status {
		completed += count(status == durable.Done)
		failed += count(status == durable.Failed)
		wrong += count(status.Final() && !f.balanced(run))
	}
	return completed, failed, wrong
}

func (f *findings) right(orders int) bool {
	completed, failed, wrong := f.tally()
	return completed+failed == orders && f.lost+f.again+wrong == 0
}

// String is the report.
func (f *findings) String() string {
	completed, failed, wrong := f.tally()
	var b strings.Builder
	for _, l := range []struct {
		what string
		n    int
		bad  bool
	}{
		{"killed with SIGKILL", f.killed, false},
		{"orders shipped", completed, false},
		{"orders refused and compensated", failed, false},
		{"results recorded", len(f.disk.results), false},
		{"results read back by a process after a kill", f.replayed, false},
		{"steps done again, killed before they were recorded", f.repeated, false},
		{"recorded results lost or changed", f.lost, true},
		{"steps done again after they were recorded", f.again, true},
		{"orders with wrong books", wrong, true},
	} {
		verdict := fmt.Sprint(l.n)
		switch {
		case l.bad && l.n == 0:
			verdict = "none"
		case l.bad:
			verdict += ": WRONG"
		}
		fmt.Fprintf(&b, "  %-51s %5s\n", l.what, verdict)
	}
	return b.String()
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
