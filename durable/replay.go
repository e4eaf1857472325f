package durable

import (
	"bytes"
	"fmt"

	"github.com/reprise-dst/reprise/store"
)

// feed replays one recorded entry: it applies the event and compares what the code asks for with what the
// journal says it asked for.
func (m *machine) feed(e *Entry) error {
	if e.Event.Kind != EventStarted && !m.awaits(e.Event.Kind, e.Event.Op) {
		return m.parted(e, fmt.Sprintf("that operation %s ended (%s)", e.Event.Op, e.Event.Kind),
			"nothing that waits for it", 0)
	}
	if !e.Unanswered {
		m.replayed = e
	}
	commands, err := m.apply(&e.Event)
	m.replayed, m.unanswered = nil, e.Unanswered
	if err != nil || e.Unanswered {
		return err
	}
	m.reused = commands
	if m.asRecorded(commands, e.wire) {
		return nil
	}
	if err := e.spell(m.run); err != nil {
		return err
	}
	for i := range max(len(commands), len(e.Commands)) {
		switch {
		case i >= len(commands):
			return m.parted(e, e.Commands[i].String(), "nothing more here", 0)
		case i >= len(e.Commands):
			return m.parted(e, "nothing more here", commands[i].String(), commands[i].pc)
		case !commands[i].same(&e.Commands[i]):
			recorded, replayed := e.Commands[i].String(), commands[i].String()
			if recorded == replayed {
				replayed += " with another argument"
			}
			return m.parted(e, recorded, replayed, commands[i].pc)
		}
	}
	return nil
}

// asRecorded reports whether commands are encoded just as they were recorded. That saves decoding the record;
// when they are not, a comparison decides.
func (m *machine) asRecorded(commands []Command, wire [][]byte) bool {
	if len(commands) == 0 || len(commands) != len(wire) {
		return false
	}
	for i := range commands {
		m.scratch = appendCommand(m.scratch[:0], &commands[i])
		if !bytes.Equal(m.scratch, wire[i]) {
			return false
		}
	}
	return true
}

func (m *machine) parted(e *Entry, recorded, replayed string, pc uintptr) error {
	return &NonDeterminismError{
		Run: m.run, Workflow: m.def.name, Entry: e.Seq,
		Recorded: recorded, Replayed: replayed, Position: position(pc),
	}
}

// Journal is the recorded history of one run.
type Journal struct {
	Run     string
	Entries []Entry
}

// ReadJournal returns the journal of a run, or ErrNotFound.
func ReadJournal(st store.Store, run string) (Journal, error) {
	j := Journal{Run: run}
	err := scanJournal(st, run, func(e *Entry) error {
		err := e.spell(run)
		j.Entries = append(j.Entries, *e)
		return err
	})
	if err == nil && len(j.Entries) == 0 {
		err = fmt.Errorf("%w: %q", ErrNotFound, run)
	}
	return j, err
}

// scanJournal calls visit for every entry in order. It checks that none is missing. The entry is visit's only
// during the call, and its commands are not spelt out.
func scanJournal(st store.Store, run string, visit func(*Entry) error) error {
	from, to := journalRange(run)
	seq := 0
	var r entryReader
	var failed error
	err := st.Scan(from, to, func(key, value []byte) bool {
		seq++
		if !isJournalKey(key, from, seq) {
			failed = fmt.Errorf("%w: run %q: journal entry %d is missing", ErrDamaged, run, seq)
			return false
		}
		if failed = r.read(run, seq, value); failed == nil {
			failed = visit(&r.entry)
		}
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	return err
}

// Replayed is what a replay of a journal came to.
type Replayed struct {
	Entries int    // entries replayed
	Steps   int    // of them, results of steps
	Ended   bool   // the workflow returned
	Result  []byte // its encoded result when it returned one
	Err     error  // its error when it returned one

	answered []Entry // entries that had been unanswered and now have their commands
}

// Replay runs workflow code over a recorded journal, as the engine does when it recovers a run, and
// returns what it came to. Nothing outside happens. A *NonDeterminismError says where the code parts from
// the journal: use it in a plain test to see that a change of workflow code is safe for old runs. codec is
// JSON when nil.
func Replay(j Journal, def Definition, codec Codec) (Replayed, error) {
	if codec == nil {
		codec = JSON()
	}
	each := func(visit func(*Entry) error) error {
		for i := range j.Entries {
			if err := visit(&j.Entries[i]); err != nil {
				return err
			}
		}
		return nil
	}
	of, err := defined(def)
	if err != nil {
		return Replayed{}, fmt.Errorf("durable.Replay: %w", err)
	}
	m, done, err := replay(j.Run, of, codec, true, each)
	defer m.close()
	return done, err
}

// endsWith notes the end of the run, if the latest event was the last.
func (done *Replayed) endsWith(m *machine, ev *Event) {
	n := len(m.commands)
	switch {
	case ev.Kind == EventTerminated: // too late for answers
		done.Ended, done.Result, done.Err, done.answered = true, nil, termination(ev.Reason), nil
	case ev.Kind == EventWithdrawn:
		done.Ended, done.Result, done.Err, done.answered = true, nil, cancellation(ev.Reason), nil
	case m.goesOn:
		done.Ended, done.Err = true, ErrContinued
	case n > 0 && m.commands[n-1].Kind == CommandEnd:
		end := &m.commands[n-1]
		done.Ended, done.Result, done.Err = true, end.result, end.failure.err()
	}
}

// replay feeds every entry that each visits to a new machine. locate makes a mismatch say where in the code
// it is.
func replay(
	run string, def definition, codec Codec, locate bool, each func(visit func(*Entry) error) error,
) (*machine, Replayed, error) {
	m := newMachine(run, def, codec)
	m.locate = locate
	var done Replayed
	err := each(func(e *Entry) error {
		if e.Seq == 1 && (e.Event.Start == nil || e.Event.Start.Workflow != def.name) {
			return fmt.Errorf("durable: run %q: its journal is not one of workflow %q", run, def.name)
		}
		if err := m.feed(e); err != nil {
			return err
		}
		done.Entries++
		if e.Event.Kind == EventStepEnded {
			done.Steps++
		}
		if e.Unanswered {
			done.answered = append(done.answered, Entry{Seq: e.Seq, Event: e.Event, Commands: m.commands})
		}
		done.endsWith(m, &e.Event)
		return nil
	})
	m.locate, m.unanswered, m.reused = false, false, nil
	return m, done, err
}
