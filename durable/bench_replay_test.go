package durable

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

type counted struct {
	ID    string
	Count int
}

// fixed is a codec that costs next to nothing, to tell what replay costs beside it.
type fixed struct{ Codec }

func (fixed) Encode(value any) ([]byte, error) {
	c := value.(counted)
	return append(binary.AppendUvarint(make([]byte, 0, 16), uint64(c.Count)), c.ID...), nil
}

func (fixed) Decode(data []byte, into any) error {
	n, size := binary.Uvarint(data)
	*into.(*counted) = counted{string(data[size:]), int(n)}
	return nil
}

// BenchmarkReplay measures what recovery does with a run: read its journal from the store, decode it, and
// replay 1000 steps. events/s is the figure.
func BenchmarkReplay(b *testing.B) {
	b.Run("json", func(b *testing.B) { benchReplay(b, JSON()) })
	b.Run("fixed", func(b *testing.B) { benchReplay(b, fixed{}) })
}

func benchReplay(b *testing.B, codec Codec) {
	count := func(_ context.Context, in counted) (counted, error) { return counted{in.ID, in.Count + 1}, nil }
	long := Define("long", func(ctx Context, in counted) (counted, error) {
		var err error
		for range 1000 {
			if in, err = Step(ctx, "count", count, in); err != nil {
				return in, err
			}
		}
		return in, nil
	})
	st := store.OpenMemory()
	e, err := Open(Config{Store: st, Codec: codec, Workflows: []Definition{long}})
	require.NoError(b, err)
	run, err := long.Start(context.Background(), e, "r", counted{ID: "x"})
	require.NoError(b, err)
	_, err = run.Result(context.Background())
	require.NoError(b, err)
	scan := func(visit func(*Entry) error) error { return scanJournal(st, "r", visit) }
	b.ReportAllocs()
	b.ResetTimer()
	events := 0
	for range b.N {
		m, done, err := replay("r", long.define(), codec, false, scan)
		if err != nil || !done.Ended {
			b.Fatal(done, err)
		}
		m.close()
		events += done.Entries
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
