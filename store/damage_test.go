package store

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// contents returns what a store holds, as "key=value" strings.
func contents(s Store) ([]string, error) {
	list := []string{}
	err := s.Scan(nil, nil, func(key, value []byte) bool {
		list = append(list, fmt.Sprintf("%s=%s", key, value))
		return true
	})
	return list, err
}

func commitPair(t require.TestingT, s Store, i int) {
	var b Batch
	b.Set(fmt.Appendf(nil, "key/%03d", i), fmt.Appendf(nil, "value %d", i))
	b.Set([]byte("last"), fmt.Append(nil, i))
	require.NoError(t, s.Commit(&b))
}

// files are the contents of a folder.
type files map[string]string

const memFolder = "/store"

func readFiles(t require.TestingT, fs vfs.FS) files {
	all := files{}
	names, err := fs.List(memFolder)
	require.NoError(t, err)
	for _, name := range names {
		f, err := fs.Open(memFolder + "/" + name)
		require.NoError(t, err)
		data, err := io.ReadAll(f)
		require.NoError(t, errors.Join(err, f.Close()))
		all[name] = string(data)
	}
	return all
}

// disk returns a disk that holds the files.
func (f files) disk(t require.TestingT) vfs.FS {
	fs := vfs.NewMem()
	require.NoError(t, fs.MkdirAll(memFolder, 0o777))
	for name, data := range f {
		file, err := fs.Create(memFolder+"/"+name, vfs.WriteCategoryUnspecified)
		require.NoError(t, err)
		_, err = file.Write([]byte(data))
		require.NoError(t, errors.Join(err, file.Close()))
	}
	return fs
}

func (f files) with(name, data string) files {
	changed := files{name: data}
	for n, d := range f {
		if n != name {
			changed[n] = d
		}
	}
	return changed
}

// damagedStore returns the files of a store with tables, as many as Pebble
// leaves in their first level, and with commits in its log; closed says whether
// it was closed last. It returns its contents as well.
func damagedStore(t *testing.T, closed bool) (files, []string) {
	fs := vfs.NewMem()
	n := 0
	const rounds = 4
	for round := range rounds {
		s, err := OpenPebble(memFolder, PebbleOptions{fs: fs})
		require.NoError(t, err)
		for range 6 {
			commitPair(t, s, n)
			n++
		}
		if round == rounds-1 && !closed {
			s.(*pebbleStore).db.TestOnlyWaitForCleaning()
			left := readFiles(t, fs)
			list, err := contents(s)
			require.NoError(t, errors.Join(err, s.Close()))
			return left, list
		}
		require.NoError(t, s.Close())
	}
	left := readFiles(t, fs)
	s, err := OpenPebble(memFolder, PebbleOptions{fs: left.disk(t)})
	require.NoError(t, err)
	list, err := contents(s)
	require.NoError(t, errors.Join(err, s.Close()))
	return left, list
}

// inspect opens a store with these files and says what it shows.
func inspect(t *testing.T, f files, want []string) string {
	s, err := OpenPebble(memFolder, PebbleOptions{fs: f.disk(t)})
	if err != nil {
		require.ErrorIs(t, err, ErrDamaged)
		require.ErrorContains(t, err, "the store in "+memFolder)
		return "damaged"
	}
	got, err := contents(s)
	require.NoError(t, s.Close())
	switch {
	case err != nil:
		require.ErrorIs(t, err, ErrDamaged)
		return "damaged"
	case slices.Equal(got, want):
		return "whole"
	}
	return fmt.Sprintf("%q", got)
}

// TestDamageByte flips bits of every byte of every small file, and of every fifth
// one of the others, one at a time. What was committed is there, or the store
// says that it is damaged.
func TestDamageByte(t *testing.T) {
	whole, want := damagedStore(t, true)
	require.Equal(t, "whole", inspect(t, whole, want))
	for name, data := range whole {
		found := map[string]int{}
		step := 1
		if len(data) > 500 {
			step = 5
		}
		for i := 0; i < len(data); i += step {
			flipped := []byte(data)
			flipped[i] ^= 1 << (i % 8)
			result := inspect(t, whole.with(name, string(flipped)), want)
			found[result]++
			require.Contains(t, []string{"whole", "damaged"}, result, "byte %d of %s", i, name)
		}
		t.Logf("%s, %d bytes: %v", name, len(data), found)
	}
}

