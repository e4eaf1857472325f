package durable

import (
	"fmt"

	"github.com/reprise-dst/reprise/internal/eventloop"
)

// WaitGroup waits for a number of things to be done. To wait for branches, Scope is the shorter way.
type WaitGroup struct {
	shared
	g *eventloop.WaitGroup
	n int
}

// NewWaitGroup makes a group that waits for nothing yet. The name is for reports.
func NewWaitGroup(ctx Context, name string) *WaitGroup {
	b := ctx.enter("NewWaitGroup")
	return &WaitGroup{shared: share(b, "wait group", name), g: eventloop.NewWaitGroup(b.m.loop, name)}
}

// Add changes what the group waits for by n. At zero, those who wait wake.
func (g *WaitGroup) Add(ctx Context, n int) {
	g.in(ctx.enter("WaitGroup.Add"), "WaitGroup.Add")
	g.add(n)
}

// Done is Add(-1).
func (g *WaitGroup) Done(ctx Context) {
	g.in(ctx.enter("WaitGroup.Done"), "WaitGroup.Done")
	g.add(-1)
}

func (g *WaitGroup) add(n int) {
	if g.n+n < 0 {
		panic(fmt.Sprintf("durable: %s: Done was called more often than Add asked for", g.shared))
	}
	g.n += n
	g.g.Add(n)
}

// Wait waits until the count is zero. Its error is the cancellation of ctx.
func (g *WaitGroup) Wait(ctx Context) error {
	b := g.in(ctx.enter("WaitGroup.Wait"), "WaitGroup.Wait")
	return b.waitNative(ctx.s, g, g.g.Wait)
}

// String says what is waited for.
func (g *WaitGroup) String() string { return fmt.Sprintf("%d more of %s", g.n, g.shared) }
