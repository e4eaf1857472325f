package sim

import (
	"github.com/reprise-dst/reprise/fault"
	"github.com/reprise-dst/reprise/internal/choice"
)

// place is where the world chooses something for a node.
type place uint8

// The places. Those at which a kind of fault may hit the node are asked only when the plan has a rule for it.
const (
	atCommit place = iota
	atSpawn
	atStart
	atEnd
	atTimer
	atAnswer
	atTorn
	atLost
	atSlow
	atSlowCommit
	atPause
	atClock
	atRead
	atWrite
	atSync
	atFull
	atTornBytes
	atReboot
	atCompletes
	atFlush
	atRot
	atRotPlace
	placeCount
)

// places holds what follows a node's name in the labels, and the kinds of faults.
var places = [placeCount]struct {
	label string
	kind  fault.Kind // empty for a choice that is no fault
}{
	atCommit:     {"/crash/commit", fault.Crash},
	atSpawn:      {"/crash/spawn", fault.Crash},
	atStart:      {"/crash/start", fault.Crash},
	atEnd:        {"/crash/end", fault.Crash},
	atTimer:      {"/crash/timer", fault.Crash},
	atAnswer:     {"/crash/answer", fault.Crash},
	atTorn:       {"/torn", fault.Torn},
	atLost:       {"/lost", fault.Torn},
	atSlow:       {"/slow", fault.Slow},
	atSlowCommit: {"/slow/commit", fault.Slow},
	atPause:      {"/pause", fault.Pause},
	atClock:      {"/clock", fault.ClockJump},
	atRead:       {"/io/read", fault.IOError},
	atWrite:      {"/io/write", fault.IOError},
	atSync:       {"/io/sync", fault.SyncError},
	atFull:       {"/io/full", fault.DiskFull},
	atTornBytes:  {"/torn/bytes", ""},
	atReboot:     {"/reboot", ""},
	atCompletes:  {"/completes", ""},
	atFlush:      {"/flush", ""},
	atRot:        {"/rot", fault.BitRot},
	atRotPlace:   {"/rot/place", ""},
}

// allowed says for each place whether the plan has a rule for its kind.
func allowed(plan fault.Plan) (all [placeCount]bool) {
	for at, p := range places {
		all[at] = p.kind == "" || plan.Has(p.kind)
	}
	return all
}

// site is a place of one node, opened when it is first asked.
type site struct {
	point  *choice.Point
	faults *fault.Site // nil for a choice that is no fault
}

// site is the node's site at a place.
func (n *Node) site(at place) *site {
	s := &n.sites[at]
	if s.point == nil {
		label := n.name + places[at].label
		s.point = n.world.list.Point(label)
		if kind := places[at].kind; kind != "" {
			s.faults = n.world.faults.Site(kind, n.name, label)
		}
	}
	return s
}

// ask asks whether a fault hits the node at a place, and which of its forms: 0 is none.
func (n *Node) ask(at place, answers int) int {
	if !n.world.cfg.allowed[at] {
		return 0
	}
	return n.site(at).faults.Ask(answers)
}

// point is the point of a place.
func (n *Node) point(at place) *choice.Point { return n.site(at).point }
