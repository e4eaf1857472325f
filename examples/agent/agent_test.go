package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"pgregory.net/rapid"
)

// TestAgent lets a person approve, refuse or say nothing, while the process crashes and the shop fails.
func TestAgent(t *testing.T) {
	properties.Check(t, desk(NewAgent))
}

// shop takes payments, each key once, and is out of order now and then. It is the person, too.
type shop struct {
	Script
	w        *sim.World
	paid     map[string][]string // keys of payments, by run
	approved map[string]bool     // runs
}

func (s *shop) Use(ctx context.Context, c Call, key string) (string, error) {
	if s.w.Chance("the shop is out of order", 0.1) {
		return "", errors.New("out of order")
	}
	if info, _ := durable.Info(ctx); c.Tool == "pay" && !slices.Contains(s.paid[info.Run], key) {
		s.w.Always("nothing is paid without approval", s.approved[info.Run])
		s.paid[info.Run] = append(s.paid[info.Run], key)
	}
	return "receipt " + key, nil
}

func (s *shop) Ask(ctx context.Context, _ Call) (bool, error) {
	info, _ := durable.Info(ctx)
	answer := s.w.Pick("the person", 3) // yes, no, nothing
	if answer == 2 {
		return true, nil
	}
	s.approved[info.Run] = s.approved[info.Run] || answer == 0
	return true, Approve.Post(ctx, durable.EngineOf(ctx), info.Run, answer == 0)
}

func desk(agent func(Services) *durable.Workflow[string, string]) properties.Config[string, string] {
	return properties.Config[string, string]{
		Inputs: rapid.SampledFrom([]string{"Lisbon", "Oslo"}),
		World: func(w *sim.World) properties.World[string, string] {
			s := &shop{w: w, paid: map[string][]string{}, approved: map[string]bool{}}
			return properties.World[string, string]{
				Boot: func() *durable.Workflow[string, string] { return agent(s) },
				Holds: func(outcomes []properties.Outcome[string, string]) {
					for _, o := range outcomes {
						paid := s.paid[o.ID]
						w.Sometimes("a trip is booked", o.Result != "" && o.Result != "not booked")
						w.Sometimes("a trip is not booked", o.Result == "not booked")
						w.Sometimes("the shop stays out of order", o.Err != nil) // perhaps after it was paid
						w.Always("no trip is paid twice", len(paid) <= 1, fmt.Sprint(paid))
						w.Always("what is booked is paid", o.Err != nil || (o.Result != "not booked") == (len(paid) == 1))
					}
				},
			}
		},
	}
}
