// Package storetest is the conformance suite of package store: what every
// store and every simulated disk has to do, as tests.
//
//	func TestMine(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return mine.Open(t.TempDir()) })
//	}
//
// [Run] checks a [store.Store], [RunDisk] a [store.Disk] with the stores on it.
// What a store keeps when its process is killed is beyond both.
package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/store"
)

// Run checks a store. Its argument opens a new, empty one and fails the test if
// it can't; Run closes it.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, part := range []struct {
		name string
		test func(t *testing.T, s store.Store)
	}{
		{"an empty store", testEmpty},
		{"get gives what was set", testSetGet},
		{"the caller owns what it gets and gives", testOwnership},
		{"any bytes make a key", testAnyKey},
		{"writes take effect in their order", testOrder},
		{"ranges are deleted", testDeleteRange},
		{"scans are ordered and bounded", testScan},
		{"a scan shows one moment", testScanMoment},
		{"a long scan shows one moment", testLongScan},
		{"visit may use the store", testVisitUses},
		{"visit may panic", testVisitPanics},
		{"requirements", testRequirements},
		{"requirements see the store before the batch", testRequireBefore},
		{"a conflict writes nothing", testConflict},
		{"a batch is used again", testBatchReuse},
		{"large batches", testLarge},
		{"limits", testLimits},
		{"a closed store", testClosed},
		{"many goroutines count", testCounter},
		{"nobody sees half a batch", testAtomic},
		{"close in the middle of everything", testCloseInUse},
		{"a model agrees", testModel},
	} {
		t.Run(part.name, func(t *testing.T) {
			s := open(t)
			part.test(t, s)
			if err := s.Close(); err != nil {
				require.ErrorIs(t, err, store.ErrClosed)
			}
		})
	}
}

// commit commits what fill puts into a batch.
func commit(t require.TestingT, s store.Store, fill func(b *store.Batch)) {
	var b store.Batch
	fill(&b)
	require.NoError(t, s.Commit(&b))
}

func set(t require.TestingT, s store.Store, pairs ...string) {
	commit(t, s, func(b *store.Batch) {
		for i := 0; i < len(pairs); i += 2 {
			b.Set([]byte(pairs[i]), []byte(pairs[i+1]))
		}
	})
}

// contents returns what the store holds of a range, as "key=value" strings.
func contents(t require.TestingT, s store.Store, from, to []byte) []string {
	list := []string{}
	require.NoError(t, s.Scan(from, to, func(key, value []byte) bool {
		list = append(list, string(key)+"="+string(value))
		return true
	}))
	return list
}

func all(t require.TestingT, s store.Store) []string { return contents(t, s, nil, nil) }

func requireValue(t require.TestingT, s store.Store, key, value string) {
	got, ok, err := s.Get([]byte(key))
	require.NoError(t, err)
	require.True(t, ok, "the store lacks %q", key)
	require.Equal(t, value, string(got))
}

func requireAbsent(t require.TestingT, s store.Store, key string) {
	got, ok, err := s.Get([]byte(key))
	require.NoError(t, err)
	require.False(t, ok, "the store holds %q", key)
	require.Nil(t, got)
}

func testEmpty(t *testing.T, s store.Store) {
	requireAbsent(t, s, "a")
	requireAbsent(t, s, "")
	require.Empty(t, all(t, s))
	commit(t, s, func(b *store.Batch) {})
	commit(t, s, func(b *store.Batch) { b.Delete([]byte("a")) })
	commit(t, s, func(b *store.Batch) { b.DeleteRange(nil, nil) })
	require.Empty(t, all(t, s))
}

func testSetGet(t *testing.T, s store.Store) {
	set(t, s, "a", "1", "b", "2")
	requireValue(t, s, "a", "1")
	requireValue(t, s, "b", "2")
	requireAbsent(t, s, "aa")
	set(t, s, "a", "3")
	requireValue(t, s, "a", "3")
	commit(t, s, func(b *store.Batch) { b.Delete([]byte("a")) })
	requireAbsent(t, s, "a")
	set(t, s, "a", "4")
	require.Equal(t, []string{"a=4", "b=2"}, all(t, s))

	set(t, s, "empty", "")
	got, ok, err := s.Get([]byte("empty"))
	require.NoError(t, err)
	require.True(t, ok)
	require.NotNil(t, got, "an empty value is there, and says so by not being nil")
	require.Empty(t, got)
	commit(t, s, func(b *store.Batch) { b.Set([]byte("nil"), nil) })
	requireValue(t, s, "nil", "")
}

