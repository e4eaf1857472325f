package properties

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// FitsJournals is the property that CheckUpgrade adds to those of Check.
const FitsJournals = "the new code replays the journals of the old"

// CheckUpgrade tries to break a change of a workflow. In each world its old code, World.Old, records journals
// under faults, until the process is replaced by one with the new code, World.Boot, at a moment that the
// world chooses; the new code then goes on with the runs that are under way, under faults as well, and all
// properties of Check must hold. Besides, it must replay every prefix of every journal that the old code has
// recorded, since any of them may be what a crash has left of a run; what a run that has ended returned does
// not count.
//
// A failure shows the smallest of the world's journals that does not fit, and where the new code parts from
// it. Guard what is new with durable.Version; a change that is guarded passes.
func CheckUpgrade[In, Out any](t testing.TB, cfg Config[In, Out]) {
	t.Helper()
	refuse(t, cfg.wrong())
	sim.Check(t, cfg.Sim, UpgradeBody(cfg))
}

// UpgradeBody is what CheckUpgrade runs in each world, for callers that explore with sim.Sweep.
func UpgradeBody[In, Out any](cfg Config[In, Out]) func(w *sim.World) {
	return body(cfg, func(s *session[In, Out]) {
		if s.Old == nil {
			panic("properties: World.Old must be set by Config.World " + place(s.cfg.World) +
				": CheckUpgrade records journals with it, for Boot to replay")
		}
		u := &upgrade[In, Out]{session: s, after: s.world.Pick("upgrade", maxUpgrade), renewed: s.Boot}
		s.Boot, s.upgrade = boots("Old", s.Old), u
		s.watch.saw = u.saw
	})
}

// maxUpgrade bounds how many journal entries there are when the process is replaced.
const maxUpgrade = 64

// upgrade is when and how a world's process is replaced by one with new code.
type upgrade[In, Out any] struct {
	session *session[In, Out]
	after   int // that many durable entries the process is replaced; 0: once all runs have ended
	entries int // durable so far
	due     bool
	renewed func() *durable.Workflow[In, Out] // the new code; nil when it is in use
	old     []string                          // runs that had ended when the process was replaced
}

// saw is told of each durable entry.
func (u *upgrade[In, Out]) saw() {
	u.entries++
	if u.due || u.after == 0 || u.entries < u.after {
		return
	}
	u.due = true
	s := u.session
	s.world.Go("upgrade", func(context.Context) { s.node.Restart() })
}

// boots is told that the process opens the store, and by what code.
func (u *upgrade[In, Out]) boots(st store.Store) {
	if u.due && u.renewed != nil {
		u.fits(st)
		u.session.Boot, u.renewed = u.renewed, nil
	}
}

// ends is told that all runs have ended.
func (u *upgrade[In, Out]) ends(st store.Store) {
	u.due = true
	if u.renewed != nil {
		u.fits(st)
		u.old = nil
	}
}

// endedBefore reports whether the run had ended when the process was replaced: its journal is the old code's
// alone.
func (u *upgrade[In, Out]) endedBefore(run string) bool { return slices.Contains(u.old, run) }

// fits replays, by the new code, every prefix of the journals, the shorter first. The last entry of a run
// that has ended is nothing that would be replayed.
func (u *upgrade[In, Out]) fits(st store.Store) {
	var journals []durable.Journal
	for _, r := range u.session.watch.runs {
		j, err := durable.ReadJournal(st, r.id)
		if err != nil { // compare has an opinion on that
			continue
		}
		if last := len(j.Entries) - 1; last >= 0 && ends(&j.Entries[last]) {
			j.Entries = j.Entries[:last]
			u.old = append(u.old, r.id)
		}
		journals = append(journals, j)
	}
	longest := 0
	for _, j := range journals {
		longest = max(longest, len(j.Entries))
	}
	for n := 1; n <= longest; n++ {
		for _, j := range journals {
			if n <= len(j.Entries) {
				u.replays(durable.Journal{Run: j.Run, Entries: j.Entries[:n]})
			}
		}
	}
}

// ends reports whether the run has ended with this entry.
func ends(e *durable.Entry) bool {
	end := func(c durable.Command) bool { return c.Kind == durable.CommandEnd }
	return e.Event.Kind == durable.EventTerminated || slices.ContainsFunc(e.Commands, end)
}

// replays fails the world when the new code does not replay the journal.
func (u *upgrade[In, Out]) replays(j durable.Journal) {
	s := u.session
	def := u.definition(j)
	if def == nil {
		s.world.Fail(FitsJournals, s.watch.subject(j.Run), append([]string{
			"the new code has no workflow " + j.Entries[0].Event.Start.Workflow,
		}, show(j)...)...)
	}
	_, err := durable.Replay(j, def, s.cfg.Codec)
	if err == nil {
		return
	}
	why := []string{err.Error()}
	var parted *durable.NonDeterminismError
	if errors.As(err, &parted) {
		why = []string{
			fmt.Sprintf("at entry %d the new code parts from the journal:", parted.Entry),
			"  recorded  " + parted.Recorded,
			"  replayed  " + parted.Replayed,
		}
		if parted.Position != "" {
			why[2] += "  at " + parted.Position
		}
	}
	s.world.Fail(FitsJournals, s.watch.subject(j.Run), append(why, show(j)...)...)
}

// definition is the new code of the journal's workflow; nil when there is none.
func (u *upgrade[In, Out]) definition(j durable.Journal) durable.Definition {
	name := j.Entries[0].Event.Start.Workflow
	main := u.renewed()
	if main.Name() == name {
		return main
	}
	if u.session.Others != nil {
		for _, d := range u.session.Others() {
			if d.Name() == name {
				return d
			}
		}
	}
	return nil
}

// show lists a journal.
func show(j durable.Journal) []string {
	lines := []string{fmt.Sprintf("the journal of %s, recorded by the old code:", j.Run)}
	for i := range j.Entries {
		lines = append(lines, "  "+j.Entries[i].String())
	}
	return lines
}
