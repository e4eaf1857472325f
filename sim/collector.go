package sim

import (
	"os"
	"runtime/debug"
	"sync"
)

// sweepGCPercent is the target of the garbage collector while worlds run. A sweep makes much garbage and
// keeps little, so that the default would collect every few hundred worlds.
const sweepGCPercent = 400

// ballast counts as live and is never touched, so that it takes no memory. What worlds keep is so little that
// without it even that target would be reached after some thirty worlds on Pebble, and each collection also
// empties the pools that Pebble keeps its buffers in.
var ballast []byte

const ballastSize = 16 << 20

// collector raises the target for as long as a sweep runs; sweeps may overlap.
var collector struct {
	sync.Mutex
	sweeps int
	before int
}

// raiseGCTarget collects garbage less often until restore is called, unless the variable GOGC says how often.
func raiseGCTarget() (restore func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	c := &collector
	c.Lock()
	defer c.Unlock()
	if ballast == nil {
		ballast = make([]byte, ballastSize)
	}
	if c.sweeps == 0 {
		c.before = debug.SetGCPercent(sweepGCPercent)
	}
	c.sweeps++
	return func() {
		c.Lock()
		defer c.Unlock()
		if c.sweeps--; c.sweeps == 0 {
			debug.SetGCPercent(c.before)
		}
	}
}
