package storetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/store"
)

// RunDisk checks a simulated disk, and with [Run] the stores on it. Its
// argument makes a new, empty disk.
func RunDisk(t *testing.T, open func() store.Disk) {
	t.Run("its stores", func(t *testing.T) {
		Run(t, func(t *testing.T) store.Store { return mustOpen(t, open()) })
	})
	for _, part := range []struct {
		name string
		test func(t *testing.T, open func() store.Disk)
	}{
		{"a crash keeps what was committed", testCrashKeeps},
		{"a torn commit is lost wholly", testCrashTears},
		{"only the last commit can be torn", testTail},
		{"a cut is within the tail", testCuts},
		{"one store at a time", testOneStore},
		{"a closed store is kept", testCloseKeeps},
		{"an abandoned store", testAbandoned},
		{"a crash while a scan runs", testCrashInScan},
		{"flush changes nothing", testFlush},
		{"records of all sizes", testSizes},
		{"a crash is deterministic", testDeterministic},
		{"a model agrees", testDiskModel},
		{"rot is seen", testRot},
		{"nothing leaks", testLeaks},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, open) })
	}
}

func mustOpen(t require.TestingT, d store.Disk) store.Store {
	s, err := d.Open()
	require.NoError(t, err)
	return s
}

// crash cuts the disk's power and opens what is left.
func crash(t require.TestingT, d store.Disk, cut int) store.Store {
	require.NoError(t, d.Crash(cut))
	require.Zero(t, d.TailBytes())
	return mustOpen(t, d)
}

func testCrashKeeps(t *testing.T, open func() store.Disk) {
	d := open()
	mustOpen(t, d)
	s := crash(t, d, 0)
	require.Empty(t, all(t, s))
	set(t, s, "a", "1", "b", "1")
	set(t, s, "a", "2")
	s = crash(t, d, 0)
	require.Equal(t, []string{"a=2", "b=1"}, all(t, s))
	s = crash(t, d, 0)
	require.Equal(t, []string{"a=2", "b=1"}, all(t, s))
	commit(t, s, func(b *store.Batch) {
		b.DeleteRange([]byte("b"), nil)
		b.RequireValue([]byte("a"), []byte("2"))
	})
	s = crash(t, d, 0)
	require.Equal(t, []string{"a=2"}, all(t, s))
}

func testCrashTears(t *testing.T, open func() store.Disk) {
	d := open()
	s := mustOpen(t, d)
	set(t, s, "a", "1", "b", "1", "c", "1")
	lose := func(b *store.Batch) {
		b.Set([]byte("a"), []byte("2"))
		b.Delete([]byte("b"))
		b.DeleteRange([]byte("c"), []byte("d"))
		b.Set([]byte("c"), []byte("2"))
		b.Set([]byte("d"), []byte("2"))
		b.DeleteRange([]byte("x"), nil)
	}
	commit(t, s, lose)
	tail := d.TailBytes()
	require.Positive(t, tail)
	for _, cut := range []int{1, 2, 3, tail / 2, tail - 20, tail - 2, tail - 1, tail} {
		s = crash(t, d, 0)
		commit(t, s, func(b *store.Batch) {
			b.DeleteRange(nil, nil)
			b.Set([]byte("a"), []byte("1"))
			b.Set([]byte("b"), []byte("1"))
			b.Set([]byte("c"), []byte("1"))
		})
		commit(t, s, lose)
		require.Equal(t, []string{"a=2", "c=2", "d=2"}, all(t, s))
		require.Equal(t, tail, d.TailBytes(), "the length of a record depends on its batch only")
		s = crash(t, d, cut)
		require.Equal(t, []string{"a=1", "b=1", "c=1"}, all(t, s), "cut %d of %d", cut, tail)
		set(t, s, "after", "1")
		s = crash(t, d, 0)
		require.Equal(t, []string{"a=1", "after=1", "b=1", "c=1"}, all(t, s))
	}
}

