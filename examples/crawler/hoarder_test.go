package main

import (
	"sync"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/plantedtest"
	"github.com/reprise-dst/reprise/properties"
)

// NewHoarder has a planted bug: what was seen is kept in the process's memory, for each crawl. A crawl that
// starts finds nothing there, and so does the process after a crash, which replays the crawl from its
// beginning: all is well. But a run that only waits leaves the memory, when there are many of them, and comes
// back by replay in the same process. Then the replay finds its own future there, and visits nothing.
func NewHoarder(fetch Fetch, limits durable.QueueConfig) Crawler {
	c := NewCrawler(fetch, limits)
	var crawls sync.Map // of the process: what was seen, by the run's id
	c.Crawl = durable.Define("crawl", func(ctx durable.Context, start string) (r Report, err error) {
		seen, _ := crawls.LoadOrStore(ctx.RunID(), map[string]bool{start: true})
		err = c.visit(ctx, start, seen.(map[string]bool), &r)
		return r, err
	})
	return c
}

// TestHoarder finds it: the set in memory shows when a run comes back that had left the memory.
func TestHoarder(t *testing.T) {
	plantedtest.Found(t, properties.Body(web(NewHoarder)))
}
