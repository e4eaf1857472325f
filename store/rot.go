package store

import "fmt"

// Rotter is a [Disk] whose bits can flip while it is at rest. Both disks of
// this package are. Whatever bit flips, a store shows what it held before, or
// says with [ErrDamaged] that it can't: when it is opened, when the damage is
// read, or when a requirement of a batch meets it.
type Rotter interface {
	Disk

	// Size returns how many bytes may rot. It is 0 while a store is open. When
	// the power was cut, the last record of the log is not among them, since
	// damage to it looks like a torn commit.
	Size() int

	// Rot flips one bit, from 0 to 7, of the byte at, which must be below Size.
	// It says where that is, for people to read.
	Rot(at int, bit uint8) (where string, err error)
}

func checkRot(at, size int, bit uint8) error {
	if at < 0 || at >= size || bit > 7 {
		return fmt.Errorf("store: bit %d of byte %d can't rot: the disk has %d bytes that can, and a byte 8 bits",
			bit, at, size)
	}
	return nil
}
