package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

// trial is a run of commits on a disk that is tampered with.
type trial struct {
	t     *testing.T
	fs    vfs.FS
	begun atomic.Int64 // commits begun
	acked atomic.Int64 // commits that were acknowledged
	err   error        // what ended it
}

const trialCommits = 24

// run opens a store, commits, flushes and closes, twice, until something fails.
func (r *trial) run() {
	for round := range 2 {
		s, err := OpenPebble(memFolder, PebbleOptions{fs: r.fs})
		if err != nil {
			r.err = err
			return
		}
		if err := r.commits(s, round); err != nil {
			r.err = err
			r.requireFailed(s)
			return
		}
		if err := s.Close(); err != nil {
			r.err = err
			return
		}
	}
}

func (r *trial) commits(s Store, round int) error {
	for i := range trialCommits / 2 {
		n := r.begun.Add(1) - 1
		var b Batch
		b.Set(fmt.Appendf(nil, "a/%02d", n), fmt.Append(nil, n))
		b.Set(fmt.Appendf(nil, "b/%02d", n), fmt.Append(nil, n))
		if err := s.Commit(&b); err != nil {
			return err
		}
		r.acked.Add(1)
		if i == 6+round {
			if err := s.(*pebbleStore).flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush flushes a store on disk, which it otherwise does on its own.
func (s *pebbleStore) flush() (err error) {
	defer s.rescue(&err)
	if err := s.db.Flush(); err != nil {
		return err
	}
	return s.durable.err()
}

// requireFailed requires that a store that has failed stays so.
func (r *trial) requireFailed(s Store) {
	require.ErrorIs(r.t, r.err, ErrFailed)
	for range 3 {
		var b Batch
		require.ErrorIs(r.t, s.Commit(&b), ErrFailed)
		b.Set([]byte("a/99"), nil)
		require.ErrorIs(r.t, s.Commit(&b), ErrFailed)
		_, _, err := s.Get([]byte("a/00"))
		require.ErrorIs(r.t, err, ErrFailed)
		require.ErrorIs(r.t, s.Scan(nil, nil, func(_, _ []byte) bool { return true }), ErrFailed)
	}
	require.ErrorIs(r.t, s.Close(), ErrFailed)
	require.ErrorIs(r.t, s.Close(), ErrClosed)
}

// requireKept requires that a disk holds all commits that were acknowledged, and
// of the others that were begun, which come after them, each wholly or not.
func requireKept(t *testing.T, fs vfs.FS, acked, begun int64, hint string) {
	s, err := OpenPebble(memFolder, PebbleOptions{fs: fs})
	require.NoError(t, err, hint)
	list, err := contents(s)
	require.NoError(t, err, hint)
	require.NoError(t, s.Close(), hint)
	n := len(list) / 2
	require.GreaterOrEqual(t, int64(n), acked, "%s: %q", hint, list)
	require.LessOrEqual(t, int64(n), begun, "%s: %q", hint, list)
	for i := range n {
		require.Equal(t, fmt.Sprintf("a/%02d=%d", i, i), list[i], hint)
		require.Equal(t, fmt.Sprintf("b/%02d=%d", i, i), list[n+i], hint)
	}
}

// TestWriteFails has the k-th write, sync, or other change of the disk fail, for
// every k, once or from there on. What was acknowledged stays, whether power
// fails then or just the process ends.
func TestWriteFails(t *testing.T) {
	for _, again := range []bool{false, true} {
		seen := map[string]int{}
		for k := int64(0); ; k++ {
			mem := vfs.NewCrashableMem()
			var ops, hits atomic.Int64
			var path atomic.Value
			r := &trial{t: t, fs: errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpFilePreallocate {
					return nil
				}
				n := ops.Add(1) - 1
				if n == k || again && n > k {
					hits.Add(1)
					path.CompareAndSwap(nil, fmt.Sprintf("op %d of %s", op.Kind, op.Path))
					return syscall.ENOSPC
				}
				return nil
			}))}
			r.run()
			if hits.Load() == 0 {
				require.NoError(t, r.err)
				require.EqualValues(t, trialCommits, r.acked.Load())
				require.Greater(t, k, int64(100))
				break
			}
			hint := fmt.Sprintf("write %d fails (%v), again %t", k, path.Load(), again)
			if r.err != nil {
				require.ErrorIs(t, r.err, syscall.ENOSPC, hint)
			}
			seen[fmt.Sprint(r.err != nil)]++
			requireKept(t, mem.CrashClone(vfs.CrashCloneCfg{}), r.acked.Load(), r.begun.Load(), hint)
			requireKept(t, mem, r.acked.Load(), r.begun.Load(), hint)
		}
		t.Logf("again %t: %v", again, seen)
	}
}

