package sim

import (
	"fmt"
	"strings"

	"github.com/reprise-dst/reprise/internal/choice"
)

// investigate turns a finding into a report: it runs the seed again, with the trace recorded, twice.
func investigate(cfg *Config, body func(*World), f *finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "reprise: %s\n", f.failure.verdict())
	for _, line := range f.failure.Detail {
		b.WriteString("    " + line + "\n")
	}
	fmt.Fprintf(&b, "\n    seed %d\n", f.seed)
	if f.blocked {
		return b.String()
	}
	w := perform(cfg, body, f.seed, choice.Seeded(f.seed))
	for _, d := range w.deviations {
		fmt.Fprintf(&b, "      #%d %s %s %s\n", d.event, offsetText(d.at), d.subject, d.text)
	}
	b.WriteString(traceText(w.trace.log))
	return b.String()
}

// perform runs one world with its trace recorded, watched, on a goroutine of its own.
func perform(cfg *Config, body func(*World), seed uint64, src choice.Source) *World {
	var world *World
	l := startLane(func(l *lane) bool {
		if world != nil {
			return false
		}
		world = newWorld(cfg, seed, src, true)
		l.perform(&job{world: world, ended: func(*World) {}}, body)
		return true
	})
	if hung := awaitLanes([]*lane{l}); hung != nil {
		hung.world.failure = hung.failure
	}
	return world
}
