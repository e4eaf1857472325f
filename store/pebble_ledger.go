package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// ledgerName is the file that makes a folder a store.
	ledgerName = "REPRISE"
	ledgerTemp = "REPRISE.new"

	// ledgerFormat is the version of the store's format that this package
	// writes. Whatever a later one changes, it keeps the ledger's first line
	// and its last one.
	ledgerFormat = 1
)

// ledger is the file that makes a folder a store. It tells its format, and what
// Pebble can't tell itself when its files were damaged: which log is the
// newest, and how long its manifests are at least. Pebble takes a manifest or a
// log that ends early for one that a crash has cut.
//
//	reprise store, format 1
//	log 000014.log
//	manifest MANIFEST-000012 834
//	check 5a1f03c2
//
// A store without a log is one that was never opened wholly: nothing was
// committed to it yet.
type ledger struct {
	disk vfs.FS
	dir  string
	fail func(error) error // called when the ledger can't be written

	mu        sync.Mutex
	begun     bool // the store was never opened wholly yet
	opened    bool // until then changes are collected
	changed   bool
	log       string
	manifests []manifestLine // of the newest, at most two, the newest last
}

type manifestLine struct {
	name string
	size int64
}

// readLedger reads the ledger of a folder with these files, which may lack it.
func readLedger(disk vfs.FS, dir, what string, names []string) (*ledger, error) {
	l := &ledger{disk: disk, dir: dir}
	if !slices.Contains(names, ledgerName) {
		return l, nil
	}
	f, err := disk.Open(filepath.Join(dir, ledgerName))
	if err != nil {
		return nil, errOpen(what, err)
	}
	text, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errOpen(what, err)
	}
	if err := l.parse(string(text)); err != nil {
		if errors.Is(err, ErrNotStore) {
			return nil, err
		}
		return nil, errDamaged(what, err)
	}
	return l, nil
}

func (l *ledger) parse(text string) error {
	body, check, found := strings.Cut(text, "check ")
	if !found || check != checkLine(body) {
		return fmt.Errorf("the file %s was changed or cut", ledgerName)
	}
	format := 0
	for line := range strings.Lines(body) {
		var m manifestLine
		switch {
		case scan(line, "reprise store, format %d\n", &format):
		case format == ledgerFormat && scan(line, "log %s\n", &l.log):
		case format == ledgerFormat && scan(line, "manifest %s %d\n", &m.name, &m.size):
			l.manifests = append(l.manifests, m)
		case format == ledgerFormat:
			return fmt.Errorf("the file %s has the unknown line %q", ledgerName, line)
		}
	}
	if format != ledgerFormat {
		return fmt.Errorf("%w: the store in %s has format %d, this version of Reprise reads format %d; "+
			"use the version that made it", ErrNotStore, l.dir, format, ledgerFormat)
	}
	return nil
}

func scan(line, format string, args ...any) bool {
	n, err := fmt.Sscanf(line, format, args...)
	return err == nil && n == len(args)
}

func checkLine(body string) string {
	return fmt.Sprintf("%08x\n", crc32.ChecksumIEEE([]byte(body)))
}

func (l *ledger) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "reprise store, format %d\n", ledgerFormat)
	if l.log != "" {
		fmt.Fprintf(&b, "log %s\n", l.log)
	}
	for _, m := range l.manifests {
		fmt.Fprintf(&b, "manifest %s %d\n", m.name, m.size)
	}
	return b.String() + "check " + checkLine(b.String())
}

// ready reports whether the store was opened before.
func (l *ledger) ready() bool { return l.log != "" }

// begin makes the folder a store that holds nothing yet. What Pebble left there
// when it was interrupted is removed.
func (l *ledger) begin(names []string) error {
	for _, name := range names {
		if name == lockName || name == ledgerName {
			continue
		}
		if err := l.disk.Remove(filepath.Join(l.dir, name)); err != nil {
			return errOpen("the store in "+l.dir, err)
		}
	}
	if err := l.replace(); err != nil {
		return errOpen("the store in "+l.dir, err)
	}
	l.begun = true
	return nil
}

// sawLog notes that a log was created. Pebble puts nothing into it before.
func (l *ledger) sawLog(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log, l.changed = name, true
	l.writeOpened()
}

// sawManifest notes that a manifest of this size is durable.
func (l *ledger) sawManifest(name string, size int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.manifests)
	if n == 0 || l.manifests[n-1].name != name {
		l.manifests = append(l.manifests, manifestLine{name: name})
		l.manifests = l.manifests[max(0, n-1):]
		n = len(l.manifests)
	}
	l.manifests[n-1].size, l.changed = size, true
	l.writeOpened()
}

// losing is called before a file is removed. The ledger on disk must not ask
// for one that is gone.
func (l *ledger) losing() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.begun {
		l.writeChanged()
	}
}

// write ends the opening of the store: from here on the ledger on disk is
// always true.
func (l *ledger) write() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened, l.begun = true, false
	l.writeChanged()
}

func (l *ledger) writeOpened() {
	if l.opened {
		l.writeChanged()
	}
}

func (l *ledger) writeChanged() {
	if !l.changed {
		return
	}
	if err := l.replace(); err != nil {
		_ = l.fail(err)
		return
	}
	l.changed = false
}

// replace puts a new file in the place of the old one, durably. The folder is
// synced before, since the new ledger must not speak of files that a crash
// could still take back.
func (l *ledger) replace() error {
	if err := syncFolder(l.disk, l.dir); err != nil {
		return err
	}
	temp := filepath.Join(l.dir, ledgerTemp)
	f, err := l.disk.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(l.text()))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := l.disk.Rename(temp, filepath.Join(l.dir, ledgerName)); err != nil {
		return err
	}
	return syncFolder(l.disk, l.dir)
}