func testOwnership(t *testing.T, s store.Store) {
	key, value := []byte("key"), []byte("value")
	var b store.Batch
	b.Set(key, value)
	key[0], value[0] = 'y', 'y'
	require.NoError(t, s.Commit(&b))
	b.Reset()
	b.Set([]byte("yek"), []byte("eulav"))
	require.Equal(t, []string{"key=value"}, all(t, s))

	got, _, err := s.Get([]byte("key"))
	require.NoError(t, err)
	clear(got)
	_ = append(got, "more"...)
	requireValue(t, s, "key", "value")
}

func testAnyKey(t *testing.T, s store.Store) {
	keys := []string{
		"\x00", "\x00\x00", "\x00\xff", "a", "a\x00", "a\x00b", "aa", "ä", "\xff", "\xff\x00", "\xff\xff",
	}
	want := []string{}
	for i := len(keys) - 1; i >= 0; i-- {
		set(t, s, keys[i], fmt.Sprint(i))
	}
	for i, key := range keys {
		requireValue(t, s, key, fmt.Sprint(i))
		want = append(want, fmt.Sprintf("%s=%d", key, i))
	}
	require.Equal(t, want, all(t, s))
	for i, key := range keys {
		commit(t, s, func(b *store.Batch) { b.Delete([]byte(key)) })
		require.Equal(t, want[i+1:], all(t, s))
	}
}

func testOrder(t *testing.T, s store.Store) {
	commit(t, s, func(b *store.Batch) {
		b.Set([]byte("a"), []byte("1"))
		b.Delete([]byte("a"))
		b.Set([]byte("b"), []byte("1"))
		b.Set([]byte("b"), []byte("2"))
		b.Delete([]byte("c"))
		b.Set([]byte("c"), []byte("3"))
		b.Set([]byte("d"), []byte("4"))
		b.DeleteRange([]byte("d"), []byte("e"))
		b.DeleteRange([]byte("e"), []byte("f"))
		b.Set([]byte("e"), []byte("5"))
	})
	require.Equal(t, []string{"b=2", "c=3", "e=5"}, all(t, s))
}

func testDeleteRange(t *testing.T, s store.Store) {
	for _, c := range []struct {
		from, to string // "nil" is nil
		want     string
	}{
		{"b", "d", "ade"},
		{"b", "b", "abcde"},
		{"d", "b", "abcde"},
		{"nil", "c", "cde"},
		{"", "c", "cde"},
		{"c", "nil", "ab"},
		{"nil", "nil", ""},
		{"a", "", "abcde"},
		{"nil", "", "abcde"},
		{"bb", "cc", "abde"},
		{"f", "nil", "abcde"},
		{"0", "a", "abcde"},
		{"0", "b", "bcde"},
		{"e", "e\x00", "abcd"},
	} {
		commit(t, s, func(b *store.Batch) {
			for _, key := range "abcde" {
				b.Set([]byte(string(key)), nil)
			}
		})
		commit(t, s, func(b *store.Batch) { b.DeleteRange(bound(c.from), bound(c.to)) })
		got := ""
		for _, pair := range all(t, s) {
			got += pair[:1]
		}
		require.Equal(t, c.want, got, "DeleteRange(%q, %q)", c.from, c.to)
	}
}

func bound(name string) []byte {
	if name == "nil" {
		return nil
	}
	return []byte(name)
}

func testScan(t *testing.T, s store.Store) {
	for _, key := range "edbca" {
		set(t, s, string(key), "")
	}
	commit(t, s, func(b *store.Batch) { b.Delete([]byte("c")) })
	for _, c := range []struct{ from, to, want string }{
		{"nil", "nil", "abde"},
		{"", "nil", "abde"},
		{"b", "nil", "bde"},
		{"b", "e", "bd"},
		{"c", "d", ""},
		{"c", "dd", "d"},
		{"nil", "b", "a"},
		{"nil", "", ""},
		{"a", "", ""},
		{"d", "b", ""},
		{"b", "b", ""},
		{"f", "nil", ""},
	} {
		got := ""
		require.NoError(t, s.Scan(bound(c.from), bound(c.to), func(key, _ []byte) bool {
			got += string(key)
			return true
		}))
		require.Equal(t, c.want, got, "Scan(%q, %q)", c.from, c.to)
	}
	for stop := 1; stop <= 4; stop++ {
		n := 0
		require.NoError(t, s.Scan(nil, nil, func(_, _ []byte) bool {
			n++
			return n < stop
		}))
		require.Equal(t, stop, n)
	}
}

