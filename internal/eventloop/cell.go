//go:build !race

package eventloop

import (
	"sync/atomic"
	"unsafe"
)

// A cell is a word that the loop's thread of control writes and anyone may read: who runs, how many steps
// were made. Writing it costs a plain store; an atomic one would add a tenth to every switch of tasks. A
// reader sees an old or a new value, never a mix, since a word is written whole. Under the race detector
// (cell_race.go) both sides are atomic, so that its reports are about real mistakes only.
type cell struct{ v uintptr }

func (c *cell) set(v uintptr)       { c.v = v }
func (c *cell) get() uintptr        { return c.v }
func (c *cell) watch() uintptr      { return atomic.LoadUintptr(&c.v) }
func (c *cell) take(v uintptr) bool { return atomic.CompareAndSwapUintptr(&c.v, 0, v) }

// A pointer is a cell that holds a pointer.
type pointer[T any] struct{ p *T }

func (c *pointer[T]) set(p *T) { c.p = p }
func (c *pointer[T]) get() *T  { return c.p }
func (c *pointer[T]) watch() *T {
	return (*T)(atomic.LoadPointer((*unsafe.Pointer)(unsafe.Pointer(&c.p))))
}
