package durable_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/sim"
	"github.com/stretchr/testify/require"
)

// job is what an item of the crash tests is to do.
type job struct {
	ID    string
	Key   string
	Sleep time.Duration
	Bad   bool // it panics
}

// shop is a plant with a queue, and what was seen of it through all crashes.
type shop struct {
	*plant
	limits   durable.QueueConfig
	queue    *durable.Queue[job, string]
	worker   *durable.Workflow[job, string]
	starter  *durable.Workflow[[]job, int]
	accepted map[string][]string // ids by key, in the order in which one client was told
	begun    []string            // ids in the order in which their code first ran
	jobs     map[string]job
}

func newShop(w *sim.World) *shop {
	s := &shop{accepted: map[string][]string{}, jobs: map[string]job{}}
	s.limits = durable.QueueConfig{Concurrency: w.Pick("concurrency", 3), PerKey: w.Pick("per key", 2)}
	if n := w.Pick("rate", 3); n > 0 {
		s.limits.Rate = durable.Rate{Starts: n, Per: 10 * time.Second}
	}
	s.worker = s.defineWorker(true)
	s.queue = durable.NewQueue("q", s.worker, s.limits)
	s.starter = durable.Define("starter", func(ctx durable.Context, jobs []job) (int, error) {
		var all []durable.Future[string]
		for _, j := range jobs {
			how := durable.Item{ID: j.ID, Key: j.Key, Unique: j.ID}
			all = append(all, s.queue.EnqueueChild(ctx, j, how).Future)
		}
		_, err := durable.Gather(ctx, all...)
		return len(all), err
	})
	cfg := durable.Config{Queues: []durable.QueueDefinition{s.queue}}
	s.plant = newPlantWith(w, cfg, s.starter)
	return s
}

// defineWorker defines the workflow of the items; poisonous, or mended.
func (s *shop) defineWorker(poisonous bool) *durable.Workflow[job, string] {
	return durable.Define("worker", func(ctx durable.Context, j job) (string, error) {
		if j.Bad && poisonous {
			panic("a poisoned item")
		}
		_, err := durable.Step(ctx, "work", s.work, j)
		if err == nil && j.Sleep > 0 {
			err = ctx.Sleep(j.Sleep)
		}
		if err != nil {
			return "", err
		}
		return durable.Step(ctx, "more work", s.work, j)
	})
}

// work is a step of an item: while it runs, its run has a slot, and there are no more slots than there may
// be.
func (s *shop) work(_ context.Context, j job) (string, error) {
	if !slices.Contains(s.begun, j.ID) {
		s.begun = append(s.begun, j.ID)
	}
	slots, mine, perKey := 0, false, 0
	err := s.node.Store().Scan([]byte("Qq\x00s"), []byte("Qq\x00t"), func(k, _ []byte) bool {
		slots++
		key, run, _ := strings.Cut(string(k[4:]), "\x00")
		mine = mine || run == j.ID+"\x00"
		if key == j.Key {
			perKey++
		}
		return true
	})
	l, statusErr := durable.ReadStatus(s.node.Store(), j.ID)
	switch {
	case err != nil || statusErr != nil:
	case !mine && !l.Status.Final(): // else it has been ended, and the engine is about to learn that
		s.w.Fail("who runs has a slot", j.ID)
	case s.limits.Concurrency > 0 && slots > s.limits.Concurrency:
		s.w.Fail("no more run than may", j.ID, fmt.Sprint(slots))
	case j.Key != "" && perKey > max(s.limits.PerKey, 1):
		s.w.Fail("no more of a key run than may", j.ID, fmt.Sprint(perKey))
	}
	return j.ID, nil
}

// client puts jobs into the queue, one after the other, and awaits them in the end.
func (s *shop) client(ctx context.Context, i int) {
	w := s.w
	key := []string{"", "a", "b"}[i]
	var ids []string
	for n := range 3 {
		j := job{
			ID: fmt.Sprint("client", i, "/", n), Key: key, Bad: w.Pick("poison", 8) == 7,
			Sleep: time.Duration(w.Pick("sleep of job", 3)) * 7 * time.Second,
		}
		how := durable.Item{ID: j.ID, Key: key, Unique: j.ID}
		delay := w.Pick("delay of item", 6)
		if delay > 3 {
			how.Delay = time.Duration(delay) * time.Second
		}
		if w.Pick("urgent", 4) == 3 {
			how.Priority = 1
		}
		require.NoError(w, s.insist(ctx, "enqueue "+j.ID, func(ctx context.Context) error {
			_, err := s.queue.Enqueue(ctx, s.engine, j, how)
			if errors.Is(err, durable.ErrDuplicate) {
				s.w.Fail("an item is its own duplicate", j.ID)
			}
			return err
		}))
		s.jobs[j.ID] = j
		ids = append(ids, j.ID)
		if how.Delay == 0 && how.Priority == 0 {
			s.accepted[key] = append(s.accepted[key], j.ID)
		}
		_ = w.Sleep(ctx, time.Duration(w.Pick("pause of client", 3))*time.Second)
	}
	s.disturb(ctx, ids[w.Pick("whom", len(ids))])
	for _, id := range ids {
		s.await(ctx, id)
	}
}

