package properties

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
)

// Linearizable fails the world unless the answers that clients got are those of a model: of a service that
// does one action after the other, each at some moment between its beginning and its answer. It is for
// Deployment.Holds, with all that clients did or with a part of it, such as what they did with one run.
//
// next is the model. It is given the state before an action, the zero S at first, and returns the state
// after it, and whether the action can then have been answered as it was, with d.Answer and d.Err. It must
// depend on nothing else, and change nothing that a state refers to: the search tries many orders.
//
// An action without an answer (Did.Open) may have happened, at any time since it began, or not at all. next
// says what it leads to if it has happened, and returns true unless it can't have in this state; d.Answer and
// d.Err mean nothing. An action that was tried again after a crash happened once, at any time since the first
// try. When it has no id by which the service knows it again, it may have happened up to Did.Tries times: the
// state of the model must allow for that.
//
// The time that the search takes doubles with each action without an answer that changes the state; others
// cost little, and ten such are no trouble.
//
// The built-in actions are held against such a model too, whatever Holds does: each run is started once, and
// is known from then on.
func Linearizable[S comparable](w *sim.World, did []Did, next func(state S, d Did) (S, bool)) {
	if why := linearize(did, next); why != nil {
		w.Fail(LikeTheModel, "", why...)
	}
}

// linearize looks for an order of the actions that explains all answers, as Wing and Gong do, and as Lowe
// without coming to the same actions and state twice. It returns the longest explanation when there is none.
func linearize[S comparable](did []Did, next func(S, Did) (S, bool)) (why []string) {
	l := &linearizer[S]{did: did, next: next, done: make([]byte, len(did)), seen: map[reachedBy[S]]bool{}}
	var first S
	if l.explains(first) {
		return nil
	}
	if len(l.best) > 0 {
		why = append(why, "these answers can be explained, in this order:")
	}
	for _, i := range l.best {
		why = append(why, "  "+did[i].String())
	}
	why = append(why, fmt.Sprintf("in the state %#v none of these can come next:", l.left))
	for _, i := range l.stuck {
		why = append(why, "  "+did[i].String())
	}
	return why
}

// reachedBy is which actions were done, and the state then.
type reachedBy[S comparable] struct {
	done  string
	state S
}

type linearizer[S comparable] struct {
	did  []Did
	next func(S, Did) (S, bool)
	done []byte // of each action, whether it was
	path []int
	seen map[reachedBy[S]]bool

	best  []int // the longest path
	left  S     // the state at its end
	stuck []int // what would have to come after it, and can't
}

// explains reports whether what is left can be explained.
func (l *linearizer[S]) explains(state S) bool {
	at := reachedBy[S]{string(l.done), state}
	if l.seen[at] {
		return false
	}
	l.seen[at] = true
	candidates, answered := l.candidates()
	if !answered {
		return true
	}
	var refused []int
	for _, i := range candidates {
		after, ok := l.next(state, l.did[i])
		switch {
		case !ok:
			refused = append(refused, i)
			continue
		case l.did[i].Open && after == state: // as if it was not done
			continue
		}
		l.done[i] = 1
		l.path = append(l.path, i)
		if l.explains(after) {
			return true
		}
		l.done[i] = 0
		l.path = l.path[:len(l.path)-1]
	}
	if len(l.stuck) == 0 || len(l.path) > len(l.best) {
		l.best, l.left, l.stuck = slices.Clone(l.path), state, refused
	}
	return false
}

// candidates are the actions that can have come next: those that began before any other one was answered.
// answered says that there is one which must come.
func (l *linearizer[S]) candidates() (some []int, answered bool) {
	first := 0
	for i := range l.did {
		if d := &l.did[i]; l.done[i] == 0 && !d.Open && (!answered || d.ended < first) {
			first, answered = d.ended, true
		}
	}
	for i := range l.did {
		if l.done[i] == 0 && l.did[i].began < first {
			some = append(some, i)
		}
	}
	return some, answered
}

// known is the model of a run's id: as what it was started, empty when there is none.
func known(started string, d Did) (string, bool) {
	a := d.action
	if a.start == "" {
		missing := errors.Is(d.Err, durable.ErrNotFound)
		return started, !a.touches || d.Open || !missing && d.Err != nil || missing == (started == "")
	}
	as := fmt.Sprintf("%s with %#v", a.start, d.Sent)
	switch {
	case errors.Is(d.Err, durable.ErrConflict):
		return started, started != "" && started != as
	case d.Open && started != "":
		return started, true
	case d.Open || d.Err == nil:
		return as, started == "" || started == as
	}
	return started, true
}