// TestCrashAnywhere cuts the power before the k-th change of the disk, for every
// k. Of what was not synced nothing stays, or all, or some of it.
func TestCrashAnywhere(t *testing.T) {
	for _, percent := range []int{0, 50, 100} {
		for k := int64(0); ; k++ {
			changes, _ := crashAt(t, k, vfs.CrashCloneCfg{
				UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(uint64(k), 1)),
			})
			if changes <= k {
				require.Greater(t, k, int64(100))
				break
			}
		}
	}
}

// TestCrashInFolder cuts the power more often where names are about to become
// durable: some of them stay and some don't, in any mixture.
func TestCrashInFolder(t *testing.T) {
	for k := int64(0); ; k++ {
		changes, op := crashAt(t, k, vfs.CrashCloneCfg{})
		if changes <= k {
			return
		}
		if op.Path != memFolder {
			continue
		}
		for seed := range uint64(8) {
			crashAt(t, k, vfs.CrashCloneCfg{
				UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(uint64(k), seed)),
			})
		}
	}
}

// crashAt runs a trial, cuts the power before the k-th change of the disk and
// looks at what is left. It returns how many changes there were, and that one.
func crashAt(t *testing.T, k int64, cfg vfs.CrashCloneCfg) (int64, errorfs.Op) {
	mem := vfs.NewCrashableMem()
	var left *vfs.MemFS
	var acked, begun int64
	var at errorfs.Op
	var mu sync.Mutex
	changes := int64(0)
	r := &trial{t: t}
	r.fs = errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpFilePreallocate {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if changes++; changes == k+1 {
			at = op
			acked = r.acked.Load() // before the image, which may hold more
			left = mem.CrashClone(cfg)
			begun = r.begun.Load()
		}
		return nil
	}))
	r.run()
	require.NoError(t, r.err)
	if left != nil {
		requireKept(t, left, acked, begun, fmt.Sprintf("crash before change %d (%d of %s), %d%%",
			k, at.Kind, at.Path, cfg.UnsyncedDataPercent))
	}
	return changes, at
}

// TestReadFails has reads of the disk fail. The one who reads is told, and the
// store goes on.
func TestReadFails(t *testing.T) {
	var fail atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if fail.Load() && op.Kind == errorfs.OpFileReadAt && strings.HasSuffix(op.Path, ".sst") {
			return syscall.EIO
		}
		return nil
	}))
	s, err := OpenPebble(memFolder, PebbleOptions{fs: fs})
	require.NoError(t, err)
	commitPair(t, s, 1)
	require.NoError(t, s.(*pebbleStore).flush())
	require.NoError(t, s.Close())
	s, err = OpenPebble(memFolder, PebbleOptions{fs: fs})
	require.NoError(t, err)
	fail.Store(true)
	_, _, err = s.Get([]byte("last"))
	require.ErrorIs(t, err, syscall.EIO)
	require.ErrorContains(t, err, "store: can't read the store in "+memFolder)
	require.NotErrorIs(t, err, ErrFailed)
	_, err = contents(s)
	require.ErrorIs(t, err, syscall.EIO)
	var b Batch
	b.RequireAbsent([]byte("last"))
	b.Set([]byte("last"), []byte("lost"))
	require.ErrorIs(t, s.Commit(&b), syscall.EIO)
	fail.Store(false)
	// Pebble reads tables in the background too, to know their statistics. Who opens a table while another
	// opens it shares the outcome, so an opening that began while the disk failed may fail a reader yet.
	list, err := contents(s)
	for err != nil {
		require.ErrorIs(t, err, syscall.EIO)
		list, err = contents(s)
	}
	require.Equal(t, []string{"key/001=value 1", "last=1"}, list)
	commitPair(t, s, 2)
	require.NoError(t, s.Close())
}

