// Command crawler visits the 500 pages of a simulated site, no more than so many at once and so many a
// second, and is stopped and started again in the middle.
//
//	go run ./examples/crawler
package main

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
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

var (
	limits  = durable.QueueConfig{Concurrency: 20, Rate: durable.Rate{Starts: 50, Per: 250 * time.Millisecond}}
	site    = Site{Size: 500, Broken: []string{"/313", "/401"}}
	fetches atomic.Int64
)

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "crawler")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("%d pages, %d at once, %d in any %v\n",
		site.Size, limits.Concurrency, limits.Rate.Starts, limits.Rate.Per)
	var report Report
	for _, pages := range []int{200, site.Size} { // the first process ends early, another one goes on
		fmt.Println("a process begins")
		if report, err = crawl(ctx, dir, pages); err != nil {
			return err
		}
	}
	fmt.Printf("%d pages visited, %d broken; %d fetches: what was recorded was not fetched again\n",
		len(report.Pages), len(report.Broken), fetches.Load())
	return nil
}

func slowly(_ context.Context, url string) ([]string, error) {
	fetches.Add(1)
	time.Sleep(30 * time.Millisecond)
	return site.Get(url)
}

// crawl is one life of the process: it lasts until the crawl has so many pages, or has ended.
func crawl(ctx context.Context, dir string, pages int) (r Report, err error) {
	st, err := store.OpenPebble(dir, store.PebbleOptions{})
	if err != nil {
		return r, err
	}
	defer st.Close()
	c := NewCrawler(slowly, limits)
	engine, err := durable.Open(durable.Config{
		Store: st, Workflows: []durable.Definition{c.Crawl}, Queues: []durable.QueueDefinition{c.Pages},
	})
	if err != nil {
		return r, err
	}
	defer engine.Close(ctx)
	crawl, err := c.Crawl.Start(ctx, engine, "crawl-1", Home) // the same id is the same crawl
	if err != nil {
		return r, err
	}
	said, began := 0, time.Now()
	for n, err := range Visited.Watch(ctx, engine, crawl.ID()) {
		if err != nil {
			return r, err
		}
		if n >= said+100 {
			said = n - n%100
			fmt.Printf("  %3d pages  %.1f s\n", said, time.Since(began).Seconds())
		}
		if n >= pages {
			return r, nil
		}
	}
	return crawl.Result(ctx)
}
