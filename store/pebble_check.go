package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Pebble ends a log or a manifest where it finds a damaged record in its last
// 32 KiB, since a crash leaves such a record too, and forgets what stands
// behind. Here is looked at whether it can have been a crash.

// A file of records consists of blocks, and these of chunks: a checksum, the
// length of the data, the kind of the chunk, and in logs the log's number and
// mostly an offset up to which the log was synced; then data. A record is one
// chunk or several, and its kind says which of them.
const (
	blockSize = 32 << 10
	minHeader = 4 + 2 + 1
	logHeader = minHeader + 4     // in the first log of a store
	maxHeader = minHeader + 4 + 8 // in the other ones

	kindFull  = 0 // of four: full, first, middle, last
	kindFirst = 1
	kindLast  = 3
	manifests = 1 // the kinds in a manifest are counted from here
	firstLogs = 5 // those in the first log
	logs      = 9 // those in the other ones
)

// checkFiles looks for damage that Pebble takes for the end of a file.
func checkFiles(disk vfs.FS, dir, what string, names []string, l *ledger) error {
	manifest := currentManifest(names)
	if manifest == "" || !slices.Contains(names, manifest) {
		return errDamaged(what, errors.New("the file that lists its tables is missing"))
	}
	for _, line := range l.manifests {
		if line.name != manifest {
			continue
		}
		if err := checkFile(disk, dir, what, manifest, func(r io.Reader) error {
			return checkManifest(r, line.size)
		}); err != nil {
			return err
		}
	}
	lines := []ledgerLine{l.log}
	if newest := newestLog(names); newest != l.log.name {
		lines = append(lines, ledgerLine{name: newest})
	}
	for _, line := range lines {
		if line.name == "" {
			continue
		}
		if !slices.Contains(names, line.name) {
			return errDamaged(what, fmt.Errorf("the file %s is missing", line.name))
		}
		if err := checkFile(disk, dir, what, line.name, func(r io.Reader) error {
			return checkLog(r, logNumber(line.name), line.size)
		}); err != nil {
			return err
		}
	}
	return nil
}

// errNotWhole says that a file is not as it was written.
var errNotWhole = errors.New("is damaged")

func checkFile(disk vfs.FS, dir, what, name string, check func(io.Reader) error) error {
	f, err := disk.Open(filepath.Join(dir, name))
	if err != nil {
		return errOpen(what, err)
	}
	err = errors.Join(check(f), f.Close())
	switch {
	case errors.Is(err, errNotWhole):
		return errDamaged(what, fmt.Errorf("the file %s %w", name, err))
	case err != nil:
		return errOpen(what, err)
	}
	return nil
}

// currentManifest returns the name that the newest marker among the files
// points to: marker.manifest.<number>.<name>.
func currentManifest(names []string) string {
	newest, current := -1, ""
	for _, name := range names {
		rest, found := strings.CutPrefix(name, "marker.manifest.")
		if !found {
			continue
		}
		number, value, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(number); err == nil && n > newest {
			newest, current = n, value
		}
	}
	return current
}

// newestLog returns the log with the greatest number.
func newestLog(names []string) string {
	newest := ""
	for _, name := range names {
		if strings.HasSuffix(name, ".log") && (newest == "" || logNumber(name) > logNumber(newest)) {
			newest = name
		}
	}
	return newest
}

// logNumber returns the number of a log, or rather its low bits, which its
// chunks hold.
func logNumber(name string) uint32 {
	n, _ := strconv.ParseUint(strings.TrimSuffix(name, ".log"), 10, 64)
	return uint32(n)
}

