package durable

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestATransactionIsAMap compares a transaction with a map that is changed in the same way, over a store that
// has more than a page of keys.
func TestATransactionIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := func() string { return fmt.Sprintf("%03d", rapid.IntRange(0, 400).Draw(t, "key")) }
		st := store.OpenMemory()
		model := map[string]string{}
		var b store.Batch
		for i := range rapid.IntRange(0, 400).Draw(t, "stored") {
			k := fmt.Sprintf("%03d", i)
			model[k] = "v" + k
			b.Set(userKey(k), []byte(model[k]))
		}
		b.Set([]byte{tableUser - 1, 'x'}, []byte("not the user's"))
		b.Set([]byte{tableUser + 1}, []byte("nor this"))
		require.NoError(t, st.Commit(&b))
		before := maps.Clone(model)

		tx := newTx(st)
		for range rapid.IntRange(0, 40).Draw(t, "operations") {
			switch k := key(); rapid.IntRange(0, 3).Draw(t, "operation") {
			case 0:
				tx.Set(k, []byte("w"+k))
				model[k] = "w" + k
			case 1:
				tx.Delete(k)
				delete(model, k)
			case 2:
				got, ok := tx.Get(k)
				want, there := model[k]
				require.Equal(t, there, ok)
				require.Equal(t, want, string(got))
			case 3:
				to := rapid.SampledFrom([]string{"", key()}).Draw(t, "to")
				leave := rapid.SampledFrom([]int{1, 2, 3, 1000}).Draw(t, "leave after")
				var want, got []string
				for _, at := range slices.Sorted(maps.Keys(model)) {
					if at >= k && (to == "" || at < to) && len(want) < leave {
						want = append(want, at+"="+model[at])
					}
				}
				for at, value := range tx.Scan(k, to) {
					got = append(got, at+"="+string(value))
					if len(got) == leave {
						break
					}
				}
				require.Equal(t, want, got)
			}
		}
		fresh, err := tx.fresh()
		require.NoError(t, err)
		require.True(t, fresh)
		require.Equal(t, before, stored(t, st), "it has written before its commit")
		b.Reset()
		tx.record(&b)
		require.NoError(t, st.Commit(&b))
		require.Equal(t, model, stored(t, st))
	})
}

// stored is what transactions have written.
func stored(t require.TestingT, st store.Store) map[string]string {
	all := map[string]string{}
	for k, v := range newTx(st).Scan("", "") {
		all[k] = string(v)
	}
	return all
}

// TestWhatATransactionHasReadIsWatched: any change of it, and no other, makes it stale.
func TestWhatATransactionHasReadIsWatched(t *testing.T) {
	put := func(keys ...string) func(b *store.Batch) {
		return func(b *store.Batch) {
			for _, k := range keys {
				b.Set(userKey(k), []byte("new"))
			}
		}
	}
	remove := func(key string) func(b *store.Batch) {
		return func(b *store.Batch) { b.Delete(userKey(key)) }
	}
	for name, c := range map[string]struct {
		read  func(tx *Tx)
		other func(b *store.Batch)
		fresh bool
	}{
		"another value":       {func(tx *Tx) { tx.Get("b") }, put("b"), false},
		"removed":             {func(tx *Tx) { tx.Get("b") }, remove("b"), false},
		"appeared":            {func(tx *Tx) { tx.Get("bb") }, put("bb"), false},
		"not read":            {func(tx *Tx) { tx.Get("b") }, put("a", "bb", "c"), true},
		"only written":        {func(tx *Tx) { tx.Set("b", nil) }, put("b"), true},
		"written, then read":  {func(tx *Tx) { tx.Set("b", nil); tx.Get("b") }, put("b"), true},
		"in the range":        {func(tx *Tx) { scan(tx, "b", "d", 9) }, put("bb"), false},
		"at its start":        {func(tx *Tx) { scan(tx, "b", "d", 9) }, put("b"), false},
		"at its end":          {func(tx *Tx) { scan(tx, "b", "d", 9) }, put("d"), true},
		"before its end":      {func(tx *Tx) { scan(tx, "b", "d", 9) }, put("czz"), false},
		"removed from it":     {func(tx *Tx) { scan(tx, "b", "d", 9) }, remove("c"), false},
		"beyond a break":      {func(tx *Tx) { scan(tx, "b", "", 1) }, put("bb"), true},
		"before a break":      {func(tx *Tx) { scan(tx, "a", "", 2) }, put("aa"), false},
		"at a break":          {func(tx *Tx) { scan(tx, "a", "", 2) }, remove("b"), false},
		"an empty range":      {func(tx *Tx) { scan(tx, "x", "y", 9) }, put("xx"), false},
		"masked in the range": {func(tx *Tx) { tx.Delete("c"); scan(tx, "b", "d", 9) }, put("c"), false},
		"after own keys":      {func(tx *Tx) { tx.Set("aa", nil); scan(tx, "aa", "", 1) }, put("c"), true},
	} {
		t.Run(name, func(t *testing.T) {
			st := store.OpenMemory()
			var b store.Batch
			for _, k := range []string{"a", "b", "c", "d"} {
				b.Set(userKey(k), []byte("old"))
			}
			require.NoError(t, st.Commit(&b))
			tx := newTx(st)
			c.read(tx)
			b.Reset()
			c.other(&b)
			require.NoError(t, st.Commit(&b))
			fresh, err := tx.fresh()
			require.NoError(t, err)
			require.Equal(t, c.fresh, fresh)
		})
	}
}

