package store

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

const testLog = 7

// logRecord is the record of a commit, in chunks as long as the block allows.
func logRecord(log []byte, size int, commit, durable, synced uint64) []byte {
	seal := makeSeal(commit, durable)
	data := append(make([]byte, size), 3, byte(len(seal)))
	data = append(data, seal[:]...)
	for first := true; first || len(data) > 0; first = false {
		part := min(len(data), blockSize-len(log)%blockSize-maxHeader)
		last := part == len(data)
		kind := logs + map[[2]bool]int{
			{true, true}: kindFull, {true, false}: 1, {false, false}: 2, {false, true}: kindLast,
		}[[2]bool{first, last}]
		chunk := make([]byte, maxHeader, maxHeader+part)
		binary.LittleEndian.PutUint16(chunk[4:], uint16(part))
		chunk[6] = byte(kind)
		binary.LittleEndian.PutUint32(chunk[minHeader:], testLog)
		binary.LittleEndian.PutUint64(chunk[logHeader:], synced)
		chunk = append(chunk, data[:part]...)
		binary.LittleEndian.PutUint32(chunk, checksum(chunk[6:]))
		log = append(log, chunk...)
		data = data[part:]
		if left := blockSize - len(log)%blockSize; left < maxHeader {
			log = append(log, make([]byte, left)...)
		}
	}
	return log
}

// logEnd is the chunk that ends a log that was closed.
func logEnd(log []byte) []byte {
	end := make([]byte, logHeader)
	end[6] = firstLogs
	binary.LittleEndian.PutUint32(end[minHeader:], testLog+1)
	return append(log, end...)
}

// loggedCommit is a commit whose record is in a log, damaged or not.
type loggedCommit struct {
	size                    int
	commit, durable, synced uint64
	damaged                 bool
}

var checkedLogs = map[string]struct {
	records []loggedCommit
	damaged bool
}{
	"nothing": {},
	"whole":   {records: []loggedCommit{{10, 1, 0, 0, false}, {10, 2, 1, 0, false}}},
	"a torn end": {
		records: []loggedCommit{{10, 1, 0, 0, false}, {10, 2, 1, 0, true}},
	},
	"a seal proves the record before it": {
		records: []loggedCommit{{10, 1, 0, 0, false}, {10, 2, 1, 0, true}, {10, 3, 2, 0, false}},
		damaged: true,
	},
	"commits in flight, torn in any order": {
		records: []loggedCommit{
			{10, 1, 0, 0, false},
			{10, 2, 1, 0, true},
			{10, 3, 1, 0, false},
			{10, 4, 1, 0, true},
			{10, 5, 1, 0, false},
		},
	},
	"a later seal proves it": {
		records: []loggedCommit{
			{10, 1, 0, 0, false}, {10, 2, 1, 0, true}, {10, 3, 1, 0, false}, {10, 4, 2, 0, false},
		},
		damaged: true,
	},
	"a synced offset proves it": {
		records: []loggedCommit{{10, 1, 0, 0, false}, {10, 2, 1, 0, true}, {10, 3, 1, 60, false}},
		damaged: true,
	},
	"an offset in front of it does not": {
		records: []loggedCommit{{10, 1, 0, 0, false}, {10, 2, 1, 0, true}, {10, 3, 1, 39, false}},
	},
	"the first record, proved": {
		records: []loggedCommit{{10, 8, 7, 0, true}, {10, 9, 8, 0, false}},
		damaged: true,
	},
	"the first record, in flight": {
		records: []loggedCommit{{10, 8, 7, 0, true}, {10, 9, 7, 0, false}},
	},
	"a record of several chunks": {
		records: []loggedCommit{{10, 1, 0, 0, false}, {100_000, 2, 1, 0, true}, {10, 3, 2, 0, false}},
		damaged: true,
	},
	"proved by one of several chunks": {
		records: []loggedCommit{{40_000, 1, 0, 0, false}, {10, 2, 1, 0, true}, {100_000, 3, 2, 0, false}},
		damaged: true,
	},
	"in the block before": {
		records: []loggedCommit{
			{10, 1, 0, 0, false}, {32_000, 2, 1, 0, true}, {32_000, 3, 1, 0, false}, {10, 4, 3, 0, false},
		},
		damaged: true,
	},
}

func TestCheckLog(t *testing.T) {
	for name, c := range checkedLogs {
		var log []byte
		for _, r := range c.records {
			start := len(log)
			log = logRecord(log, r.size, r.commit, r.durable, r.synced)
			if r.damaged {
				log[start+maxHeader/2] ^= 1
			}
		}
		err := checkLog(bytes.NewReader(log), testLog, 0)
		if c.damaged {
			require.ErrorIs(t, err, errNotWhole, name)
			// A log that is used again holds other things behind its end.
			require.Error(t, checkLog(bytes.NewReader(append(log, log...)), testLog, 0), name)
		} else {
			require.NoError(t, err, name)
			padded := append(log, make([]byte, 100_000)...)
			require.NoError(t, checkLog(bytes.NewReader(padded), testLog, 0), name)
		}
		// The chunks of another log prove nothing.
		require.NoError(t, checkLog(bytes.NewReader(log), testLog+5, 0), name)
	}
}

// TestCheckClosedLog cuts and flips a log that was closed with that size.
func TestCheckClosedLog(t *testing.T) {
	var log []byte
	for i := range uint64(4) {
		log = logRecord(log, 12_000, i+1, i, 0)
	}
	log = logEnd(log)
	size := int64(len(log))
	require.NoError(t, checkLog(bytes.NewReader(log), testLog, size))
	require.NoError(t, checkLog(bytes.NewReader(append(slices.Clone(log), log...)), testLog, size))
	require.Error(t, checkLog(bytes.NewReader(log), testLog, size+1))
	for _, cut := range []int{1, 5, logHeader, logHeader + 1, 20_000, len(log)} {
		require.Error(t, checkLog(bytes.NewReader(log[:len(log)-cut]), testLog, size), "cut %d", cut)
	}
	for i := 0; i < len(log); i += 7 {
		flipped := slices.Clone(log)
		flipped[i] ^= 0x10
		require.Error(t, checkLog(bytes.NewReader(flipped), testLog, size), "byte %d", i)
	}
}

func TestSeal(t *testing.T) {
	for _, c := range []struct{ number, durable, want uint64 }{
		{1, 0, 0},
		{2, 1, 1},
		{2, 0, 0},
		{1 << 40, 1<<40 - 1, 1<<40 - 1},
		{1 << 40, 1<<40 - 65535, 1<<40 - 65535},
		{1 << 40, 0, 1<<40 - 65535}, // too many to tell: what it claims is less
	} {
		number, durable := makeSeal(c.number, c.durable).read()
		require.Equal(t, c.number, number)
		require.Equal(t, c.want, durable)
	}
}
