// Package store is an ordered key space with atomic, durable batches.
//
// # Terms
//
// A store maps keys to values, both byte strings; keys are ordered bytewise.
// A [Batch] collects writes, and requirements on what the store holds before
// them. Commit applies a batch wholly or not at all; when it returns nil, the
// batch survives any crash. A [Disk] is a simulated disk: it holds one store
// and outlives it, so that a test may cut its power at a commit and open
// again what is left.
//
// # Implementations
//
//   - [OpenPebble] keeps the store in a folder, on Pebble. It is the one for
//     production: many goroutines commit at once and share the disk's syncs.
//   - [NewPebbleDisk] is the same Pebble on a simulated disk, whose contents
//     after a crash are a function of the commits made and of the cut chosen.
//   - [OpenMemory] is the reference: an ordered map, nothing durable about it.
//   - [NewMemoryDisk] is the reference on a simulated disk. A cycle of open,
//     commit, crash and open again costs a few microseconds.
//
// The conformance suite that all of them pass is package storetest.
//
// # Example
//
//	s, err := store.OpenPebble("orders.db", store.PebbleOptions{})
//	…
//	var b store.Batch
//	b.RequireAbsent([]byte("order/7"))
//	b.Set([]byte("order/7"), []byte("reserved"))
//	err = s.Commit(&b) // durable, or a *ConflictError if order/7 exists
//
// # What holds
//
//   - A batch is atomic: no read and no crash ever shows a part of it.
//   - What Commit acknowledged is there after any crash. What it did not
//     acknowledge is there wholly or not at all.
//   - A read shows only what is durable: what Get, Scan or a conflict told
//     the caller is never taken back by a crash.
//   - Requirements are checked in the same atomic step as the writes.
//   - A failed sync is final. The store acknowledges nothing any more, every
//     later call returns [ErrFailed], and only opening it again tells what
//     the disk really holds.
//
// # What goes wrong
//
// A user's mistake is an error that says what to do: [ErrInvalid], [ErrClosed],
// [ErrInUse], [ErrNotStore]. A disk's failure is [ErrFailed] and final, be it a
// full disk, a failed write or a failed sync; nothing ends the process. Damage is
// [ErrDamaged], when the store is opened or when the damaged part is read, never
// a store that silently holds less.
//
// # Limits
//
// A key has 1 to [MaxKeySize] bytes, and a batch at most [MaxBatchSize]. A store
// belongs to one process at a time. There are no transactions beyond a batch and
// its requirements.
//
// When a process was killed, damage to its very last commit looks like a commit
// that a crash has torn, and is taken for one. So is the end of its log, if it
// was cut off by hand.
//
// To delete a range of more than a few hundred keys costs no more than to delete
// one, but thousands of such ranges make reads slow until the next flush.
package store

const (
	// MaxKeySize is the length of the longest key, in bytes.
	MaxKeySize = 32 << 10
	// MaxBatchSize is the size of the largest batch, in bytes of its keys
	// and values.
	MaxBatchSize = 256 << 20
)

// Store is an ordered key space with atomic, durable batches.
//
// All methods may be called by many goroutines at once. Each returns
// [ErrClosed] once Close was called.
type Store interface {
	// Get returns the value of key, and whether the store holds the key. The
	// caller owns the value; an empty value is not nil.
	Get(key []byte) (value []byte, ok bool, err error)

	// Scan visits the keys of [from, to) in ascending order until visit
	// returns false. A nil from is the first key, a nil to lies behind the
	// last one. It shows one moment of the store: commits made meanwhile, be
	// it by visit itself, are not seen. The slices are valid only during the
	// call of visit, and must not be changed. visit must not close the store.
	Scan(from, to []byte, visit func(key, value []byte) bool) error

	// Commit applies the batch, if all that it requires holds. Once it
	// returns nil the batch is durable. It returns a *ConflictError, and has
	// written nothing, when a requirement does not hold, [ErrInvalid] when the
	// batch can't be, and [ErrClosed] on a closed store. After any other error
	// the batch may or may not have been applied, and the store tells which
	// when it is opened again.
	// The batch stays the caller's, to Reset and use again.
	Commit(b *Batch) error

	// Close releases the store. It waits for the calls in flight, of which a
	// scan may end early, with ErrClosed. To close a store twice returns
	// ErrClosed and is harmless.
	Close() error
}

// Disk is a simulated disk: it holds one store and outlives it.
//
// What it holds after a crash is a function of the commits that were made
// and of the cuts that were chosen, provided that commits were made one at a
// time. A Disk serves one thread of control; the store that it opens obeys
// the rules of [Store], but its commits have to come one after the other.
type Disk interface {
	// Open opens the store as the disk holds it now; one at a time, so that
	// it returns [ErrInUse] until the store is closed or abandoned by Crash.
	Open() (Store, error)

	// TailBytes returns how many bytes of the last commit's log record a
	// crash can lose. It is 0 when the last thing that happened was not a
	// commit that wrote something.
	TailBytes() int

	// Crash cuts the power. The open store is abandoned: its calls return
	// [ErrClosed] and reach nothing. The disk keeps all but the last cut
	// bytes of the last commit's record. A cut of 0 keeps the commit; with
	// any other the commit is lost wholly, since a torn record is none. It
	// is an error for a cut to be negative or to exceed TailBytes.
	Crash(cut int) error

	// Flush moves the open store's contents from its log into its tables,
	// and compacts these. It changes nothing that a reader can see; it is an
	// explicit event since here nothing happens in the background.
	Flush() error
}
