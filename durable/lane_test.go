package durable

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Programs for transcripts about queues.
func init() {
	line := NewQueue("line", oneStep, QueueConfig{})
	how := Item{Key: "k", Priority: 3, Delay: time.Minute, Unique: "u"}
	other := func(change func(*Item)) func(Context, string) (string, error) {
		return func(ctx Context, in string) (string, error) {
			how := how
			change(&how)
			f := line.EnqueueChild(ctx, in, how)
			got, err := f.Await(ctx)
			return f.ID() + got, err
		}
	}
	maps.Copy(programs, map[string]Definition{
		"queued":         Define("queued", other(func(*Item) {})),
		"queued-unkeyed": Define("queued-unkeyed", other(func(how *Item) { how.Key = "" })),
		"queued-sooner":  Define("queued-sooner", other(func(how *Item) { how.Delay-- })),
		"queued-not": Define("queued-not", func(ctx Context, in string) (string, error) {
			return StartChild(ctx, oneStep, in).Await(ctx)
		}),
		"queued-and-left": Define("queued-and-left", func(ctx Context, in string) (string, error) {
			return line.EnqueueChild(ctx, in, Item{ID: "x"}).ID(), nil
		}),
	})
}

// TestKeysTakeTurns: between two items of a key, no other key that waits is served twice.
func TestKeysTakeTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newLaneState(QueueConfig{PerKey: rapid.IntRange(1, 2).Draw(t, "per key")})
		waiting := map[string]int{}  // items, by key
		passed := map[string]int{}   // how often others had a turn while it could have had one
		running := map[string]bool{} // runs
		n := uint64(0)
		keys := []string{"", "a", "b", "c"}
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			key := rapid.SampledFrom(keys).Draw(t, "key")
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				n++
				s.add(0, key, numberOf(n))
				waiting[key]++
			case 1:
				for run := range running {
					if s.running[run].key == key {
						s.free(run, []byte("another slot"))
						require.Contains(t, s.running, run, "news of a slot that it had before free this one")
						s.free(run, []byte(run))
						delete(running, run)
						break
					}
				}
			case 2:
				served := s.next()
				for served != nil && waiting[served.key] == 0 {
					served.exhausted()
					served = s.next()
				}
				for _, other := range keys {
					may := other == "" || s.perKey[other] < s.limits.PerKey
					if served == nil {
						require.False(t, waiting[other] > 0 && may, "key %q has an item and a slot", other)
						continue
					}
					if waiting[other] == 0 || !may || other == served.key {
						passed[other] = 0
						continue
					}
					passed[other]++
					require.Less(t, passed[other], len(keys), "key %q starves", other)
				}
				if served != nil {
					n++
					run := fmt.Sprint(n)
					waiting[served.key]--
					s.take(run, served.key, []byte(run))
					if served.key != "" {
						running[run] = true
					}
					served.served(numberOf(n))
				}
			}
		}
	})
}

func numberOf(n uint64) []byte {
	k := make([]byte, letterNumberSize)
	for i := range 8 {
		k[letterNumberSize-1-i] = byte(n >> (8 * i))
	}
	return k
}

// TestTheRateHoldsInEveryWindow: with a clock that steps forward and back, no window of the time that really
// passed has more starts than it may; and the queue stands still for no longer than the window is long.
func TestTheRateHoldsInEveryWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := Rate{Starts: rapid.IntRange(1, 4).Draw(t, "starts"), Per: 10}
		p := &pump{lane: "Qq", limits: QueueConfig{Rate: rate}}
		p.state = newLaneState(p.limits)
		var starts []time.Time // in the time that really passes
		really := time.Unix(1000, 0)
		var ahead time.Duration // of the clock
		for i := range rapid.IntRange(1, 80).Draw(t, "moments") {
			really = really.Add(time.Duration(rapid.IntRange(0, 8).Draw(t, "passes")))
			if rapid.IntRange(0, 9).Draw(t, "step") == 0 {
				ahead -= time.Duration(rapid.IntRange(0, 100).Draw(t, "back"))
			}
			d := &dispatch{pump: p, now: really.Add(ahead)}
			d.correctClock()
			if p.state.opens().After(d.now) {
				require.LessOrEqual(t, p.state.opens().Sub(d.now), rate.Per, "it stands still for too long")
				continue
			}
			p.state.started(fmt.Sprint(i), d.now)
			starts = append(starts, really)
			if k := len(starts) - 1 - rate.Starts; k >= 0 {
				require.GreaterOrEqual(t, really.Sub(starts[k]), rate.Per, "%d starts in a window", rate.Starts+1)
			}
		}
	})
}
