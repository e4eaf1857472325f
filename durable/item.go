package durable

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/reprise-dst/reprise/store"
	"google.golang.org/protobuf/encoding/protowire"
)

// An item is a run that belongs to a lane: the line of a queue, or of a schedule. While it waits, its journal
// is empty and the item keeps the entry that it will begin with.
type item struct {
	run      string
	lane     string
	key      string
	priority int8
	unique   string
	due      time.Time // of an item with a delay
	number   []byte    // its place among the items of its key, the size of a letter's number
	state    itemState
	slot     []byte // what tells the slot that it has taken from those that it had before
	entry    []byte // the first of its journal, until that has it
}

// itemState says where an item is.
type itemState byte

// The states of items, as the store knows them.
const (
	itemDelayed itemState = 'd' // its delay is not over
	itemWaits   itemState = 'w' // for its turn
	itemRuns    itemState = 's' // it has a slot
	itemParked  itemState = 'p' // its run is parked, and has given its slot back
)

// begun reports whether the run has a journal.
func (it *item) begun() bool { return it.entry == nil }

// Fields of an item in the store.
const (
	fieldItemLane     = 1
	fieldItemKey      = 2
	fieldItemPriority = 3 // zigzag
	fieldItemUnique   = 4
	fieldItemDue      = 5 // Unix nanoseconds, zigzag
	fieldItemNumber   = 6
	fieldItemState    = 7
	fieldItemSlot     = 8
	fieldItemEntry    = 9
)

func (it *item) encode() []byte {
	buf := appendString(nil, fieldItemLane, it.lane)
	if it.key != "" {
		buf = appendString(buf, fieldItemKey, it.key)
	}
	if it.priority != 0 {
		buf = appendVarint(buf, fieldItemPriority, protowire.EncodeZigZag(int64(it.priority)))
	}
	if it.unique != "" {
		buf = appendString(buf, fieldItemUnique, it.unique)
	}
	if !it.due.IsZero() {
		buf = appendVarint(buf, fieldItemDue, protowire.EncodeZigZag(it.due.UnixNano()))
	}
	buf = appendBytes(buf, fieldItemNumber, it.number)
	buf = appendVarint(buf, fieldItemState, uint64(it.state))
	if it.slot != nil {
		buf = appendBytes(buf, fieldItemSlot, it.slot)
	}
	if it.entry != nil {
		buf = appendBytes(buf, fieldItemEntry, it.entry)
	}
	return buf
}

func decodeItem(run string, data []byte) (*item, error) {
	it := &item{run: run}
	err := eachField(data, func(field protowire.Number, v uint64, b []byte) error {
		switch field {
		case fieldItemLane:
			it.lane = string(b)
		case fieldItemKey:
			it.key = string(b)
		case fieldItemPriority:
			it.priority = int8(protowire.DecodeZigZag(v))
		case fieldItemUnique:
			it.unique = string(b)
		case fieldItemDue:
			it.due = time.Unix(0, protowire.DecodeZigZag(v)).UTC()
		case fieldItemNumber:
			it.number = bytes.Clone(b)
		case fieldItemState:
			it.state = itemState(v)
		case fieldItemSlot:
			it.slot = bytes.Clone(b)
		case fieldItemEntry:
			it.entry = bytes.Clone(b)
		}
		return nil
	})
	if err == nil && (it.lane == "" || len(it.number) != letterNumberSize) {
		err = errBadWire
	}
	if err != nil {
		return nil, fmt.Errorf("%w: run %q: its item of a queue: %w", ErrDamaged, run, err)
	}
	return it, nil
}

// Parts of a lane in the store.
const (
	laneWaiting = 'i' // items that wait, by priority, key and number
	laneDelayed = 'd' // items whose delay is not over, by time
	laneSlots   = 's' // slots that are taken, by key
	laneStarts  = 'w' // when the latest runs were started, as far as the rate needs it
	laneTurn    = 'c' // which key had the last turn, by priority
	laneUnique  = 'u' // what is unique, and the run that has it
)

// queueLane is the lane of a queue, scheduleLane that of a schedule: the beginning of their keys.
func queueLane(queue string) string { return string(rune(tableQueue)) + queue }

func scheduleLane(schedule string) string { return scheduleLanePrefix + schedule }

var scheduleLanePrefix = string([]byte{tableSchedule, scheduleLanes})

// scheduleOfLane is the inverse of scheduleLane; is says whether it is one.
func scheduleOfLane(lane string) (schedule string, is bool) {
	return strings.CutPrefix(lane, scheduleLanePrefix)
}

