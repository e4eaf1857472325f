package store

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

// slowDisk is a disk that holds back the syncs of logs.
type slowDisk struct {
	fs      vfs.FS
	mu      sync.Mutex
	held    chan error // nil: syncs run; else what ends the sync that waits
	waiting chan struct{}
}

func newSlowDisk() *slowDisk {
	d := &slowDisk{waiting: make(chan struct{}, 1)}
	d.fs = errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind != errorfs.OpFileSyncData || !strings.HasSuffix(op.Path, ".log") {
			return nil
		}
		d.mu.Lock()
		held := d.held
		d.mu.Unlock()
		if held == nil {
			return nil
		}
		d.waiting <- struct{}{}
		return <-held
	}))
	return d
}

// hold holds the syncs from now on back; release ends the one that waits, and
// lets the later ones run.
func (d *slowDisk) hold() (release func(error)) {
	held := make(chan error)
	d.mu.Lock()
	d.held = held
	d.mu.Unlock()
	return func(err error) {
		d.mu.Lock()
		d.held = nil
		d.mu.Unlock()
		held <- err
	}
}

// later runs a call in a goroutine and returns a way to ask whether it has
// ended, and one to wait for it.
func later(call func() error) (ended func() bool, wait func() error) {
	var done atomic.Bool
	result := make(chan error, 1)
	go func() {
		err := call()
		done.Store(true)
		result <- err
	}()
	return done.Load, func() error { return <-result }
}

// readers are calls that learn that the key "now" is there.
func readers(s Store) map[string]func() error {
	return map[string]func() error{
		"get": func() error {
			value, ok, err := s.Get([]byte("now"))
			if err == nil && string(value) != "1" {
				err = fmt.Errorf("got %q, %t", value, ok)
			}
			return err
		},
		"scan": func() error {
			list, err := contents(s)
			if err == nil && len(list) != 2 {
				err = fmt.Errorf("got %q", list)
			}
			return err
		},
		"conflict": func() error {
			var b Batch
			b.RequireAbsent([]byte("now"))
			err := s.Commit(&b)
			if errors.Is(err, ErrConflict) {
				return nil
			}
			return fmt.Errorf("no conflict: %w", err)
		},
		"requirement": func() error {
			var b Batch
			b.RequireValue([]byte("now"), []byte("1"))
			return s.Commit(&b)
		},
	}
}

// TestReadsAreDurable has reads meet a commit that is applied and not yet synced.
// They wait for it, and when it fails they don't show it.
func TestReadsAreDurable(t *testing.T) {
	for _, failure := range []error{nil, syscall.EIO} {
		d := newSlowDisk()
		s, err := OpenPebble(memFolder, PebbleOptions{fs: d.fs})
		require.NoError(t, err)
		set := func(key string) error {
			var b Batch
			b.Set([]byte(key), []byte("1"))
			return s.Commit(&b)
		}
		require.NoError(t, set("before"))
		release := d.hold()
		ended, committed := later(func() error { return set("now") })
		<-d.waiting

		// What no commit in flight touches is read at once.
		value, _, err := s.Get([]byte("before"))
		require.NoError(t, err)
		require.Equal(t, "1", string(value))
		require.False(t, ended())

		waits := map[string]func() error{"commit": committed}
		endeds := map[string]func() bool{}
		for name, read := range readers(s) {
			endeds[name], waits[name] = later(read)
		}
		for s.(*pebbleStore).durable.waiting.Load() < int64(len(endeds)) {
			for name, ended := range endeds {
				require.False(t, ended(), "%s did not wait", name)
			}
			runtime.Gosched()
		}
		release(failure)
		for name, wait := range waits {
			if err := wait(); failure == nil {
				require.NoError(t, err, name)
			} else {
				require.ErrorIs(t, err, ErrFailed, name)
				require.ErrorIs(t, err, failure, name)
			}
		}
		require.ErrorIs(t, errors.Join(s.Close(), failure), failure)
	}
}

// TestSyncsAreShared counts syncs while commits pile up behind one.
func TestSyncsAreShared(t *testing.T) {
	var syncs atomic.Int64
	d := newSlowDisk()
	inner := d.fs
	d.fs = errorfs.Wrap(inner, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData && strings.HasSuffix(op.Path, ".log") {
			syncs.Add(1)
		}
		return nil
	}))
	opened, err := OpenPebble(memFolder, PebbleOptions{fs: d.fs})
	require.NoError(t, err)
	s := opened.(*pebbleStore)
	release := d.hold()
	before := syncs.Load()
	const commits = 100
	waits := []func() error{}
	for i := range commits {
		_, wait := later(func() error {
			var b Batch
			b.Set(fmt.Append(nil, i), nil)
			return s.Commit(&b)
		})
		waits = append(waits, wait)
	}
	<-d.waiting
	for s.applied.Load() < commits {
		runtime.Gosched()
	}
	release(nil)
	for _, wait := range waits {
		require.NoError(t, wait())
	}
	require.LessOrEqual(t, syncs.Load()-before, int64(3), "all that waited shared a sync")
	require.NoError(t, s.Close())
}
