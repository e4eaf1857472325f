package properties_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// A run that leaves something behind in its process when it ends is found by the replay after a replay.
func TestAReplayThatLeavesSomethingIsFound(t *testing.T) {
	r := sweep(t, properties.Config[int, int]{Runs: 1, World: func(*sim.World) properties.World[int, int] {
		return properties.World[int, int]{Boot: func() *durable.Workflow[int, int] {
			name := "plus"
			return durable.Define("leaves", func(ctx durable.Context, n int) (int, error) {
				n, err := durable.Step(ctx, name, plus, n)
				name = "plus again"
				return n, err
			})
		}}
	}}, sim.Config{NoFaults: true})
	found(t, r, properties.ReplayIdentical)
	require.Contains(t, r.Report, `replayed  step "plus again"`)
}

// repeating is a host that carries out each piece of outside work a second time.
type repeating struct{ durable.Host }

func (h repeating) Offload(group, name string, work func(context.Context), done func()) {
	h.Host.Offload(group, name, work, func() {
		done()
		h.Host.Offload(group, name, work, func() {})
	})
}

func TestAStepThatRunsAgainIsFound(t *testing.T) {
	cfg := properties.WithHost(properties.Config[int, int]{World: properties.WithoutWorld(steps(always))},
		func(h durable.Host) durable.Host { return repeating{h} })
	r := sweep(t, cfg, sim.Config{})
	found(t, r, properties.NoStepAgain)
	require.Contains(t, r.Report, `step "plus" (id 1) was started although its end is checkpointed`)
}

// lying is a disk whose store lies.
type lying struct {
	store.Disk
	opened int
	lie    func(st store.Store, opened int) store.Store
}

func (d *lying) Open() (store.Store, error) {
	d.opened++
	st, err := d.Disk.Open()
	return d.lie(st, d.opened), err
}

func lies(lie func(st store.Store, opened int) store.Store) sim.Config {
	return sim.Config{Disk: func() store.Disk { return &lying{Disk: store.NewMemoryDisk(), lie: lie} }}
}

// clinging is a store that deletes nothing from one table.
type clinging struct {
	store.Store
	table byte
}

func (s clinging) Commit(b *store.Batch) error {
	var kept store.Batch
	copyOf(b, &kept, func(op store.Op) bool { return op.Kind != store.OpSet && op.Key[0] == s.table })
	return s.Store.Commit(&kept)
}

// copyOf copies a batch but for the writes to be dropped.
func copyOf(from, to *store.Batch, drop func(op store.Op) bool) {
	for op := range from.Requirements() {
		if op.Kind == store.OpRequireAbsent {
			to.RequireAbsent(op.Key)
		} else {
			to.RequireValue(op.Key, op.Value)
		}
	}
	for op := range from.Ops() {
		switch {
		case drop(op):
		case op.Kind == store.OpSet:
			to.Set(op.Key, op.Value)
		case op.Kind == store.OpDelete:
			to.Delete(op.Key)
		default:
			to.DeleteRange(op.Key, op.Value)
		}
	}
}

func TestWhatAnEndedRunLeavesIsFound(t *testing.T) {
	sleepy := durable.Define("sleepy", func(ctx durable.Context, n int) (int, error) {
		short, cancel := ctx.WithTimeout(time.Hour)
		defer cancel()
		return durable.Step(short, "plus", plus, n)
	})
	for table, what := range map[byte]string{'t': "a timer", 'a': "the mark that it has steps to run"} {
		r := sweep(t, properties.Config[int, int]{World: properties.WithoutWorld(sleepy)},
			lies(func(st store.Store, _ int) store.Store { return clinging{st, table} }))
		found(t, r, properties.NothingLeft)
		require.Contains(t, r.Report, what)
	}
}

// splitting is a store that commits what transactions write in a batch of its own.
type splitting struct{ store.Store }

func (s splitting) Commit(b *store.Batch) error {
	var user, rest store.Batch
	ofUser := func(op store.Op) bool { return op.Key[0] == 'k' }
	copyOf(b, &rest, ofUser)
	for op := range b.Ops() {
		if ofUser(op) {
			user.Set(op.Key, op.Value)
		}
	}
	if user.Len() > 0 {
		if err := s.Store.Commit(&user); err != nil {
			return err
		}
	}
	return s.Store.Commit(&rest)
}

