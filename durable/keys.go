package durable

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// The engine's key space. Every id is followed by a zero byte, which no id contains, so that no id's keys
// are a prefix of another's.
//
//	m owner                        epoch of the engine that owns the store, 8 bytes big-endian
//	r <run> 0 h                    header of a run: workflow and fingerprint of the input
//	r <run> 0 j <seq>              journal entry, seq 8 bytes big-endian
//	r <run> 0 z                    how the run ended
//	r <run> 0 c                    the run was asked to end, by a cancellation
//	r <run> 0 w <topic> 0          the run waits for a message of this topic
//	r <run> 0 q                    the number of the letter that came last, once one has come
//	r <run> 0 i <topic> 0 <id>     the message with this id has come: fingerprint of its content
//	q <run> 0 m <topic> 0 <number> a message in the run's mailbox, number 16 bytes big-endian
//	q <run> 0 c <op> 0 <number>    the end of the child that is the run's operation
//	q <run> 0 x <op> 0 <number>    the cancellation of the run by its parent, whose operation it is; or from
//	                               outside, with a dash for the operation
//	q <run> 0 t <op> 0 <number>    the run is to be terminated, as its parent was
//	a <run> 0                      the run has steps to run: it is loaded when the engine opens
//	k <key>                        what transactions have written
//	p <run> 0 <op>                 progress of a step that has not ended, and how often it was interrupted
//	s <run> 0                      the run is parked: why
//	x <ended> <run> 0              a run that has ended and is deleted in time, ended as in t
//	t <deadline> <run> 0 <op>      a timer, deadline 8 bytes big-endian, Unix nanoseconds with the sign flipped
//	v <run> 0 <name>               a published value: its journal entry, 8 bytes big-endian, of which the upper
//	                               3 are the run's generation, and the content
//	u <run> 0 <id>                 an update that the run has taken, see asked.decode
//	C <run> 0                      the run's place in a lane: the line of a queue, or of a schedule
//	Q <queue> 0 i <level> <key> 0 <number>
//	                               a run that waits: its id; level is 127 minus the priority
//	Q <queue> 0 d <due> <run> 0    a run whose delay is not over: its id
//	Q <queue> 0 s <key> 0 <run> 0  a slot that is taken: what tells it from earlier ones of the run
//	Q <queue> 0 w <time> <run> 0   one of the latest starts, as many as the queue's rate has
//	Q <queue> 0 c <level>          the key that had the last turn
//	Q <queue> 0 u <unique> 0       what no two items may have: the run that has it
//	K n <schedule> 0               a schedule, see plan
//	K t <time> <schedule> 0        when a schedule fires next
//	K q <schedule> 0 …             the lane of a schedule whose runs do not overlap, as that of a queue
//	f <run> 0                      how often the run was recovered in vain, as a varint
//	g <run> 0                      the run is paused: why
//	h <run> 0 <op>                 how a step ended while the run was paused: a journal entry's event
const (
	tableMeta   = 'm'
	tableRun    = 'r'
	tableActive = 'a'
	tableTimer  = 't'
	tableSaved  = 'p'
	tableUser   = 'k'
	tableParked = 's'
	tableExpiry = 'x'
	tableMail   = 'q'
	tableValue  = 'v'
	tableUpdate = 'u'
	tableQueue  = 'Q'
	tableItem   = 'C'

	tableSchedule = 'K'
	scheduleLanes = 'q'
	tableFutile   = 'f'
	tablePaused   = 'g'
	tableKept     = 'h'

	partHeader  = 'h'
	partJournal = 'j'
	partEnd     = 'z'
	partAsked   = 'c'
	partWaits   = 'w'
	partMark    = 'q'
	partMessage = 'i'

	mailMessage  mailKind = 'm'
	mailChildEnd mailKind = 'c'
	mailCancel   mailKind = 'x'
	mailEnd      mailKind = 't'

	fromOutside = "-" // the operation of a cancellation that is not a parent's
)

var keyOwner = []byte("mowner")

// maxIDLength bounds ids and names, in bytes.
const maxIDLength = 512

