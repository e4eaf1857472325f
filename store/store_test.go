package store_test

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprise-dst/reprise/store"
	"github.com/reprise-dst/reprise/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return store.OpenMemory() })
}

func TestMemoryDisk(t *testing.T) { storetest.RunDisk(t, store.NewMemoryDisk) }

func TestPebble(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		s, err := store.OpenPebble(t.TempDir(), store.PebbleOptions{})
		require.NoError(t, err)
		return s
	})
}

func TestPebbleDisk(t *testing.T) { storetest.RunDisk(t, store.NewPebbleDisk) }

var everyByte = flag.Bool("rot-everywhere", false, "let each byte of a simulated disk rot, not only some")

func TestRotEverywhere(t *testing.T) {
	if *everyByte {
		storetest.RotEverywhere(t, store.NewPebbleDisk)
	}
	_, whole := storetest.RotEverywhere(t, store.NewMemoryDisk)
	require.Zero(t, whole, "the reference sees all damage")
}
