package shrink

import "sync"

// run runs the schedules, all at once, and returns their outcomes in the same order. It is the one place of
// the package where goroutines are started.
func (s *shrinker) run(batch []proposal) []Outcome {
	outcomes := make([]Outcome, len(batch))
	if len(batch) == 1 {
		outcomes[0] = s.try(batch[0].devs)
		return outcomes
	}
	var group sync.WaitGroup
	for i, p := range batch {
		group.Go(func() { outcomes[i] = s.try(p.devs) })
	}
	group.Wait()
	return outcomes
}
