package store

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"
)

// TestMain makes this test binary a process that uses a store, when a test
// starts it as one.
func TestMain(m *testing.M) {
	switch os.Getenv("STORE_TEST_PROCESS") {
	case "hold":
		holdStore(os.Getenv("STORE_TEST_DIR"))
	case "commit":
		commitForEver(os.Getenv("STORE_TEST_DIR"))
	}
	os.Exit(m.Run())
}

// holdStore opens a store, says so, and closes it when its input ends.
func holdStore(dir string) {
	s, err := OpenPebble(dir, PebbleOptions{})
	fmt.Println("open:", err)
	if err == nil {
		_, _ = io.Copy(io.Discard, os.Stdin)
		err = s.Close()
	}
	if err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// commitForEver commits, and prints what was acknowledged, until it is killed.
func commitForEver(dir string) {
	s, err := OpenPebble(dir, PebbleOptions{MemTableSize: 1 << 20})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	list, err := contents(s)
	for i := len(list) / 2; err == nil; i++ {
		var b Batch
		b.Set(fmt.Appendf(nil, "a/%09d", i), make([]byte, i%5000))
		b.Set(fmt.Appendf(nil, "b/%09d", i), nil)
		if err = s.Commit(&b); err == nil {
			fmt.Println(i)
		}
	}
	fmt.Println(err)
	os.Exit(1)
}

// process starts this test binary as a process that uses a store.
func process(t *testing.T, kind, dir string) (*exec.Cmd, io.WriteCloser, *bufio.Scanner) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_TEST_PROCESS="+kind, "STORE_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, in, bufio.NewScanner(out)
}

func mustOpenDir(t *testing.T, dir string) Store {
	s, err := OpenPebble(dir, PebbleOptions{})
	require.NoError(t, err)
	return s
}

func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "some", "new", "folder")
	for i := range 5 {
		s := mustOpenDir(t, dir)
		list, err := contents(s)
		require.NoError(t, err)
		require.Len(t, list, min(i, 1)*(i+1))
		commitPair(t, s, i)
		require.NoError(t, s.Close())
	}
	empty := t.TempDir()
	require.NoError(t, mustOpenDir(t, empty).Close())
}

// TestNothingStays opens and closes a store many times, fails in between, and looks
// for goroutines and files that stay.
func TestNothingStays(t *testing.T) {
	dir := t.TempDir()
	cycle := func() {
		s := mustOpenDir(t, dir)
		_, err := OpenPebble(dir, PebbleOptions{})
		require.ErrorIs(t, err, ErrInUse)
		commitPair(t, s, 1)
		require.NoError(t, s.Close())
	}
	cycle()
	goroutines, size := runtime.NumGoroutine(), len(listing(t, dir))
	for range 20 {
		cycle()
	}
	for i := 0; i < 1000 && runtime.NumGoroutine() > goroutines; i++ {
		runtime.Gosched()
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines+3)
	require.LessOrEqual(t, len(listing(t, dir)), 2*size)
}

func TestInUseHere(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "store")
	s := mustOpenDir(t, dir)
	link := filepath.Join(root, "link")
	require.NoError(t, os.Symlink(dir, link))
	t.Chdir(root)
	around := "../" + filepath.Base(root) + "/store"
	for _, path := range []string{dir, dir + "/", "store", "./store", around, link} {
		_, err := OpenPebble(path, PebbleOptions{})
		require.ErrorIs(t, err, ErrInUse, path)
		require.EqualError(t, err, "store: in use: the store in "+path+
			" is open in this process already; share that one, or close it first")
	}
	commitPair(t, s, 1)
	require.NoError(t, s.Close())
	s = mustOpenDir(t, link)
	_, err := OpenPebble(dir, PebbleOptions{})
	require.ErrorIs(t, err, ErrInUse)
	list, err := contents(s)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.NoError(t, s.Close())
}

