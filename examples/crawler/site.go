package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/reprise-dst/reprise/durable"
)

// Site is a simulated site of so many pages; it counts who comes.
type Site struct {
	Size     int
	Poisoned map[string]bool // what can't be read
	Answer   func(ctx context.Context) error

	mu      sync.Mutex
	fetched map[string]int
	now     int // visitors
	Most    int // visitors at once
}

// Home is the page to begin with.
const Home = "/0"

// Fetch implements Fetch. Page n links to pages 2n+1 and 2n+2, so that all can be reached, to one more, and
// back to the home page.
func (s *Site) Fetch(ctx context.Context, url string) (links []string, err error) {
	s.enter(url)
	defer s.leave()
	if err := s.Answer(ctx); err != nil {
		return nil, err
	}
	if s.Poisoned[url] {
		return nil, fmt.Errorf("%w: %s (%w)", ErrPoisoned, url, durable.ErrFinal)
	}
	var n int
	if _, err := fmt.Sscanf(url, "/%d", &n); err != nil {
		return nil, fmt.Errorf("crawler: no such page: %s", url)
	}
	for _, to := range []int{2*n + 1, 2*n + 2, 7*n + 3, 0} {
		if to < s.Size {
			links = append(links, fmt.Sprintf("/%d", to))
		}
	}
	return links, nil
}

func (s *Site) enter(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fetched == nil {
		s.fetched = map[string]int{}
	}
	s.fetched[url]++
	s.now++
	s.Most = max(s.Most, s.now)
}

func (s *Site) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
}

// Fetches is how often pages were fetched, and how many pages.
func (s *Site) Fetches() (times, pages int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.fetched {
		times += n
	}
	return times, len(s.fetched)
}

// Slowly answers after this time.
func Slowly(d time.Duration) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
