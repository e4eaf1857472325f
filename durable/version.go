package durable

import "fmt"

// Version guards a change of workflow code, so that runs which passed this place before the change keep
// doing what they did. It returns 0 in those runs, and max in all others; what it returned is recorded, so a
// run gets the same answer for this change ever after, whatever the code says later. min and max are the
// versions that the code still knows how to run:
//
//	if durable.Version(ctx, "check stock first", 0, 1) >= 1 {
//		durable.Step(ctx, "check stock", …)
//	}
//
// Once no run is left that got 0, set min to 1 and remove the old code; the run of a removed version is
// parked with a *VersionError. Keep the call as long as there are runs that recorded it. Name the change once
// and for all; max grows by one with each further change of the same place.
func Version(ctx Context, change string, min, max int) int {
	b := ctx.enter("Version")
	if err := checkID("change's name", change); err != nil {
		panic(err.Error())
	}
	if min < 0 || max < 1 || min > max {
		panic(fmt.Sprintf("durable: Version of change %q has the bounds %d and %d; give it a lower bound of 0 or "+
			"more, where 0 is the code before the change, and an upper one of 1 or more that is no lower",
			change, min, max))
	}
	v := b.version(change, max)
	if v < min || v > max {
		b.m.stop(&VersionError{Run: b.m.run, Change: change, Version: v, Min: min, Max: max})
	}
	return v
}

// VersionError is why a run is parked that needs a version of a change which the code has no more, or not
// yet.
type VersionError struct {
	Run      string
	Change   string
	Version  int // that the run needs; 0 is the code before the change
	Min, Max int // that the code has
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("durable: run %q needs version %d of change %q, the code has %d to %d; run it with code "+
		"that has that version", e.Run, e.Version, e.Change, e.Min, e.Max)
}

// version decides which version of a change the run has, the first time that it is asked for.
func (b *branch) version(change string, newest int) int {
	m := b.m
	if v, known := m.versions[change]; known {
		return v
	}
	if m.versions == nil {
		m.versions = map[string]int{}
	}
	v, recorded := newest, true
	if e := m.replayed; e != nil {
		if err := e.spell(m.run); err != nil {
			m.stop(err)
		}
		v, recorded = recordedVersion(e.Commands, change)
	}
	m.versions[change] = v
	if recorded {
		m.commands = append(m.commands, Command{
			Kind: CommandVersion, Name: change, Fingerprint: uint64(v), pc: b.pc[0],
		})
	}
	return v
}

// recordedVersion looks in the commands of the entry that is replayed. Without one the run has passed here
// before the change.
func recordedVersion(commands []Command, change string) (v int, recorded bool) {
	for i := range commands {
		if c := &commands[i]; c.Kind == CommandVersion && c.Name == change {
			return int(c.Fingerprint), true
		}
	}
	return 0, false
}
