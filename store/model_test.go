package store_test

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reprise-dst/reprise/store"
	"github.com/reprise-dst/reprise/store/storetest"
)

// keys that meet one another, as prefixes and neighbours.
var keys = rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 'b', 0xff}), 1, 3)

var values = rapid.OneOf(
	rapid.SliceOfN(rapid.Byte(), 0, 4),
	rapid.SliceOfN(rapid.Byte(), 0, 40),
	rapid.Map(rapid.IntRange(0, 40_000), func(n int) []byte { return make([]byte, n) }),
)

// bounds are keys, nothing, and no bound at all.
var bounds = rapid.OneOf(keys, rapid.Just([]byte{}), rapid.Just([]byte(nil)))

// drawBatch draws a batch of a few operations; what it requires often holds.
func drawBatch(t *rapid.T, model storetest.Model) *store.Batch {
	b := &store.Batch{}
	for range rapid.IntRange(0, 5).Draw(t, "operations") {
		key := keys.Draw(t, "key")
		held, found := model[string(key)]
		switch rapid.SampledFrom([]string{
			"set", "set", "set", "delete", "delete range", "require", "require absent", "require value",
		}).Draw(t, "operation") {
		case "set":
			b.Set(key, values.Draw(t, "value"))
		case "delete":
			b.Delete(key)
		case "delete range":
			b.DeleteRange(bounds.Draw(t, "from"), bounds.Draw(t, "to"))
		case "require":
			if found {
				b.RequireValue(key, []byte(held))
			} else {
				b.RequireAbsent(key)
			}
		case "require absent":
			b.RequireAbsent(key)
		case "require value":
			b.RequireValue(key, values.Draw(t, "value required"))
		}
	}
	return b
}

// agreement is Pebble's simulated disk and the reference, which have to answer
// alike, and as the model says.
type agreement struct {
	disks  []store.Disk
	stores []store.Store
	model  storetest.Model
	before storetest.Model // the last commit
}

func (a *agreement) open(t *rapid.T) {
	for i, d := range a.disks {
		s, err := d.Open()
		require.NoError(t, err)
		a.stores[i] = s
	}
}

func (a *agreement) close(t *rapid.T) {
	for _, s := range a.stores {
		require.NoError(t, s.Close())
	}
}

func (a *agreement) commit(t *rapid.T) {
	b := drawBatch(t, a.model)
	a.before = maps.Clone(a.model)
	holds := a.model.Apply(b)
	first, second := a.stores[0].Commit(b), a.stores[1].Commit(b)
	require.Equal(t, fmt.Sprint(first), fmt.Sprint(second))
	require.Equal(t, holds, first == nil)
	require.Equal(t, !holds, errors.Is(first, store.ErrConflict))
}

func (a *agreement) crash(t *rapid.T) {
	cut := rapid.IntRange(0, a.disks[0].TailBytes()).Draw(t, "cut")
	for i, d := range a.disks {
		require.NoError(t, d.Crash(cut))
		require.ErrorIs(t, a.stores[i].Close(), store.ErrClosed)
	}
	if cut > 0 {
		a.model = a.before
	}
	a.open(t)
}

func (a *agreement) flush(t *rapid.T) {
	for _, d := range a.disks {
		require.NoError(t, d.Flush())
	}
}

func (a *agreement) scan(t *rapid.T) {
	from, to := bounds.Draw(t, "from"), bounds.Draw(t, "to")
	most := rapid.IntRange(1, 10).Draw(t, "most")
	var got [2][]string
	for i, s := range a.stores {
		require.NoError(t, s.Scan(from, to, func(key, value []byte) bool {
			got[i] = append(got[i], fmt.Sprintf("%q=%q", key, value))
			return len(got[i]) < most
		}))
	}
	require.Equal(t, got[0], got[1])
}

func (a *agreement) check(t *rapid.T) {
	require.Equal(t, a.disks[0].TailBytes(), a.disks[1].TailBytes())
	for _, s := range a.stores {
		list, err := storetest.Contents(s)
		require.NoError(t, err)
		require.Equal(t, a.model.List(), list)
	}
}

// TestDisksAgree runs random commits, crashes with cuts, flushes and reopenings
// on both simulated disks. They agree, down to the bytes that a crash can cut and
// to the messages of conflicts.
func TestDisksAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := &agreement{
			disks:  []store.Disk{store.NewPebbleDisk(), store.NewMemoryDisk()},
			stores: make([]store.Store, 2),
			model:  storetest.Model{},
		}
		a.open(t)
		defer a.close(t)
		t.Repeat(map[string]func(*rapid.T){
			"commit": a.commit,
			"crash":  a.crash,
			"flush":  a.flush,
			"reopen": func(t *rapid.T) { a.close(t); a.open(t) },
			"scan":   a.scan,
			"":       a.check,
		})
	})
}

// TestReopenedAgrees runs random commits, closings and openings of a store on
// disk, and of the model.
func TestReopenedAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := vfs.NewMem()
		model := storetest.Model{}
		for range rapid.IntRange(1, 3).Draw(t, "openings") {
			s, err := store.OpenPebbleIn(disk, "/store")
			require.NoError(t, err)
			for range rapid.IntRange(0, 5).Draw(t, "commits") {
				b := drawBatch(t, model)
				err := s.Commit(b)
				require.Equal(t, model.Apply(b), err == nil, "%v", err)
			}
			list, err := storetest.Contents(s)
			require.NoError(t, err)
			require.Equal(t, model.List(), list)
			require.NoError(t, s.Close())
		}
	})
}