// TestOpenFails has the k-th operation of any kind fail while a store is opened.
// The error names the store, and nothing is lost.
func TestOpenFails(t *testing.T) {
	whole, want := damagedStore(t, false)
	for k := int64(0); ; k++ {
		var ops atomic.Int64
		var hit atomic.Value
		mem := whole.disk(t)
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if ops.Add(1)-1 == k {
				hit.Store(fmt.Sprintf("operation %d: kind %d of %s", k, op.Kind, op.Path))
				return syscall.EIO
			}
			return nil
		}))
		s, err := OpenPebble(memFolder, PebbleOptions{fs: fs})
		if err == nil {
			_, err = contents(s)
			err = errors.Join(err, s.Close())
		}
		if hit.Load() == nil {
			require.NoError(t, err)
			require.Greater(t, k, int64(100))
			return
		}
		if err != nil {
			require.ErrorIs(t, err, syscall.EIO, hit.Load())
			require.ErrorContains(t, err, memFolder, hit.Load())
			require.NotErrorIs(t, err, ErrDamaged, hit.Load())
			require.NotErrorIs(t, err, ErrInUse, hit.Load())
		}
		require.Equal(t, "whole", inspect(t, readFiles(t, mem), want), hit.Load())
	}
}

// TestMarkersAreDurable looks at the order of changes: an old marker is removed
// only when a crash can't take the new one. The disk for tests never loses a name
// that was durable, so that no crash on it shows this.
func TestMarkersAreDurable(t *testing.T) {
	var mu sync.Mutex
	synced, removed := true, 0
	var early []string
	r := &trial{t: t, fs: errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		marker := strings.HasPrefix(op.Path, memFolder+"/marker.")
		switch {
		case op.Kind == errorfs.OpCreate && marker:
			synced = false
		case op.Kind == errorfs.OpFileSync && op.Path == memFolder:
			synced = true
		case op.Kind == errorfs.OpRemove && marker:
			removed++
			if !synced {
				early = append(early, op.Path)
			}
		}
		return nil
	}))}
	r.run()
	require.NoError(t, r.err)
	require.Empty(t, early)
	require.Greater(t, removed, 3)
}

// TestPebbleGivesUp has Pebble end the process, as it would: in a call of the
// store's, and in a goroutine of its own. It ends the store, of which the folder
// can be opened again.
func TestPebbleGivesUp(t *testing.T) {
	for _, background := range []bool{false, true} {
		dir := t.TempDir()
		s := mustOpenDir(t, dir).(*pebbleStore)
		commitPair(t, s, 1)
		returned := false
		fatal := func() {
			pebbleLogger{s}.Fatalf("manifest %d is gone", 7)
			returned = true
		}
		if background {
			done := make(chan struct{})
			go func() {
				defer close(done)
				fatal()
			}()
			<-done
		} else {
			err := s.read([]byte("last"), func([]byte) { fatal() })
			require.ErrorIs(t, err, ErrFailed)
		}
		require.False(t, returned)
		_, _, err := s.Get([]byte("last"))
		require.ErrorIs(t, err, ErrFailed)
		require.ErrorContains(t, err, "manifest 7 is gone")
		require.ErrorIs(t, s.Commit(&Batch{}), ErrFailed)
		_, err = OpenPebble(dir, PebbleOptions{})
		require.ErrorIs(t, err, ErrInUse)
		require.ErrorIs(t, s.Close(), ErrFailed)

		again := mustOpenDir(t, dir)
		list, err := contents(again)
		require.NoError(t, err)
		require.Equal(t, []string{"key/001=value 1", "last=1"}, list)
		require.NoError(t, again.Close())
	}
}