// TestDamageOpenLog flips bits in the log of a store that was not closed. Only
// its last commit looks like one that a crash has torn.
func TestDamageOpenLog(t *testing.T) {
	whole, want := damagedStore(t, false)
	name := newestLog(names(whole))
	require.Equal(t, "whole", inspect(t, whole, want))
	torn := append(slices.Clone(want[:len(want)-2]), "last=22")
	data := whole[name]
	record := len(data) / 6
	for i := range data {
		flipped := []byte(data)
		flipped[i] ^= 1 << (i % 8)
		result := inspect(t, whole.with(name, string(flipped)), want)
		if i < 5*record {
			require.Equal(t, "damaged", result, "byte %d of %s", i, name)
		} else {
			require.Equal(t, fmt.Sprintf("%q", torn), result, "byte %d of %s", i, name)
		}
	}
}

// TestDamageRecycledLog flips bits in a log that Pebble writes over an old one,
// of which the end still stands behind.
func TestDamageRecycledLog(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s, err := OpenPebble(memFolder, PebbleOptions{fs: fs})
	require.NoError(t, err)
	n := 0
	for flush := range 6 {
		for range 10 - flush {
			commitPair(t, s, n)
			n++
		}
		if flush < 5 {
			require.NoError(t, s.(*pebbleStore).flush())
			s.(*pebbleStore).db.TestOnlyWaitForCleaning()
		}
	}
	whole := readFiles(t, fs.CrashClone(vfs.CrashCloneCfg{})) // Pebble still tidies up
	want, err := contents(s)
	require.NoError(t, errors.Join(err, s.Close()))
	name := newestLog(names(whole))
	log := whole[name]
	last := strings.LastIndex(log, fmt.Sprintf("value %d", n-1))
	require.Greater(t, len(log), last+200, "the log is not a recycled one")
	require.Equal(t, "whole", inspect(t, whole, want))
	for i := range log {
		flipped := []byte(log)
		flipped[i] ^= 1 << (i % 8)
		result := inspect(t, whole.with(name, string(flipped)), want)
		switch {
		case i < last-100:
			require.Equal(t, "damaged", result, "byte %d of %s", i, name)
		case i > last+100:
			require.Equal(t, "whole", result, "byte %d of %s", i, name)
		default:
			require.NotEmpty(t, result)
		}
	}
}

func names(f files) []string {
	names := []string{}
	for name := range f {
		names = append(names, name)
	}
	return names
}

// TestDamageManifest flips bits in the manifest of a store that Pebble could
// open without the last entries: the tables of which they speak come from logs
// that are gone.
func TestDamageManifest(t *testing.T) {
	fs := vfs.NewMem()
	s, err := OpenPebble(memFolder, PebbleOptions{fs: fs})
	require.NoError(t, err)
	for i := range 3 {
		commitPair(t, s, i)
		require.NoError(t, s.(*pebbleStore).flush())
	}
	want, err := contents(s)
	require.NoError(t, errors.Join(err, s.Close()))
	whole := readFiles(t, fs)
	name := currentManifest(names(whole))
	for i := range whole[name] {
		flipped := []byte(whole[name])
		flipped[i] ^= 1 << (i % 8)
		require.Equal(t, "damaged", inspect(t, whole.with(name, string(flipped)), want), "byte %d", i)
		require.Equal(t, "damaged", inspect(t, whole.with(name, whole[name][:i]), want), "size %d", i)
	}
}

// TestDamageFile cuts, empties, grows, zeroes and removes every file.
func TestDamageFile(t *testing.T) {
	whole, want := damagedStore(t, true)
	for name, data := range whole {
		kinds := map[string]string{
			"empty":   "",
			"half":    data[:len(data)/2],
			"shorter": data[:max(0, len(data)-1)],
			"longer":  data + "x",
			"zeroes":  strings.Repeat("\x00", len(data)),
			"garbage": strings.Repeat("garbage", len(data)/7+1),
		}
		for kind, data := range kinds {
			result := inspect(t, whole.with(name, data), want)
			require.Contains(t, []string{"whole", "damaged"}, result, "%s, %s", name, kind)
		}
		without := whole.with(name, "")
		delete(without, name)
		if name == ledgerName {
			_, err := OpenPebble(memFolder, PebbleOptions{fs: without.disk(t)})
			require.ErrorIs(t, err, ErrNotStore)
			continue
		}
		result := inspect(t, without, want)
		require.Contains(t, []string{"whole", "damaged"}, result, "%s removed", name)
	}
}
