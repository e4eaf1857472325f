//go:build race

package eventloop

import "sync/atomic"

// cell is the atomic variant of the one in cell.go.
type cell struct{ v atomic.Uintptr }

func (c *cell) set(v uintptr)       { c.v.Store(v) }
func (c *cell) get() uintptr        { return c.v.Load() }
func (c *cell) watch() uintptr      { return c.v.Load() }
func (c *cell) take(v uintptr) bool { return c.v.CompareAndSwap(0, v) }

// pointer is the atomic variant of the one in cell.go.
type pointer[T any] struct{ p atomic.Pointer[T] }

func (c *pointer[T]) set(p *T)  { c.p.Store(p) }
func (c *pointer[T]) get() *T   { return c.p.Load() }
func (c *pointer[T]) watch() *T { return c.p.Load() }
