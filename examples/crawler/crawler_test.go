package main

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestCrawler crawls a small site, a page of which is broken, while the process crashes and the site is slow.
func TestCrawler(t *testing.T) {
	properties.Check(t, web(NewCrawler))
}

func web(newCrawler func(Fetch, durable.QueueConfig) Crawler) properties.Config[string, Report] {
	limits := durable.QueueConfig{Concurrency: 2, Rate: durable.Rate{Starts: 3, Per: 10 * time.Second}}
	return properties.Config[string, Report]{
		Inputs:    rapid.Just(Home),
		Runs:      1,
		FaultFree: true,
		Sim:       sim.Config{Disk: store.NewMemoryDisk},
		World: func(w *sim.World) properties.World[string, Report] {
			site, net, visitors := Site{7, []string{"/1"}}, w.Dependency("site"), 0
			fetch := func(ctx context.Context, url string) (links []string, err error) {
				visitors++
				defer func() { visitors-- }()
				w.Always("no more at once than may", visitors <= limits.Concurrency)
				err = net.Do(ctx, "get", func() (err error) { links, err = site.Get(url); return err })
				return links, err
			}
			var c Crawler // of the process's current life
			return properties.World[string, Report]{
				Boot: func() *durable.Workflow[string, Report] {
					c = newCrawler(fetch, limits)
					return c.Crawl
				},
				Others: func() []durable.Definition { return []durable.Definition{c.Page} },
				Queues: func() []durable.QueueDefinition { return []durable.QueueDefinition{c.Pages} },
				Holds: func(outcomes []properties.Outcome[string, Report]) {
					for _, o := range outcomes {
						require.NoError(w, o.Err)
						complete(w, o.Result)
						rateKept(w, limits.Rate, o.Result)
					}
				},
			}
		},
	}
}

// complete checks that each page was visited once. Only the broken page links to /4; /0 links to /3 too.
func complete(w *sim.World, r Report) {
	var visits []string
	for _, p := range r.Pages {
		visits = append(visits, p.URL)
	}
	slices.Sort(visits)
	got := fmt.Sprint(visits, r.Broken)
	w.Always("each page is visited once, a broken one stops none", got == "[/0 /2 /3 /5 /6] [/1]", got)
}

// rateKept looks at the windows that begin with a page.
func rateKept(w *sim.World, rate durable.Rate, r Report) {
	for _, first := range r.Pages {
		began := 0
		for _, p := range r.Pages {
			if after := p.Began.Sub(first.Began); after >= 0 && after < rate.Per {
				began++
			}
		}
		w.Always("the rate is kept", began <= rate.Starts, fmt.Sprint(began, " began within ", rate.Per))
	}
}
