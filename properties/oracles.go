package properties

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

// happened checks an event that has become durable against what is known of its run.
func (v *watch) happened(r *seen, e *durable.Entry) {
	ev := &e.Event
	fail := func(property, format string, args ...any) {
		where := fmt.Sprintf("journal entry %d: ", e.Seq)
		v.world.Fail(property, v.subject(r.id), where+fmt.Sprintf(format, args...))
	}
	if r.ended {
		fail(EndFinal, "%s, after the run's end", e)
	}
	if n := len(r.entries); n > 0 && ev.Time.Before(r.entries[n-1].Event.Time) {
		fail(TimeForward, "%v, after %v in the entry before", ev.Time, r.entries[n-1].Event.Time)
	}
	switch ev.Kind {
	case durable.EventStepEnded:
		if how, over := r.over[ev.Op]; over {
			fail(EndsOnce, "operation %s ended (%s) although %s", ev.Op, ev.Kind, how)
		}
		if ev.Failure == nil && !r.begun[ev.Op] && !r.copied() {
			fail(StepRan, "the step with id %s ended with a result, and never began", ev.Op)
		}
		r.over[ev.Op] = "its end is checkpointed"
	case durable.EventMessage:
		if ev.Message == "" {
			return
		}
		letter := r.topics[ev.Op] + "\x00" + ev.Message
		if r.letters[letter] {
			fail(MessageOnce, "message %q of topic %q was received before", ev.Message, r.topics[ev.Op])
		}
		r.letters[letter] = true
	case durable.EventUpdate:
		update := "\x00" + ev.Message // no topic is empty
		if r.letters[update] {
			fail(MessageOnce, "update %q was taken before", ev.Message)
		}
		r.letters[update] = true
	}
}

// asked notes what a run asked for.
func (r *seen) asked(c *durable.Command) {
	switch c.Kind {
	case durable.CommandCancel:
		if c.Target == durable.CommandStep {
			r.over[c.Op] = "its cancellation is durable"
		}
	case durable.CommandReceive:
		r.topics[c.Op] = c.Name
	case durable.CommandEnd:
		r.ended = true
	case durable.CommandContinue: // the run goes on, this journal does not
		r.ended = r.partOf() != ""
	}
}

// deletes notes that a run is being deleted, whether that will be durable or not. The clients that know of
// it may be told of this or of that run from here on, so only what is left of it is looked at.
func (v *watch) deletes(run string) {
	r := v.run(run)
	r.deleted, r.ended = true, true
}

// staysEnded looks up how a run has ended, and compares it with what was seen before.
func (v *watch) staysEnded(r *seen, st store.Store) {
	if !r.ended {
		if r.told && !r.again {
			v.world.Fail(AckDurable, v.subject(r.id), "a client was told how it ended; its journal has no end")
		}
		return
	}
	now, err := durable.ReadStatus(st, r.id)
	switch {
	case err != nil:
		v.world.Fail(EndFinal, v.subject(r.id), err.Error())
	case !now.Status.Final() || r.status != "" && r.status != now.Status:
		v.world.Fail(EndFinal, v.subject(r.id), fmt.Sprintf("it has ended (%s), its status is now %s",
			r.status, now.Status))
	}
	r.status = now.Status
}

// sentAndReceived counts the messages between runs: no run receives more than were sent to it. The parts of a
// run that continued as new are one run. What a fork received before it parted was the other run's; what was
// sent there is counted, since the fork itself sends what follows from an entry that had no answer yet.
func (v *watch) sentAndReceived() {
	type way struct{ from, to string }
	sent, received := map[way]int{}, map[way]int{}
	var ways []way
	for _, r := range v.runs {
		id, own := cmp.Or(r.partOf(), r.id), slices.IndexFunc(r.entries, forks)
		for i := range r.entries {
			e := &r.entries[i]
			if i >= own && e.Event.Kind == durable.EventMessage && e.Event.From != "" {
				w := way{e.Event.From, id}
				received[w]++
				ways = append(ways, w)
			}
			for _, c := range e.Commands {
				if c.Kind == durable.CommandSend {
					sent[way{id, c.To}]++
				}
			}
		}
	}
	for _, w := range ways {
		if received[w] > sent[w] && !v.run(w.from).deleted && !v.run(w.to).deleted {
			v.world.Fail(MessageOnce, v.subject(w.to), fmt.Sprintf("%d messages came from run %q, which sent %d",
				received[w], w.from, sent[w]))
		}
	}
}

func forks(e durable.Entry) bool { return e.Event.Kind == durable.EventForked }

// leavings are the tables in which an ended run may have nothing, see the key space of package durable.
var leavings = map[byte]string{
	'a': "the mark that it has steps to run", 't': "a timer", 'p': "progress of a step",
	's': "the mark that it is parked", 'q': "a message in its mailbox", 'Q': "a delay or a slot of a queue",
	'C': "a place in a queue", 'f': "a count of recoveries", 'g': "the mark that it is paused",
	'h': "what came during a pause",
}

// records are the tables in which a run that was deleted may have nothing either.
var records = map[byte]string{'r': "its record", 'v': "a value", 'u': "an update"}

