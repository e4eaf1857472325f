package main

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"pgregory.net/rapid"
)

// TestApproval lets people decide, twice, late or never, and withdraw, while the process crashes.
func TestApproval(t *testing.T) {
	properties.CheckService(t, office(NewApproval))
}

// desk is an office that outlives every crash.
type desk struct {
	w    *sim.World
	open map[string]Verdict // documents that were asked about, and how they were filed
}

func (d *desk) Ask(_ context.Context, r Request) (bool, error) {
	if _, known := d.open[r.Document]; !known {
		d.open[r.Document] = ""
	}
	d.w.Sometimes("a document is escalated", r.Who == "manager")
	return true, nil
}

func (d *desk) File(_ context.Context, f Filing) (bool, error) {
	was := d.open[f.Document]
	d.w.Always("a document has one verdict", was == "" || was == f.Verdict, string(was), string(f.Verdict))
	d.open[f.Document] = f.Verdict
	d.w.Sometimes("a document is published", f.Verdict == Published)
	d.w.Sometimes("a document is withdrawn", f.Verdict == Withdrawn)
	return true, nil
}

type constructor func(Office, time.Duration) *durable.Workflow[string, Verdict]

func office(approval constructor) properties.Service {
	return properties.Service{Runs: 2, World: func(w *sim.World) properties.Deployment {
		d := &desk{w: w, open: map[string]Verdict{}}
		decisions := rapid.Map(rapid.Bool(), func(yes bool) Decision { return Decision{"editor", yes} })
		named := rapid.SampledFrom([]string{"memo", "letter"})
		boot := func(*sim.Node) []durable.Definition { return []durable.Definition{approval(d, 48*time.Hour)} }
		return properties.Deployment{
			Processes: []properties.Process{{Name: "office", Boot: boot}},
			Actions: []properties.Action{
				properties.Starts(approval(d, 48*time.Hour), named), properties.Posts(Decide, decisions),
				properties.Cancels(),
			},
			Holds: func([]properties.Did) {
				for _, document := range slices.Sorted(maps.Keys(d.open)) {
					w.Always("no document stays in review", d.open[document] != "", document)
				}
			},
		}
	}}
}
