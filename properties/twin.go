package properties

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
)

// twin is a run that repeats another one on a node of its own, without faults. As a Host it lets the engine
// learn of the ends of steps in the order in which the other run's journal has them.
type twin struct {
	*sim.Node
	order    []string          // operations, in the order of their events
	next     int               // how many of them have happened
	held     map[string]func() // ends of steps whose turn has not come
	entering *string           // where the step that is about to begin notes its operation
	parted   bool              // the order can't be kept
}

// twins runs each run again, and compares the results.
func (s *session[In, Out]) twins() {
	for i := range s.clients {
		o := &s.clients[i].Outcome
		if order, ok := orderOf(s.watch.run(o.ID)); ok {
			s.repeat(o, order)
		}
	}
}

// orderOf is the order of what a run learned of; ok is false when a run of its own can't learn of that.
func orderOf(r *seen) (order []string, ok bool) {
	for i := range r.entries[1:] {
		ev := &r.entries[1+i].Event
		switch ev.Kind {
		case durable.EventStepEnded, durable.EventAttemptFailed, durable.EventTimerFired:
			order = append(order, ev.Op)
		default:
			return nil, false
		}
	}
	return order, true
}

// repeatTime is how much virtual time a twin has: a step of it that is held back for ever took another way.
const repeatTime = 10 * 365 * 24 * time.Hour

func (s *session[In, Out]) repeat(o *Outcome[In, Out], order []string) {
	w := s.world
	fresh := newSession(s.cfg, w)
	t := &twin{order: order, held: map[string]func(){}}
	var engine *durable.Engine
	node := w.Node("twin of "+o.ID, func(n *sim.Node) {
		t.Node = n
		var err error
		engine, err = fresh.open(durable.Config{
			Store: n.Store(), Host: t, Codec: s.cfg.Codec, Logger: w.Logger(),
			Interceptors: []durable.Interceptor{{Step: t.begins, Committed: t.committed}},
			Workflows:    fresh.process.Boot(n),
		})
		if err != nil {
			w.Fail(EngineOpens, n.Name(), err.Error())
		}
	})
	ctx, cancel := w.WithTimeout(w.Context(), repeatTime)
	defer cancel()
	var result Out
	err := node.Call(ctx, "repeat "+o.ID, func(ctx context.Context) error {
		run, err := fresh.workflow.Start(ctx, engine, o.ID, o.Input)
		if err == nil {
			result, err = run.Result(ctx)
		}
		return err
	})
	var failed *durable.RunError
	if t.parted || err != nil && !errors.As(err, &failed) {
		return
	}
	told, _ := s.cfg.Codec.Encode(o.Result)
	now, _ := s.cfg.Codec.Encode(result)
	if (failed == nil) != (o.Err == nil) || o.Err == nil && !bytes.Equal(told, now) {
		w.Fail(FaultFreeResult, s.watch.subject(o.ID),
			fmt.Sprintf("with faults     %s (error %v)", told, o.Err),
			fmt.Sprintf("without faults  %s (error %v)", now, err))
	}
}

// Offload holds the end of a step back until its turn has come.
func (t *twin) Offload(group, name string, work func(context.Context), done func()) {
	op := new(string)
	t.Node.Offload(group, name, func(ctx context.Context) {
		t.entering = op
		work(ctx)
	}, func() {
		if *op == "" || t.parted || t.next < len(t.order) && t.order[t.next] == *op {
			done()
			return
		}
		t.held[*op] = done
	})
}

func (t *twin) begins(ctx context.Context, s durable.StepInfo, next func(context.Context) error) error {
	*t.entering = s.ID
	return next(ctx)
}

// committed follows the order, and lets go what has its turn now.
func (t *twin) committed(_ durable.RunInfo, entries []durable.Entry) {
	for i := range entries {
		switch op := entries[i].Event.Op; {
		case op == "":
		case t.next < len(t.order) && t.order[t.next] == op:
			t.next++
		default:
			t.parted = true
		}
	}
	for _, op := range slices.Sorted(maps.Keys(t.held)) {
		if t.parted || t.next < len(t.order) && t.order[t.next] == op {
			done := t.held[op]
			delete(t.held, op)
			t.Node.Go("end of step "+op, func(context.Context) { done() })
		}
	}
}