// laneKey is the prefix of a part of a lane.
func laneKey(lane string, part byte) []byte {
	k := make([]byte, 0, len(lane)+64)
	k = append(k, lane...)
	return append(k, 0, part)
}

// laneRange returns the bounds of a part of a lane.
func laneRange(lane string, part byte) (from, to []byte) {
	return laneKey(lane, part), laneKey(lane, part+1)
}

// level is a priority so that byte order puts the greatest first.
func level(priority int8) byte { return byte(127 - int(priority)) }

func priorityOf(level byte) int8 { return int8(127 - int(level)) }

// waitingKey is the prefix of the items of a key, or the key of one item.
func waitingKey(lane string, priority int8, key string, number []byte) []byte {
	k := append(laneKey(lane, laneWaiting), level(priority))
	k = append(append(k, key...), 0)
	return append(k, number...)
}

func parseWaitingKey(lane string, k []byte) (priority int8, key string, number []byte, err error) {
	rest := k[len(lane)+2:]
	if len(rest) > 0 {
		name, number, ok := bytes.Cut(rest[1:], []byte{0})
		if ok && len(number) == letterNumberSize {
			return priorityOf(rest[0]), string(name), number, nil
		}
	}
	return 0, "", nil, fmt.Errorf("%w: not an item that waits in a queue: %x", ErrDamaged, k)
}

func delayedKey(lane string, due time.Time, run string) []byte {
	k := appendTime(laneKey(lane, laneDelayed), due)
	return append(append(k, run...), 0)
}

func slotKey(lane, key, run string) []byte {
	k := append(laneKey(lane, laneSlots), key...)
	k = append(append(k, 0), run...)
	return append(k, 0)
}

func uniqueKey(lane, unique string) []byte {
	return append(append(laneKey(lane, laneUnique), unique...), 0)
}

func itemKey(run string) []byte {
	k := activeKey(run)
	k[0] = tableItem
	return k
}

// place is the key under which the lane knows the item in its present state, nil for none.
func (it *item) place() []byte {
	switch it.state {
	case itemDelayed:
		return delayedKey(it.lane, it.due, it.run)
	case itemWaits:
		return waitingKey(it.lane, it.priority, it.key, it.number)
	case itemRuns:
		return slotKey(it.lane, it.key, it.run)
	}
	return nil
}

// put writes the item as it is now. move takes it from where it was first.
func (it *item) put(b *store.Batch) {
	b.Set(itemKey(it.run), it.encode())
	switch it.state {
	case itemRuns:
		b.Set(it.place(), it.slot)
	case itemDelayed, itemWaits:
		b.Set(it.place(), []byte(it.run))
	}
}

// move changes the item's state.
func (it *item) move(b *store.Batch, to itemState) {
	if place := it.place(); place != nil {
		b.Delete(place)
	}
	it.state = to
	it.put(b)
}

// remove takes the item out of its lane: its run ends.
func (it *item) remove(b *store.Batch) {
	if place := it.place(); place != nil {
		b.Delete(place)
	}
	if it.unique != "" {
		b.Delete(uniqueKey(it.lane, it.unique))
	}
	b.Delete(itemKey(it.run))
}

// readItem returns a run's item, and as the store has it; nil when the run has none.
func readItem(st store.Store, run string) (it *item, raw []byte, err error) {
	raw, found, err := st.Get(itemKey(run))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("durable: looking for the place of run %q in its queue: %w", run, err)
	case !found:
		return nil, nil, nil
	}
	it, err = decodeItem(run, raw)
	return it, raw, err
}

// asPlace encodes what its run keeps of the item: what it takes to wait again.
func (it *item) asPlace() []byte {
	place := *it
	place.state, place.slot, place.entry = itemWaits, nil, nil
	return place.encode()
}

// begins returns the first entry of an item's run and its encoding, with the time at which it begins.
func (it *item) begins(at time.Time) (Entry, []byte, error) {
	entry, err := decodeEntry(it.run, 1, it.entry)
	if err == nil && entry.Event.Start == nil {
		err = damagedEntry(it.run, 1, errBadWire)
	}
	if err != nil {
		return entry, nil, err
	}
	entry.Event.Time, entry.Event.Start.Behaviour = at, behaviour
	entry.Event.Start.place = it.asPlace()
	data, err := appendEntry(nil, &entry)
	return entry, data, err
}

// number compares as the keys of items do.
func lessNumber(a, b []byte) bool { return bytes.Compare(a, b) < 0 }

// afterNumber is the number that follows.
func afterNumber(n []byte) []byte {
	k := bytes.Clone(n)
	binary.BigEndian.PutUint64(k[8:], binary.BigEndian.Uint64(k[8:])+1)
	return k
}
