package properties_test

import (
	"context"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

var (
	note = durable.NewTopic[int]("note")
	add  = durable.NewUpdate[int, int]("add")
)

type intStep = func(context.Context, int) (int, error)

// teller is a step that returns how often it was called, as often as it is called or, careful, once.
func teller(careful bool) intStep {
	calls := map[string]int{}
	return func(ctx context.Context, _ int) (int, error) {
		info, _ := durable.Info(ctx)
		if key := info.IdempotencyKey(); !careful || calls[key] == 0 {
			calls[key]++
		}
		return calls[info.IdempotencyKey()], nil
	}
}

// tellers are workflows in which a teller has its effect in many ways.
var tellers = map[string]func(tell intStep) []*durable.Workflow[int, int]{
	"a child": func(tell intStep) []*durable.Workflow[int, int] {
		child := durable.Define("child", func(ctx durable.Context, n int) (int, error) {
			return durable.Step(ctx, "tell", tell, n)
		})
		return []*durable.Workflow[int, int]{
			durable.Define("parent", func(ctx durable.Context, n int) (int, error) {
				return durable.StartChild(ctx, child, n).Await(ctx)
			}), child,
		}
	},
	"a part of a run": func(tell intStep) []*durable.Workflow[int, int] {
		return []*durable.Workflow[int, int]{
			durable.Define("continues", func(ctx durable.Context, n int) (int, error) {
				if n >= 10 {
					return durable.Step(ctx, "plus", plus, n)
				}
				n, err := durable.Step(ctx, "tell", tell, n)
				if err != nil {
					return n, err
				}
				return durable.ContinueAsNew[int](ctx, 10*n)
			}),
		}
	},
	"a message": func(tell intStep) []*durable.Workflow[int, int] {
		post := func(ctx context.Context, n int) (int, error) {
			info, _ := durable.Info(ctx)
			n, _ = tell(ctx, n)
			return n, note.Post(ctx, durable.EngineOf(ctx), info.Run, n)
		}
		return []*durable.Workflow[int, int]{
			durable.Define("posts", func(ctx durable.Context, n int) (int, error) {
				durable.Async(ctx, "post", post, n)
				return note.Receive(ctx)
			}),
		}
	},
	"a message of a run": func(tell intStep) []*durable.Workflow[int, int] {
		child := durable.Define("child", func(ctx durable.Context, n int) (int, error) {
			n, err := durable.Step(ctx, "tell", tell, n)
			if err != nil {
				return n, err
			}
			return n, note.Send(ctx, ctx.Parent(), n)
		})
		return []*durable.Workflow[int, int]{
			durable.Define("sends", func(ctx durable.Context, n int) (int, error) {
				durable.StartChild(ctx, child, n)
				return note.Receive(ctx)
			}), child,
		}
	},
	"an update": func(tell intStep) []*durable.Workflow[int, int] {
		ask := func(ctx context.Context, n int) (int, error) {
			info, _ := durable.Info(ctx)
			return add.Call(ctx, durable.EngineOf(ctx), info.Run, "", n)
		}
		return []*durable.Workflow[int, int]{
			durable.Define("asks", func(ctx durable.Context, n int) (int, error) {
				add.Handle(ctx, nil, func(ctx durable.Context, n int) (int, error) {
					return durable.Step(ctx, "tell", tell, n)
				})
				return durable.Step(ctx, "ask", ask, n)
			}),
		}
	},
	"a cancellation": func(tell intStep) []*durable.Workflow[int, int] {
		quit := func(ctx context.Context, n int) (int, error) {
			info, _ := durable.Info(ctx)
			return n, durable.EngineOf(ctx).Cancel(ctx, info.Run, "quit")
		}
		return []*durable.Workflow[int, int]{
			durable.Define("quits", func(ctx durable.Context, n int) (int, error) {
				_, _ = durable.Step(ctx, "quit", quit, n)
				return durable.Step(ctx.Detached(), "tell", tell, n)
			}),
		}
	},
}

// TestWhatOnlyFaultsCanDoIsFound: a step that must not run twice is found out by the result of the run that
// it has an effect on, whatever the way.
func TestWhatOnlyFaultsCanDoIsFound(t *testing.T) {
	for way, define := range tellers {
		t.Run(way, func(t *testing.T) {
			world := func(careful bool) func(*sim.World) properties.World[int, int] {
				return func(*sim.World) properties.World[int, int] {
					tell := teller(careful)
					return properties.World[int, int]{
						Boot: func() *durable.Workflow[int, int] { return define(tell)[0] },
						Others: func() (others []durable.Definition) {
							for _, w := range define(tell)[1:] {
								others = append(others, w)
							}
							return others
						},
					}
				}
			}
			config := func(careful bool) properties.Config[int, int] {
				return properties.Config[int, int]{FaultFree: true, World: world(careful)}
			}
			r := sweep(t, config(true), sim.Config{Runs: 200})
			require.Nil(t, r.Failure, r.Report)
			require.Equal(t, "runs compared with fault-free ones", r.Counts[0].What)
			require.Greater(t, r.Counts[0].Count, 3*r.Counts[1].Count, "compared, and left out")
			r = sweep(t, config(false), sim.Config{})
			found(t, r, properties.FaultFreeResult)
			require.Regexp(t, `they part at entry \d of run-\d.*: 2, without faults 1`, r.Report)
		})
	}
}

// amnesiac is a store that loses mail.
type amnesiac struct{ store.Store }

func (s amnesiac) Commit(b *store.Batch) error {
	var kept store.Batch
	copyOf(b, &kept, func(op store.Op) bool { return op.Kind == store.OpSet && op.Key[0] == 'q' })
	return s.Store.Commit(&kept)
}

// TestAMessageThatIsLostAfterACrashIsFound: from the second life of the process on, mail is lost. The run
// does not wait for ever, so only its result shows that.
func TestAMessageThatIsLostAfterACrashIsFound(t *testing.T) {
	post := func(ctx context.Context, n int) (int, error) {
		info, _ := durable.Info(ctx)
		return n, note.Post(ctx, durable.EngineOf(ctx), info.Run, n)
	}
	for way, send := range map[string]func(ctx durable.Context, n int) error{
		"from outside": func(ctx durable.Context, n int) error {
			_, err := durable.Step(ctx, "post", post, n)
			return err
		},
		"from a run": func(ctx durable.Context, n int) error {
			if _, err := durable.Step(ctx, "plus", plus, n); err != nil {
				return err
			}
			return note.Send(ctx, ctx.RunID(), n)
		},
	} {
		t.Run(way, func(t *testing.T) {
			waits := durable.Define("waits", func(ctx durable.Context, n int) (int, error) {
				if err := send(ctx, n); err != nil {
					return 0, err
				}
				n, err := note.ReceiveTimeout(ctx, time.Minute)
				if err != nil {
					return -1, nil
				}
				return n, nil
			})
			cfg := properties.Config[int, int]{World: properties.WithoutWorld(waits), FaultFree: true}
			r := sweep(t, cfg, sim.Config{Runs: 200})
			require.Nil(t, r.Failure, r.Report)
			r = sweep(t, cfg, lies(func(st store.Store, opened int) store.Store {
				if opened > 1 {
					return amnesiac{st}
				}
				return st
			}))
			found(t, r, properties.FaultFreeResult)
			require.Regexp(t, `with faults     operation \d got no message in time`, r.Report)
			require.Regexp(t, `without faults  it gets \d`, r.Report)
		})
	}
}

// TestAMessageIsMissedOnlyIfItHadCome: what a step posts has come when the step has ended, and can be missed
// once, unless another wait has received it.
func TestAMessageIsMissedOnlyIfItHadCome(t *testing.T) {
	posted := durable.Event{Kind: durable.EventMessage, Op: "3", Message: "step:run/2#1"}
	ended := durable.Event{Kind: durable.EventStepEnded, Op: "2"}
	received := durable.Event{Kind: durable.EventMessage, Op: "1", Message: posted.Message}
	require.True(t, properties.Missed(posted, ended))
	require.False(t, properties.Missed(posted), "the step is under way")
	require.False(t, properties.Missed(posted, durable.Event{Kind: durable.EventStepEnded, Op: "22"}))
	require.False(t, properties.Missed(posted, ended, received), "another wait has it")
	require.False(t, properties.Missed(posted, received, ended), "another wait had it before the step ended")
}
