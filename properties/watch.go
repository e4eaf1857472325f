package properties

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// watch sees what the engine does, through all lives of the node, and fails the world when a property does
// not hold.
type watch struct {
	world *sim.World
	name  string // of the workflow
	runs  []*seen
	order []moment       // all that was seen
	when  map[string]int // by the key of a journal entry: the commit that wrote it last

	commits int    // that were tried
	saw     func() // told of each durable entry; may be nil
	cold    bool   // the engine evicts runs after every event
}

// moment is when a step of a run began, first, or when an entry of its journal was known to be durable.
type moment struct {
	run   string
	begun string // the operation of the step, or
	entry durable.Entry
	when  int // the last commit that was tried, or the one that has the entry
	again int // when, in the twin
	place int // of the entry, among the entries that the run has had, those of earlier parts included
}

// seen is what was seen of one run.
type seen struct {
	id      string
	started bool              // a client was told
	told    bool              // a client was told how it ended
	entries []durable.Entry   // known to be durable
	place   int               // of the last one, see moment
	over    map[string]string // operations that a committed entry ended, and how
	begun   map[string]bool   // steps that have begun, by operation
	topics  map[string]string // of operations that wait for a message
	letters map[string]bool   // messages with an id that were received, by topic and id
	ended   bool              // the last entry is its end
	parked  error             // why it could not go on, when it was last parked; nil when it was not
	reopens bool              // a client may have opened it again after that
	again   bool              // it was: what it had not received is gone, and a client was told of another end
	status  durable.Status    // after its end, once it was looked up
	deleted bool              // what was seen holds no more, and its id may be another run's
}

func (v *watch) run(id string) *seen {
	for _, r := range v.runs {
		if r.id == id {
			return r
		}
	}
	r := &seen{
		id: id, over: map[string]string{}, begun: map[string]bool{}, topics: map[string]string{},
		letters: map[string]bool{},
	}
	v.runs = append(v.runs, r)
	return r
}

func (v *watch) subject(run string) string { return v.name + "/" + run }

func (v *watch) interceptor() durable.Interceptor {
	return durable.Interceptor{
		Step: v.step,
		Committed: func(run durable.RunInfo, entries []durable.Entry) {
			v.committed(run.Run, entries)
		},
		Parked: func(run durable.RunInfo, err error) { v.run(run.Run).parked = err },
	}
}

func (v *watch) step(
	ctx context.Context, s durable.StepInfo, next func(context.Context) error,
) error {
	if how, over := v.run(s.Run).over[s.ID]; over && !v.run(s.Run).deleted {
		v.world.Fail(NoStepAgain, v.subject(s.Run),
			fmt.Sprintf("step %q (id %s) was started although %s", s.Name, s.ID, how))
	}
	if r := v.run(s.Run); !r.begun[s.ID] {
		r.begun[s.ID] = true
		v.order = append(v.order, moment{run: s.Run, begun: s.ID, when: v.commits})
	}
	return next(ctx)
}

func (v *watch) committed(run string, entries []durable.Entry) {
	r := v.run(run)
	if r.deleted {
		return
	}
	for i := range entries {
		e := &entries[i]
		if e.Event.Start != nil && r.otherPart(e) {
			r.entries, r.ended = nil, false // those of the part before are another run's now
			clear(r.over)
			clear(r.begun)
			clear(r.topics)
		}
		if r.ended && r.reopens && e.Seq <= len(r.entries) {
			v.reopened(r, e.Seq-1)
		}
		if e.Seq <= len(r.entries) { // the answer to an entry that had none
			r.entries = r.entries[:e.Seq-1]
		} else {
			v.happened(r, e)
			r.place++
			key := binary.BigEndian.AppendUint64([]byte("r"+run+"\x00j"), uint64(e.Seq))
			v.order = append(v.order, moment{run: run, entry: *e, when: v.when[string(key)], place: r.place})
		}
		r.note(e)
		if v.saw != nil {
			v.saw()
		}
	}
}

// note adds an entry to what was seen.
func (r *seen) note(e *durable.Entry) {
	r.entries = append(r.entries, *e)
	for i := range e.Commands {
		r.asked(&e.Commands[i])
	}
	kind := e.Event.Kind
	r.ended = r.ended || kind == durable.EventTerminated || kind == durable.EventWithdrawn
}

// reopened takes back what was seen of a run that had failed, but for the first n entries.
func (v *watch) reopened(r *seen, n int) {
	kept := r.entries[:n:n]
	r.entries, r.ended, r.again, r.status = nil, false, true, ""
	clear(r.over)
	clear(r.topics)
	clear(r.letters)
	for i := range kept {
		v.happened(r, &kept[i])
		r.note(&kept[i])
	}
}

// alike is how many of the first entries are the same.
func alike(a, b []durable.Entry) int {
	for i := range a {
		if i == len(b) || a[i].String() != b[i].String() || !sameResult(&a[i].Event, &b[i].Event) {
			return i
		}
	}
	return len(a)
}

// digest adds what was seen, besides what the store tells, to a state.
func (v *watch) digest(d *digest) {
	for _, r := range v.runs {
		d.text(r.id)
		d.text(fmt.Sprint(r.started, r.told, r.deleted))
		for _, op := range slices.Sorted(maps.Keys(r.begun)) {
			d.text(op)
		}
	}
}

