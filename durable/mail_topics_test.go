package durable_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/stretchr/testify/require"
)

// both receives letters and their copies until it has as many as it wants, and returns them in the order in
// which it saw them; the end of a child counts, too.
var both = durable.Define("both", func(ctx durable.Context, want int) (got []string, err error) {
	read := func(topic durable.Topic[string]) durable.Future[int] {
		return durable.Go(ctx, topic.Name(), func(ctx durable.Context) (int, error) {
			for i := 0; ; i++ {
				s, err := topic.Receive(ctx)
				if err != nil {
					return i, err
				}
				got = append(got, s)
			}
		})
	}
	child := durable.StartChild(ctx, writes, ctx.RunID())
	readers := []durable.Future[int]{read(letters), read(notes2)}
	end, err := child.Await(ctx)
	got = append(got, end)
	for err == nil && len(got) < want {
		err = ctx.Sleep(time.Millisecond)
	}
	for _, r := range readers {
		r.Cancel(ctx, nil)
	}
	return got, err
})

// writes writes to a run, two topics with each commit, and ends.
var writes = durable.Define("writes", func(ctx durable.Context, to string) (string, error) {
	for i := range 2 {
		if err := ctx.Sleep(time.Millisecond); err != nil {
			return "", err
		}
		one, other := fmt.Sprint("child ", 2*i), fmt.Sprint("child ", 2*i+1)
		err := errors.Join(letters.Send(ctx, to, one), notes2.Send(ctx, to, other))
		if err != nil {
			return "", err
		}
	}
	return "child 4", nil
})

// TestWhatIsSentFirstIsReceivedFirst: of whatever topics it is, and when it is the end of a child, also when
// it comes while the run looks into its mailbox.
func TestWhatIsSentFirstIsReceivedFirst(t *testing.T) {
	sweepPlant(t, 600, func(w *sim.World) {
		p := newPlant(w, both, writes)
		startOn(w.Context(), p, both, "r", 9)
		for i := range 4 {
			topic := []durable.Topic[string]{notes2, letters}[i%2]
			require.NoError(w, p.insist(w.Context(), "post", func(ctx context.Context) error {
				id := fmt.Sprint("client ", i)
				return topic.PostOnce(ctx, p.engine, "r", id, id)
			}))
		}
		got, err := resultOn(w.Context(), p, both, "r")
		require.NoError(w, err)
		next := map[string]int{}
		for _, s := range got {
			var who string
			var n int
			_, err := fmt.Sscan(s, &who, &n)
			require.NoError(w, err)
			if next[who] != n {
				w.Fail("what is sent first is received first", "r", fmt.Sprint(got))
			}
			next[who]++
		}
		require.Equal(w, map[string]int{"child": 5, "client": 4}, next)
		p.settled(named(both, writes))
	})
}
