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
	rapid.Map(rapid.IntRange(0, 70_000), func(n int) []byte { return make([]byte, n) }),
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

// TestDisksAgree runs random commits, crashes with cuts, flushes and reopenings
// on Pebble's simulated disk and on the reference, which have to answer alike,
// down to the bytes that a crash can cut and to the messages of conflicts, and as
// the model says.
func TestDisksAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disks := []store.Disk{store.NewPebbleDisk(), store.NewMemoryDisk()}
		stores := make([]store.Store, len(disks))
		open := func() {
			for i, d := range disks {
				s, err := d.Open()
				require.NoError(t, err)
				stores[i] = s
			}
		}
		open()
		defer func() {
			for _, s := range stores {
				require.NoError(t, s.Close())
			}
		}()
		model := storetest.Model{}
		before := maps.Clone(model) // the last commit
		tails := func() int {
			tail := disks[0].TailBytes()
			require.Equal(t, tail, disks[1].TailBytes())
			return tail
		}
		t.Repeat(map[string]func(*rapid.T){
			"commit": func(t *rapid.T) {
				b := drawBatch(t, model)
				before = maps.Clone(model)
				holds := model.Apply(b)
				first := stores[0].Commit(b)
				second := stores[1].Commit(b)
				require.Equal(t, fmt.Sprint(first), fmt.Sprint(second))
				require.Equal(t, holds, first == nil)
				require.Equal(t, !holds, errors.Is(first, store.ErrConflict))
			},
			"crash": func(t *rapid.T) {
				cut := rapid.IntRange(0, tails()).Draw(t, "cut")
				for i, d := range disks {
					require.NoError(t, d.Crash(cut))
					require.ErrorIs(t, stores[i].Close(), store.ErrClosed)
				}
				if cut > 0 {
					model = before
				}
				open()
			},
			"flush": func(t *rapid.T) {
				for _, d := range disks {
					require.NoError(t, d.Flush())
				}
			},
			"reopen": func(t *rapid.T) {
				for _, s := range stores {
					require.NoError(t, s.Close())
				}
				open()
			},
			"scan": func(t *rapid.T) {
				from, to := bounds.Draw(t, "from"), bounds.Draw(t, "to")
				most := rapid.IntRange(1, 10).Draw(t, "most")
				var got [2][]string
				for i, s := range stores {
					require.NoError(t, s.Scan(from, to, func(key, value []byte) bool {
						got[i] = append(got[i], fmt.Sprintf("%q=%q", key, value))
						return len(got[i]) < most
					}))
				}
				require.Equal(t, got[0], got[1])
			},
			"": func(t *rapid.T) {
				tails()
				for _, s := range stores {
					list, err := storetest.Contents(s)
					require.NoError(t, err)
					require.Equal(t, model.List(), list)
				}
			},
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
