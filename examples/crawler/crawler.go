package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/reprise-dst/reprise/durable"
)

// Fetch gets a page and returns the pages that it links to.
type Fetch func(ctx context.Context, url string) (links []string, err error)

// ErrPoisoned is the error of a page that can't be had, however often one tries.
var ErrPoisoned = errors.New("crawler: the page can't be read")

func init() { durable.RegisterError(ErrPoisoned) }

// Page is a page that was fetched.
type Page struct {
	URL   string
	Began time.Time // when the queue let it start
	Links []string
}

// Report is what a crawl has found.
type Report struct {
	Pages  []Page   // in the order in which they were there
	Broken []string // the pages that could not be had
}

// Crawler is what a process registers. Crawl starts with a URL and visits all that can be reached from it.
type Crawler struct {
	Crawl *durable.Workflow[string, Report]
	Page  *durable.Workflow[string, Page]
	Pages *durable.Queue[string, Page]
}

// patience is how often a page is tried.
var patience = durable.StepOptions{
	Retry: durable.Retry{Attempts: 3, Interval: 100 * time.Millisecond},
}

// NewCrawler returns a crawler that fetches no more than the limits allow. Each page is a run of its own, an
// item of the queue, whose one step fetches it.
func NewCrawler(fetch Fetch, limits durable.QueueConfig) Crawler {
	return newCrawler(fetch, limits, func(string) *visited { return &visited{} })
}

// NewHoarder has a planted bug: what was visited is kept in the process's memory, for each crawl. A crawl
// that starts finds nothing there, and so does the process after a crash, which replays the crawl from its
// beginning: all is well. But a run that only waits leaves the memory, when there are many of them, and comes
// back by replay in the same process. Then the replay finds its own future there, and visits nothing.
func NewHoarder(fetch Fetch, limits durable.QueueConfig) Crawler {
	var crawls sync.Map // of the process: what was visited, by the run's id
	return newCrawler(fetch, limits, func(run string) *visited {
		was, _ := crawls.LoadOrStore(run, &visited{})
		return was.(*visited)
	})
}

// visited is the set of pages that were asked for.
type visited struct{ urls map[string]bool }

func (v *visited) add(url string) (added bool) {
	if v.urls == nil {
		v.urls = map[string]bool{}
	}
	added = !v.urls[url]
	v.urls[url] = true
	return added
}

func newCrawler(fetch Fetch, limits durable.QueueConfig, visitedBy func(run string) *visited) (c Crawler) {
	c.Page = durable.Define("page", func(ctx durable.Context, url string) (Page, error) {
		page := Page{URL: url, Began: ctx.Now()}
		var err error
		page.Links, err = durable.StepWith(ctx, patience, "fetch", fetch, url)
		return page, err
	})
	c.Pages = durable.NewQueue("pages", c.Page, limits)
	c.Crawl = durable.Define("crawl", func(ctx durable.Context, start string) (r Report, err error) {
		seen := visitedBy(ctx.RunID())
		seen.add(start)
		err = c.visit(ctx, start, seen, &r)
		return r, err
	})
	return c
}

// visit visits a page, and then, side by side, those that it links to and that nobody has visited. The set
// and the report are shared by all branches, which is safe: one runs at a time.
func (c *Crawler) visit(ctx durable.Context, url string, seen *visited, r *Report) error {
	page, err := c.Pages.EnqueueChild(ctx, url, durable.Item{}).Await(ctx)
	switch {
	case errors.Is(err, durable.ErrCancelled):
		return err
	case err != nil: // a page that is broken does not stop the others
		r.Broken = append(r.Broken, url)
		return nil
	}
	r.Pages = append(r.Pages, page)
	var branches []durable.Future[struct{}]
	for _, link := range page.Links {
		if seen.add(link) {
			branches = append(branches, durable.Go(ctx, link, func(ctx durable.Context) (struct{}, error) {
				return struct{}{}, c.visit(ctx, link, seen, r)
			}))
		}
	}
	_, err = durable.Gather(ctx, branches...)
	return err
}

// Busiest is how many of the pages began in the busiest window of this length.
func (r *Report) Busiest(window time.Duration) (most int) {
	for _, first := range r.Pages {
		n := 0
		for _, p := range r.Pages {
			if after := p.Began.Sub(first.Began); after >= 0 && after < window {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}