func scan(tx *Tx, from, to string, n int) {
	for range tx.Scan(from, to) {
		if n--; n == 0 {
			return
		}
	}
}

func TestATransactionKeepsItsValuesToItself(t *testing.T) {
	st := store.OpenMemory()
	tx := newTx(st)
	value := []byte("one")
	tx.Set("k", value)
	value[0] = 'x'
	got, _ := tx.Get("k")
	require.Equal(t, "one", string(got))
	got[0] = 'y'
	again, _ := tx.Get("k")
	require.Equal(t, "one", string(again))
	tx.Set("empty", nil)
	_, ok := tx.Get("empty")
	require.True(t, ok)
}

func TestTransactionsThatCantBeSaySo(t *testing.T) {
	for want, misuse := range map[string]func(tx *Tx){
		"durable: Get was called with an empty key; a key has 1 to 4096 bytes":    func(tx *Tx) { tx.Get("") },
		"durable: Set was called with an empty key; a key has 1 to 4096 bytes":    func(tx *Tx) { tx.Set("", nil) },
		"durable: Delete was called with an empty key; a key has 1 to 4096 bytes": func(tx *Tx) { tx.Delete("") },
		"durable: Set was called with a key of 4097 bytes, at most 4096 are allowed: " +
			`"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"…`: func(tx *Tx) { tx.Set(strings.Repeat("x", 4097), nil) },
		`durable: Set("k") of 16777217 bytes makes the transaction too large: a value may have 16777216 bytes, all ` +
			"that it writes 67108864; write it in parts": func(tx *Tx) { tx.Set("k", make([]byte, 16<<20+1)) },
		`durable: Set("e") of 16777216 bytes makes the transaction too large: a value may have 16777216 bytes, all ` +
			"that it writes 67108864; write it in parts": func(tx *Tx) {
			for _, k := range []string{"a", "b", "c"} {
				tx.Set(k, make([]byte, 15<<20))
				tx.Set(k, make([]byte, 16<<20))
				tx.Set("d", nil)
			}
			require.NoError(t, tx.wrong)
			tx.Set("e", make([]byte, 16<<20))
		},
	} {
		tx := newTx(store.OpenMemory())
		misuse(tx)
		require.EqualError(t, tx.wrong, want)
	}
	tx := newTx(store.OpenMemory())
	tx.ended = true
	require.PanicsWithValue(t, "durable: Get was called on a Tx whose function has returned; use it in the "+
		"function that it was given to, and in no goroutine of its own", func() { tx.Get("k") })
}

// brokenStore can't be read.
type brokenStore struct{ store.Store }

