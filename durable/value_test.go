package durable_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

var progress = durable.NewValue[int]("progress")

// counter publishes each number that it receives, until it receives a negative one.
var counter = durable.Define("counter", func(ctx durable.Context, _ int) (int, error) {
	for {
		n, err := numbers.Receive(ctx)
		if err != nil || n < 0 {
			return n, err
		}
		if err := progress.Publish(ctx, n); err != nil {
			return 0, err
		}
	}
})

func TestValuesOfRunsThatSleepAndHaveEnded(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{counter}
		e := openWith(t, cfg)
		_, err := progress.Get(t.Context(), e, "r")
		require.EqualError(t, err, `durable: run not found: "r"`)
		run := start(t, counter, e, "r", 0)
		_, err = progress.Get(t.Context(), e, "r")
		require.ErrorIs(t, err, durable.ErrNotPublished)
		require.ErrorContains(t, err, `: value "progress" of run "r"`)

		require.NoError(t, numbers.Post(t.Context(), e, "r", 7))
		for n := range progress.Watch(t.Context(), e, "r") {
			require.Equal(t, 7, n)
			break
		}
		require.NoError(t, e.Close(t.Context()))
		_, err = progress.Get(t.Context(), e, "r")
		require.ErrorIs(t, err, durable.ErrClosed)

		e = openWith(t, cfg)
		n, err := progress.Get(t.Context(), e, "r")
		require.NoError(t, err)
		require.Equal(t, 7, n, "the run sleeps")
		require.NoError(t, numbers.Post(t.Context(), e, "r", 8))
		require.NoError(t, numbers.Post(t.Context(), e, "r", -1))
		require.Equal(t, -1, result(t, counter.Run(e, run.ID())))
		n, err = progress.Get(t.Context(), e, "r")
		require.NoError(t, err)
		require.Equal(t, 8, n, "the run has ended")
		var seen []int
		for n, err := range progress.Watch(t.Context(), e, "r") {
			require.NoError(t, err)
			seen = append(seen, n)
		}
		require.Equal(t, []int{8}, seen)
	})
}

func TestWatchersSeeTheLastValueAndTheEnd(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{counter}
		e := openWith(t, cfg)
		start(t, counter, e, "r", 0)
		seen := make(chan []int)
		for range 3 {
			go func() {
				var mine []int
				for n, err := range progress.Watch(t.Context(), e, "r") {
					if err != nil {
						mine = append(mine, -9)
						break
					}
					mine = append(mine, n)
				}
				seen <- mine
			}()
		}
		for n := range 50 {
			require.NoError(t, numbers.Post(t.Context(), e, "r", n))
		}
		require.NoError(t, numbers.Post(t.Context(), e, "r", -1))
		for range 3 {
			mine := <-seen
			require.IsIncreasing(t, append([]int{-1}, mine...))
			require.Equal(t, 49, mine[len(mine)-1])
		}
	})
}

func TestWatchingEndsWithAReason(t *testing.T) {
	st := store.OpenMemory()
	e := openWith(t, durable.Config{Store: st, Workflows: []durable.Definition{counter}})
	last := func(ctx context.Context, run string) (err error) {
		for _, err = range progress.Watch(ctx, e, run) {
		}
		return err
	}
	require.ErrorIs(t, last(t.Context(), "nobody"), durable.ErrNotFound)
	require.ErrorContains(t, last(t.Context(), ""), "the run's id is empty")
	start(t, counter, e, "r", 0)
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, last(short, "r"), context.DeadlineExceeded)
	go func() { _ = e.Close(context.Background()) }()
	require.ErrorIs(t, last(t.Context(), "r"), durable.ErrClosed)
}

func TestMisuseOfValuesSaysWhatToWrite(t *testing.T) {
	e := open(t, store.OpenMemory())
	require.PanicsWithValue(t, "durable: the value's name is empty; give it a name of 1 to 512 bytes", func() {
		durable.NewValue[int]("")
	})
	require.PanicsWithValue(t, "durable: a Value without a name was used; make values with NewValue", func() {
		_, _ = durable.Value[int]{}.Get(t.Context(), e, "r")
	})
	channels := durable.NewValue[chan int]("channels")
	w := durable.Define("w", func(ctx durable.Context, _ int) (string, error) {
		return fmt.Sprint(channels.Publish(ctx, nil)), nil
	})
	e = open(t, store.OpenMemory(), w)
	require.Contains(t, result(t, start(t, w, e, "r", 0)),
		`durable: the content of publish "channels" (id 1) does not fit the type chan int`)
}
