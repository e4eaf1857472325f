package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/store"
)

// rotStep is how far apart the bytes are that testRot lets rot: it runs through
// all eight bits. RotEverywhere looks at every byte.
const rotStep = 37

// testRot lets bits rot all over a disk, one at a time.
func testRot(t *testing.T, open func() store.Disk) {
	if _, ok := open().(store.Rotter); ok {
		rot(t, open, rotStep)
		rotMisuse(t, open)
	}
}

// RotEverywhere lets every byte of a small disk rot, which [RunDisk] does for a
// few of them. It says how often the store saw it.
func RotEverywhere(t *testing.T, open func() store.Disk) (damaged, whole int) {
	return rot(t, open, 1)
}

func rot(t *testing.T, open func() store.Disk, step int) (damaged, whole int) {
	for _, closed := range []bool{false, true} {
		d, want := worn(t, open, closed)
		size := d.Size()
		require.Positive(t, size)
		for at := 0; at < size; at += step {
			d, _ := worn(t, open, closed)
			require.Equal(t, size, d.Size(), "the same commits leave another disk")
			where, err := d.Rot(at, uint8(at%8))
			require.NoError(t, err)
			if rotSeen(t, d, want, where) {
				damaged++
			} else {
				whole++
			}
		}
	}
	t.Logf("%d places: damaged at %d, whole at %d", damaged+whole, damaged, whole)
	require.Positive(t, damaged)
	return damaged, whole
}

// worn is a disk at rest, with something in tables and in the log, and what it
// holds.
func worn(t *testing.T, open func() store.Disk, closed bool) (store.Rotter, []string) {
	d := open().(store.Rotter)
	s := mustOpen(t, d)
	set(t, s, "a", "1", "b", "1", "c", "1")
	require.NoError(t, d.Flush())
	set(t, s, "a", "2")
	s = crash(t, d, 0)
	set(t, s, "d", "4")
	set(t, s, "b", "4", "e", "4")
	commit(t, s, func(b *store.Batch) { b.Delete([]byte("c")) })
	set(t, s, "f", "the last commit, to which damage looks like a torn one")
	want := all(t, s)
	if closed {
		require.NoError(t, s.Close())
	} else {
		require.NoError(t, d.Crash(0))
	}
	return d, want
}

// rotSeen reports whether the store on the disk says that it is damaged. What it
// shows must be what it held.
func rotSeen(t *testing.T, d store.Rotter, want []string, where string) bool {
	s, err := d.Open()
	if err != nil {
		require.ErrorIs(t, err, store.ErrDamaged, where)
		return true
	}
	var got []string
	err = s.Scan(nil, nil, func(key, value []byte) bool {
		got = append(got, fmt.Sprintf("%s=%s", key, value))
		return true
	})
	for _, pair := range want {
		value, found, err := s.Get([]byte(pair[:1]))
		if err != nil {
			require.ErrorIs(t, err, store.ErrDamaged, where)
		} else {
			require.True(t, found, where)
			require.Equal(t, pair[2:], string(value), where)
		}
	}
	for i, pair := range got {
		require.Equal(t, want[i], pair, where)
	}
	if err == nil {
		require.Equal(t, want, got, where)
	} else {
		require.ErrorIs(t, err, store.ErrDamaged, where)
	}
	var b store.Batch
	b.RequireValue([]byte("a"), []byte("2"))
	if commitErr := s.Commit(&b); commitErr != nil {
		require.ErrorIs(t, commitErr, store.ErrDamaged, where)
	}
	require.NoError(t, s.Close())
	return err != nil
}

func rotMisuse(t *testing.T, open func() store.Disk) {
	d, _ := worn(t, open, false)
	size := d.Size()
	for at, bit := range map[int]uint8{-1: 0, size: 0, 0: 8} {
		_, err := d.Rot(at, bit)
		require.ErrorContains(t, err, "can't rot: the disk has")
	}
	require.NoError(t, mustOpen(t, d).Close(), "nothing has rotted")
	mustOpen(t, d)
	require.Zero(t, d.Size(), "a store is open")
	_, err := d.Rot(0, 0)
	require.ErrorContains(t, err, "the disk has 0 bytes that can")
	require.NoError(t, d.Crash(0))
}
