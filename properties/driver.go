package properties

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// driver is a Host of an engine that learns of nothing before it is let go.
type driver struct {
	*sim.Node
	clock   time.Time
	held    []*held        // the oldest first
	written map[string]int // entries of journals, those of earlier parts of a run included
	earlier map[string]int // of these, in earlier parts
}

// held is what waits to be let go.
type held struct {
	what int
	runs []string // that it is about
	id   string   // of the step or the message
	due  time.Time
	let  func()
}

// What is held.
const (
	stepEnd = iota
	posting // of a message from outside
	timer
	acknowledgement // of a commit
)

// hold waits until it is let go, or until ctx is done.
func (d *driver) hold(ctx context.Context, what int, id string, runs ...string) {
	turn := d.NewSignal()
	h := &held{what: what, runs: runs, id: id, let: turn.Fire}
	d.held = append(d.held, h)
	_ = turn.Wait(ctx)
	d.take(func(other *held) bool { return other == h })
}

// take removes the oldest that this is true of, and returns what lets it go; nil when there is none.
func (d *driver) take(of func(h *held) bool) func() {
	i := slices.IndexFunc(d.held, of)
	if i < 0 {
		return nil
	}
	let := d.held[i].let
	d.held = slices.Delete(d.held, i, i+1)
	return let
}

// letGo lets the oldest go that this is true of, and reports whether there is one.
func (d *driver) letGo(of func(h *held) bool) bool {
	let := d.take(of)
	if let != nil {
		let()
	}
	return let != nil
}

// acknowledge lets a run, or any when it is empty, know of a commit.
func (d *driver) acknowledge(run string) bool {
	return d.letGo(func(h *held) bool {
		return h.what == acknowledgement && (run == "" || slices.Contains(h.runs, run))
	})
}

// ring lets a timer go that is due.
func (d *driver) ring() bool {
	return d.letGo(func(h *held) bool { return h.what == timer && !h.due.After(d.clock) })
}

// Now is what the clock was set to.
func (d *driver) Now() time.Time { return d.clock }

// AfterFunc sets a timer, which does not fire by itself.
func (d *driver) AfterFunc(after time.Duration, fn func()) (stop func() bool) {
	h := &held{what: timer, due: d.clock.Add(after)}
	h.let = func() { d.Go("timer", func(context.Context) { fn() }) }
	d.held = append(d.held, h)
	return func() bool { return d.take(func(other *held) bool { return other == h }) != nil }
}

// heldStore is the Store of a driver's engine.
type heldStore struct {
	store.Store
	d *driver
}

// Commit holds back messages from outside, and the acknowledgement of all that writes into a journal.
func (s heldStore) Commit(b *store.Batch) error {
	var runs []string
	var to, id string
	for op := range b.Ops() {
		key, part, _ := bytes.Cut(op.Key, []byte{0})
		run := string(key[1:])
		switch {
		case len(part) == 0:
		case key[0] == 'q' && part[0] == 'm':
			to = run
		case key[0] == 'r' && part[0] == 'i':
			id = string(part[bytes.IndexByte(part, 0)+1:])
		case key[0] != 'r' || part[0] != 'j':
		case op.Kind == store.OpDeleteRange:
			s.d.earlier[run] = s.d.written[run]
		default:
			runs = append(runs, run)
			s.d.written[run] = max(s.d.written[run], s.d.earlier[run]+int(binary.BigEndian.Uint64(part[1:])))
		}
	}
	if to != "" && runs == nil {
		s.d.hold(context.Background(), posting, id, to)
	}
	err := s.Store.Commit(b)
	if err == nil && runs != nil {
		s.d.hold(context.Background(), acknowledgement, "", runs...)
	}
	return err
}
