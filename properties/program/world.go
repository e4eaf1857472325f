package program

import (
	"strings"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
)

// World is what properties.Check plays a program in. A failure's report shows the program.
func (p Program) World(w *sim.World, out Outside) properties.World[int, string] {
	out = p.shown(w, out)
	var others []durable.Definition
	var queues []durable.QueueDefinition
	return properties.World[int, string]{
		Boot: func() (main *durable.Workflow[int, string]) {
			main, others, queues = p.Workflow(out)
			return main
		},
		Others: func() []durable.Definition { return others },
		Queues: func() []durable.QueueDefinition { return queues },
	}
}

// shown makes the program a part of reports, and completes the world outside.
func (p Program) shown(w *sim.World, out Outside) Outside {
	w.Explain(func() []string { return strings.Split("\n"+p.String(), "\n") })
	if out.Sleep == nil {
		out.Sleep = w.Sleep
	}
	return out
}
