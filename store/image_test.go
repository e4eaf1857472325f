package store

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestImages makes the same commits, flushes and crashes again and again, and
// expects the same files of the same sizes on the disk. What is in them differs
// in the seconds at which tables were made, and in how far Pebble says that a log
// was synced.
func TestImages(t *testing.T) {
	run := func() (images []string) {
		disk := NewPebbleDisk().(*pebbleDisk)
		s, err := disk.Open()
		require.NoError(t, err)
		for i := range 40 {
			var b Batch
			b.Set(fmt.Appendf(nil, "key/%d", i%7), make([]byte, i*10))
			b.DeleteRange(fmt.Appendf(nil, "key/%d", i%5), fmt.Appendf(nil, "key/%d", i%6))
			require.NoError(t, s.Commit(&b))
			if i == 12 {
				require.NoError(t, disk.Flush())
			}
			if i%8 == 7 {
				require.NoError(t, disk.Crash(disk.TailBytes()/2))
				for _, n := range disk.files.names {
					images = append(images, fmt.Sprintf("%d: %s, %d bytes", i, n.name, n.node.size()))
				}
				s, err = disk.Open()
				require.NoError(t, err)
			}
		}
		require.NoError(t, s.Close())
		return images
	}
	first := run()
	for range 49 {
		require.Equal(t, first, run())
	}
}
