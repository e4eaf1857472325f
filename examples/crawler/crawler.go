package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/reprise-dst/reprise/durable"
)

// Fetch gets a page and returns the pages that it links to.
type Fetch func(ctx context.Context, url string) (links []string, err error)

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

// Visited is how many pages a crawl has; it is published as the crawl goes on.
var Visited = durable.NewValue[int]("visited")

// Crawler is what a process registers. Crawl starts with a URL and visits all that can be reached from it.
type Crawler struct {
	Crawl *durable.Workflow[string, Report]
	Page  *durable.Workflow[string, Page]
	Pages *durable.Queue[string, Page]
}

// patience is how often a page is tried.
var patience = durable.StepOptions{Retry: durable.Retry{Attempts: 3}}

// NewCrawler returns a crawler that fetches no more than the limits allow: the step that fetches a page is a
// run of its own, which waits in the queue for its turn.
func NewCrawler(fetch Fetch, limits durable.QueueConfig) (c Crawler) {
	c.Page = durable.Define("page", func(ctx durable.Context, url string) (Page, error) {
		began := ctx.Now()
		links, err := durable.StepWith(ctx, patience, "fetch", fetch, url)
		return Page{url, began, links}, err
	})
	c.Pages = durable.NewQueue("pages", c.Page, limits)
	c.Crawl = durable.Define("crawl", func(ctx durable.Context, start string) (r Report, err error) {
		err = c.visit(ctx, start, map[string]bool{start: true}, &r)
		return r, err
	})
	return c
}

// visit visits a page, and then, side by side, those that it links to and that nobody has seen. The set and
// the report are shared by all branches, which is safe: one runs at a time.
func (c *Crawler) visit(ctx durable.Context, url string, seen map[string]bool, r *Report) error {
	page, err := c.Pages.EnqueueChild(ctx, url, durable.Item{}).Await(ctx)
	switch {
	case errors.Is(err, durable.ErrCancelled):
		return err
	case err != nil: // a page that is broken does not stop the others
		r.Broken = append(r.Broken, url)
		return nil
	}
	r.Pages = append(r.Pages, page)
	if err := Visited.Publish(ctx, len(r.Pages)); err != nil {
		return err
	}
	return durable.Scope(ctx, func(ctx durable.Context) error { // ends when its branches have ended
		for _, link := range page.Links {
			if !seen[link] {
				seen[link] = true
				durable.Go(ctx, link, func(ctx durable.Context) (struct{}, error) {
					return struct{}{}, c.visit(ctx, link, seen, r)
				})
			}
		}
		return nil
	})
}

// Site is a simulated site of so many pages, some of which can't be read.
type Site struct {
	Size   int
	Broken []string
}

// Home is the page to begin with.
const Home = "/0"

// Get returns the links of a page. Page n links to pages 2n+1 and 2n+2, so that all can be reached, to one
// more, and back to the home page.
func (s Site) Get(url string) (links []string, err error) {
	var n int
	if _, err := fmt.Sscanf(url, "/%d", &n); err != nil || slices.Contains(s.Broken, url) {
		return nil, fmt.Errorf("crawler: %s can't be read (%w)", url, durable.ErrFinal) // don't try again
	}
	for _, to := range []int{2*n + 1, 2*n + 2, 7*n + 3, 0} {
		if to < s.Size {
			links = append(links, fmt.Sprintf("/%d", to))
		}
	}
	return links, nil
}