func TestATransactionApartFromItsCheckpointIsFound(t *testing.T) {
	count := func(tx *durable.Tx, n int) (int, error) {
		tx.Set("count", []byte{byte(n)})
		return n, nil
	}
	cfg := properties.Config[int, int]{World: properties.WithoutWorld(
		durable.Define("counts", func(ctx durable.Context, n int) (int, error) {
			return durable.Transact(ctx, "count", count, n)
		}))}
	r := sweep(t, cfg, sim.Config{Runs: 100})
	require.Nil(t, r.Failure, r.Report)
	apart := properties.WithStore(cfg, func(st store.Store) store.Store { return splitting{st} })
	r = sweep(t, apart, sim.Config{Runs: 100})
	found(t, r, properties.TxWithEntry)
	require.Contains(t, r.Report, `key "count" is written without a journal entry`)
}

// What queues and timers keep of a run that has ended, under keys as package durable writes them.
func TestLeftoversAreFoundByTheirKeys(t *testing.T) {
	for key, left := range map[string]bool{
		"t\x80\x00\x00\x00\x00\x00\x00\x00run\x001": true, "t\x80\x00\x00\x00\x00\x00\x00\x00run2\x001": false,
		"arun\x00": true, "arun2\x00": false, "Crun\x00": true, "qrun\x00mmail\x000": true, "prun\x002": true,
		"Qline\x00drun\x00": false, "Qline\x00d\x80\x00\x00\x00\x00\x00\x00\x00run\x00": true,
		"Qline\x00skey\x00run\x00": true, "Qline\x00skey\x00arun\x00": false,
		"Qline\x00w\x80\x00\x00\x00\x00\x00\x00\x00run\x00": false, "vrun\x00name": false, "krun\x00": false,
		"frun\x00": true, "grun\x00": true, "hrun\x00": true, "urun\x00id": false,
	} {
		require.Equal(t, left, leaves(t, key, "", "rrun\x00h"), "%q", key)
	}
	require.True(t, leaves(t, "urun\x00id", "12345678o", "rrun\x00h"), "an update without an answer")
	require.False(t, leaves(t, "urun\x00id", "12345678r", "rrun\x00h"), "an update with an empty answer")
	for key, left := range map[string]bool{ // of a run that is not there
		"rrun\x00w": true, "vrun\x00name": true, "urun\x00id": true, "qrun\x00mmail\x000": true,
		"rrun2\x00w": false, "vrun2\x00name": false, "krun\x00": false,
	} {
		require.Equal(t, left, leaves(t, key, ""), "%q", key)
	}
}

// leaves reports whether a run that has ended is found to leave the key, in a store with some more keys.
func leaves(t *testing.T, key, value string, more ...string) bool {
	t.Helper()
	r, err := sim.Sweep(sim.Config{Runs: 1, Name: "left"}, func(w *sim.World) {
		st := store.OpenMemory()
		var b store.Batch
		b.Set([]byte(key), []byte(value))
		for _, key := range more {
			b.Set([]byte(key), nil)
		}
		require.NoError(w, st.Commit(&b))
		properties.WatchEnded(w, "run", st)
	})
	require.NoError(t, err)
	return r.Failure != nil
}

// forging is a store that shows something else than it holds under some keys, from some reading on.
type forging struct {
	store.Store
	end   []byte // of the keys
	shows []byte
	after int
	read  int
}

func (s *forging) Get(key []byte) ([]byte, bool, error) {
	value, ok, err := s.Store.Get(key)
	if ok && bytes.HasSuffix(key, s.end) {
		if s.read++; s.read > s.after {
			value = s.shows
		}
	}
	return value, ok, err
}

func TestAnEngineThatDoesNotOpenIsFound(t *testing.T) {
	r := sweep(t, properties.Config[int, int]{World: properties.WithoutWorld(steps(always))},
		lies(func(st store.Store, opened int) store.Store {
			if opened > 1 {
				return &forging{Store: st, end: []byte("mowner"), shows: []byte("nobody")}
			}
			return st
		}))
	found(t, r, properties.EngineOpens)
}

