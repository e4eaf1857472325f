package sim

import (
	"context"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// NewSignal makes a one-shot broadcast for the node's tasks: Fire wakes everyone who waits, in the order in
// which they began to, and everyone who will. Wait returns the cause of ctx when that is done first.
func (n *Node) NewSignal() interface {
	Fire()
	Wait(ctx context.Context) error
} {
	return &signal{inc: n.enter("Node.NewSignal")}
}

type signal struct {
	inc     *incarnation
	fired   bool
	first   *eventloop.Task // the first waiter; most signals have no more
	waiters []*eventloop.Task
}

func (s *signal) Fire() {
	s.enter("Signal.Fire")
	if s.fired {
		return
	}
	s.fired = true
	if s.first != nil {
		s.first.Wake()
	}
	for _, t := range s.waiters {
		t.Wake()
	}
	s.first, s.waiters = nil, nil
}

func (s *signal) Wait(ctx context.Context) error {
	s.enter("Signal.Wait")
	if s.fired {
		return nil
	}
	l := s.inc.node.world.loop
	t := l.Current()
	if s.first == nil && len(s.waiters) == 0 {
		s.first = t
	} else {
		s.waiters = append(s.waiters, t)
	}
	err := l.ParkContext(ctx, "a signal")
	if err != nil {
		s.forget(t)
	}
	if s.fired {
		return nil
	}
	return err
}

// enter refuses tasks that don't belong to the incarnation that made the signal.
func (s *signal) enter(what string) {
	if s.inc.node.enter(what) != s.inc {
		panic(misuse(what, "was called on a signal of an earlier incarnation of node "+s.inc.node.name,
			"what a process keeps in memory dies with it: make the signal anew"))
	}
}

func (s *signal) forget(t *eventloop.Task) {
	if s.first == t {
		s.first = nil
		return
	}
	s.waiters = without(s.waiters, t)
}