func (brokenStore) Get([]byte) ([]byte, bool, error) { return nil, false, errors.New("broken disk") }

func (brokenStore) Scan(_, _ []byte, _ func(_, _ []byte) bool) error {
	return errors.New("broken disk")
}

func TestATransactionWhoseStoreCantBeReadEnds(t *testing.T) {
	for _, read := range []func(tx *Tx){func(tx *Tx) { tx.Get("k") }, func(tx *Tx) { scan(tx, "", "", 9) }} {
		tx := newTx(brokenStore{})
		tx.guard(func() {
			read(tx)
			t.Error("the function goes on")
		})
		require.EqualError(t, tx.broken, "broken disk")
	}
}

// TestClaimsKeepConflictsApart makes and releases claims in any order: those that are granted never conflict,
// a claim waits only for earlier ones in conflict, and none is forgotten.
func TestClaimsKeepConflictsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := func(label string) []string {
			list := rapid.SliceOfNDistinct(rapid.StringMatching("[a-d]"), 0, 3, rapid.ID).Draw(t, label)
			slices.Sort(list)
			return list
		}
		var cs claims
		var all []*claim
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			var granted []*claim
			for _, c := range all {
				if !c.released && c.waitsFor == 0 {
					granted = append(granted, c)
				}
			}
			if len(granted) > 0 && rapid.Bool().Draw(t, "release") {
				cs.release(rapid.SampledFrom(granted).Draw(t, "claim"))
			} else {
				f := footprint{reads: keys("reads"), writes: keys("writes")}
				for range rapid.IntRange(0, 2).Draw(t, "ranges") {
					f.ranges = append(f.ranges, keyRange{
						rapid.StringMatching("[a-d]").Draw(t, "from"),
						rapid.SampledFrom([]string{"", "b", "c", "d", "e"}).Draw(t, "to"),
					})
				}
				all = append(all, cs.request(f, nil))
			}
			for i, c := range all {
				earlier := 0
				for _, other := range all[:i] {
					if !other.released && conflict(c.footprint, other.footprint) {
						earlier++
					}
				}
				if !c.released {
					require.Equal(t, earlier, c.waitsFor)
				}
			}
		}
		for len(cs.live) > 0 {
			n := len(cs.live)
			for _, c := range slices.Clone(cs.live) {
				if c.waitsFor == 0 {
					cs.release(c)
					cs.release(c) // harmless
				}
			}
			require.Less(t, len(cs.live), n, "the claims wait for each other")
		}
		require.Empty(t, cs.reads)
		require.Empty(t, cs.writes)
	})
}

// conflict says it slowly.
func conflict(a, b footprint) bool {
	hits := func(writes []string, f footprint) bool {
		for _, w := range writes {
			if slices.Contains(f.reads, w) || slices.Contains(f.writes, w) {
				return true
			}
			for _, r := range f.ranges {
				if r.has(w) {
					return true
				}
			}
		}
		return false
	}
	return hits(a.writes, b) || hits(b.writes, a)
}

func TestAClaimCoversWhatConflictsWithNoMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) footprint {
			f := footprint{}
			for _, part := range []*[]string{&f.reads, &f.writes} {
				*part = rapid.SliceOfNDistinct(rapid.StringMatching("[a-e]"), 0, 3, rapid.ID).Draw(t, label)
				slices.Sort(*part)
			}
			for range rapid.IntRange(0, 1).Draw(t, "ranges") {
				f.ranges = append(f.ranges, keyRange{
					rapid.StringMatching("[a-d]").Draw(t, "from"), rapid.SampledFrom([]string{"", "c", "e"}).Draw(t, "to"),
				})
			}
			return f
		}
		held, f, other := draw("held"), draw("f"), draw("other")
		c := &claim{footprint: held}
		if c.covers(f) && conflict(f, other) {
			require.True(t, conflict(held, other), "what conflicts with a part of a claim conflicts with the claim")
		}
		both := &claim{footprint: held.union(f)}
		require.True(t, both.covers(f) && both.covers(held))
	})
}