// A run that had a result has failed, says the store later.
func TestAnEndThatChangesIsFound(t *testing.T) {
	failure := append([]byte("e12345678"), `{"Text":"no"}`...)
	r := sweep(t, properties.Config[int, int]{World: properties.WithoutWorld(steps(always))},
		lies(func(st store.Store, opened int) store.Store {
			return &forging{Store: st, end: []byte("run-1\x00z"), shows: failure, after: 2}
		}))
	require.NotNil(t, r.Failure, r.Summary())
	require.Contains(t, []string{properties.EndFinal, properties.AckDurable}, r.Failure.Property)
}

// The engine can't be made to record these, so the oracle is shown doctored journals.
func TestDoctoredJournalsAreFound(t *testing.T) {
	at := func(seconds int) time.Time { return sim.Epoch.Add(time.Duration(seconds) * time.Second) }
	began := durable.Entry{
		Seq: 1, Event: durable.Event{Kind: durable.EventStarted, Time: at(1), Start: &durable.Start{}},
		Commands: []durable.Command{
			{Kind: durable.CommandStep, Op: "1", Name: "charge"},
			{Kind: durable.CommandReceive, Op: "2", Name: "mail"},
			{Kind: durable.CommandReceive, Op: "3", Name: "mail"},
		},
	}
	ended := durable.Event{Kind: durable.EventStepEnded, Op: "1", Time: at(2)}
	mail := durable.Event{Kind: durable.EventMessage, Op: "2", Message: "m-1", Time: at(2)}
	again := durable.Event{Kind: durable.EventMessage, Op: "3", Message: "m-1", Time: at(3)}
	update := durable.Event{Kind: durable.EventUpdate, Op: "4", Message: "u-1", Time: at(2)}
	back := durable.Event{Kind: durable.EventTimerFired, Op: "4", Time: at(0)}
	end := []durable.Command{{Kind: durable.CommandEnd}}
	for _, c := range []struct {
		property string
		begun    bool
		entries  []durable.Entry
		says     string
	}{
		{properties.StepRan, false, []durable.Entry{began, {Seq: 2, Event: ended}}, "and never began"},
		{properties.EndsOnce, true, []durable.Entry{
			began, {Seq: 2, Event: ended}, {Seq: 3, Event: ended},
		}, "operation 1"},
		{properties.MessageOnce, true, []durable.Entry{
			began, {Seq: 2, Event: mail}, {Seq: 3, Event: again},
		}, `"m-1"`},
		{properties.MessageOnce, true, []durable.Entry{
			began, {Seq: 2, Event: update}, {Seq: 3, Event: update},
		}, `update "u-1" was taken before`},
		{properties.TimeForward, true, []durable.Entry{began, {Seq: 2, Event: back}}, "after 2026"},
		{properties.EndFinal, true, []durable.Entry{
			began, {Seq: 2, Event: ended, Commands: end}, {Seq: 3, Event: mail},
		}, "after the run's end"},
	} {
		r, err := sim.Sweep(sim.Config{Runs: 1, Name: c.property}, func(w *sim.World) {
			properties.Watch(w, "1", c.begun, c.entries)
		})
		require.NoError(t, err)
		found(t, r, c.property)
		require.Contains(t, r.Report, c.says)
	}
}

func TestAMessageTooManyIsFound(t *testing.T) {
	r, err := sim.Sweep(sim.Config{Runs: 1, Name: t.Name()}, func(w *sim.World) {
		event := func(kind durable.EventKind, from string) durable.Event {
			return durable.Event{Kind: kind, Time: w.Now(), From: from}
		}
		send := []durable.Command{{Kind: durable.CommandSend, To: "b"}}
		properties.WatchRuns(w, map[string][]durable.Entry{
			"a": {{Seq: 1, Event: event(durable.EventStarted, ""), Commands: send}},
			"b": {
				{Seq: 1, Event: event(durable.EventStarted, "")},
				{Seq: 2, Event: event(durable.EventMessage, "a")},
				{Seq: 3, Event: event(durable.EventMessage, "a")},
			},
		})
	})
	require.NoError(t, err)
	found(t, r, properties.MessageOnce)
	require.Contains(t, r.Report, `2 messages came from run "a", which sent 1`)
}