// nothingLeft looks for what an ended run should have taken along, or answered, and for what is left of runs
// that are not there.
func (v *watch) nothingLeft(st store.Store) {
	for _, r := range v.runs {
		id := append([]byte(r.id), 0)
		_, there, err := st.Get([]byte("r" + string(id) + "h"))
		if there && (!r.ended || r.deleted) {
			continue
		}
		err = errors.Join(err, st.Scan(nil, nil, func(key, value []byte) bool {
			what := leavings[key[0]]
			switch {
			case !there && what == "":
				what = records[key[0]]
			case key[0] == 'u' && len(value) == 9 && value[8] == 'o':
				what = "an update that it took and never answered"
			}
			if what != "" && isOf(key, id) {
				v.world.Fail(NothingLeft, v.subject(r.id), fmt.Sprintf("%s: key %q", what, key))
			}
			return true
		}))
		if err != nil {
			v.world.Fail(NothingLeft, v.subject(r.id), err.Error())
		}
	}
}

// isOf reports whether a key of one of those tables is about the run, whose id ends in a zero byte.
func isOf(key, id []byte) bool {
	rest := key[1:]
	switch key[0] {
	case 't': // <deadline> <run> 0 <op>
		return len(rest) > 8 && bytes.HasPrefix(rest[8:], id)
	case 'Q': // <queue> 0 d <due> <run> 0, or <queue> 0 s <key> 0 <run> 0
		_, rest, _ = bytes.Cut(rest, []byte{0})
		switch {
		case len(rest) > 9 && rest[0] == 'd':
			return bytes.Equal(rest[9:], id)
		case len(rest) > 0 && rest[0] == 's':
			_, run, _ := bytes.Cut(rest, []byte{0})
			return bytes.Equal(run, id)
		}
		return false
	}
	return bytes.HasPrefix(rest, id)
}

// undone checks that what a run has undone it had done, in each branch the last first, and that a run that
// failed has undone all. A run may undo a part, that of a Scope, and go on.
func (v *watch) undone(run string, j durable.Journal, undo map[string]string, failed error) {
	if len(undo) == 0 || errors.Is(failed, durable.ErrTerminated) {
		return
	}
	undoes := map[string]bool{}
	named := func(step string) string { return fmt.Sprintf("a run has the step %s, which Undo names", step) }
	for _, step := range slices.Sorted(maps.Keys(undo)) {
		undoes[undo[step]] = true
		v.world.Sometimes(named(step), false)
	}
	var want, have []string
	var s stackOfDone
	sound := true
	for i := range j.Entries {
		for _, c := range j.Entries[i].Commands {
			if c.Kind != durable.CommandStep || c.Attempt > 1 {
				continue
			}
			if by := undo[c.Name]; by != "" {
				v.world.Sometimes(named(c.Name), true)
				want = append(want, by)
				s.open = append(s.open, doneStep{c.Op, by})
			}
			if undoes[c.Name] {
				have = append(have, c.Name)
				sound = sound && (!slices.Contains(want, c.Name) || s.undo(c.Op, c.Name))
			}
		}
	}
	slices.Reverse(want)
	if !sound || failed != nil && len(s.open) > 0 {
		v.world.Fail(UndoneInReverse, v.subject(run), "ended with   "+fmt.Sprint(failed),
			"to be undone "+strings.Join(want, ", "), "was undone   "+strings.Join(have, ", "))
	}
}

// stackOfDone is the steps that a run has done and not undone.
type stackOfDone struct{ open []doneStep }

type doneStep struct{ op, undo string }

// undo takes out the latest step that the operation op, of this name, may undo: one of the same branch or of
// those inside of it, and the last of its own branch.
func (s *stackOfDone) undo(op, name string) bool {
	blocked := map[string]bool{}
	for i, d := range slices.Backward(s.open) {
		b := branchOf(d.op)
		if d.undo == name && !blocked[b] && strings.HasPrefix(b, branchOf(op)) {
			s.open = slices.Delete(s.open, i, i+1)
			return true
		}
		blocked[b] = true
	}
	return false
}

// branchOf is the place of the branch that asked for the operation: "2." of 2.1, "" of 2.
func branchOf(op string) string { return op[:strings.LastIndexByte(op, '.')+1] }

// giveUp fails the world for the runs that have not ended, and says what they wait for.
func (v *watch) giveUp() {
	for _, r := range v.runs {
		if r.ended {
			continue
		}
		detail := []string{"it has not begun"}
		if n := len(r.entries); n > 0 {
			detail = []string{fmt.Sprintf("nothing has happened since journal entry %d, %v; it waits for",
				n, r.entries[n-1].Event.Time)}
			for _, c := range r.open() {
				detail = append(detail, "  "+c.String())
			}
		}
		for _, other := range v.runs {
			if other.parked != nil && !other.ended {
				detail = append(detail, fmt.Sprintf("run %q is parked: %v", other.id, other.parked))
			}
		}
		v.world.Fail(EveryRunEnds, v.subject(r.id), detail...)
	}
}

// open lists what a run has asked for and not got.
func (r *seen) open() (open []durable.Command) {
	drop := func(op string) {
		open = slices.DeleteFunc(open, func(c durable.Command) bool { return c.Op == op })
	}
	for i := range r.entries {
		e := &r.entries[i]
		if e.Event.Op != "" {
			drop(e.Event.Op)
		}
		for _, c := range e.Commands {
			switch c.Kind {
			case durable.CommandCancel:
				drop(c.Op)
			case durable.CommandStep, durable.CommandTimer, durable.CommandTransact, durable.CommandReceive,
				durable.CommandChild, durable.CommandRetry:
				open = append(open, c)
			}
		}
	}
	return open
}
