package main

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestCrawler crawls small sites, while the process crashes and the site is slow.
func TestCrawler(t *testing.T) {
	properties.Check(t, web(NewCrawler))
}

// web is a crawler on a simulated site, of which a page is poisoned.
func web(newCrawler func(Fetch, durable.QueueConfig) Crawler) properties.Config[string, Report] {
	limits := durable.QueueConfig{Concurrency: 2, Rate: durable.Rate{Starts: 3, Per: 10 * time.Second}}
	return properties.Config[string, Report]{
		Inputs: rapid.Just(Home),
		Runs:   1,
		Sim:    sim.Config{Disk: store.NewMemoryDisk},
		World: func(w *sim.World) properties.World[string, Report] {
			net := w.Dependency("site")
			site := &Site{Size: 7, Poisoned: map[string]bool{"/1": true}}
			site.Answer = func(ctx context.Context) error {
				return net.Do(ctx, "get", func() error { return nil })
			}
			var c Crawler // of the process's current life
			return properties.World[string, Report]{
				Boot: func() *durable.Workflow[string, Report] {
					c = newCrawler(site.Fetch, limits)
					return c.Crawl
				},
				Others: func() []durable.Definition { return []durable.Definition{c.Page} },
				Queues: func() []durable.QueueDefinition { return []durable.QueueDefinition{c.Pages} },
				Holds: func(outcomes []properties.Outcome[string, Report]) {
					for _, o := range outcomes {
						require.NoError(w, o.Err)
						complete(w, o.Result)
						if n := o.Result.Busiest(limits.Rate.Per); n > limits.Rate.Starts {
							began := fmt.Sprintf("%d began within %v", n, limits.Rate.Per)
							w.Fail("the rate is kept", o.ID, began)
						}
					}
					w.Always("no more at once than may", site.Most <= limits.Concurrency)
				},
			}
		},
	}
}

// complete checks that each page was visited once. Only the poisoned page links to /4; /0 links to /3 too.
func complete(w *sim.World, r Report) {
	var visits []string
	for _, p := range r.Pages {
		visits = append(visits, p.URL)
	}
	slices.Sort(visits)
	if got := fmt.Sprint(visits, r.Broken); got != "[/0 /2 /3 /5 /6] [/1]" {
		w.Fail("each page is visited once, a broken one stops none", "crawl", "visited and broken: "+got)
	}
}

// TestTheHoarderIsFound: the set in memory shows when a run comes back that had left the memory.
func TestTheHoarderIsFound(t *testing.T) {
	cfg := sim.Config{Name: "TestHoarder", Runs: 1000, Disk: store.NewMemoryDisk}
	r, err := sim.Sweep(cfg, properties.Body(web(NewHoarder)))
	require.NoError(t, err)
	require.NotNil(t, r.Failure, "not found: %s", r.Summary())
	golden.Report(t, "README.md", r.Report)
}
