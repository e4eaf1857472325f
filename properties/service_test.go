package properties_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var (
	decision = durable.NewTopic[bool]("decision")
	raise    = durable.NewUpdate[int, int]("raise")
)

// approval waits for a decision and then bills on another process.
func approval(bill func(context.Context, int) (int, error)) *durable.Workflow[int, int] {
	return durable.Define("approval", func(ctx durable.Context, amount int) (int, error) {
		raise.Handle(ctx, nil, func(ctx durable.Context, by int) (int, error) {
			amount += by
			return amount, nil
		})
		yes, err := decision.ReceiveTimeout(ctx, time.Minute)
		if err != nil || !yes {
			return 0, err
		}
		return durable.Step(ctx, "bill", bill, amount)
	})
}

var invoice = durable.Define("invoice", func(ctx durable.Context, n int) (int, error) {
	return n, ctx.Sleep(time.Duration(n) * time.Second)
})

// office is a service of two processes; spoil may change what it is made of.
func office(w *sim.World, spoil func(*properties.Deployment)) properties.Deployment {
	var billing *sim.Node
	bill := func(ctx context.Context, n int) (int, error) {
		info, _ := durable.Info(ctx)
		short, cancel := w.WithTimeout(ctx, time.Minute)
		defer cancel()
		id, err := sim.Request[string, string](short, billing, "bill", info.IdempotencyKey())
		return len(id), err
	}
	d := properties.Deployment{
		Processes: []properties.Process{
			{Name: "desk", Boot: func(*sim.Node) []durable.Definition {
				return []durable.Definition{approval(bill)}
			}},
			{Name: "billing", Boot: func(n *sim.Node) []durable.Definition {
				billing = n
				sim.Serve(n, "bill", func(_ context.Context, id string) (string, error) { return id, nil })
				return []durable.Definition{invoice}
			}},
		},
		Actions: []properties.Action{
			properties.Starts(approval(bill), rapid.IntRange(0, 3)),
			properties.Posts(decision, rapid.Bool()),
			properties.Asks(raise, rapid.IntRange(1, 2)),
			properties.Cancels(), properties.Looks(),
			properties.Starts(invoice, rapid.IntRange(0, 100)).On("billing"), properties.Cancels().On("billing"),
		},
	}
	if spoil != nil {
		spoil(&d)
	}
	return d
}

func serve(t *testing.T, cfg sim.Config, spoil func(*properties.Deployment)) sim.Result {
	t.Helper()
	cfg.Name = t.Name()
	if cfg.Disk == nil {
		cfg.Disk = store.NewMemoryDisk
	}
	if cfg.Runs == 0 {
		cfg.Runs = 500
	}
	r, err := sim.Sweep(cfg, properties.ServiceBody(properties.Service{
		World: func(w *sim.World) properties.Deployment { return office(w, spoil) },
	}))
	require.NoError(t, err)
	return r
}

func TestAGoodServicePasses(t *testing.T) {
	r := serve(t, sim.Config{}, nil)
	require.Nil(t, r.Failure, r.Report)
	require.Empty(t, r.Unreached, "clients have done everything")
}

// A process that takes nothing back of what it deleted forgets no message; one that loses keys does.
func TestAMessageThatIsLostIsFound(t *testing.T) {
	r := serve(t, lies(func(st store.Store, _ int) store.Store { return dropping{st} }), nil)
	found(t, r, properties.AckDurable)
	require.Contains(t, r.Report, "the store has no sign of it")
}

// dropping is a store that does not write the marks of messages.
type dropping struct{ store.Store }

func (s dropping) Commit(b *store.Batch) error {
	var kept store.Batch
	copyOf(b, &kept, func(op store.Op) bool {
		return op.Key[0] == 'r' && strings.Contains(string(op.Key), "\x00idecision\x00")
	})
	return s.Store.Commit(&kept)
}

// An answer to an update stays, also after the end of its run.
func TestAnAnswerThatIsLostIsFound(t *testing.T) {
	r := serve(t, lies(func(st store.Store, _ int) store.Store { return tidying{st} }), nil)
	found(t, r, properties.AckDurable)
	require.Contains(t, r.Report, "an update was answered with")
}

// tidying is a store that forgets the updates of a run with its end.
type tidying struct{ store.Store }

func (s tidying) Commit(b *store.Batch) error {
	var all store.Batch
	copyOf(b, &all, func(op store.Op) bool {
		run, isEnd := strings.CutSuffix(string(op.Key), "\x00z")
		if isEnd && run[0] == 'r' {
			all.DeleteRange([]byte("u"+run[1:]+"\x00"), []byte("u"+run[1:]+"\x01"))
		}
		return false
	})
	return s.Store.Commit(&all)
}

// deleting adds clients that delete runs, so that an id may belong to one run after the other.
func deleting(d *properties.Deployment) {
	d.Actions = append(d.Actions, properties.Action{
		Name: "delete",
		Do: func(ctx context.Context, c properties.Call) (any, error) {
			return nil, c.Engine.Delete(ctx, c.Run)
		},
	})
}

func TestAServiceThatDeletesRunsPasses(t *testing.T) {
	r := serve(t, sim.Config{}, deleting)
	require.Nil(t, r.Failure, r.Report)
	require.Empty(t, r.Unreached)
}

func TestWhatADeletedRunLeavesIsFound(t *testing.T) {
	r := serve(t, lies(func(st store.Store, _ int) store.Store { return clinging{st, 'u'} }), deleting)
	found(t, r, properties.NothingLeft)
	require.Contains(t, r.Report, "an update: key")
}

// answers is an action that only says that it was done.
func answers(err error) func(context.Context, properties.Call) (any, error) {
	return func(context.Context, properties.Call) (any, error) { return nil, err }
}