// copied reports whether the journal was another run's, in which its steps have run.
func (r *seen) copied() bool {
	if len(r.entries) == 0 {
		return false
	}
	start := r.entries[0].Event.Start
	return start != nil && start.Origin != ""
}

// partOf is the run of which this is a part that has continued as new; empty when it is none.
func (r *seen) partOf() string {
	if at := strings.LastIndexByte(r.id, '#'); at > 0 && r.copied() {
		return r.id[:at]
	}
	return ""
}

// otherPart reports whether the first entry of a journal is of a later part of the run than what was seen.
func (r *seen) otherPart(first *durable.Entry) bool {
	return len(r.entries) > 0 && r.entries[0].Event.Start.Generation < first.Event.Start.Generation
}

func (v *watch) startAcknowledged(run string) { v.run(run).started = true }

// compare holds what the store has against what was known to be durable.
func (v *watch) compare(st store.Store) {
	err := durable.List(st, func(l durable.Listing) bool { // children, of which the engine died before it knew
		v.run(l.Run)
		return true
	})
	if err != nil {
		v.world.Fail(EntriesKept, v.name, err.Error())
	}
	for _, r := range v.runs {
		if r.deleted {
			continue
		}
		j, err := durable.ReadJournal(st, r.id)
		switch {
		case errors.Is(err, durable.ErrNotFound):
			if l, err := durable.ReadStatus(st, r.id); r.started && (err != nil || l.Status != durable.Queued) {
				v.world.Fail(AckDurable, v.subject(r.id), "its start was acknowledged, the store does not know it")
			}
		case err != nil:
			v.world.Fail(EntriesKept, v.subject(r.id), err.Error())
		}
		if len(j.Entries) > 0 && r.otherPart(&j.Entries[0]) { // it continued as new, and the engine died
			v.committed(r.id, j.Entries)
		}
		if n := alike(r.entries, j.Entries); r.ended && r.reopens && n < len(r.entries) {
			v.reopened(r, n) // and the engine died before it knew
		}
		for i := 0; i < len(r.entries); i++ {
			want := r.entries[i].String()
			have := "nothing"
			if i < len(j.Entries) {
				have = j.Entries[i].String()
			}
			if r.entries[i].Unanswered && i < len(j.Entries) && !j.Entries[i].Unanswered {
				// Its answer is durable, and the engine died, or lives on, before it knew.
				v.committed(r.id, j.Entries[i:i+1])
				want = j.Entries[i].String()
			}
			if want != have || !sameResult(&r.entries[i].Event, &j.Entries[i].Event) {
				v.world.Fail(EntriesKept, v.subject(r.id), "committed  "+want, "now        "+have)
			}
		}
		for i := len(r.entries); i < len(j.Entries); i++ { // durable, though the engine died before it knew
			v.committed(r.id, j.Entries[i:i+1])
		}
		v.staysEnded(r, st)
	}
}

func sameResult(a, b *durable.Event) bool {
	return string(a.Result) == string(b.Result) && a.Time.Equal(b.Time) &&
		reflect.DeepEqual(a.Failure, b.Failure)
}

// cantGoOn fails the world for a call that was answered with an error.
func (v *watch) cantGoOn(call string, err error) {
	var parked *durable.ParkedError
	if !errors.As(err, &parked) {
		v.world.Fail(EveryRunEnds, call, err.Error())
	}
	v.parted(parked.Run, parked.Cause)
}

// parted fails the world for a run whose code can't go on, or does not replay.
func (v *watch) parted(run string, err error) {
	var nd *durable.NonDeterminismError
	if errors.As(err, &nd) {
		at := ""
		if nd.Position != "" {
			at = "  at " + nd.Position
		}
		v.world.Fail(ReplayIdentical, v.subject(run), fmt.Sprintf("journal entry %d:", nd.Entry),
			"recorded  "+nd.Recorded, "replayed  "+nd.Replayed+at)
	}
	lines := strings.Split(err.Error(), "\n")
	var p *durable.PanicError
	if errors.As(err, &p) {
		lines = append(lines, userFrames(p.Stack)...)
	}
	v.world.Fail(EveryRunEnds, v.subject(run), lines...)
}

// userFrames picks the lines of a stack that are not the runtime's and not ours.
func userFrames(stack string) []string {
	var frames []string
	lines := strings.Split(stack, "\n")
	for i := 1; i+1 < len(lines); i += 2 {
		fn, at := lines[i], strings.TrimSpace(lines[i+1])
		switch {
		case strings.HasPrefix(fn, "panic("), strings.HasPrefix(fn, "runtime"), strings.HasPrefix(fn, "iter."),
			strings.HasPrefix(fn, "github.com/reprise-dst/reprise/durable."),
			strings.HasPrefix(fn, "github.com/reprise-dst/reprise/internal/"), strings.HasPrefix(fn, "created by"):
			continue
		}
		at, _, _ = strings.Cut(at, " +0x")
		if slash := strings.LastIndexByte(at, '/'); slash >= 0 {
			at = at[slash+1:]
		}
		frames = append(frames, "  at "+at)
	}
	return frames
}
