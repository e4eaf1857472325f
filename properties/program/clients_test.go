package program_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/golden"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/properties/program"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// serving plays generated programs on so many nodes at most, with clients that do at random all that clients
// can.
func serving(nodes int, cfg program.Config, spoil func(st store.Store) store.Store) properties.Service {
	return properties.Service{World: func(w *sim.World) properties.Deployment {
		d := program.Pick(cfg, w.Pick).Deployment(w, program.Outside{}, 1+w.Pick("nodes", nodes))
		for i := range d.Processes {
			d.Processes[i].Open = func(cfg durable.Config) (*durable.Engine, error) {
				cfg.Store = spoil(cfg.Store)
				return durable.Open(cfg)
			}
		}
		return d
	}}
}

func honest(st store.Store) store.Store { return st }

func TestProgramsSurviveTheirClients(t *testing.T) {
	service := serving(2, program.Config{}, honest)
	service.Sim = sim.Config{Runs: 700, Disk: store.NewMemoryDisk}
	properties.CheckService(t, service)
}

// TestFaultsThatClientsSeeShrink plants faults of the store that no program shows by itself. Each is found,
// and shrunk to hardly any program, and to the calls that it takes.
func TestFaultsThatClientsSeeShrink(t *testing.T) {
	few := []string{"step", "sleep", "receive", "handle"}
	isFew := func(verb string) bool { return slices.Contains(few, verb) }
	cfg := program.Config{Length: 3, Depth: 1, Without: slices.DeleteFunc(program.Verbs(), isFew)}
	for _, c := range []struct {
		file, property string
		spoil          func(st store.Store) store.Store
		lines, calls   int // at most so many lines of the program's code, and calls of clients, are left
	}{
		{"ahead", properties.AckDurable, func(st store.Store) store.Store { return &ahead{Store: st} }, 1, 2},
		{"halves", properties.AckDurable, func(st store.Store) store.Store { return halves{st} }, 1, 2},
		{"forgetful", properties.MessageOnce, func(st store.Store) store.Store { return forgetful{st} }, 10, 2},
	} {
		t.Run(c.file, func(t *testing.T) {
			plan := sim.Config{Name: "Test", Runs: 10_000, ShrinkTime: time.Hour, Disk: store.NewMemoryDisk}
			r, err := sim.Sweep(plan, properties.ServiceBody(serving(1, cfg, c.spoil)))
			require.NoError(t, err)
			require.NotNil(t, r.Failure, "not found")
			require.Equal(t, c.property, r.Failure.Property, r.Report)
			code, calls, _ := strings.Cut(r.Report, "\n    clients:")
			require.LessOrEqual(t, strings.Count(calls, " // client "), c.calls, r.Report)
			_, code, _ = strings.Cut(code, "\tnote := ")
			require.LessOrEqual(t, strings.Count(code, "\n    \t")-1, c.lines, r.Report)
			report, _, _ := strings.Cut(r.Report, "\n    Reproduce:")
			golden.Assert(t, c.file+".txt", verdictAt.ReplaceAllString(report, "event #N")+"\n")
		})
	}
}

// ahead is a store that says of a message that it is durable, and writes it with the next commit.
type ahead struct {
	store.Store
	late *store.Batch
}

func (s *ahead) Commit(b *store.Batch) error {
	if s.late != nil {
		_ = s.Store.Commit(s.late)
		s.late = nil
	}
	if !posts(b) {
		return s.Store.Commit(b)
	}
	s.late = &store.Batch{}
	part(b, s.late, func(store.Op) bool { return true })
	return nil
}

// halves is a store that writes a message after the mark that it has come: who asks again after a crash is
// told that it was accepted.
type halves struct{ store.Store }

func (s halves) Commit(b *store.Batch) error {
	if !posts(b) {
		return s.Store.Commit(b)
	}
	isMark := func(op store.Op) bool {
		return op.Key[0] == 'r' && strings.Contains(string(op.Key), "\x00imail\x00")
	}
	var mark, rest store.Batch
	part(b, &mark, isMark)
	if err := s.Store.Commit(&mark); err != nil {
		return err
	}
	for op := range b.Requirements() {
		if op.Kind == store.OpRequireAbsent && !isMark(op) {
			rest.RequireAbsent(op.Key)
		}
	}
	for op := range b.Ops() {
		if !isMark(op) {
			rest.Set(op.Key, op.Value)
		}
	}
	return s.Store.Commit(&rest)
}

// forgetful is a store that does not remember which updates a run has taken until they are answered.
type forgetful struct{ store.Store }

func (s forgetful) Commit(b *store.Batch) error {
	var kept store.Batch
	part(b, &kept, func(op store.Op) bool {
		return op.Key[0] != 'u' || op.Kind != store.OpSet || op.Value[8] != 'o'
	})
	return s.Store.Commit(&kept)
}

// posts reports whether a client's message is written.
func posts(b *store.Batch) bool {
	message := func(op store.Op) bool {
		return op.Key[0] == 'q' && strings.Contains(string(op.Key), "\x00mmail\x00") && op.Kind == store.OpSet
	}
	return slices.ContainsFunc(slices.Collect(b.Ops()), message)
}

// part adds what is required, and some of what is written, to a batch.
func part(from, to *store.Batch, some func(op store.Op) bool) {
	for op := range from.Requirements() {
		if op.Kind == store.OpRequireAbsent {
			to.RequireAbsent(op.Key)
		} else {
			to.RequireValue(op.Key, op.Value)
		}
	}
	for op := range from.Ops() {
		switch {
		case !some(op):
		case op.Kind == store.OpSet:
			to.Set(op.Key, op.Value)
		case op.Kind == store.OpDelete:
			to.Delete(op.Key)
		default:
			to.DeleteRange(op.Key, op.Value)
		}
	}
}
