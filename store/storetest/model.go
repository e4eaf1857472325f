package storetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/store"
)

// Model is a store as a Go map: what a store has to hold, said in the shortest
// way.
type Model map[string]string

// Apply does what a commit of the batch has to do, and reports whether it does
// anything: not when a requirement does not hold.
func (m Model) Apply(b *store.Batch) bool {
	for r := range b.Requirements() {
		value, found := m[string(r.Key)]
		if r.Kind == store.OpRequireAbsent && found ||
			r.Kind == store.OpRequireValue && (!found || value != string(r.Value)) {
			return false
		}
	}
	for op := range b.Ops() {
		switch op.Kind {
		case store.OpSet:
			m[string(op.Key)] = string(op.Value)
		case store.OpDelete:
			delete(m, string(op.Key))
		case store.OpDeleteRange:
			maps.DeleteFunc(m, func(key, _ string) bool {
				return key >= string(op.Key) && (op.Value == nil || key < string(op.Value))
			})
		}
	}
	return true
}

// List returns the model's contents in the form of [Contents].
func (m Model) List() []string {
	list := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, fmt.Sprintf("%q=%q", key, m[key]))
	}
	return list
}

// Contents returns what a store holds, in the order of its keys, one string for
// each.
func Contents(s store.Store) ([]string, error) {
	list := []string{}
	err := s.Scan(nil, nil, func(key, value []byte) bool {
		list = append(list, fmt.Sprintf("%q=%q", key, value))
		return true
	})
	return list, err
}

// Random fills a batch with a few random operations on a few keys, so that they
// meet one another.
func Random(r *rand.Rand, b *store.Batch) {
	key := func() []byte {
		const letters = "ab\x00\xff"
		key := make([]byte, 1+r.IntN(3))
		for i := range key {
			key[i] = letters[r.IntN(len(letters))]
		}
		return key
	}
	value := func() []byte { return make([]byte, r.IntN(3)*r.IntN(40)) }
	to := func() []byte {
		if r.IntN(4) == 0 {
			return nil
		}
		return key()[r.IntN(2):]
	}
	for range r.IntN(6) {
		switch r.IntN(10) {
		case 0:
			b.DeleteRange(key(), to())
		case 1, 2:
			b.Delete(key())
		case 3:
			b.RequireAbsent(key())
		case 4:
			b.RequireValue(key(), value())
		default:
			b.Set(key(), value())
		}
	}
}

func testModel(t *testing.T, s store.Store) {
	r := rand.New(rand.NewPCG(1, 2))
	model := Model{}
	var b store.Batch
	for i := range 400 {
		b.Reset()
		Random(r, &b)
		requireCommit(t, s, model, &b)
		if i%7 == 0 {
			requireModel(t, s, model)
		}
	}
}

// requireCommit commits a batch to a store and a model, which must agree on
// whether its requirements hold.
func requireCommit(t require.TestingT, s store.Store, model Model, b *store.Batch) {
	err := s.Commit(b)
	if model.Apply(b) {
		require.NoError(t, err)
	} else {
		require.ErrorIs(t, err, store.ErrConflict)
	}
}

// requireModel requires that a store holds what the model says.
func requireModel(t require.TestingT, s store.Store, model Model) {
	list, err := Contents(s)
	require.NoError(t, err)
	require.Equal(t, model.List(), list)
	for _, key := range []string{"", "a", "b", "\x00", "\xff", "ab"} {
		value, found, err := s.Get([]byte(key))
		require.NoError(t, err)
		want, wanted := model[key]
		require.Equal(t, wanted, found)
		require.Equal(t, want, string(value))
	}
}
