package store

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// orderedTrial compares an ordered map, and the snapshots taken of it on the way,
// with Go's map.
type orderedTrial struct {
	m         ordered
	model     map[string]string
	snapshots []orderedSnapshot
	n         int
}

type orderedSnapshot struct {
	chunks []*chunk
	want   []string
}

func listChunks(chunks []*chunk) []string {
	list := []string{}
	visitFrom(chunks, place{}, nil, func(e entry) bool {
		list = append(list, string(e.key)+"="+string(e.value))
		return true
	})
	return list
}

func (o *orderedTrial) list() []string {
	list := []string{}
	for _, k := range slices.Sorted(maps.Keys(o.model)) {
		list = append(list, k+"="+o.model[k])
	}
	return list
}

func (o *orderedTrial) set(t *rapid.T, key []byte) {
	o.n++
	value := fmt.Append(nil, o.n)
	old, found := o.m.set(entry{key, value})
	want, wanted := o.model[string(key)]
	require.Equal(t, wanted, found)
	require.Equal(t, want, string(old.value))
	o.model[string(key)] = string(value)
}

func (o *orderedTrial) setMany(t *rapid.T) {
	from := rapid.IntRange(0, 400).Draw(t, "from")
	to := rapid.IntRange(from, 400).Draw(t, "to")
	for i := from; i < to; i++ {
		o.set(t, fmt.Appendf(nil, "%03d", i))
	}
}

func (o *orderedTrial) remove(t *rapid.T) {
	key := orderedKey.Draw(t, "key")
	old, found := o.m.remove(key)
	want, wanted := o.model[string(key)]
	require.Equal(t, wanted, found)
	require.Equal(t, want, string(old.value))
	delete(o.model, string(key))
}

func (o *orderedTrial) removeRange(t *rapid.T) {
	from := orderedKey.Draw(t, "from")
	var to []byte
	if rapid.Bool().Draw(t, "bounded") {
		to = orderedKey.Draw(t, "to")
	}
	removed, want := []string{}, []string{}
	o.m.removeRange(from, to, func(e entry) { removed = append(removed, string(e.key)) })
	for _, k := range slices.Sorted(maps.Keys(o.model)) {
		if k >= string(from) && (to == nil || k < string(to)) {
			want = append(want, k)
			delete(o.model, k)
		}
	}
	require.Equal(t, want, removed)
}

func (o *orderedTrial) get(t *rapid.T) {
	key := orderedKey.Draw(t, "key")
	value, found := o.m.get(key)
	want, wanted := o.model[string(key)]
	require.Equal(t, wanted, found)
	require.Equal(t, want, string(value))
}

func (o *orderedTrial) check(t *rapid.T) {
	require.Equal(t, o.list(), listChunks(o.m.chunks))
	for _, s := range o.snapshots {
		require.Equal(t, s.want, listChunks(s.chunks))
	}
	for _, c := range o.m.chunks {
		require.NotEmpty(t, c.entries)
		require.LessOrEqual(t, len(c.entries), chunkMax)
	}
}

var orderedKey = rapid.Map(rapid.IntRange(0, 400), func(n int) []byte { return fmt.Appendf(nil, "%03d", n) })

func TestOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := &orderedTrial{model: map[string]string{}}
		t.Repeat(map[string]func(*rapid.T){
			"set":          func(t *rapid.T) { o.set(t, orderedKey.Draw(t, "key")) },
			"set many":     o.setMany,
			"remove":       o.remove,
			"remove range": o.removeRange,
			"get":          o.get,
			"snapshot": func(*rapid.T) {
				o.snapshots = append(o.snapshots, orderedSnapshot{o.m.snapshot(), o.list()})
			},
			"": o.check,
		})
	})
}
