// Command crawler visits the 500 pages of a simulated site, no more than so many at once and so many a
// second, and is stopped and started again in the middle.
//
//	go run ./examples/crawler
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/store"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "crawler:", err)
		os.Exit(1)
	}
}

// limits of the queue, for all crawls together.
var limits = durable.QueueConfig{Concurrency: 20, Rate: durable.Rate{Starts: 50, Per: 250 * time.Millisecond}}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "crawler")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	site := &Site{Size: 500, Answer: Slowly(30 * time.Millisecond)}
	site.Poisoned = map[string]bool{"/313": true, "/401": true}
	began := time.Now()
	if _, err := crawl(ctx, dir, site, time.Second); err != nil {
		return err
	}
	_, pages := site.Fetches()
	fmt.Printf("the process stops after %.1f s and %d pages, and another one goes on\n",
		time.Since(began).Seconds(), pages)
	report, err := crawl(ctx, dir, site, time.Hour)
	if err != nil {
		return err
	}
	times, pages := site.Fetches()
	fmt.Printf("%d pages visited and %d found broken in %.1f s\n",
		len(report.Pages), len(report.Broken), time.Since(began).Seconds())
	fmt.Printf("%d pages were fetched %d times: what was there before is not fetched again\n", pages, times)
	fmt.Printf("at most %d at once, at most %d began within %v\n",
		site.Most, report.Busiest(limits.Rate.Per), limits.Rate.Per)
	return nil
}

// crawl is one life of the process: it lasts until the crawl has ended, or for so long.
func crawl(ctx context.Context, dir string, site *Site, life time.Duration) (Report, error) {
	st, err := store.OpenPebble(dir, store.PebbleOptions{})
	if err != nil {
		return Report{}, err
	}
	defer st.Close()
	c := NewCrawler(site.Fetch, limits)
	engine, err := durable.Open(durable.Config{
		Store: st, Workflows: []durable.Definition{c.Crawl}, Queues: []durable.QueueDefinition{c.Pages},
	})
	if err != nil {
		return Report{}, err
	}
	defer engine.Close(ctx)
	crawl, err := c.Crawl.Start(ctx, engine, "crawl-1", Home) // the same id is the same crawl
	if err != nil {
		return Report{}, err
	}
	alive, cancel := context.WithTimeout(ctx, life)
	defer cancel()
	report, err := crawl.Result(alive)
	if alive.Err() != nil {
		return Report{}, nil
	}
	return report, err
}
