package store

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
)

var _ Rotter = (*pebbleDisk)(nil)

// Size counts the bytes of the files, without the last record of the log.
func (d *pebbleDisk) Size() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.size()
}

func (d *pebbleDisk) size() (size int) {
	if d.opened != nil {
		return 0
	}
	for _, n := range d.files.names {
		size += d.proven(n)
	}
	return size
}

// proven returns how many bytes of a file can't be damaged without leaving
// proof. Of the newest log these are the bytes in front of its last record,
// unless the log was closed, since only a later record proves that an earlier
// one was whole.
func (d *pebbleDisk) proven(n simName) int {
	if !strings.HasSuffix(n.name, ".log") || d.closed > 0 || d.files.newestLog() != n.node {
		return len(n.node.data)
	}
	s := logScan{number: logNumber(n.name), hole: -1}
	if err := readBlocks(bytes.NewReader(n.node.data), s.block); err != nil {
		panic(fmt.Sprintf("invariant: bytes in memory can't be read: %v", err))
	}
	return int(s.last)
}

func (d *pebbleDisk) Rot(at int, bit uint8) (where string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := checkRot(at, d.size(), bit); err != nil {
		return "", err
	}
	for _, n := range d.files.names {
		size := d.proven(n)
		if at >= size {
			at -= size
			continue
		}
		n.node.data = slices.Clone(n.node.data) // images share it
		n.node.data[at] ^= 1 << bit
		where = fmt.Sprintf("bit %d of byte %d of %s", bit, at, n.name)
		break
	}
	d.rotten = true
	return where, nil
}

// checkRotten looks for damage as [OpenPebble] does, which Pebble would take for
// the end of a file. A simulated disk needs no ledger for that: it knows how long
// its files were.
func (d *pebbleDisk) checkRotten(what string) error {
	if !d.rotten {
		return nil
	}
	names, err := d.files.List("")
	if err != nil {
		return err
	}
	l := &ledger{}
	for _, n := range d.files.names {
		if n.name == currentManifest(names) {
			l.manifests = []ledgerLine{{n.name, int64(n.node.size())}}
		}
	}
	l.log = ledgerLine{path.Base(newestLog(names)), int64(d.closed)}
	return checkFiles(d.files, "", what, names, l)
}
