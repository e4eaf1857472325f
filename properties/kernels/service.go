package kernels

import (
	"context"
	"strconv"
	"time"

	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
)

// signal is what Node.NewSignal makes.
type signal = interface {
	Fire()
	Wait(ctx context.Context) error
}

// service is a process with a store, for kernels to write their programs in.
type service struct {
	*sim.Node
	st store.Store // of the process that runs now
}

// serve makes a service. boot is what its process does first each time it starts; it may be nil.
func serve(w *sim.World, name string, boot func(s *service)) *service {
	s := &service{}
	s.Node = w.Node(name, func(n *sim.Node) {
		s.Node, s.st = n, n.Store()
		if boot != nil {
			boot(s)
		}
	})
	return s
}

// text reads from the store.
func (s *service) text(key string) (value string, recorded bool) {
	data, recorded, err := s.st.Get([]byte(key))
	return string(data), recorded && err == nil
}

// number reads a number from the store; 0 when it isn't there.
func (s *service) number(key string) int {
	value, _ := s.text(key)
	n, _ := strconv.Atoi(value)
	return n
}

// put writes in one commit: key, value, key, value. The values are texts and numbers.
func (s *service) put(pairs ...any) {
	var b store.Batch
	for i := 0; i < len(pairs); i += 2 {
		set(&b, pairs[i].(string), pairs[i+1])
	}
	_ = s.st.Commit(&b)
}

// create writes a key that must not be there yet. It reports whether it did.
func (s *service) create(key string, value any) bool {
	var b store.Batch
	b.RequireAbsent([]byte(key))
	set(&b, key, value)
	return s.st.Commit(&b) == nil
}

func set(b *store.Batch, key string, value any) {
	text, isText := value.(string)
	if !isText {
		text = strconv.Itoa(value.(int))
	}
	b.Set([]byte(key), []byte(text))
}

// call calls the service once; after a crash of its process there is no answer, and it reports false.
func (s *service) call(name string, fn func(ctx context.Context)) bool {
	ctx := s.World().Context()
	return s.Call(ctx, name, func(ctx context.Context) error { fn(ctx); return nil }) == nil
}

// insist calls the service until it answers, as clients do that want to be sure.
func (s *service) insist(name string, fn func(ctx context.Context)) {
	for !s.call(name, fn) {
		continue
	}
}

// clients call the service at the same time, each until it answers.
func (s *service) clients(calls ...func(ctx context.Context)) {
	name := func(i int) string { return "client " + strconv.Itoa(i+1) }
	s.World().Concurrently(name, len(calls), func(_ context.Context, i int) { s.insist(name(i), calls[i]) })
}

// work waits for something that happens outside of the process.
func (s *service) work(name string) { s.workFor(name, 0) }

// workFor waits for something that takes that long.
func (s *service) workFor(name string, d time.Duration) {
	over := s.NewSignal()
	s.ask(name, d, over.Fire)
	_ = over.Wait(s.World().Context())
}

// ask has something done outside of the process that takes that long, and goes on; answered is called when
// the process learns of its end.
func (s *service) ask(name string, d time.Duration, answered func()) {
	s.Offload("outside", name, func(ctx context.Context) {
		if d > 0 {
			_ = s.World().Sleep(ctx, d)
		}
	}, answered)
}

// both runs two functions as tasks of the process and waits until both have ended.
func (s *service) both(fn func(i int)) {
	left, over := 2, s.NewSignal()
	for i := range 2 {
		s.Go("branch "+strconv.Itoa(i+1), func(context.Context) {
			fn(i)
			if left--; left == 0 {
				over.Fire()
			}
		})
	}
	_ = over.Wait(s.World().Context())
}
