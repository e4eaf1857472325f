package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// committers runs b.N commits in that many goroutines.
func committers(b *testing.B, goroutines int, commit func(worker int, n int64) error) {
	b.ReportAllocs()
	var next atomic.Int64
	errs := make([]error, goroutines)
	var wg sync.WaitGroup
	b.ResetTimer()
	for worker := range goroutines {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := next.Add(1); n <= int64(b.N) && errs[worker] == nil; n = next.Add(1) {
				errs[worker] = commit(worker, n)
			}
		}()
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
	require.NoError(b, errors.Join(errs...))
}

// benchKey makes the key of the i-th of three writes of commit n: as of a journal,
// in the order of a run, and of an index beside it.
func benchKey(buf []byte, worker int, n int64, i int) []byte {
	buf = append(buf[:0], "run/"...)
	buf = binary.BigEndian.AppendUint32(buf, uint32(worker))
	buf = binary.BigEndian.AppendUint64(buf, uint64(n))
	return append(buf, byte(i))
}

var benchValue = make([]byte, 80)

// BenchmarkCommit compares commits of three writes, every one synced, on disk,
// with what Pebble itself does of them.
func BenchmarkCommit(b *testing.B) {
	for _, goroutines := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("pebble-alone/%d", goroutines), func(b *testing.B) {
			db, err := pebble.Open(b.TempDir(), &pebble.Options{Logger: pebbleLogger{}})
			require.NoError(b, err)
			keys := make([][]byte, goroutines)
			committers(b, goroutines, func(worker int, n int64) error {
				batch := db.NewBatch()
				for i := range 3 {
					keys[worker] = benchKey(keys[worker], worker, n, i)
					_ = batch.Set(keys[worker], benchValue, nil)
				}
				if err := batch.Commit(pebble.Sync); err != nil {
					return err
				}
				return batch.Close()
			})
			require.NoError(b, db.Close())
		})
		for _, requires := range []bool{false, true} {
			name := "store"
			if requires {
				name = "store-requiring"
			}
			b.Run(fmt.Sprintf("%s/%d", name, goroutines), func(b *testing.B) {
				s, err := OpenPebble(b.TempDir(), PebbleOptions{})
				require.NoError(b, err)
				batches := make([]Batch, goroutines)
				keys := make([][]byte, goroutines)
				committers(b, goroutines, func(worker int, n int64) error {
					batch := &batches[worker]
					batch.Reset()
					for i := range 3 {
						keys[worker] = benchKey(keys[worker], worker, n, i)
						batch.Set(keys[worker], benchValue)
					}
					if requires {
						batch.RequireAbsent(keys[worker])
					}
					return s.Commit(batch)
				})
				require.NoError(b, s.Close())
			})
		}
	}
}

// cycleCommits is how many commits a cycle makes: about those of a run of five
// steps.
const cycleCommits = 15

// BenchmarkCycle opens an empty simulated disk, commits, crashes and opens again.
func BenchmarkCycle(b *testing.B) {
	b.Run("pebble-alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rawCycle(b)
		}
	})
	for name, open := range map[string]func() Disk{"pebble": NewPebbleDisk, "memory": NewMemoryDisk} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var batch Batch
			var key []byte
			for b.Loop() {
				d := open()
				s, err := d.Open()
				if err != nil {
					b.Fatal(err)
				}
				for n := range cycleCommits {
					batch.Reset()
					for i := range 3 {
						key = benchKey(key, 0, int64(n), i)
						batch.Set(key, benchValue)
					}
					if err := s.Commit(&batch); err != nil {
						b.Fatal(err)
					}
				}
				if err := d.Crash(d.TailBytes() / 2); err != nil {
					b.Fatal(err)
				}
				if s, err = d.Open(); err == nil {
					err = s.Close()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// rawCycle is the cycle on Pebble alone, on its own file system in memory.
func rawCycle(b *testing.B) {
	open := func(fs vfs.FS) *pebble.DB {
		db, err := pebble.Open("", &pebble.Options{
			FS: fs, Logger: pebbleLogger{}, DisableAutomaticCompactions: true,
		})
		if err != nil {
			b.Fatal(err)
		}
		return db
	}
	fs := vfs.NewCrashableMem()
	db := open(fs)
	var key []byte
	for n := range cycleCommits {
		batch := db.NewBatch()
		for i := range 3 {
			key = benchKey(key, 0, int64(n), i)
			_ = batch.Set(key, benchValue, nil)
		}
		if err := errors.Join(batch.Commit(pebble.Sync), batch.Close()); err != nil {
			b.Fatal(err)
		}
	}
	left := fs.CrashClone(vfs.CrashCloneCfg{})
	if err := errors.Join(db.Close(), open(left).Close()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRead reads what was committed, from memory and from tables.
func BenchmarkRead(b *testing.B) {
	disk, err := OpenPebble(b.TempDir(), PebbleOptions{})
	require.NoError(b, err)
	for name, s := range map[string]Store{"pebble": disk, "memory": OpenMemory()} {
		var batch Batch
		for n := range 10000 {
			batch.Set(benchKey(nil, n%100, int64(n), 0), benchValue)
		}
		require.NoError(b, s.Commit(&batch))
		key := benchKey(nil, 50, 5050, 0)
		b.Run(name+"/get", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok, err := s.Get(key); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
		for _, length := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("%s/scan-%d", name, length), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					n := 0
					err := s.Scan(key[:8], nil, func(_, _ []byte) bool {
						n++
						return n < length
					})
					if n != length || err != nil {
						b.Fatal(n, err)
					}
				}
			})
		}
	}
	require.NoError(b, disk.Close())
}
