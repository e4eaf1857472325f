package store_test

import (
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
