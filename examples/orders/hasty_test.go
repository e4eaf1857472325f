package main

import (
	"context"
	"sync"
	"testing"

	"github.com/reprise-dst/reprise/durable"
	"github.com/reprise-dst/reprise/internal/plantedtest"
	"github.com/reprise-dst/reprise/properties"
	"github.com/reprise-dst/reprise/sim"
	"github.com/reprise-dst/reprise/store"
	"github.com/stretchr/testify/require"
)

// NewHastyOrder is NewOrder with a planted bug, to show what a report looks like. Its author noticed that
// the label is often printed before the payment is through, and saves a wait then: the label step leaves
// the label in the process's memory, where the ship step finds it. That is right, unless the process crashes
// after the label came first and before the parcel is shipped: the label step does not run again, and the
// memory of the new process is empty. It takes both, an unusual completion order and a crash at the right
// moment.
func NewHastyOrder(s Services) *durable.Workflow[Order, Receipt] {
	var labels sync.Map // of the process, by run
	print := func(ctx context.Context, o Order) (string, error) {
		label, err := s.Label(ctx, o)
		step, _ := durable.Info(ctx)
		labels.Store(step.Run, label)
		return label, err
	}
	ship := func(ctx context.Context, parcel Shipment) (string, error) {
		step, _ := durable.Info(ctx)
		if label, ok := labels.Load(step.Run); ok {
			parcel.Label = label.(string)
		}
		return s.Ship(ctx, parcel)
	}
	return durable.Define("order", func(ctx durable.Context, o Order) (r Receipt, err error) {
		durable.OnFailure(ctx, "release", s.Release, o)
		if _, err := durable.Step(ctx, "reserve", s.Reserve, o); err != nil {
			return r, err
		}
		durable.OnFailure(ctx, "refund", s.Refund, o)
		charge := durable.Async(ctx, "charge", s.Charge, o)
		label := durable.Async(ctx, "label", print, o)
		if r.Payment, err = charge.Await(ctx); err != nil {
			return r, err
		}
		parcel := Shipment{Item: o.Item, Payment: r.Payment}
		if !label.Done() {
			if parcel.Label, err = label.Await(ctx); err != nil {
				return r, err
			}
		}
		if r.Tracking, err = durable.Step(ctx, "ship", ship, parcel); err == nil {
			_, _ = durable.Step(ctx, "notify", s.Notify, r.Tracking)
		}
		return r, err
	})
}

// TestHastyOrder finds it.
func TestHastyOrder(t *testing.T) {
	plantedtest.Found(t, properties.Body(shop(NewHastyOrder)))
}

// TestTheHastyOrderNeedsACrash: without crashes there is nothing to be found, in any order of completions.
func TestTheHastyOrderNeedsACrash(t *testing.T) {
	cfg := sim.Config{Name: "TestHastyOrder", Runs: 2000, Disk: store.NewMemoryDisk, NoFaults: true}
	r, err := sim.Sweep(cfg, properties.Body(shop(NewHastyOrder)))
	require.NoError(t, err)
	require.Nil(t, r.Failure, "it should take a crash: %s", r.Report)
}