// A fork sends what follows from an entry that it has taken over without an answer: its messages count.
func TestAForksOwnMessagesCount(t *testing.T) {
	r, err := sim.Sweep(sim.Config{Runs: 1, Name: t.Name()}, func(w *sim.World) {
		event := func(kind durable.EventKind, from string) durable.Event {
			return durable.Event{Kind: kind, Time: w.Now(), From: from}
		}
		send := []durable.Command{{Kind: durable.CommandSend, To: "b"}}
		properties.WatchRuns(w, map[string][]durable.Entry{
			"fork": {
				{Seq: 1, Event: event(durable.EventStarted, ""), Commands: send},
				{Seq: 2, Event: event(durable.EventForked, "")},
			},
			"b": {
				{Seq: 1, Event: event(durable.EventStarted, "")},
				{Seq: 2, Event: event(durable.EventMessage, "fork")},
			},
		})
	})
	require.NoError(t, err)
	require.Nil(t, r.Failure, r.Report)
}

var errEmpty = errors.New("sold out")

func sell(context.Context, int) (int, error) { return 0, errEmpty }

// sale reserves, charges and fails to sell; it undoes what it did in one order or the other.
func sale(undo ...string) *durable.Workflow[int, int] {
	return durable.Define("sale", func(ctx durable.Context, n int) (int, error) {
		for _, name := range []string{"reserve", "charge"} {
			if _, err := durable.Step(ctx, name, plus, n); err != nil {
				return 0, err
			}
		}
		_, err := durable.Step(ctx, "sell", sell, n)
		for _, name := range undo {
			if _, err := durable.Step(ctx, name, plus, n); err != nil {
				return 0, err
			}
		}
		if len(undo) > 2 {
			return 0, nil
		}
		return 0, err
	})
}

func TestUndoingIsChecked(t *testing.T) {
	undo := map[string]string{"reserve": "release", "charge": "refund"}
	try := func(undone ...string) sim.Result {
		return sweep(t, properties.Config[int, int]{
			World: properties.WithoutWorld(sale(undone...)), Undo: undo,
		}, sim.Config{Runs: 200})
	}
	require.Nil(t, try("refund", "release").Failure)
	found(t, try("release", "refund"), properties.UndoneInReverse)
	found(t, try("refund"), properties.UndoneInReverse)
	found(t, try("refund", "release", "refund"), properties.UndoneInReverse)
	require.Contains(t, try("refund").Report, "to be undone refund, release")
}

func TestARunThatWaitsForNothingIsFoundWithTheReason(t *testing.T) {
	mail := durable.NewTopic[int]("approval")
	r := sweep(t, properties.Config[int, int]{World: properties.WithoutWorld(
		durable.Define("approve", func(ctx durable.Context, n int) (int, error) {
			if _, err := durable.Step(ctx, "plus", plus, n); err != nil {
				return 0, err
			}
			return mail.Receive(ctx)
		}))}, sim.Config{})
	found(t, r, properties.EveryRunEnds)
	require.Contains(t, r.Report, "nothing has happened since journal entry 2")
	require.Contains(t, r.Report, `receive "approval" (id 2)`)
}

var everywhere int // what one world leaves to the next

func TestAWorldThatIsNoFunctionOfItsSeedIsFound(t *testing.T) {
	r := sweep(t, properties.Config[int, int]{World: func(w *sim.World) properties.World[int, int] {
		return properties.World[int, int]{Boot: func() *durable.Workflow[int, int] {
			return durable.Define("steps", func(ctx durable.Context, n int) (int, error) {
				return durable.Step(ctx, "plus", func(ctx context.Context, n int) (int, error) {
					everywhere++
					return n, w.Sleep(ctx, time.Duration(everywhere)*time.Second)
				}, n)
			})
		}}
	}}, sim.Config{SelfCheck: 1, Workers: 1})
	found(t, r, "the same schedule gives the same trace")
}

