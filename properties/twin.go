package properties

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
)

// twin is all runs of a world once more, without faults, on one node and with a World of their own. Its
// driver lets go of what the engine is to learn, so that events come in the order in which they became
// durable when there were faults, by a clock that shows the times of the journals.
type twin struct {
	driver
	watch   watch
	order   []moment              // with faults
	start   func(run string) bool // if a client does that
	parted  bool                  // the order can't be kept
	shifted bool                  // the times, or the order of several runs, can't be kept
	differs string                // the first event that brought something else
}

// twins lets all happen again, and compares how the runs end.
func (s *session[In, Out]) twins() {
	w := s.world
	told := s.watch.endings(s.node, func(context.Context) {})
	s.node.Stop()
	w.Repeat()
	fresh := newSession(s.cfg, w)
	slices.SortStableFunc(s.watch.order, func(a, b moment) int { return a.when - b.when })
	t := &twin{watch: watch{world: w, name: s.watch.name, when: map[string]int{}}, order: s.watch.order}
	t.written, t.earlier = map[string]int{}, map[string]int{}
	node := w.Node("twin", func(n *sim.Node) {
		t.Node = n
		engine, err := fresh.open(durable.Config{
			Store: heldStore{guarded{n.Store(), &t.watch}, &t.driver}, Host: t, Codec: s.cfg.Codec,
			Interceptors: []durable.Interceptor{{Step: t.step, Committed: t.committed}},
			Workflows:    fresh.process.Boot(n), Logger: w.Logger(),
		})
		t.watch.opened(n.Name(), err)
		fresh.engine = engine
	})
	t.start = func(run string) bool {
		i := slices.IndexFunc(s.clients, func(c client[In, Out]) bool { return c.ID == run })
		if i >= 0 {
			t.Go("start "+run, func(ctx context.Context) {
				_, _ = fresh.workflow.Start(ctx, fresh.engine, run, s.clients[i].Input)
			})
		}
		return i >= 0
	}
	now := s.watch.endings(node, t.follow)
	alike, left := 0, 0
	for _, r := range s.watch.runs {
		switch kept := !t.parted && !t.shifted && t.watch.run(r.id).place == r.place; {
		case told[r.id] == "":
		case told[r.id] == now[r.id]:
			alike++
		case !kept || now[r.id] == "":
			left++
		default:
			w.Fail(FaultFreeResult, s.watch.subject(r.id), "with faults     "+told[r.id],
				"without faults  "+now[r.id], t.differs)
		}
	}
	w.Count("runs compared with fault-free ones", alike)
	w.Count("runs left out of the comparison", left)
}

// endings are how those runs have ended that have, after something was done on the node.
func (v *watch) endings(n *sim.Node, do func(context.Context)) map[string]string {
	all := map[string]string{}
	err := n.Call(v.world.Context(), "runs end", func(ctx context.Context) error {
		do(ctx)
		for _, r := range v.runs {
			end, found, err := n.Store().Get([]byte("r" + r.id + "\x00z"))
			if err != nil {
				return err
			}
			if found { // a mark, a time, and the result or the error
				all[r.id] = string(end[:1]) + " " + string(end[9:])
			}
		}
		return nil
	})
	if err != nil {
		v.world.Fail(FaultFreeResult, n.Name(), err.Error())
	}
	return all
}

// follow reaches one moment after the other, until one can't be reached.
func (t *twin) follow(ctx context.Context) {
	for i := range t.order {
		if t.parted = !t.reach(ctx, &t.order[i]) || t.parted; t.parted {
			break
		}
	}
	for t.acknowledge("") {
		_ = t.World().Sleep(ctx, 1)
	}
	last := 0
	for i := range t.order {
		if again := t.order[i].again; again > 0 {
			t.shifted = t.shifted || again < last
			last = again
		}
	}
}

// reach lets go of what leads to the moment: one thing, and another one when nothing can happen any more. It
// takes patience with steps that take time.
func (t *twin) reach(ctx context.Context, m *moment) bool {
	if m.begun != "" {
		for !t.watch.run(m.run).begun[m.begun] && t.acknowledge(m.run) {
			_ = t.World().Sleep(ctx, 1)
		}
		return true
	}
	t.clock = m.entry.Event.Time
	for wait := time.Nanosecond; wait < faultTime && !t.parted; {
		if t.written[m.run] >= m.place {
			return true
		}
		if !t.leadTo(m.run, &m.entry.Event) {
			wait *= 2
		}
		_ = t.World().Sleep(ctx, wait)
	}
	return false
}

