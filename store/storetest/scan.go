package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/store"
)

func testScanMoment(t *testing.T, s store.Store) {
	set(t, s, "a", "1", "b", "1", "d", "1")
	got := []string{}
	require.NoError(t, s.Scan(nil, nil, func(key, value []byte) bool {
		if len(got) == 0 {
			commit(t, s, func(b *store.Batch) {
				b.Set([]byte("b"), []byte("2"))
				b.Set([]byte("c"), []byte("2"))
				b.Delete([]byte("d"))
			})
		}
		got = append(got, string(key)+"="+string(value))
		return true
	}))
	require.Equal(t, []string{"a=1", "b=1", "d=1"}, got)
	require.Equal(t, []string{"a=1", "b=2", "c=2"}, all(t, s))
}

// testLongScan is testScanMoment on a scale at which a store may take another
// way, with two scans that overlap.
func testLongScan(t *testing.T, s store.Store) {
	const n = 3000
	key := func(i int) []byte { return fmt.Appendf(nil, "key/%06d", i) }
	want := []string{}
	commit(t, s, func(b *store.Batch) {
		for i := range n {
			b.Set(key(i), []byte("old"))
			want = append(want, string(key(i))+"=old")
		}
	})
	outer, inner := []string{}, []string{}
	require.NoError(t, s.Scan(nil, nil, func(k, v []byte) bool {
		i := len(outer)
		outer = append(outer, string(k)+"="+string(v))
		switch i % 10 {
		case 0:
			commit(t, s, func(b *store.Batch) {
				b.Set(key(n-1-i), []byte("new"))
				b.Set(append(key(i), '+'), []byte("added"))
				b.Delete(key(i + 5))
			})
		case 5:
			if i == n/2+5 {
				inner = all(t, s)
			}
		}
		return true
	}))
	require.Equal(t, want, outer)
	require.NotEqual(t, want, inner)
	require.NotEqual(t, inner, all(t, s))

	commit(t, s, func(b *store.Batch) { b.DeleteRange(key(10), key(n-10)) })
	require.NotContains(t, all(t, s), string(key(100))+"+=added")
	require.Contains(t, all(t, s), string(key(1))+"=old")
}

func testVisitUses(t *testing.T, s store.Store) {
	set(t, s, "a", "1", "b", "2", "c", "3")
	var seen []string
	require.NoError(t, s.Scan(nil, nil, func(key, value []byte) bool {
		requireValue(t, s, string(key), string(value))
		require.Len(t, contents(t, s, []byte("a"), []byte("d")), 3)
		set(t, s, "seen/"+string(key), string(value))
		seen = append(seen, string(key))
		return true
	}))
	require.Equal(t, []string{"a", "b", "c"}, seen)
	require.Equal(t, []string{"seen/a=1", "seen/b=2", "seen/c=3"}, contents(t, s, []byte("seen/"), nil))
}

func testVisitPanics(t *testing.T, s store.Store) {
	set(t, s, "a", "1")
	require.PanicsWithValue(t, "visit", func() {
		_ = s.Scan(nil, nil, func(_, _ []byte) bool { panic("visit") })
	})
	set(t, s, "a", "2")
	require.Equal(t, []string{"a=2"}, all(t, s))
}
