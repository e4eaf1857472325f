package store

import (
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGate(t *testing.T) {
	var g gate
	emptied := 0
	empty := func() { emptied++ }
	require.True(t, g.enter())
	require.True(t, g.enter())
	require.False(t, g.isShut())
	require.True(t, g.shut(empty))
	require.True(t, g.isShut())
	require.False(t, g.enter())
	require.False(t, g.shut(empty))
	g.leave()
	require.False(t, g.enter())
	require.Zero(t, emptied, "one is inside")
	g.leave()
	require.Equal(t, 1, emptied)
	require.False(t, g.enter())
	require.Equal(t, 1, emptied)

	var idle gate
	require.True(t, idle.enter())
	idle.leave()
	require.True(t, idle.shut(empty))
	require.Equal(t, 2, emptied)
}

func TestWaterline(t *testing.T) {
	var w waterline
	w.init()
	require.NoError(t, w.wait(0))
	w.raise(5)
	w.raise(3)
	require.NoError(t, w.wait(5))

	ended, wait := later(func() error { return w.wait(7) })
	for w.waiting.Load() < 1 {
		runtime.Gosched()
	}
	w.raise(6)
	require.False(t, ended())
	w.raise(7)
	require.NoError(t, wait())

	_, wait = later(func() error { return w.wait(8) })
	for w.waiting.Load() < 1 {
		runtime.Gosched()
	}
	failure := errors.New("failure")
	w.fail(failure)
	w.fail(errors.New("another one"))
	require.Equal(t, failure, wait())
	require.Equal(t, failure, w.err())
	require.Equal(t, failure, w.wait(8))
	require.NoError(t, w.wait(7), "what was durable before stays so")
}

func TestTouched(t *testing.T) {
	var unknown *touched
	var b Batch
	b.Set([]byte("a"), nil)
	unknown.add(&b, 1)

	var known touched
	require.Zero(t, known.last([]byte("a")))
	known.add(&b, 1)
	require.EqualValues(t, 1, known.last([]byte("a")))
	require.Zero(t, known.last([]byte("b")))
	b.Reset()
	b.Delete([]byte("b"))
	b.RequireAbsent([]byte("a"))
	known.add(&b, 2)
	require.EqualValues(t, 1, known.last([]byte("a")))
	require.EqualValues(t, 2, known.last([]byte("b")))
	known.all(3)
	require.EqualValues(t, 3, known.last([]byte("a")))
	require.EqualValues(t, 3, known.last([]byte("x")))
}
