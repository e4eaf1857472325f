package durable_test

import (
	"context"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// doomed is a host in which nothing ever runs, as in a process that ends at once.
type doomed struct{ durable.Host }

func (doomed) Go(string, func(context.Context)) {}

func TestARunThatEndsItsProcessIsParked(t *testing.T) {
	warmAndCold(t, func(t *testing.T, cfg durable.Config) {
		cfg.Workflows = []durable.Definition{hello}
		cfg.Recoveries = 3
		free := make(chan bool)
		slow := durable.Define("hello", func(ctx durable.Context, _ string) (string, error) {
			return durable.Step(ctx, "upper", func(ctx context.Context, in string) (string, error) {
				select {
				case <-ctx.Done():
					return "", ctx.Err()
				case <-free:
					return in, nil
				}
			}, "x")
		})
		first := cfg
		first.Workflows = []durable.Definition{slow}
		e := openWith(t, first)
		start(t, slow, e, "r", "x")
		now, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, e.Close(now))

		die := func(times int) {
			dead := cfg
			dead.Host = doomed{durable.NewHost()}
			for range times {
				_, err := durable.Open(dead)
				require.NoError(t, err)
			}
		}
		die(2)
		e = openWith(t, first) // it gets to its step, and is counted anew
		require.Eventually(t, func() bool {
			_, counted, err := cfg.Store.Get([]byte("fr\x00"))
			return err == nil && !counted
		}, time.Minute, time.Millisecond)
		require.NoError(t, e.Close(now))
		die(3)
		for range 2 {
			e = openWith(t, cfg)
			l, err := e.Status("r")
			require.NoError(t, err)
			require.Equal(t, durable.Parked, l.Status)
			require.Equal(t, `run "r" was recovered 3 times in a row and its process ended before it got anywhere, `+
				`perhaps because of it; mend what ends the process, then call Resume`, l.Reason)
			var why *durable.RecoveryError
			require.Len(t, e.Parked(), 1)
			require.ErrorAs(t, e.Parked()[0], &why)
			closeNow(t, e)
		}
		e = openWith(t, cfg)
		require.NoError(t, e.Resume("r"))
		require.Equal(t, "<x>", result(t, hello.Run(e, "r")))
		require.NoError(t, cfg.Store.Scan([]byte("f"), []byte("g"), func(k, _ []byte) bool {
			t.Errorf("left behind: %q", k)
			return true
		}))
	})
	_, err := durable.Open(durable.Config{Store: store.OpenMemory(), Recoveries: -1})
	require.EqualError(t, err, "durable.Open: Config.Recoveries is -1; give it 1 or more, or 0 for 100")
}