func TestInUseElsewhere(t *testing.T) {
	dir := t.TempDir()
	cmd, in, out := process(t, "hold", dir)
	require.True(t, out.Scan())
	require.Equal(t, "open: <nil>", out.Text())
	for range 2 {
		_, err := OpenPebble(dir, PebbleOptions{})
		require.ErrorIs(t, err, ErrInUse)
		require.ErrorContains(t, err, "store: in use: the store in "+dir+" is open in ")
		require.ErrorContains(t, err, fmt.Sprintf("process %d", cmd.Process.Pid))
		require.ErrorContains(t, err, "; stop that, or use another folder")
	}
	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
	s := mustOpenDir(t, dir)

	// And the other way round.
	cmd, _, out = process(t, "hold", dir)
	require.True(t, out.Scan())
	require.Contains(t, out.Text(), fmt.Sprintf("process %d", os.Getpid()))
	require.Error(t, cmd.Wait())
	require.NoError(t, s.Close())
}

// TestKilled kills a process that commits, again and again. What it said it had
// committed is there.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	acked := -1
	for round := range 4 {
		cmd, _, out := process(t, "commit", dir)
		for range 100 + 400*round {
			require.True(t, out.Scan())
			_, err := fmt.Sscan(out.Text(), &acked)
			require.NoError(t, err, out.Text())
		}
		require.NoError(t, cmd.Process.Kill())
		for out.Scan() { // what it said before it died
			_, err := fmt.Sscan(out.Text(), &acked)
			require.NoError(t, err, out.Text())
		}
		require.Error(t, cmd.Wait())
	}
	s := mustOpenDir(t, dir)
	list, err := contents(s)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	n := len(list) / 2
	require.Contains(t, []int{acked + 1, acked + 2}, n)
	for i := range n {
		require.Equal(t, fmt.Sprintf("a/%09d=%s", i, make([]byte, i%5000)), list[i])
		require.Equal(t, fmt.Sprintf("b/%09d=", i), list[n+i])
	}
}

func TestNotStore(t *testing.T) {
	root := t.TempDir()
	write := func(path, text string) string {
		path = filepath.Join(root, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
		return path
	}
	later := "reprise store, format 7\nsomething new\n"
	later += fmt.Sprintf("check %08x\n", crc32.ChecksumIEEE([]byte(later)))
	foreign := filepath.Join(root, "pebble")
	db, err := pebble.Open(foreign, &pebble.Options{Logger: pebbleLogger{}})
	require.NoError(t, err)
	require.NoError(t, errors.Join(db.Set([]byte("a"), nil, pebble.Sync), db.Close()))

	for path, message := range map[string]string{
		write("file", "text"):                        "is a file; give the path of a folder",
		filepath.Dir(write("home/.profile", "text")): "holds other files, such as .profile; give the path of a",
		foreign: "holds other files, such as ",
		filepath.Dir(write("later/"+ledgerName, later)): "has format 7, this version of Reprise reads format 1; " +
			"use the version that made it",
	} {
		before := listing(t, root)
		_, err := OpenPebble(path, PebbleOptions{})
		require.ErrorIs(t, err, ErrNotStore, path)
		require.ErrorContains(t, err, path)
		require.ErrorContains(t, err, message)
		require.Equal(t, before, listing(t, root), "nothing is changed in what is no store")
	}
	_, err = OpenPebble(filepath.Join(root, "file", "below"), PebbleOptions{})
	require.ErrorContains(t, err, "store: can't open the store in "+filepath.Join(root, "file", "below"))
}

// listing returns the paths of all files below a folder.
func listing(t *testing.T, root string) string {
	var b strings.Builder
	require.NoError(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			fmt.Fprintln(&b, path)
		}
		return err
	}))
	return b.String()
}

func TestOptions(t *testing.T) {
	for _, o := range []PebbleOptions{
		{CacheSize: -1}, {MemTableSize: -1}, {MemTableSize: 1}, {MemTableSize: 1 << 40},
	} {
		dir := filepath.Join(t.TempDir(), "none")
		_, err := OpenPebble(dir, o)
		require.ErrorContains(t, err, "store: PebbleOptions.")
		require.NoDirExists(t, dir)
	}
	s, err := OpenPebble(t.TempDir(), PebbleOptions{CacheSize: 1 << 20, MemTableSize: 1 << 20})
	require.NoError(t, err)
	for i := range 200 {
		var b Batch
		b.Set(fmt.Append(nil, i%20), make([]byte, 100_000))
		require.NoError(t, s.Commit(&b))
	}
	list, err := contents(s)
	require.NoError(t, err)
	require.Len(t, list, 20)
	require.NoError(t, s.Close())
}