// An answer that no order of what clients did can explain is found: of a run that is not known any more, or
// that nobody has started, and of starts.
func TestAnAnswerThatContradictsIsFound(t *testing.T) {
	for _, c := range []struct {
		action int
		err    error
		says   string
	}{
		{4, durable.ErrNotFound, `in the state "approval with 0" none of these can come next:
      desk.Status("run-1") // client N at +0s: durable: run not found`},
		{4, nil, `in the state "" none of these can come next:
      desk.Status("run-1") // client N at +0s: done`},
		{0, durable.ErrConflict, `in the state "" none of these can come next:
      approval.Start(ctx, desk, "run-1", 0) // client N at +0s: durable: the id belongs to another run`},
		{0, nil, "its start was acknowledged, the store does not know it"},
	} {
		r := serve(t, sim.Config{}, func(d *properties.Deployment) { d.Actions[c.action].Do = answers(c.err) })
		found(t, r, properties.AckDurable)
		require.Contains(t, anyClient.ReplaceAllString(r.Report, "client N"), c.says)
	}
}

var anyClient = regexp.MustCompile(`client \d`)

func TestWhatClientsDoIsGivenToHolds(t *testing.T) {
	r := serve(t, sim.Config{Runs: 50}, func(d *properties.Deployment) {
		d.Holds = func(did []properties.Did) {
			for _, one := range did {
				if one.Action == "cancel" && errors.Is(one.Err, durable.ErrNotFound) {
					panic("a run that is not there was cancelled")
				}
			}
		}
	})
	found(t, r, "no task panics")
	require.Regexp(t, `client \d action \d +picks`, r.Report)
}

func TestServicesThatCantWorkSayWhatToSet(t *testing.T) {
	require.PanicsWithValue(t, "properties: Service.World must be set: it makes the processes, and says what "+
		"clients do", func() { properties.ServiceBody(properties.Service{}) })
	r := serve(t, sim.Config{}, func(d *properties.Deployment) { d.Actions = nil })
	found(t, r, "no task panics")
	require.Contains(t, r.Report, "properties: a Deployment needs at least one of Processes and one of Actions")
	r = serve(t, sim.Config{}, func(d *properties.Deployment) { d.Actions[0].Process = "cellar" })
	require.Contains(t, r.Report, `properties: the action "start approval" is for process "cellar", which `+
		`Deployment.Processes doesn't have`)
}

// TestRunsThatBeginLateEndToo: the books are closed when all runs have ended, those too that others started
// after the clients had done.
func TestRunsThatBeginLateEndToo(t *testing.T) {
	note := func(in map[string]bool) func(context.Context, int) (int, error) {
		return func(ctx context.Context, n int) (int, error) {
			info, _ := durable.Info(ctx)
			in[info.Run] = true
			return n, nil
		}
	}
	cfg := sim.Config{Runs: 100, Disk: store.NewMemoryDisk}
	r, err := sim.Sweep(cfg, properties.ServiceBody(properties.Service{
		World: func(w *sim.World) properties.Deployment {
			begun, over := map[string]bool{}, map[string]bool{}
			late := durable.Define("late", func(ctx durable.Context, n int) (int, error) {
				_, _ = durable.Step(ctx, "begin", note(begun), n)
				_ = ctx.Sleep(time.Hour << 8)
				return durable.Step(ctx.Detached(), "end", note(over), n)
			})
			early := durable.Define("early", func(ctx durable.Context, n int) (int, error) {
				_ = ctx.Sleep(10 * time.Hour)
				_, err := durable.StartDetached(ctx, late, "", n)
				return n, err
			})
			return properties.Deployment{
				Processes: []properties.Process{{Name: "office", Boot: func(*sim.Node) []durable.Definition {
					return []durable.Definition{early, late}
				}}},
				Actions: []properties.Action{properties.Starts(early, rapid.Just(1))},
				Holds: func([]properties.Did) {
					w.Sometimes("a run begins late", len(begun) > 0)
					w.Always("every run ends", len(begun) == len(over))
				},
			}
		},
	}))
	require.NoError(t, err)
	require.Nil(t, r.Failure, r.Report)
	require.Empty(t, r.Unreached)
}

// TestARunThatIsRetriedMayBeUnderWay: a client was told how a run ended, which another has opened again, and
// messages that it had not received are gone.
func TestARunThatIsRetriedMayBeUnderWay(t *testing.T) {
	body := properties.ServiceBody(properties.Service{World: func(w *sim.World) properties.Deployment {
		tried := map[string]int{}
		moody := durable.Define("moody", func(ctx durable.Context, n int) (int, error) {
			_ = ctx.Sleep(time.Second)
			if _, err := durable.Step(ctx, "try", func(ctx context.Context, n int) (int, error) {
				info, _ := durable.Info(ctx)
				if tried[info.Run]++; tried[info.Run]%2 == 1 {
					return 0, errors.New("not in the mood")
				}
				return n, nil
			}, n); err != nil {
				return 0, err
			}
			return n, ctx.Sleep(time.Minute)
		})
		return properties.Deployment{
			Processes: []properties.Process{{
				Name: "desk", Boot: func(*sim.Node) []durable.Definition { return []durable.Definition{moody} },
			}},
			Actions: []properties.Action{
				properties.Starts(moody, rapid.Just(1)), properties.Awaits(moody), properties.Retries(),
				properties.Posts(decision, rapid.Bool()),
			},
		}
	}})
	r, err := sim.Sweep(sim.Config{Name: t.Name(), Runs: 1000, Disk: store.NewMemoryDisk}, body)
	require.NoError(t, err)
	require.Nil(t, r.Failure, r.Report)
	require.Empty(t, r.Unreached)
}