// requirements are what a batch may require of a store that holds set=1 and
// empty=, with the conflict that has to come of it.
var requirements = []struct {
	require func(b *store.Batch)
	want    *store.ConflictError
	message string
}{
	{require: func(b *store.Batch) { b.RequireAbsent([]byte("none")) }},
	{require: func(b *store.Batch) { b.RequireValue([]byte("set"), []byte("1")) }},
	{require: func(b *store.Batch) { b.RequireValue([]byte("empty"), nil) }},
	{require: func(b *store.Batch) {
		b.RequireValue([]byte("set"), []byte("1"))
		b.RequireAbsent([]byte("none"))
	}},
	{
		require: func(b *store.Batch) { b.RequireAbsent([]byte("set")) },
		want:    &store.ConflictError{Key: []byte("set"), Absent: true, Found: true, Got: []byte("1")},
		message: `key "set" to be absent, but it has the value "1"`,
	},
	{
		require: func(b *store.Batch) { b.RequireAbsent([]byte("empty")) },
		want:    &store.ConflictError{Key: []byte("empty"), Absent: true, Found: true},
		message: `key "empty" to be absent, but it has the value ""`,
	},
	{
		require: func(b *store.Batch) { b.RequireValue([]byte("set"), []byte("2")) },
		want:    &store.ConflictError{Key: []byte("set"), Want: []byte("2"), Found: true, Got: []byte("1")},
		message: `key "set" to have the value "2", but it has the value "1"`,
	},
	{
		require: func(b *store.Batch) { b.RequireValue([]byte("none"), []byte("1")) },
		want:    &store.ConflictError{Key: []byte("none"), Want: []byte("1")},
		message: `key "none" to have the value "1", but it is absent`,
	},
	{
		require: func(b *store.Batch) { b.RequireValue([]byte("none"), nil) },
		want:    &store.ConflictError{Key: []byte("none")},
		message: `key "none" to have the value "", but it is absent`,
	},
	{
		require: func(b *store.Batch) {
			b.RequireAbsent([]byte("none"))
			b.RequireAbsent([]byte("set"))
			b.RequireAbsent([]byte("empty"))
		},
		want:    &store.ConflictError{Key: []byte("set"), Absent: true, Found: true, Got: []byte("1")},
		message: `key "set" to be absent, but it has the value "1"`,
	},
}

func testRequirements(t *testing.T, s store.Store) {
	set(t, s, "set", "1", "empty", "")
	for _, c := range requirements {
		for _, writes := range []bool{false, true} {
			var b store.Batch
			c.require(&b)
			if writes {
				b.Set([]byte("written"), nil)
			}
			err := s.Commit(&b)
			if c.want == nil {
				require.NoError(t, err)
				commit(t, s, func(b *store.Batch) { b.Delete([]byte("written")) })
				continue
			}
			var conflict *store.ConflictError
			require.ErrorAs(t, err, &conflict)
			require.ErrorIs(t, err, store.ErrConflict)
			requireConflict(t, c.want, conflict)
			require.EqualError(t, err, "store: conflict: the batch requires "+c.message+"; nothing was written")
			require.Equal(t, []string{"empty=", "set=1"}, all(t, s))
		}
	}
}

// requireConflict compares two conflicts, by what their bytes say.
func requireConflict(t *testing.T, want, got *store.ConflictError) {
	require.True(t, bytes.Equal(want.Key, got.Key), "%q, not %q", got.Key, want.Key)
	require.True(t, bytes.Equal(want.Want, got.Want), "%q, not %q", got.Want, want.Want)
	require.True(t, bytes.Equal(want.Got, got.Got), "%q, not %q", got.Got, want.Got)
	require.Equal(t, want.Absent, got.Absent)
	require.Equal(t, want.Found, got.Found)
}

func testRequireBefore(t *testing.T, s store.Store) {
	commit(t, s, func(b *store.Batch) {
		b.Set([]byte("a"), []byte("1"))
		b.RequireAbsent([]byte("a"))
	})
	commit(t, s, func(b *store.Batch) {
		b.DeleteRange(nil, nil)
		b.Set([]byte("a"), []byte("2"))
		b.RequireValue([]byte("a"), []byte("1"))
	})
	require.Equal(t, []string{"a=2"}, all(t, s))
}

func testConflict(t *testing.T, s store.Store) {
	set(t, s, "a", "1")
	var b store.Batch
	b.Set([]byte("a"), []byte("2"))
	b.Set([]byte("b"), []byte("2"))
	b.DeleteRange(nil, nil)
	b.RequireAbsent([]byte("a"))
	for range 3 {
		require.ErrorIs(t, s.Commit(&b), store.ErrConflict)
		require.Equal(t, []string{"a=1"}, all(t, s))
	}
	set(t, s, "b", "3")
	require.Equal(t, []string{"a=1", "b=3"}, all(t, s), "the store goes on after a conflict")
}