// till is a world whose step returns how often it was called.
func till(key bool) func(w *sim.World) properties.World[int, int] {
	return func(w *sim.World) properties.World[int, int] {
		paid := map[string]int{}
		charge := func(ctx context.Context, n int) (int, error) {
			info, _ := durable.Info(ctx)
			if !key || paid[info.IdempotencyKey()] == 0 {
				paid[info.IdempotencyKey()]++
			}
			return paid[info.IdempotencyKey()], w.Sleep(ctx, time.Duration(n)*time.Second)
		}
		return properties.World[int, int]{Boot: func() *durable.Workflow[int, int] {
			return durable.Define("till", func(ctx durable.Context, n int) (int, error) {
				first := durable.Async(ctx, "charge", charge, n)
				second := durable.Async(ctx, "charge", charge, 1)
				place, _, err := durable.Race(ctx, first, second)
				if err != nil {
					return 0, err
				}
				if err := ctx.Sleep(time.Second); err != nil {
					return 0, err
				}
				sum, err := durable.Step(ctx, "charge", charge, 0)
				return 10*place + sum, err
			})
		}}
	}
}

func TestAResultThatNeedsFaultsIsFound(t *testing.T) {
	good := properties.Config[int, int]{World: till(true), FaultFree: true}
	r := sweep(t, good, sim.Config{Runs: 300})
	require.Nil(t, r.Failure, r.Report)
	bad := properties.Config[int, int]{World: till(false), FaultFree: true} // it finds out soon
	r = sweep(t, bad, sim.Config{})
	found(t, r, properties.FaultFreeResult)
	require.Contains(t, r.Report, "without faults  ")
}

// A result that faults spoil only when the second of two steps completes first is found: the run without
// faults has its completions in the same order.
func TestTheRunWithoutFaultsHasTheSameOrder(t *testing.T) {
	world := func(*sim.World) properties.World[int, int] {
		calls := 0
		count := func(context.Context, int) (int, error) { calls++; return calls, nil }
		return properties.World[int, int]{Boot: func() *durable.Workflow[int, int] {
			return durable.Define("race", func(ctx durable.Context, n int) (int, error) {
				first, second := durable.Async(ctx, "first", plus, n), durable.Async(ctx, "second", plus, n)
				place, _, err := durable.Race(ctx, first, second)
				if err != nil || place == 0 {
					return 0, err
				}
				return durable.Step(ctx, "count", count, n)
			})
		}}
	}
	r := sweep(t, properties.Config[int, int]{Runs: 1, FaultFree: true, World: world}, sim.Config{Runs: 3000})
	found(t, r, properties.FaultFreeResult)
	require.Contains(t, r.Report, `"second" completes before "first"`)
	require.Contains(t, r.Report, "2 deviations from", "the other one is the crash: the order holds by itself")
}

// TestUndoingOfScopesIsChecked: a Scope may undo what it did, while the run goes on.
func TestUndoingOfScopesIsChecked(t *testing.T) {
	undo := map[string]string{"reserve": "release", "charge": "refund"}
	try := func(fail bool) sim.Result {
		sale := durable.Define("sale", func(ctx durable.Context, n int) (int, error) {
			do := func(ctx durable.Context, name string) error {
				durable.OnFailure(ctx, undo[name], plus, n)
				_, err := durable.Step(ctx, name, plus, n)
				return err
			}
			beside := durable.Go(ctx, "beside", func(ctx durable.Context) (int, error) {
				return 0, do(ctx, "reserve")
			})
			_ = durable.Scope(ctx, func(ctx durable.Context) error {
				return errors.Join(do(ctx, "reserve"), do(ctx, "charge"), errEmpty)
			})
			if _, err := beside.Await(ctx); err != nil || fail {
				return 0, errors.Join(err, errEmpty)
			}
			return 0, do(ctx, "charge")
		})
		return sweep(t, properties.Config[int, int]{World: properties.WithoutWorld(sale), Undo: undo},
			sim.Config{Runs: 200})
	}
	require.Nil(t, try(true).Failure)
	require.Nil(t, try(false).Failure)
}