// disturb ends an item early, wherever it is.
func (s *shop) disturb(ctx context.Context, id string) {
	stop := s.w.Pick("disturb", 4)
	if stop < 2 {
		return
	}
	err := s.insist(ctx, "stop "+id, func(ctx context.Context) error {
		if stop == 2 {
			return s.engine.Cancel(ctx, id, "")
		}
		return s.engine.Terminate(ctx, id, "")
	})
	if err != nil && !errors.Is(err, durable.ErrEnded) && !errors.Is(err, durable.ErrParked) {
		require.NoError(s.w, err)
	}
}

// await waits for the end of an item. A parked one is resumed once, which changes nothing, and terminated.
func (s *shop) await(ctx context.Context, id string) {
	_, err := resultOn(ctx, s.plant, s.worker, id)
	if errors.Is(err, durable.ErrParked) {
		require.NoError(s.w, s.insist(ctx, "end "+id, func(ctx context.Context) error {
			_ = s.engine.Resume(id)
			err := s.engine.Terminate(ctx, id, "poisoned")
			if errors.Is(err, durable.ErrEnded) {
				return nil
			}
			return err
		}))
		_, err = resultOn(ctx, s.plant, s.worker, id)
	}
	if err == nil || errors.Is(err, durable.ErrCancelled) || errors.Is(err, durable.ErrTerminated) {
		return
	}
	require.NoError(s.w, err)
}

// TestQueuesThroughCrashes: the limits hold whatever crashes, items of a key begin in order, each ends, and
// nothing is left of them.
func TestQueuesThroughCrashes(t *testing.T) {
	sweepPlant(t, 700, func(w *sim.World) {
		s := newShop(w)
		jobs := []job{{ID: "p/1"}, {ID: "p/2", Key: "p", Sleep: time.Second}, {ID: "p/3", Key: "p"}}
		for _, j := range jobs {
			s.jobs[j.ID] = j
		}
		s.accepted["p"] = []string{"p/2", "p/3"}
		startOn(w.Context(), s.plant, s.starter, "p", jobs)
		client := func(i int) string { return fmt.Sprint("client ", i) }
		w.Concurrently(client, 3, s.client)
		n, err := resultOn(w.Context(), s.plant, s.starter, "p")
		require.NoError(w, err)
		require.Equal(w, 3, n)
		s.checkOrder()
		s.checkRate()
		s.settled(named(s.defineWorker(false), s.starter))
	})
}

// checkOrder compares, for each key with one slot, the order in which items began with that of acceptance.
func (s *shop) checkOrder() {
	if s.limits.PerKey > 1 {
		return
	}
	for _, key := range []string{"a", "b", "p"} {
		var want, got []string
		for _, id := range s.accepted[key] {
			if slices.Contains(s.begun, id) {
				want = append(want, id)
			}
		}
		for _, id := range s.begun {
			if slices.Contains(want, id) {
				got = append(got, id)
			}
		}
		require.Equal(s.w, want, got, "items of key %q began in another order", key)
	}
}

// checkRate looks at every window of the rate's length.
func (s *shop) checkRate() {
	s.w.StopFaults()
	require.NoError(s.w, s.insist(s.w.Context(), "look", func(context.Context) error {
		var starts []time.Time
		for id := range s.jobs { //tidy:unordered sorted below
			j, err := durable.ReadJournal(s.node.Store(), id)
			require.NoError(s.w, err)
			if slices.Contains(s.begun, id) {
				starts = append(starts, j.Entries[0].Event.Time)
			}
		}
		slices.SortFunc(starts, time.Time.Compare)
		rate := s.limits.Rate
		for i := rate.Starts; rate.Starts > 0 && i < len(starts); i++ {
			if d := starts[i].Sub(starts[i-rate.Starts]); d < rate.Per {
				s.w.Fail("no more start in a window than may", "the queue",
					fmt.Sprintf("%d starts within %v", rate.Starts+1, d))
			}
		}
		requireEmptyQueues(s.w, s.node.Store())
		return nil
	}))
}
