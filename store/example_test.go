package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/reprise-dst/reprise/store"
)

// A store in a folder: commits are durable, and may require what they build on.
func Example() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	s, err := store.OpenPebble(filepath.Join(dir, "orders"), store.PebbleOptions{})
	if err != nil {
		panic(err)
	}
	defer s.Close()

	var b store.Batch
	b.RequireAbsent([]byte("order/7"))
	b.Set([]byte("order/7"), []byte("reserved"))
	b.Set([]byte("open/7"), nil)
	fmt.Println(s.Commit(&b))
	fmt.Println("again:", errors.Is(s.Commit(&b), store.ErrConflict))

	b.Reset()
	b.RequireValue([]byte("order/7"), []byte("reserved"))
	b.Set([]byte("order/7"), []byte("shipped"))
	b.Delete([]byte("open/7"))
	fmt.Println(s.Commit(&b))

	err = s.Scan([]byte("order/"), []byte("order0"), func(key, value []byte) bool {
		fmt.Printf("%s is %s\n", key, value)
		return true
	})
	fmt.Println(err)
	// Output:
	// <nil>
	// again: true
	// <nil>
	// order/7 is shipped
	// <nil>
}

// A simulated disk loses its power at a commit. Either the commit's record was
// written wholly, or it is torn and the commit never was.
func ExampleDisk() {
	for _, cut := range []int{0, 1} {
		d := store.NewPebbleDisk()
		s, err := d.Open()
		if err != nil {
			panic(err)
		}
		var b store.Batch
		for _, value := range []string{"reserved", "shipped"} {
			b.Reset()
			b.Set([]byte("order/7"), []byte(value))
			if err := s.Commit(&b); err != nil {
				panic(err)
			}
		}
		if err := d.Crash(cut); err != nil {
			panic(err)
		}
		_, _, err = s.Get([]byte("order/7"))
		fmt.Println("the old store is closed:", errors.Is(err, store.ErrClosed))
		if s, err = d.Open(); err != nil {
			panic(err)
		}
		value, _, err := s.Get([]byte("order/7"))
		fmt.Printf("with %d bytes cut off, order 7 is %s, %v\n", cut, value, err)
		_ = s.Close()
	}
	// Output:
	// the old store is closed: true
	// with 0 bytes cut off, order 7 is shipped, <nil>
	// the old store is closed: true
	// with 1 bytes cut off, order 7 is reserved, <nil>
}

// A conflict says what was required and what is there.
func ExampleConflictError() {
	s := store.OpenMemory()
	var b store.Batch
	b.RequireValue([]byte("balance"), []byte("10"))
	b.Set([]byte("balance"), []byte("5"))
	err := s.Commit(&b)
	var conflict *store.ConflictError
	if errors.As(err, &conflict) {
		fmt.Printf("%s: wanted %s, found %t\n", conflict.Key, conflict.Want, conflict.Found)
	}
	// Output:
	// balance: wanted 10, found false
}

// A batch can be looked into, by a trace for instance.
func ExampleBatch_Ops() {
	var b store.Batch
	b.Set([]byte("a"), []byte("1"))
	b.DeleteRange([]byte("b"), nil)
	b.RequireAbsent([]byte("c"))
	for op := range b.Ops() {
		fmt.Printf("%s %q %q\n", op.Kind, op.Key, op.Value)
	}
	for op := range b.Requirements() {
		fmt.Printf("%s %q\n", op.Kind, op.Key)
	}
	// Output:
	// Set "a" "1"
	// DeleteRange "b" ""
	// RequireAbsent "c"
}
