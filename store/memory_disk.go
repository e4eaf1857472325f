package store

import "fmt"

// NewMemoryDisk returns an empty simulated disk that holds the in-memory
// reference. Cutting anything off the last commit's record loses that commit,
// as it does with a real log. It costs a thousandth of what Pebble costs, and
// checks Pebble's answers in turn.
func NewMemoryDisk() Disk {
	return &memoryDisk{memory{log: &memoryLog{}}}
}

type memoryDisk struct{ m memory }

// memoryLog is what can be lost of a memory: its last commit. A nil log
// remembers nothing.
type memoryLog struct {
	tail int    // the length of the commit's record
	undo []undo // takes back the commit's writes, the last one first
}

// undo takes one write back.
type undo struct {
	key   []byte
	old   entry
	found bool // or else the key was absent
}

// begin forgets the last commit for the sake of b; nil is none.
func (l *memoryLog) begin(b *Batch) {
	if l == nil {
		return
	}
	clear(l.undo)
	l.undo = l.undo[:0]
	l.tail = 0
	if b != nil {
		l.tail = recordSize(b)
	}
}

// note remembers what a write found under key.
func (l *memoryLog) note(key []byte, old entry, found bool) {
	l.undo = append(l.undo, undo{key, old, found})
}

func (d *memoryDisk) Open() (Store, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if d.m.open != nil {
		return nil, errDiskInUse()
	}
	d.m.open = &memoryStore{&d.m}
	return d.m.open, nil
}

func (d *memoryDisk) TailBytes() int {
	d.m.mu.RLock()
	defer d.m.mu.RUnlock()
	return d.m.log.tail
}

func (d *memoryDisk) Crash(cut int) error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	log := d.m.log
	if err := checkCut(cut, log.tail); err != nil {
		return err
	}
	d.m.open = nil
	if cut > 0 {
		d.m.writing()
		for i := len(log.undo) - 1; i >= 0; i-- {
			if u := log.undo[i]; u.found {
				d.m.content.set(u.old)
			} else {
				d.m.content.remove(u.key)
			}
		}
	}
	log.begin(nil)
	return nil
}

func (d *memoryDisk) Flush() error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if d.m.open == nil {
		return errDiskClosed()
	}
	d.m.log.begin(nil)
	return nil
}

func errDiskInUse() error {
	return fmt.Errorf("%w: the simulated disk holds an open store; close it or crash the disk first", ErrInUse)
}

func errDiskClosed() error {
	return fmt.Errorf("%w: the simulated disk holds no open store; open it before it is flushed", ErrClosed)
}

func checkCut(cut, tail int) error {
	if cut < 0 || cut > tail {
		return fmt.Errorf("store: a crash can't cut %d bytes: the last commit's record has %d that can be lost",
			cut, tail)
	}
	return nil
}