// checkID says whether a run id or a name can be used, and why not.
func checkID(what, id string) error {
	switch {
	case id == "":
		return fmt.Errorf("durable: the %s is empty; give it a name of 1 to %d bytes", what, maxIDLength)
	case len(id) > maxIDLength:
		return fmt.Errorf("durable: the %s is %d bytes long, at most %d are allowed: %.40q…",
			what, len(id), maxIDLength, id)
	case strings.IndexByte(id, 0) >= 0:
		return fmt.Errorf("durable: the %s %q contains a zero byte, which ends ids in the store", what, id)
	}
	return nil
}

func runKey(id string, part byte) []byte {
	k := make([]byte, 0, len(id)+11)
	k = append(k, tableRun)
	k = append(k, id...)
	return append(k, 0, part)
}

func journalKey(id string, seq int) []byte {
	return binary.BigEndian.AppendUint64(runKey(id, partJournal), uint64(seq))
}

// isJournalKey reports whether key is that of the entry with this number; prefix is what all entries of the
// run begin with.
func isJournalKey(key, prefix []byte, seq int) bool {
	rest, ok := bytes.CutPrefix(key, prefix)
	return ok && len(rest) == 8 && binary.BigEndian.Uint64(rest) == uint64(seq)
}

// journalRange returns the bounds of a run's journal for a scan.
func journalRange(id string) (from, to []byte) {
	return runKey(id, partJournal), runKey(id, partJournal+1)
}

func activeKey(id string) []byte {
	k := make([]byte, 0, len(id)+2)
	k = append(k, tableActive)
	k = append(k, id...)
	return append(k, 0)
}

func parkedKey(id string) []byte {
	k := activeKey(id)
	k[0] = tableParked
	return k
}

func recoveriesKey(id string) []byte {
	k := activeKey(id)
	k[0] = tableFutile
	return k
}

func pausedKey(id string) []byte {
	k := activeKey(id)
	k[0] = tablePaused
	return k
}

// runOf is the run that a key belongs to, in the tables whose keys begin with the run.
func runOf(key []byte) string {
	id, _, _ := bytes.Cut(key[1:], []byte{0})
	return string(id)
}

func keptKey(run, op string) []byte { return tableKey(tableKept, run, op) }

func progressKey(run, op string) []byte { return tableKey(tableSaved, run, op) }

// progressRange returns the bounds of what is saved of a run's steps.
func progressRange(run string) (from, to []byte) {
	from = progressKey(run, "")
	to = progressKey(run, "")
	to[len(to)-1] = 1
	return from, to
}

func valueKey(run, name string) []byte { return tableKey(tableValue, run, name) }

func updateKey(run, id string) []byte { return tableKey(tableUpdate, run, id) }

// tableKey is a key of a table that has something by name for each run.
func tableKey(table byte, run, name string) []byte {
	k := make([]byte, 0, len(run)+len(name)+2)
	k = append(k, table)
	k = append(k, run...)
	k = append(k, 0)
	return append(k, name...)
}

const signBit = 1 << 63

func timerKey(deadline time.Time, run, op string) []byte {
	k := make([]byte, 0, 10+len(run)+len(op))
	k = append(k, tableTimer)
	k = binary.BigEndian.AppendUint64(k, uint64(deadline.UnixNano())^signBit)
	k = append(k, run...)
	k = append(k, 0)
	return append(k, op...)
}

// parseTimerKey is the inverse of timerKey.
func parseTimerKey(k []byte) (deadline time.Time, run, op string, err error) {
	if len(k) < 9 || k[0] != tableTimer {
		return deadline, "", "", fmt.Errorf("durable: %w: not a timer key: %x", ErrDamaged, k)
	}
	deadline = time.Unix(0, int64(binary.BigEndian.Uint64(k[1:9])^signBit)).UTC()
	id, rest, ok := bytes.Cut(k[9:], []byte{0})
	if !ok {
		return deadline, "", "", fmt.Errorf("durable: %w: timer key without a terminator: %x", ErrDamaged, k)
	}
	return deadline, string(id), string(rest), nil
}