func testTail(t *testing.T, open func() store.Disk) {
	d := open()
	require.Zero(t, d.TailBytes())
	s := mustOpen(t, d)
	require.Zero(t, d.TailBytes())
	set(t, s, "a", "1")
	one := d.TailBytes()
	require.Positive(t, one)
	set(t, s, "b", "12345")
	require.Equal(t, one+4, d.TailBytes())

	requireAbsent(t, s, "c")
	require.Len(t, all(t, s), 2)
	require.Equal(t, one+4, d.TailBytes(), "to read changes nothing")

	commit(t, s, func(b *store.Batch) {})
	require.Zero(t, d.TailBytes(), "what was acknowledged before can't be lost")
	set(t, s, "a", "1")
	commit(t, s, func(b *store.Batch) { b.RequireAbsent([]byte("c")) })
	require.Zero(t, d.TailBytes())
	set(t, s, "a", "1")
	var b store.Batch
	b.Set([]byte("a"), []byte("2"))
	b.RequireAbsent([]byte("a"))
	require.ErrorIs(t, s.Commit(&b), store.ErrConflict)
	require.Zero(t, d.TailBytes())
	set(t, s, "a", "1")
	require.NoError(t, d.Flush())
	require.Zero(t, d.TailBytes())

	commit(t, s, func(b *store.Batch) { b.Delete([]byte("none")) })
	require.Positive(t, d.TailBytes())
	commit(t, s, func(b *store.Batch) { b.DeleteRange([]byte("b"), []byte("a")) })
	require.Positive(t, d.TailBytes())
	s = crash(t, d, d.TailBytes())
	require.Equal(t, []string{"a=1", "b=12345"}, all(t, s))
	set(t, s, "a", "1")
	require.NoError(t, s.Close())
	require.Zero(t, d.TailBytes())
}

func testCuts(t *testing.T, open func() store.Disk) {
	d := open()
	require.NoError(t, d.Crash(0))
	require.Error(t, d.Crash(1))
	s := mustOpen(t, d)
	require.Error(t, d.Crash(1))
	set(t, s, "a", "1")
	require.Error(t, d.Crash(-1))
	tail := d.TailBytes()
	require.EqualError(t, d.Crash(tail+1), fmt.Sprintf(
		"store: a crash can't cut %d bytes: the last commit's record has %d that can be lost", tail+1, tail))
	set(t, s, "a", "2")
	require.Equal(t, []string{"a=2"}, all(t, s), "a cut that is refused does nothing")
	require.NoError(t, s.Close())
	require.NoError(t, d.Crash(0), "power fails also when nothing runs")
	require.Equal(t, []string{"a=2"}, all(t, mustOpen(t, d)))
}

func testOneStore(t *testing.T, open func() store.Disk) {
	d := open()
	s := mustOpen(t, d)
	_, err := d.Open()
	require.ErrorIs(t, err, store.ErrInUse)
	set(t, s, "a", "1")
	require.NoError(t, s.Close())
	mustOpen(t, d)
	_, err = d.Open()
	require.ErrorIs(t, err, store.ErrInUse)
	require.Equal(t, []string{"a=1"}, all(t, crash(t, d, 0)))

	other := mustOpen(t, open())
	require.Empty(t, all(t, other), "disks share nothing")
}

func testCloseKeeps(t *testing.T, open func() store.Disk) {
	d := open()
	for i := range 5 {
		s := mustOpen(t, d)
		require.Len(t, all(t, s), i)
		set(t, s, fmt.Sprint(i), "1")
		require.NoError(t, s.Close())
	}
}

func testAbandoned(t *testing.T, open func() store.Disk) {
	d := open()
	old := mustOpen(t, d)
	set(t, old, "a", "1")
	s := crash(t, d, 0)
	for range 2 {
		testAbandonedCalls(t, old)
		set(t, s, "a", "2")
	}
	require.Equal(t, []string{"a=2"}, all(t, s))
	require.Positive(t, d.TailBytes())
	testAbandonedCalls(t, old)
	require.Positive(t, d.TailBytes(), "what an abandoned store is told does not reach the disk")
	require.Equal(t, []string{"a=2"}, all(t, crash(t, d, 0)))
}

func testAbandonedCalls(t *testing.T, old store.Store) {
	var b store.Batch
	b.Set([]byte("a"), []byte("old"))
	require.ErrorIs(t, old.Commit(&b), store.ErrClosed)
	_, _, err := old.Get([]byte("a"))
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, old.Scan(nil, nil, func(_, _ []byte) bool { return true }), store.ErrClosed)
	require.ErrorIs(t, old.Close(), store.ErrClosed)
}

func testCrashInScan(t *testing.T, open func() store.Disk) {
	d := open()
	old := mustOpen(t, d)
	commit(t, old, func(b *store.Batch) {
		for i := range 100 {
			b.Set(fmt.Appendf(nil, "%03d", i), []byte("old"))
		}
	})
	var s store.Store
	n := 0
	_ = old.Scan(nil, nil, func(_, value []byte) bool {
		require.Equal(t, "old", string(value))
		if n++; n == 10 {
			s = crash(t, d, d.TailBytes())
			set(t, s, "new", "new")
		}
		return true
	})
	require.Equal(t, []string{"new=new"}, all(t, s))
	testAbandonedCalls(t, old)
}

