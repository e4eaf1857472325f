// Package planted holds small services with a bug each, planted on purpose, and with the bug mended. They
// are what exploration strategies are measured against: how many worlds until the bug shows. The table that
// its test writes is docs/STRATEGIES.md.
package planted

import (
	"context"
	"strconv"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// Bug is one service.
type Bug struct {
	Name  string
	Needs string     // what has to come together for it to show
	Plan  fault.Plan // what may go wrong; the default plan when it has no rules
	// Body runs the service in a world; mended leaves the bug out.
	Body func(w *sim.World, mended bool)
}

// Bugs lists them all.
func Bugs() []Bug {
	return []Bug{
		{Name: "lost update", Needs: "one completion early", Plan: only(fault.Slow), Body: lostUpdate},
		{Name: "answer before commit", Needs: "one crash", Body: answerBeforeCommit},
		{Name: "two commits", Needs: "one crash, between them", Body: twoCommits},
		{Name: "boot counts twice", Needs: "one crash", Body: bootCountsTwice},
		{Name: "memory instead of journal", Needs: "one crash after one early completion", Body: memoryCache},
		{Name: "last key only", Needs: "one crash after one early completion", Body: lastKeyOnly},
		{Name: "log dropped before applied", Needs: "two crashes, the second in recovery", Body: dropsLog},
		{
			Name: "reverse order of four", Needs: "three early completions", Plan: only(fault.Slow),
			Body: reverseOfFour,
		},
		{Name: "late answer wins", Needs: "one slow answer", Body: lateAnswer},
		{Name: "lease by local clock", Needs: "one clock jump", Plan: only(fault.ClockJump), Body: leaseByClock},
	}
}

// only is a plan of one kind of fault.
func only(kind fault.Kind) fault.Plan {
	return fault.Plan{Rules: []fault.Rule{{Kind: kind, Rate: 0.05, Budget: 2}}}
}

// number reads a number from a store; 0 when it isn't there.
func number(st store.Store, key string) int {
	value, _, err := st.Get([]byte(key))
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(string(value))
	return n
}

// put writes numbers in one commit: key, value, key, value …
func put(st store.Store, pairs ...any) {
	var b store.Batch
	for i := 0; i < len(pairs); i += 2 {
		b.Set([]byte(pairs[i].(string)), strconv.AppendInt(nil, int64(pairs[i+1].(int)), 10))
	}
	_ = st.Commit(&b)
}

// insist calls the node until it answers.
func insist(w *sim.World, n *sim.Node, name string, fn func(ctx context.Context)) {
	for {
		err := n.Call(w.Context(), name, func(ctx context.Context) error { fn(ctx); return nil })
		if err == nil {
			return
		}
	}
}

// work runs something outside of the node's tasks and waits for its completion.
func work(n *sim.Node, name string) {
	done := n.NewSignal()
	n.Offload("work", name, func(context.Context) {}, done.Fire)
	_ = done.Wait(n.World().Context())
}
