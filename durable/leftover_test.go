package durable

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAMachineKeepsNothingOfWhatHasEnded runs a long program and looks at what the machine still holds.
func TestAMachineKeepsNothingOfWhatHasEnded(t *testing.T) {
	var kept Future[string]
	def := Define("long", func(ctx Context, _ string) (string, error) {
		kept = Async(ctx, "kept", say, "")
		for {
			part, cancel := ctx.WithCancel()
			f := Go(part, "branch", func(ctx Context) (string, error) { return Step(ctx, "a", say, "") })
			if _, err := Step(part, "b", say, ""); err != nil {
				return "", err
			}
			for range Completed(ctx, f, kept) {
				break
			}
			short, cancelShort := ctx.WithTimeout(time.Second)
			_, _ = kept.Await(short)
			_, _, _ = Wait(ctx, FirstCompleted, f, kept)
			cancelShort()
			cancel(nil)
			if _, err := Step(ctx, "c", say, ""); err != nil {
				return "", err
			}
			_ = Scope(ctx, func(ctx Context) error { return ctx.Sleep(time.Second) })
		}
	}).define()
	m := newMachine("r", def, JSON())
	defer m.close()
	feed := func(ev Event) {
		_, err := m.apply(&ev)
		require.NoError(t, err)
	}
	feed(Event{Kind: EventStarted, Start: &Start{Workflow: "long", Input: []byte(`""`), Behaviour: behaviour}})
	for range 1000 {
		for _, op := range m.pendingSorted() {
			switch {
			case op.id == "1" || !m.awaits(EventStepEnded, op.id) && !m.awaits(EventTimerFired, op.id):
			case op.kind == CommandStep:
				feed(Event{Kind: EventStepEnded, Op: op.id, Result: []byte(`""`)})
			default:
				feed(Event{Kind: EventTimerFired, Op: op.id})
			}
		}
	}
	require.Greater(t, m.issued, 1000)
	held := 0
	for at := m.root.own.members.first; at != nil; at = at.next {
		held++
	}
	require.Less(t, held, 10, "members of the root's scope")
	require.Less(t, len(m.pending), 10, "pending operations")
	require.Less(t, len(kept.op.watchers), 10, "watchers of a future that many waits gave up on")
	require.Less(t, len(m.loop.Tasks()), 10, "branches")
}

func TestCancellingTheRunReachesEveryBranchInTheOrderOfCreation(t *testing.T) {
	def := Define("w", func(ctx Context, _ string) (string, error) {
		l := &trace{}
		a, b := worker(ctx, l, "a"), worker(ctx, l, "b")
		safe := worker(ctx.Detached(), l, "safe")
		_, err := Gather(ctx, a, b)
		l.add("main: %v, %v", err, ctx.Err())
		v, _ := safe.Await(ctx.Detached())
		l.add("%s", v)
		return l.result()
	}).define()
	m := newMachine("r", def, JSON())
	defer m.close()
	_, err := m.apply(&Event{Kind: EventStarted, Start: &Start{Input: []byte(`""`), Behaviour: behaviour}})
	require.NoError(t, err)
	m.commands = nil
	require.True(t, m.cancelRun(nil))
	require.False(t, m.cancelRun(nil), "it is cancelled already")
	m.loop.Run()
	require.Equal(t, `cancel of step "work" (id 1.1)`, m.commands[0].String())
	require.Equal(t, `cancel of step "work" (id 2.1)`, m.commands[1].String())
	require.Len(t, m.commands, 2)
	commands, err := m.apply(&Event{Kind: EventStepEnded, Op: "3.1", Result: []byte(`"done"`)})
	require.NoError(t, err)
	require.Equal(t, `"a:  step \"work\" (id 1.1) was cancelled; b:  step \"work\" (id 2.1) was cancelled; `+
		`main: the wait for Gather of branch \"a\" (id 1), branch \"b\" (id 2) was cancelled, durable: cancelled; `+
		`safe: done ok; done"`, string(commands[0].result))
}