func testFlush(t *testing.T, open func() store.Disk) {
	d := open()
	require.ErrorIs(t, d.Flush(), store.ErrClosed)
	s := mustOpen(t, d)
	require.NoError(t, d.Flush())
	model := Model{}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 60 {
		var b store.Batch
		Random(r, &b)
		requireCommit(t, s, model, &b)
		if i%4 == 0 {
			require.NoError(t, d.Flush())
		}
		requireModel(t, s, model)
		if i%10 == 0 {
			s = crash(t, d, 0)
			requireModel(t, s, model)
		}
	}
	require.NoError(t, s.Close())
	require.ErrorIs(t, d.Flush(), store.ErrClosed)
}

// testSizes commits records that end everywhere around the borders of the
// 32 KiB blocks of a log, and tears them there.
func testSizes(t *testing.T, open func() store.Disk) {
	const block = 32 << 10
	d := open()
	s := mustOpen(t, d)
	set(t, s, "a", "kept")
	bare := d.TailBytes() - len("kept")
	s = crash(t, d, 0)
	r := rand.New(rand.NewPCG(5, 6))
	for near := -50; near <= 50; near += 3 {
		for _, blocks := range []int{1, 3} {
			value := bytes.Repeat([]byte{'v'}, blocks*block+near-bare-64)
			commit(t, s, func(b *store.Batch) { b.Set([]byte("b"), value) })
			tail := d.TailBytes()
			cut := []int{1, 1 + r.IntN(20), 1 + r.IntN(tail), tail - r.IntN(20), tail}[r.IntN(5)]
			s = crash(t, d, cut)
			require.Equal(t, []string{"a=kept"}, all(t, s), "%d bytes, cut %d of %d", len(value), cut, tail)
			commit(t, s, func(b *store.Batch) { b.Set([]byte("b"), value) })
			commit(t, s, func(b *store.Batch) { b.Set([]byte("c"), value[:len(value)%97]) })
			s = crash(t, d, 1+r.IntN(d.TailBytes()))
			requireValue(t, s, "b", string(value))
			requireAbsent(t, s, "c")
			commit(t, s, func(b *store.Batch) { b.Delete([]byte("b")) })
			s = crash(t, d, 0)
		}
	}
}

// testDeterministic makes the same commits and crashes again and again, and
// expects the same contents and the same tails each time.
func testDeterministic(t *testing.T, open func() store.Disk) {
	run := func(cut func(tail int) int) []string {
		d := open()
		s := mustOpen(t, d)
		r := rand.New(rand.NewPCG(7, 8))
		trace := []string{}
		for i := range 24 {
			var b store.Batch
			Random(r, &b)
			err := s.Commit(&b)
			trace = append(trace, fmt.Sprintf("commit: %v, tail %d", err, d.TailBytes()))
			switch {
			case i == 10:
				require.NoError(t, d.Flush())
			case i%6 == 5:
				s = crash(t, d, cut(d.TailBytes()))
				trace = append(trace, all(t, s)...)
			}
		}
		require.NoError(t, s.Close())
		return trace
	}
	for name, cut := range map[string]func(tail int) int{
		"nothing":    func(int) int { return 0 },
		"one byte":   func(tail int) int { return min(1, tail) },
		"half":       func(tail int) int { return tail / 2 },
		"everything": func(tail int) int { return tail },
	} {
		first := run(cut)
		for i := range 49 {
			require.Equal(t, first, run(cut), "cut %s, run %d", name, i+2)
		}
	}
}

func testDiskModel(t *testing.T, open func() store.Disk) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 5 {
		d := open()
		s := mustOpen(t, d)
		model := Model{}
		for range 150 {
			var b store.Batch
			Random(r, &b)
			before := Model{}
			for key, value := range model {
				before[key] = value
			}
			requireCommit(t, s, model, &b)
			switch tail := d.TailBytes(); r.IntN(10) {
			case 0:
				s = crash(t, d, 0)
				requireModel(t, s, model)
			case 1:
				if tail > 0 {
					s = crash(t, d, 1+r.IntN(tail))
					model = before
					requireModel(t, s, model)
				}
			case 2:
				require.NoError(t, s.Close())
				s = mustOpen(t, d)
				requireModel(t, s, model)
			case 3:
				require.NoError(t, d.Flush())
			}
		}
	}
}

// testLeaks crashes and opens many times, and looks for goroutines that stay.
func testLeaks(t *testing.T, open func() store.Disk) {
	cycle := func() {
		d := open()
		s := mustOpen(t, d)
		set(t, s, "a", "1")
		s = crash(t, d, d.TailBytes())
		set(t, s, "a", "1")
		require.NoError(t, s.Close())
	}
	cycle()
	before := runtime.NumGoroutine()
	for range 200 {
		cycle()
	}
	// A goroutine that was told to end may still be about to.
	for i := 0; i < 1000 && runtime.NumGoroutine() > before; i++ {
		runtime.Gosched()
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before+3)
}