func testBatchReuse(t *testing.T, s store.Store) {
	var b store.Batch
	for i := range 10 {
		b.Reset()
		require.Zero(t, b.Len())
		b.Set([]byte("last"), fmt.Append(nil, i))
		b.Set(fmt.Append(nil, i), nil)
		if i > 0 {
			b.RequireValue([]byte("last"), fmt.Append(nil, i-1))
		}
		require.Equal(t, 2, b.Len())
		require.NoError(t, s.Commit(&b))
	}
	require.Len(t, all(t, s), 11)
	// The same batch, unchanged, may be committed again.
	b.Reset()
	b.Set([]byte("last"), []byte("again"))
	require.NoError(t, s.Commit(&b))
	require.NoError(t, s.Commit(&b))
	requireValue(t, s, "last", "again")
}

func testLarge(t *testing.T, s store.Store) {
	value := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	set(t, s, "large", string(value))
	requireValue(t, s, "large", string(value))
	commit(t, s, func(b *store.Batch) {
		for i := range 20000 {
			b.Set(fmt.Appendf(nil, "key/%08d", i), value[:i%100])
		}
		b.Set([]byte("huge"), bytes.Repeat(value, 24))
	})
	requireValue(t, s, "key/00019999", string(value[:99]))
	require.Len(t, contents(t, s, []byte("key/"), []byte("key0")), 20000)
	huge, _, err := s.Get([]byte("huge"))
	require.NoError(t, err)
	require.True(t, bytes.Equal(huge, bytes.Repeat(value, 24)))
	for _, to := range [][]byte{[]byte("key0"), nil} {
		commit(t, s, func(b *store.Batch) {
			b.Set([]byte("key/before"), nil)
			b.Set([]byte("kex"), nil)
			b.DeleteRange([]byte("key/"), to)
			b.Set([]byte("key/after"), nil)
		})
		require.Equal(t, []string{"key/after="}, contents(t, s, []byte("key/"), []byte("key0")))
	}
}

func testLimits(t *testing.T, s store.Store) {
	longest := bytes.Repeat([]byte{0xff}, store.MaxKeySize)
	commit(t, s, func(b *store.Batch) { b.Set(longest, []byte("v")) })
	requireValue(t, s, string(longest), "v")
	longer := append(longest, 'x')
	for i, fill := range []func(b *store.Batch){
		func(b *store.Batch) { b.Set(longer, nil) },
		func(b *store.Batch) { b.Delete(longer) },
		func(b *store.Batch) { b.DeleteRange(longer, nil) },
		func(b *store.Batch) { b.DeleteRange(nil, longer) },
		func(b *store.Batch) { b.RequireAbsent(longer) },
		func(b *store.Batch) { b.RequireValue(longer, nil) },
		func(b *store.Batch) { b.Set(nil, []byte("value")) },
		func(b *store.Batch) { b.Set([]byte{}, []byte("value")) },
		func(b *store.Batch) { b.Delete(nil) },
		func(b *store.Batch) { b.RequireAbsent(nil) },
		func(b *store.Batch) { b.RequireValue(nil, nil) },
	} {
		var b store.Batch
		b.Set([]byte("beside"), nil)
		fill(&b)
		require.ErrorIs(t, s.Commit(&b), store.ErrInvalid, "%d", i)
	}
	var b store.Batch
	b.Set(nil, []byte("value"))
	require.EqualError(t, s.Commit(&b), `store: invalid batch: Set of the key "", which has 0 bytes; `+
		fmt.Sprintf("a key has 1 to %d", store.MaxKeySize))
	require.Len(t, all(t, s), 1)
	commit(t, s, func(b *store.Batch) { b.DeleteRange(nil, nil) })
	require.Empty(t, all(t, s), "a range without an end holds the longest key")
}

func testClosed(t *testing.T, s store.Store) {
	set(t, s, "a", "1")
	require.NoError(t, s.Close())
	_, _, err := s.Get([]byte("a"))
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, s.Scan(nil, nil, func(_, _ []byte) bool { return true }), store.ErrClosed)
	var b store.Batch
	require.ErrorIs(t, s.Commit(&b), store.ErrClosed)
	b.Set([]byte("a"), []byte("2"))
	require.ErrorIs(t, s.Commit(&b), store.ErrClosed)
	require.ErrorIs(t, s.Close(), store.ErrClosed)
	require.True(t, errors.Is(s.Close(), store.ErrClosed))
}
