package store

import "fmt"

var (
	_ Rotter = (*memoryDisk)(nil)

	// rotten stands for a value that can't be read any more. It is known by its
	// place in memory, not by what it contains.
	rotten = make([]byte, 1)
)

func isRotten(value []byte) bool { return len(value) == 1 && &value[0] == &rotten[0] }

func errRotten(key []byte) error {
	return fmt.Errorf("%w: the simulated disk does not read back what was written under key %s; "+
		"restore it from a copy", ErrDamaged, quote(key))
}

// Size counts the bytes of keys and values.
func (d *memoryDisk) Size() (size int) {
	d.m.mu.RLock()
	defer d.m.mu.RUnlock()
	return d.size()
}

func (d *memoryDisk) size() (size int) {
	if d.m.open != nil {
		return 0
	}
	visitFrom(d.m.content.chunks, place{}, nil, func(e entry) bool {
		size += len(e.key) + len(e.value)
		return true
	})
	return size
}

// Rot makes the pair unreadable to which the byte belongs. A disk that sees all
// damage needs no more.
func (d *memoryDisk) Rot(at int, bit uint8) (where string, err error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if err := checkRot(at, d.size(), bit); err != nil {
		return "", err
	}
	var hit entry
	visitFrom(d.m.content.chunks, place{}, nil, func(e entry) bool {
		hit = e
		at -= len(e.key) + len(e.value)
		return at >= 0
	})
	d.m.writing()
	d.m.content.set(entry{hit.key, rotten})
	return "key " + quote(hit.key), nil
}
