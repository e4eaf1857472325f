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
// Deployment.Holds, with all that clients did or with a part of it.
//
// next is the model. It says whether an action can be answered in this way in a state, and the state
// afterwards; the first state is the zero S. It must not depend on anything else. An action without an answer
// (Did.Open) is tried as one that was done at any time since it began, next then says what that leads to, and
// as one that was not done at all. An action that was tried again after a crash was done once, at any time
// since the first try; one that a repetition does again, since it has no id, needs a model that looks at
// Did.Tries.
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
	stuck []int // what could come after it
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
	if len(l.stuck) == 0 || len(l.path) > len(l.best) {
		l.best, l.left, l.stuck = slices.Clone(l.path), state, candidates
	}
	for _, i := range candidates {
		after, ok := l.next(state, l.did[i])
		if !ok {
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
