package properties

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

// settle checks, once every run has ended, what the store holds against what was seen, and replays.
func (s *session[In, Out]) settle() {
	old := func(string) bool { return false }
	if s.upgrade != nil {
		s.closes, old = s.upgrade.ends, s.upgrade.endedBefore
	}
	s.process.settle(old, func(run string, replayed durable.Replayed) {
		for i := range s.clients {
			if o := &s.clients[i].Outcome; o.ID == run {
				if !old(run) {
					s.sameResult(o, replayed)
				}
				s.resultStays(o)
			}
		}
	})
}

// books are what is checked at the end, besides what was seen.
type books struct {
	codec durable.Codec
	undo  map[string]string
	fresh func() []durable.Definition                 // the workflows of a new process
	old   func(run string) bool                       // ended under old code, and is not replayed
	each  func(run string, replayed durable.Replayed) // told what the replay of a run came to
}

// settle checks what the store holds of each run.
func (v *watch) settle(st store.Store, b books) {
	v.compare(st)
	for _, r := range v.runs {
		j, err := durable.ReadJournal(st, r.id)
		switch {
		case errors.Is(err, durable.ErrNotFound): // nobody was told that it had started
			continue
		case err != nil:
			v.world.Fail(AckDurable, v.subject(r.id), err.Error())
		}
		var replayed durable.Replayed
		if !b.old(r.id) {
			replayed = v.replay(j, b.fresh, b.codec)
			if v.cold {
				v.replayAgain(j, b.fresh, b.codec)
			}
			v.undone(r.id, j, b.undo, replayed.Err)
		}
		if !r.deleted {
			b.each(r.id, replayed)
		}
	}
	v.sentAndReceived()
	v.nothingLeft(st)
}

// find is the workflow of a journal.
func find(j durable.Journal, all []durable.Definition) durable.Definition {
	for _, def := range all {
		if start := j.Entries[0].Event.Start; start != nil && start.Workflow == def.Name() {
			return def
		}
	}
	return all[0] // the replay says what is wrong
}

// replay runs fresh processes' code over every prefix of the journal.
func (v *watch) replay(
	j durable.Journal, fresh func() []durable.Definition, codec durable.Codec,
) (last durable.Replayed) {
	for n := 1; n <= len(j.Entries); n++ {
		prefix := durable.Journal{Run: j.Run, Entries: j.Entries[:n]}
		done, err := durable.Replay(prefix, find(j, fresh()), codec)
		if err != nil {
			v.parted(j.Run, err)
		}
		last = done
	}
	if r := v.run(j.Run); r.ended && !r.deleted && !last.Ended {
		v.world.Fail(ReplayIdentical, v.subject(j.Run), "recorded  the run's end",
			"replayed  code that has not ended after the last entry")
	}
	return last
}

// replayAgain replays in a process that has replayed already, as those of cold engines do over and over: it
// must find nothing that the first replay left.
func (v *watch) replayAgain(j durable.Journal, fresh func() []durable.Definition, codec durable.Codec) {
	process := find(j, fresh())
	for range 2 {
		if _, err := durable.Replay(j, process, codec); err != nil {
			v.parted(j.Run, err)
		}
	}
}

// sameResult compares what a client was told with what the replay came to.
func (s *session[In, Out]) sameResult(o *Outcome[In, Out], replayed durable.Replayed) {
	told, err := s.cfg.Codec.Encode(o.Result)
	if (replayed.Err == nil) != (o.Err == nil) ||
		err == nil && o.Err == nil && !bytes.Equal(told, replayed.Result) {
		s.world.Fail(ReplayIdentical, s.watch.subject(o.ID),
			fmt.Sprintf("recorded  %s (error %v)", told, o.Err),
			fmt.Sprintf("replayed  %s (error %v)", replayed.Result, replayed.Err))
	}
}

// resultStays asks for the result again.
func (s *session[In, Out]) resultStays(o *Outcome[In, Out]) {
	again, err := s.workflow.Run(s.engine, o.ID).Result(context.Background())
	var failed *durable.RunError
	if errors.As(err, &failed) {
		err = nil
	}
	told, _ := s.cfg.Codec.Encode(o.Result)
	now, _ := s.cfg.Codec.Encode(again)
	if err != nil || !bytes.Equal(told, now) || (failed != nil) != (o.Err != nil) {
		s.world.Fail(AckDurable, s.watch.subject(o.ID),
			fmt.Sprintf("told   %s (error %v)", told, o.Err),
			fmt.Sprintf("later  %s (error %v, %v)", now, failed, err))
	}
}
