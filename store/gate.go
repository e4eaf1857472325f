package store

import (
	"sync"
	"sync/atomic"
)

// gate counts the calls that are inside, and shuts. It is no lock: who is
// inside may enter again, unless the gate was shut meanwhile.
type gate struct {
	state atomic.Int64 // the number of calls inside, plus gateShut
	mu    sync.Mutex   // orders shuts
	once  sync.Once
	empty func() // what to call once the gate is shut and nobody is inside
}

const gateShut = 1 << 62

// enter reports whether the gate is open. If so, leave must follow.
func (g *gate) enter() bool {
	if g.state.Add(1)&gateShut == 0 {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() {
	if g.state.Add(-1) == gateShut {
		g.once.Do(g.empty)
	}
}

// isShut reports whether the gate was shut meanwhile, for those inside.
func (g *gate) isShut() bool { return g.state.Load()&gateShut != 0 }

// shut lets nobody in any more and has empty called when the last call has
// left: at once if nobody is inside. It reports whether the gate was open.
func (g *gate) shut(empty func()) bool {
	g.mu.Lock()
	if g.isShut() {
		g.mu.Unlock()
		return false
	}
	g.empty = empty
	alone := g.state.Add(gateShut) == gateShut
	g.mu.Unlock()
	if alone {
		g.once.Do(empty)
	}
	return true
}