// readBlocks calls visit with every block, of which the last may be shorter,
// until it returns false.
func readBlocks(r io.Reader, visit func(offset int64, block []byte) bool) error {
	var block [blockSize]byte
	for offset := int64(0); ; offset += blockSize {
		n, err := io.ReadFull(r, block[:])
		if n > 0 && !visit(offset, block[:n]) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// record is a chunk of a file of records.
type record struct {
	family int // manifests, firstLogs or logs
	kind   int
	size   int    // with its header
	number uint32 // of the log
	synced uint64
	data   []byte
}

// parseRecord returns the chunk at the start of b, if there is a whole one.
func parseRecord(b []byte) (r record, ok bool) {
	if len(b) < minHeader {
		return r, false
	}
	header := 0
	switch kind := int(b[6]); {
	case kind >= logs && kind <= logs+kindLast:
		header, r.family = maxHeader, logs
	case kind >= firstLogs && kind < logs:
		header, r.family = logHeader, firstLogs
	case kind >= manifests && kind < firstLogs:
		header, r.family = minHeader, manifests
	default:
		return r, false
	}
	r.kind = int(b[6]) - r.family
	r.size = header + int(binary.LittleEndian.Uint16(b[4:]))
	if r.size > len(b) || binary.LittleEndian.Uint32(b) != checksum(b[6:r.size]) {
		return r, false
	}
	if r.family != manifests {
		r.number = binary.LittleEndian.Uint32(b[minHeader:])
	}
	if r.family == logs {
		r.synced = binary.LittleEndian.Uint64(b[logHeader:])
	}
	r.data = b[header:r.size]
	return r, true
}

// ends reports whether the chunk is the last one of its record.
func (r record) ends() bool { return r.kind == kindFull || r.kind == kindLast }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is Pebble's: a rotated one, so that data that contains checksums
// keeps a good one.
func checksum(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// checkManifest reports a manifest that is not whole up to a size that it has
// had.
func checkManifest(r io.Reader, size int64) error {
	whole := int64(0) // up to here there are whole records
	err := readBlocks(r, func(offset int64, block []byte) bool {
		pos := 0
		for len(block)-pos >= minHeader {
			r, ok := parseRecord(block[pos:])
			if !ok || r.family != manifests {
				return false
			}
			pos += r.size
			if r.ends() {
				whole = offset + int64(pos)
			}
		}
		if whole == offset+int64(pos) {
			whole = offset + int64(len(block)) // too short for a chunk
		}
		return true
	})
	if err == nil && whole < size {
		err = fmt.Errorf("%w behind byte %d, of %d that were written", errNotWhole, whole, size)
	}
	return err
}

// checkLog reports a log with a damaged record that had been durable: by the
// size that it had when it was closed, if that is not 0, and else as far as what
// was written behind it proves that.
func checkLog(r io.Reader, number uint32, size int64) error {
	s := logScan{number: number, hole: -1}
	if err := readBlocks(r, s.block); err != nil {
		return err
	}
	if size > 0 && s.end != size {
		return fmt.Errorf("%w: it ends at byte %d, not at %d as when it was closed", errNotWhole, s.end, size)
	}
	if s.damaged {
		return fmt.Errorf("%w behind byte %d, where a commit was acknowledged", errNotWhole, s.hole)
	}
	return nil
}

// logScan reads a log, also behind a hole: bytes that are no chunk of this log.
type logScan struct {
	number  uint32
	end     int64  // where it was closed, 0 if it was not
	hole    int64  // the first hole, or -1
	before  uint64 // the commit of the last record in front of it
	behind  uint64 // the commit of the first record behind it
	tail    []byte // the end of the record that is being read
	begun   int64  // where that record begins
	last    int64  // where the last whole record begins
	damaged bool
}

// block reads a block and reports whether to read on.
func (s *logScan) block(offset int64, b []byte) bool {
	for pos := 0; len(b)-pos >= logHeader; {
		if r, ok := s.record(b[pos:]); ok {
			s.place(r, offset+int64(pos))
			s.note(r)
			pos += r.size
			continue
		}
		if s.hole < 0 {
			if s.isEnd(b[pos:]) {
				s.end = offset + int64(pos) + logHeader
				return false
			}
			if len(b)-pos < maxHeader && allZero(b[pos:]) {
				return true // too short for a chunk
			}
			s.hole = offset + int64(pos)
			s.tail = s.tail[:0]
		}
		next := s.find(b[pos+1:])
		if next < 0 {
			return true
		}
		pos += 1 + next
	}
	return true
}

// record returns the chunk of this log at the start of b, if there is one.
func (s *logScan) record(b []byte) (record, bool) {
	r, ok := parseRecord(b)
	return r, ok && r.family != manifests && r.number == s.number
}

// isEnd reports whether b starts with the chunk that ends a log.
func (s *logScan) isEnd(b []byte) bool {
	return b[6] == firstLogs+kindFull && allZero(b[:6]) &&
		binary.LittleEndian.Uint32(b[minHeader:]) == s.number+1
}

func allZero(b []byte) bool {
	return len(bytes.TrimLeft(b, "\x00")) == 0
}

// find returns where the next chunk of this log begins, or -1.
func (s *logScan) find(b []byte) int {
	var number [4]byte
	binary.LittleEndian.PutUint32(number[:], s.number)
	for pos := 0; len(b)-pos > minHeader; pos++ {
		i := bytes.Index(b[pos+minHeader:], number[:])
		if i < 0 {
			return -1
		}
		pos += i
		if _, ok := s.record(b[pos:]); ok {
			return pos
		}
	}
	return -1
}

// place notes where a chunk of a record is.
func (s *logScan) place(r record, at int64) {
	if r.kind == kindFull || r.kind == kindFirst {
		s.begun = at
	}
	if r.ends() {
		s.last = s.begun
	}
}

// note notes what a chunk proves.
func (s *logScan) note(r record) {
	if s.hole >= 0 && r.synced > uint64(s.hole) {
		s.damaged = true
	}
	s.tail = append(s.tail, r.data...)
	s.tail = s.tail[max(0, len(s.tail)-sealSize):]
	if r.ends() {
		if len(s.tail) == sealSize {
			s.seal(seal(s.tail[sealSize-len(seal{}):]))
		}
		s.tail = s.tail[:0]
	}
}

// seal notes what the seal of a record proves.
func (s *logScan) seal(seal seal) {
	number, durable := seal.read()
	if s.hole < 0 {
		s.before = number
		return
	}
	if s.behind == 0 {
		s.behind = number
	}
	// The first commit lost is the one behind s.before. When the hole is at
	// the start of the log, all that is known is that it comes before s.behind.
	lost := s.before + 1
	if s.before == 0 {
		lost = s.behind - 1
	}
	if lost > 0 && durable >= lost {
		s.damaged = true
	}
}
