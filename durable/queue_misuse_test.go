package durable_test

import (
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

func TestQueuesThatCannotBe(t *testing.T) {
	long := strings.Repeat("x", 513)
	for want, make := range map[string]func(){
		"durable: the queue's name is empty; give it a name of 1 to 512 bytes": func() {
			durable.NewQueue("", hello, durable.QueueConfig{})
		},
		"durable: the queue's name is 513 bytes long, at most 512 are allowed": func() {
			durable.NewQueue(long, hello, durable.QueueConfig{})
		},
		`durable.NewQueue: the workflow of queue "q" is nil; use one that Define returned`: func() {
			durable.NewQueue[int, int]("q", nil, durable.QueueConfig{})
		},
		`queue "q": QueueConfig.Concurrency is -1; give it 1 or more, or 0 for any number`: func() {
			durable.NewQueue("q", hello, durable.QueueConfig{Concurrency: -1})
		},
		`queue "q": QueueConfig.PerKey is -2; give it 1 or more, or 0 for 1`: func() {
			durable.NewQueue("q", hello, durable.QueueConfig{PerKey: -2})
		},
		`queue "q": QueueConfig.Rate is 0 per 1s; give it 1 start or more and a positive time`: func() {
			durable.NewQueue("q", hello, durable.QueueConfig{Rate: durable.Rate{Per: time.Second}})
		},
		`queue "q": QueueConfig.Rate is 5 per 0s; give it 1 start or more and a positive time`: func() {
			durable.NewQueue("q", hello, durable.QueueConfig{Rate: durable.Rate{Starts: 5}})
		},
		`queue "q": QueueConfig.Rate is 5 per -1s; give it 1 start or more and a positive time`: func() {
			durable.NewQueue("q", hello, durable.QueueConfig{Rate: durable.Rate{Starts: 5, Per: -time.Second}})
		},
	} {
		func() {
			defer func() { require.Contains(t, recover(), want) }()
			make()
		}()
	}
	q := durable.NewQueue("q", hello, durable.QueueConfig{})
	open := func(queues ...durable.QueueDefinition) error {
		_, err := durable.Open(durable.Config{Store: store.OpenMemory(), Queues: queues})
		return err
	}
	require.EqualError(t, open(nil), "durable.Open: Config.Queues has a nil queue; make queues with NewQueue")
	var none *durable.Queue[string, string]
	require.ErrorContains(t, open(none), "Config.Queues has a nil queue")
	_, err := none.Enqueue(t.Context(), nil, "", durable.Item{})
	require.EqualError(t, err, "durable: the queue is nil; use one that NewQueue returned")
	_, err = q.Enqueue(t.Context(), nil, "", durable.Item{ID: "i"})
	require.ErrorContains(t, err, "durable: the Engine is nil")
	require.EqualError(t, open(q, durable.NewQueue("q", hello, durable.QueueConfig{Concurrency: 1})),
		`durable.Open: Config.Queues has two queues named "q" with different limits; they are one line, so give `+
			`them the same limits, or each a name of its own`)
	other := durable.Define("hello", func(durable.Context, int) (int, error) { return 0, nil })
	require.ErrorContains(t, open(q, durable.NewQueue("r", other, durable.QueueConfig{})),
		`two workflows named "hello"`)
}

func TestItemsThatCannotBe(t *testing.T) {
	q := durable.NewQueue("q", hello, durable.QueueConfig{})
	unlisted := durable.NewQueue("unlisted", hello, durable.QueueConfig{})
	e := openWith(t, durable.Config{Store: store.OpenMemory(), Queues: []durable.QueueDefinition{q}})
	long := strings.Repeat("x", 513)
	for want, how := range map[string]durable.Item{
		"durable: the run's id is empty; give it a name of 1 to 512 bytes": {},
		"the run's id is 513 bytes long":                                   {ID: long},
		"the item's Key is 513 bytes long":                                 {ID: "i", Key: long},
		`the item's Key "\x00" contains a zero byte`:                       {ID: "i", Key: "\x00"},
		"the item's Unique is 513 bytes long":                              {ID: "i", Unique: long},
	} {
		_, err := q.Enqueue(t.Context(), e, "x", how)
		require.ErrorContains(t, err, want)
	}
	_, err := unlisted.Enqueue(t.Context(), e, "x", durable.Item{ID: "i"})
	require.EqualError(t, err, `durable: queue "unlisted" is not in Config.Queues; list it, so that its items `+
		`start`)
	require.Empty(t, statuses(t, e, ""))
	require.NoError(t, e.Close(t.Context()))
	_, err = q.Enqueue(t.Context(), e, "x", durable.Item{ID: "i"})
	require.ErrorIs(t, err, durable.ErrClosed)
}

func TestSchedulesThatCannotBe(t *testing.T) {
	e := open(t, store.OpenMemory(), hello)
	daily := durable.Schedule{Cron: "@daily"}
	for _, c := range []struct {
		name string
		s    durable.Schedule
		want string
	}{
		{"", daily, "durable: the schedule's name is empty"},
		{strings.Repeat("x", 492), daily, "the schedule's name is 492 bytes long, at most 491 are allowed"},
		{"s", durable.Schedule{}, `durable: schedule "s": the Cron "" has 0 fields`},
		{"s", durable.Schedule{Cron: "@daily", Zone: "Nowhere"}, `schedule "s": the Zone "Nowhere" is unknown`},
		{"s", durable.Schedule{Cron: "@daily", Overlap: 9}, `schedule "s": Schedule.Overlap is 9; use ` +
			`SkipOverlap, QueueOverlap, CancelOverlap or AllowOverlap`},
		{"s", durable.Schedule{Cron: "@daily", CatchUp: -1}, `Schedule.CatchUp is -1ns; give it a time, or 0 ` +
			`for a minute`},
	} {
		require.ErrorContains(t, hello.Schedule(t.Context(), e, c.name, c.s, "x"), c.want)
	}
	var none *durable.Workflow[string, string]
	require.ErrorContains(t, none.Schedule(t.Context(), e, "s", daily, ""), "of a nil *Workflow")
	require.ErrorContains(t, hello.Schedule(t.Context(), nil, "s", daily, ""), "durable: the Engine is nil")
	require.ErrorIs(t, gate.Schedule(t.Context(), e, "s", daily, "x"), durable.ErrUnknownWorkflow)
	list, err := e.Schedules()
	require.NoError(t, err)
	require.Empty(t, list)
}
