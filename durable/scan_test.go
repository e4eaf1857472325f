package durable

import (
	"context"
	"testing"

	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// TestDamagedCommands: what the code asks for is compared with the record as it is encoded. A record that is
// encoded otherwise still counts for what it says, and one that can't be decoded is damage.
func TestDamagedCommands(t *testing.T) {
	one := Define("one", func(ctx Context, in int) (int, error) {
		return Step(ctx, "double", func(_ context.Context, n int) (int, error) { return 2 * n, nil }, in)
	})
	for name, c := range map[string]struct {
		command func(command []byte) []byte
		damaged bool
	}{
		"as it is":         {func(c []byte) []byte { return c }, false},
		"an unknown field": {func(c []byte) []byte { return appendVarint(c, 15, 1) }, false},
		"in another order": {func(c []byte) []byte { return append(c[2:], c[:2]...) }, false},
		"cut off":          {func(c []byte) []byte { return c[:len(c)-1] }, true},
	} {
		t.Run(name, func(t *testing.T) {
			st := store.OpenMemory()
			e, err := Open(Config{Store: st, Workflows: []Definition{one}})
			require.NoError(t, err)
			run, err := one.Start(t.Context(), e, "r", 1)
			require.NoError(t, err)
			_, err = run.Result(t.Context())
			require.NoError(t, err)

			data, _, err := st.Get(journalKey("r", 1))
			require.NoError(t, err)
			entry, err := decodeEntry("r", 1, data)
			require.NoError(t, err)
			command := appendCommand(nil, &entry.Commands[0])
			entry.Commands = nil
			data, err = appendEntry(nil, &entry)
			require.NoError(t, err)
			var b store.Batch
			b.Set(journalKey("r", 1), appendBytes(data, fieldCommand, c.command(command)))
			require.NoError(t, st.Commit(&b))

			_, err = ReadJournal(st, "r")
			scan := func(visit func(*Entry) error) error { return scanJournal(st, "r", visit) }
			m, done, replayErr := replay("r", one.define(), JSON(), false, scan)
			m.close()
			if c.damaged {
				require.ErrorIs(t, err, ErrDamaged)
				require.ErrorIs(t, replayErr, ErrDamaged)
				require.ErrorContains(t, replayErr, `run "r": journal entry 1`)
				return
			}
			require.NoError(t, err)
			require.NoError(t, replayErr)
			require.Equal(t, 2, done.Entries)
		})
	}
}
