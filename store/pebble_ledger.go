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
// Pebble can't tell itself when its files were damaged, since it takes a
// manifest or a log that ends early for one that a crash has cut: how long the
// manifests are at least, which log is the newest, and how long that was when
// the store was closed, or 0 if it was not.
//
//	reprise store, format 1
//	manifest MANIFEST-000012 834
//	log 000014.log 7391
//	check 5a1f03c2
//
// A new store has the line "new" instead, until it was opened wholly for the
// first time. Nothing was committed to it before.
type ledger struct {
	disk vfs.FS
	dir  string
	what string // the store, for messages

	fail   func(error) error // makes the store fail
	failed func() error      // why it has failed, or nil

	mu        sync.Mutex
	found     bool // the ledger was there
	new       bool
	opened    bool // until then changes are collected
	changed   bool
	log       ledgerLine   // without a name when there is no log
	manifests []ledgerLine // of the newest, at most two, the newest last
}

type ledgerLine struct {
	name string
	size int64
}

// read reads the ledger of the folder, which holds these files, unless it lacks
// one.
func (l *ledger) read(names []string) error {
	if !slices.Contains(names, ledgerName) {
		return nil
	}
	f, err := l.disk.Open(filepath.Join(l.dir, ledgerName))
	if err != nil {
		return errOpen(l.what, err)
	}
	text, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return errOpen(l.what, err)
	}
	l.found = true
	err = l.parse(string(text))
	if err == nil || errors.Is(err, ErrNotStore) {
		return err
	}
	return errDamaged(l.what, err)
}

func (l *ledger) parse(text string) error {
	body, check, found := strings.Cut(text, "check ")
	if !found || check != checkLine(body) {
		return fmt.Errorf("the file %s was changed or cut", ledgerName)
	}
	format := 0
	for line := range strings.Lines(body) {
		var m ledgerLine
		switch {
		case scan(line, "reprise store, format %d\n", &format):
		case format == ledgerFormat && line == "new\n":
			l.new = true
		case format == ledgerFormat && scan(line, "log %s %d\n", &l.log.name, &l.log.size):
		case format == ledgerFormat && scan(line, "manifest %s %d\n", &m.name, &m.size):
			l.manifests = append(l.manifests, m)
		case format == ledgerFormat:
			return fmt.Errorf("the file %s has the unknown line %q", ledgerName, line)
		}
	}
	if format != ledgerFormat {
		return fmt.Errorf("%w: %s has format %d, this version of Reprise reads format %d; "+
			"use the version that made it", ErrNotStore, l.what, format, ledgerFormat)
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
	if l.new {
		b.WriteString("new\n")
	}
	for _, m := range l.manifests {
		fmt.Fprintf(&b, "manifest %s %d\n", m.name, m.size)
	}
	if l.log.name != "" {
		fmt.Fprintf(&b, "log %s %d\n", l.log.name, l.log.size)
	}
	return b.String() + "check " + checkLine(b.String())
}

// ready reports whether the store was opened wholly before.
func (l *ledger) ready() bool { return l.found && !l.new }

// begin makes the folder a store that holds nothing yet. What Pebble left there
// when it was interrupted is removed.
func (l *ledger) begin(names []string) error {
	for _, name := range names {
		if name == lockName || name == ledgerName {
			continue
		}
		if err := l.disk.Remove(filepath.Join(l.dir, name)); err != nil {
			return errOpen(l.what, err)
		}
	}
	l.new = true
	if err := l.replace(); err != nil {
		return errOpen(l.what, err)
	}
	return nil
}

// sawLog notes that a log was created. Pebble puts nothing into it before.
func (l *ledger) sawLog(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log, l.changed = ledgerLine{name: name}, true
	l.writeOpened()
}

// closing notes that a log of this size was closed. If it is the last one, that
// gets written with the store's end.
func (l *ledger) closing(name string, size int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.log.name == name {
		l.log.size, l.changed = size, true
	}
}

// sawManifest notes that a manifest of this size is durable.
func (l *ledger) sawManifest(name string, size int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.manifests)
	if n == 0 || l.manifests[n-1].name != name {
		l.manifests = append(l.manifests, ledgerLine{name: name})
		l.manifests = l.manifests[max(0, n-1):]
		n = len(l.manifests)
	}
	l.manifests[n-1].size, l.changed = size, true
	l.writeOpened()
}

// losing is called before a file is removed. The ledger on disk must not ask
// for a log that is gone.
func (l *ledger) losing(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.log.name == name {
		l.log, l.changed = ledgerLine{}, true
	}
	if !l.new {
		l.writeChanged()
	}
}

// write writes what was noted. The first call ends the opening of the store, and
// from then on what is noted is written at once.
func (l *ledger) write() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.new {
		l.new, l.changed = false, true
	}
	l.opened = true
	l.writeChanged()
}

func (l *ledger) writeOpened() {
	if l.opened {
		l.writeChanged()
	}
}

func (l *ledger) writeChanged() {
	if !l.changed || l.failed() != nil {
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
