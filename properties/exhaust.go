package properties

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// Bounds say how far Exhaust goes. The zero value is two crashes in each of all orders of arrival, for the
// smallest input.
type Bounds struct {
	// Crashes is how many crashes one world has at most: 2 when it is 0, up to 9; none when it is negative.
	Crashes int
	// Orders is how many times one world may deviate from the order in which things arrive, such as completions
	// of steps and acknowledgements of commits; 0 is any number, which is all orders.
	Orders int
	// Inputs is how many distinct inputs are tried, the smallest first: 1 when it is 0.
	Inputs int

	unmerged bool // tests only: worlds don't tell their states
}

// exhaustRuns bounds the worlds of Exhaust, when Config.Sim.Runs does not.
const exhaustRuns = 200_000

// Exhaust tries everything, within bounds, instead of drawing seeds: every crash point of the runs with every
// outcome (nothing of the commit is left, all of it, a torn part), every pair of them, crashes while the node
// recovers from a crash included, and all this in every order of arrival, on a warm engine and on a cold one.
// It fails the test with a report as Check does, or logs what it has proved:
//
//	all 24 orders of arrival, all 312 single and all 48,516 double crashes in them: no violation …
//
// followed by what was left out. In each world Config.Runs runs, 1 when it is 0, run at once; Config.Sim.Runs
// (200,000 when it is 0) and Config.Sim.AtMost bound the worlds and the wall time. What those bounds cut off
// is said, too. It takes no account of Config.Sim.Faults and Explore, and the flags and variables that choose
// runs don't change it; of the shards of a sweep the first does all of it. There is one node, as in Check:
// what several processes do to each other is for CheckService, which draws.
//
// A world is not run on when it comes to a state that another one, with as many crashes, has come to: what
// follows has been tried there. The state is taken when a node boots. It consists of the virtual time, all
// that the disk holds, what clients were told, the effects (which steps began, ended and called the
// simulator, in which order and when) and what the oracles have noted. So it is complete as long as the
// outside world of the steps is changed by steps alone and lives in the simulation, and Boot gives the
// workflow empty memory. A torn write is cut at its first, its middle and its last byte, because a store that
// keeps its promise loses a torn record wholly. A crashed node boots again after the shortest delay.
func Exhaust[In, Out any](t testing.TB, cfg Config[In, Out], bounds Bounds) {
	t.Helper()
	refuse(t, cfg.wrong())
	refuse(t, bounds.wrong())
	config, body, scope := exhaustive(cfg, bounds)
	t.Log("reprise: " + scope)
	sim.Check(t, config, body)
}

// wrong says what can't be.
func (b Bounds) wrong() string {
	if b.Crashes > 9 || b.Orders < 0 || b.Inputs < 0 {
		return fmt.Sprintf("properties: Bounds are {Crashes:%d Orders:%d Inputs:%d}: Crashes must be at most 9, "+
			"and Orders and Inputs 0 or more; 0 is the default of each", b.Crashes, b.Orders, b.Inputs)
	}
	return ""
}

// exhaustive is what Exhaust runs, how, and a line about what for.
func exhaustive[In, Out any](
	cfg Config[In, Out], bounds Bounds,
) (_ sim.Config, _ func(*sim.World), scope string) {
	mustWork(bounds.wrong())
	cfg.Runs = cmp.Or(cfg.Runs, 1)
	cfg = cfg.complete()
	config := cfg.Sim
	config.Explore = fmt.Sprintf("exhaust:%d", max(0, cmp.Or(bounds.Crashes, 2)))
	if bounds.Orders > 0 {
		config.Explore += fmt.Sprintf(",%d", bounds.Orders)
	}
	config.Runs = cmp.Or(config.Runs, exhaustRuns)
	config.Faults, config.NoFaults = fault.MustParse("crash 2%; torn 1%"), false
	inputs, why := generated(cfg.Inputs, cfg.Codec)
	inputs = distinct(inputs, cfg.Codec)
	inputs = inputs[:min(len(inputs), cmp.Or(bounds.Inputs, 1))]
	scope = fmt.Sprintf("tries runs of the inputs %+v, %d at once, on one node", inputs, cfg.Runs)
	return config, func(w *sim.World) {
		mustWork(why)
		s := newSession(&cfg, w)
		s.exhaustive, s.merging = true, !bounds.unmerged
		s.play(inputs)
	}, scope
}

// state tells the world the state that it is in, when the node boots.
func (s *session[In, Out]) state(st store.Store) {
	d := &digest{}
	err := st.Scan(nil, nil, func(key, value []byte) bool {
		d.bytes(key)
		d.bytes(value)
		return true
	})
	if err != nil {
		s.world.Fail(EngineOpens, "the node", err.Error())
	}
	d.text("told")
	for i := range s.clients {
		c := &s.clients[i]
		d.number(c.knows)
		if c.knows == knowsResult {
			told, _ := s.cfg.Codec.Encode(c.Result)
			d.bytes(told)
			d.text(fmt.Sprint(c.Err))
		}
	}
	s.watch.digest(d)
	s.world.State(d.data)
}

// digest collects what a state consists of, so that no two contents have the same bytes.
type digest struct{ data []byte }

func (d *digest) number(n int) { d.data = binary.AppendVarint(d.data, int64(n)) }

func (d *digest) bytes(b []byte) {
	d.number(len(b))
	d.data = append(d.data, b...)
}

func (d *digest) text(s string) {
	d.number(len(s))
	d.data = append(d.data, s...)
}
