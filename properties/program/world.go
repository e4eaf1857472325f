package program

import (
	"fmt"
	"strings"
	"sync"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"pgregory.net/rapid"
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

// Deployment is what properties.CheckService plays a program on, on so many nodes that know nothing of each
// other: clients start its runs, or put them into the queue "line", and do with them all that a client can. A
// failure's report shows the program, and what clients did.
func (p Program) Deployment(w *sim.World, out Outside, nodes int) (d properties.Deployment) {
	out = p.shown(w, out)
	for i := range nodes {
		var queues []durable.QueueDefinition
		name := fmt.Sprint("node", i+1)
		d.Processes = append(d.Processes, properties.Process{
			Name: name,
			Boot: func(*sim.Node) []durable.Definition {
				main, others, own := p.Workflow(out)
				queues = append(own, durable.NewQueue("line", main, oneByOne))
				return append(others, main)
			},
			Queues: func() []durable.QueueDefinition { return queues },
		})
		for _, a := range actions() {
			d.Actions = append(d.Actions, a.On(name))
		}
	}
	return d
}

// actions are what clients do, with the runs of any program.
var actions = sync.OnceValue(func() []properties.Action {
	program, _, _ := Program(nil).Workflow(Outside{})
	small := rapid.IntRange(0, seconds-1)
	ask := func(number int) properties.Action {
		return properties.Asks(durable.NewUpdate[int, string](updateName(number)), small)
	}
	return []properties.Action{
		properties.Starts(program, small), properties.Awaits(program), properties.Posts(mail, small),
		ask(1), ask(2), properties.Gets(progress), properties.Looks(), properties.Cancels(),
		properties.Enqueues(program, durable.NewQueue("line", program, oneByOne), small),
		properties.Pauses(), properties.Resumes(), properties.Terminates(), properties.Retries(),
		properties.Forks(),
	}
})

// shown makes the program a part of reports, and completes the world outside.
func (p Program) shown(w *sim.World, out Outside) Outside {
	w.Explain(func() []string { return strings.Split("\n"+p.String(), "\n") })
	if out.Sleep == nil {
		out.Sleep = w.Sleep
	}
	return out
}