// leadTo lets go of one thing, and reports whether there is one: what causes the event; else what keeps the
// run, or who sends to it; else anything.
func (t *twin) leadTo(run string, ev *durable.Event) bool {
	moved := false
	switch ev.Kind {
	case durable.EventStarted:
		moved = t.written[run] == 0 && t.start(run)
	case durable.EventStepEnded, durable.EventAttemptFailed:
		posted := "step:" + run + "/" + ev.Op + "#"
		moved = t.letGo(func(h *held) bool {
			return h.what == stepEnd && h.runs[0] == run && h.id == ev.Op ||
				h.what == posting && strings.HasPrefix(h.id, posted)
		}) || ev.Failure != nil && t.ring()
	case durable.EventTimerFired:
		moved = t.ring()
	case durable.EventMessage:
		moved = ev.From == "" && t.letGo(func(h *held) bool {
			return h.what == posting && h.runs[0] == run && h.id == ev.Message
		})
	}
	return moved || t.acknowledge(run) || ev.From != "" && t.acknowledge(ev.From) || t.acknowledge("")
}

// step holds the end of an attempt back.
func (t *twin) step(ctx context.Context, s durable.StepInfo, next func(context.Context) error) error {
	err := t.watch.step(ctx, s, next)
	t.hold(ctx, stepEnd, s.ID, s.Run)
	return err
}

// committed compares events with those that there were with faults.
func (t *twin) committed(run durable.RunInfo, entries []durable.Entry) {
	seen := len(t.watch.order)
	t.watch.committed(run.Run, entries)
	for i := range t.watch.order[seen:] {
		t.compare(&t.watch.order[seen+i])
	}
}

// compare compares an event with that in its place with faults.
func (t *twin) compare(m *moment) {
	ev, found := &m.entry.Event, false
	for i := range t.order {
		with := &t.order[i].entry.Event
		switch other := &t.order[i]; {
		case other.run != m.run || other.place < m.place:
		case other.place == m.place && sameCause(with, ev):
			found, other.again = true, m.when
			t.shifted = t.shifted || !ev.Time.Equal(with.Time) ||
				ev.Start != nil && ev.Start.Seed != with.Start.Seed // which follows from a time
			if !bytes.Equal(ev.Result, with.Result) {
				t.differs = cmp.Or(t.differs, fmt.Sprintf("they part at entry %d of %s: %s, without faults %s",
					m.entry.Seq, m.run, with.Result, ev.Result))
			}
		case found || with.Op != ev.Op:
		case ev.Kind == durable.EventMessage && !t.onItsWay(ev, m.run, other.when):
		case ev.Kind == durable.EventMessage && with.Kind == durable.EventTimerFired:
			t.watch.world.Fail(FaultFreeResult, t.watch.subject(m.run),
				fmt.Sprintf("with faults     operation %s got no message in time", ev.Op),
				fmt.Sprintf("without faults  it gets %s", ev.Result))
		}
	}
	t.parted = t.parted || !found
}

// onItsWay reports whether, with faults, the message had surely come before a commit, and not been received:
// its sender had sent more than were, or the step had ended that posted it.
func (t *twin) onItsWay(ev *durable.Event, to string, commit int) bool {
	n, posted := 0, false
	for i := range t.order {
		m := &t.order[i]
		if m.when >= commit {
			break
		}
		with := &m.entry.Event
		switch {
		case with.Kind == durable.EventStepEnded:
			posted = posted || strings.HasPrefix(ev.Message, "step:"+m.run+"/"+with.Op+"#")
		case m.run != to || with.Kind != durable.EventMessage:
		case ev.Message != "" && with.Message == ev.Message:
			return false
		case with.From == ev.From:
			n--
		}
		for _, c := range m.entry.Commands {
			if m.run == ev.From && c.Kind == durable.CommandSend && c.To == to {
				n++
			}
		}
	}
	return posted || ev.From != "" && n > 0
}

// sameCause reports whether the same has happened to a run, whatever it brought. That a step reached a time
// limit is not the same as that it ended: the steps of a twin take another time.
func sameCause(a, b *durable.Event) bool {
	late := func(f *durable.Failure) bool {
		return f != nil && strings.HasSuffix(f.Type, "durable.TimeoutError")
	}
	return a.Kind == b.Kind && a.Op == b.Op && a.From == b.From && a.Message == b.Message &&
		a.Reason == b.Reason && late(a.Failure) == late(b.Failure)
}
