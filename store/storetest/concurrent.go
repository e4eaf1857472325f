package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/store"
)

const (
	goroutines = 8
	rounds     = 50
)

// together runs work in goroutines and fails the test with their errors.
func together(t *testing.T, work func(worker int) error) {
	var wg sync.WaitGroup
	errs := make([]error, goroutines)
	for i := range goroutines {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = work(i)
		}()
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
}

// testCounter has goroutines count in one key, by requiring what they read. Each
// notes its counts beside it, in the same batch.
func testCounter(t *testing.T, s store.Store) {
	set(t, s, "counter", "0")
	together(t, func(worker int) error {
		var b store.Batch
		for done := 0; done < rounds; {
			value, _, err := s.Get([]byte("counter"))
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(string(value))
			if err != nil {
				return err
			}
			b.Reset()
			b.RequireValue([]byte("counter"), value)
			b.RequireAbsent(fmt.Appendf(nil, "count/%06d", n+1))
			b.Set([]byte("counter"), strconv.AppendInt(nil, int64(n+1), 10))
			b.Set(fmt.Appendf(nil, "count/%06d", n+1), strconv.AppendInt(nil, int64(worker), 10))
			switch err := s.Commit(&b); {
			case err == nil:
				done++
			case !errors.Is(err, store.ErrConflict):
				return err
			}
		}
		return nil
	})
	requireValue(t, s, "counter", strconv.Itoa(goroutines*rounds))
	require.Len(t, contents(t, s, []byte("count/"), []byte("count0")), goroutines*rounds)
}

// testAtomic has writers set pairs of keys to one value, and readers look
// whether they ever differ.
func testAtomic(t *testing.T, s store.Store) {
	set(t, s, "a/left", "0", "a/right", "0")
	together(t, func(worker int) error {
		for i := range rounds {
			if worker%2 == 0 {
				var b store.Batch
				value := fmt.Appendf(nil, "%d/%d", worker, i)
				b.Set([]byte("a/left"), value)
				b.Set(fmt.Appendf(nil, "a/middle/%d", i%7), value)
				b.Set([]byte("a/right"), value)
				if err := s.Commit(&b); err != nil {
					return err
				}
				continue
			}
			seen := map[string]string{}
			err := s.Scan([]byte("a/"), []byte("a0"), func(key, value []byte) bool {
				seen[string(key)] = string(value)
				return true
			})
			if err != nil {
				return err
			}
			if seen["a/left"] != seen["a/right"] {
				return fmt.Errorf("a scan saw %q on the left and %q on the right",
					seen["a/left"], seen["a/right"])
			}
		}
		return nil
	})
}

// testCloseInUse closes a store while it is used, and expects of every call
// that it succeeds or says that the store is closed.
func testCloseInUse(t *testing.T, s store.Store) {
	set(t, s, "a", "1")
	use := func(worker int) error {
		for i := 0; ; i++ {
			var err error
			switch (worker + i) % 3 {
			case 0:
				var b store.Batch
				b.Set(fmt.Appendf(nil, "b/%d", worker), []byte("1"))
				err = s.Commit(&b)
			case 1:
				_, _, err = s.Get([]byte("a"))
			case 2:
				err = s.Scan(nil, nil, func(_, _ []byte) bool { return true })
			}
			if err != nil {
				return err
			}
		}
	}
	together(t, func(worker int) error {
		if worker == 0 {
			for range 10 {
				if err := s.Commit(&store.Batch{}); err != nil {
					return err
				}
			}
			return s.Close()
		}
		if err := use(worker); !errors.Is(err, store.ErrClosed) {
			return err
		}
		return nil
	})
}
